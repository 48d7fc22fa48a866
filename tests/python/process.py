"""Starts the program under test, watches it, and ends it with all it wrote at hand.

Knows how processes behave; knows nothing of what they serve.
"""

import collections
import os
import queue
import signal
import socket
import subprocess
import threading
import time

START_LIMIT = 20.0
STOP_LIMIT = 10.0
TAIL_LINES = 40


def binary():
    """The program under test; `cargo xtask test` builds it and says where."""
    path = os.environ.get("ANTIPHON_BIN")
    if not path:
        raise RuntimeError("ANTIPHON_BIN is not set: run `cargo xtask test`, or set it to the built program")
    if not os.access(path, os.X_OK):
        raise RuntimeError(f"ANTIPHON_BIN={path} is not a program")
    return path


def free_port():
    """A port of 127.0.0.1 that nobody uses just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(predicate, timeout=20.0, what="the condition", every=0.05):
    """Calls `predicate` until it gives something true, and returns that.

    What the predicate last gave or raised is in the error, since it says why the wait failed.
    """
    deadline = time.monotonic() + timeout
    last = None
    while time.monotonic() < deadline:
        try:
            last = predicate()
            if last:
                return last
        except AssertionError as error:
            last = error
        time.sleep(every)
    raise AssertionError(f"{what} did not come true within {timeout} s; last: {last!r}")


class ProgramDied(Exception):
    """A program ended by itself or panicked; waiting longer cannot help."""


class Process:
    """One running program."""

    def __init__(self, name, arguments, folder):
        self.name = name
        self.arguments = [binary(), *arguments]
        self.lines = queue.Queue()
        self.tail = collections.deque(maxlen=TAIL_LINES)
        self.panics = []
        self.is_stopped = False
        self.child = subprocess.Popen(
            self.arguments,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
        )
        self.readers = [self._read(self.child.stdout, True), self._read(self.child.stderr, False)]

    def _read(self, stream, is_output):
        def run():
            with stream:
                for line in stream:
                    self.tail.append(("out| " if is_output else "err| ") + line.rstrip("\n"))
                    if "panicked at" in line:
                        self.panics.append(line.strip())
                    if is_output:
                        self.lines.put(line)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread

    def first_line(self):
        """The first line of standard output; fails when the program ends before it."""
        deadline = time.monotonic() + START_LIMIT
        while time.monotonic() < deadline:
            try:
                return self.lines.get(timeout=0.05)
            except queue.Empty:
                if self.child.poll() is not None and self.lines.empty():
                    raise AssertionError(self.report("ended before it printed a line")) from None
        raise AssertionError(self.report(f"printed nothing within {START_LIMIT} s"))

    def is_running(self):
        return self.child.poll() is None

    def kill(self):
        """Ends the program the hard way, as a power cut would."""
        self.is_stopped = True
        self.child.kill()
        self._end()

    def stop(self):
        """Asks the program to end and says how it ended; its exit code is returned."""
        self.is_stopped = True
        if self.is_running():
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(STOP_LIMIT)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self._end()
                raise AssertionError(self.report(f"did not end within {STOP_LIMIT} s of SIGTERM")) from None
        self._end()
        return self.child.returncode

    def _end(self):
        self.child.wait()
        for reader in self.readers:
            reader.join(STOP_LIMIT)

    def check(self):
        """Fails when the program died by itself or panicked."""
        if not self.is_stopped and not self.is_running():
            raise ProgramDied(self.report(f"ended by itself with code {self.child.returncode}"))
        if self.panics:
            raise ProgramDied(self.report(f"panicked: {self.panics}"))

    def report(self, what):
        """What happened, with the last lines that the program wrote."""
        command = " ".join(self.arguments)
        return "\n".join([f"{self.name} {what}", f"command: {command}", *self.tail])


class Processes:
    """All programs of one test."""

    def __init__(self, folder):
        self.folder = folder
        self.all = []

    def start(self, name, *arguments):
        process = Process(name, [str(argument) for argument in arguments], self.folder)
        self.all.append(process)
        return process

    def close(self):
        """Ends all programs; the first thing that was wrong with one of them is raised."""
        wrong = []
        for process in reversed(self.all):
            for action in (process.check, process.stop, process.check):
                try:
                    action()
                except (AssertionError, ProgramDied) as error:
                    wrong.append(error)
                    break
        for process in self.all:
            if process.is_running():
                process.kill()
        if wrong:
            raise wrong[0]
