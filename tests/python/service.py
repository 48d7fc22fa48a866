"""The whole world: both sandboxes and `antiphon serve` on them, as three processes.

Knows the configuration file, the commands and the health addresses of the program; knows nothing of
how it works inside.
"""

import json
import subprocess

import requests

from process import ProgramDied, binary, free_port, wait_until
from sandbox import TIMEOUT, CanvasSandbox, DiscourseSandbox

READY_LIMIT = 30.0
COMMAND_LIMIT = 60.0
WEBHOOK_PATH = "/webhook/discourse"
WEBHOOK_SECRET = "a-secret-for-web-hooks"
# The types of events of topics and posts, in the numbering of current servers (contract discourse 14.1).
WEBHOOK_EVENTS = [101, 102, 103, 104, 105, 201, 202, 203, 204]


def toml(value):
    """One value as TOML; JSON strings, numbers and booleans are the same there."""
    return json.dumps(value)


def table(name, entries, is_list=False):
    brackets = ("[[", "]]") if is_list else ("[", "]")
    lines = [f"{brackets[0]}{name}{brackets[1]}", *(f"{key} = {toml(value)}" for key, value in entries.items())]
    return "\n".join(lines) + "\n"


class Service:
    """`antiphon serve` with a configuration of its own; can be stopped, killed and started again."""

    def __init__(self, processes, folder, tables, courses):
        self.processes = processes
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.config = folder / "antiphon.toml"
        tables = {
            "database": {"url": f"sqlite:{folder / 'antiphon.db'}"},
            "web": {"listen": f"127.0.0.1:{self.port}"},
            **tables,
        }
        text = [table(name, entries) for name, entries in tables.items()]
        text += [table("course", entries, is_list=True) for entries in courses]
        self.config.write_text("\n".join(text), encoding="utf-8")
        self.process = None

    def start(self):
        """Starts it and waits until it says that it is ready."""
        self.process = self.processes.start("antiphon serve", "serve", "--config", self.config)
        wait_until(self.is_ready, READY_LIMIT, "readiness of antiphon serve")
        return self

    def is_ready(self):
        if not self.process.is_running():
            raise ProgramDied(self.process.report(f"ended with code {self.process.child.returncode}"))
        try:
            return requests.get(f"{self.url}/readyz", timeout=TIMEOUT).ok
        except requests.exceptions.ConnectionError:
            return False

    def kill(self):
        """Ends it at once, as a power cut would."""
        self.process.kill()

    def restart(self):
        """Starts it again on the same database."""
        if self.process.is_running():
            self.process.stop()
        return self.start()

    def run(self, *arguments, expected=0):
        """Runs a command to its end on the same configuration and returns its output."""
        command = [binary(), *(str(argument) for argument in arguments), "--config", str(self.config)]
        done = subprocess.run(
            command, cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=COMMAND_LIMIT, check=False,
        )
        assert done.returncode == expected, (
            f"{' '.join(command)}: code {done.returncode}, not {expected}\n{done.stdout}\n{done.stderr}"
        )
        return done.stdout

    def read(self, *arguments):
        """Runs a reading command with `--json` and returns its objects, one for each line."""
        output = self.run(*arguments, "--json")
        return [json.loads(line) for line in output.splitlines() if line.strip()]

    def entities(self, kind=None):
        """What `entity list` says, of one kind or of all."""
        found = self.read("entity", "list")
        return [entity for entity in found if kind in (None, entity["kind"])]


class World:
    """Both sandboxes and the service."""

    def __init__(self, processes, folder):
        self.canvas = CanvasSandbox(processes, "--empty")
        self.discourse = DiscourseSandbox(processes, "--empty")
        self.course = self.canvas.course()
        self.forum = self.discourse.client()
        self.category = self.discourse.category()
        tables = {
            "canvas": {"url": self.canvas.url, "token": self.canvas.info["token"]},
            "discourse": {
                "url": self.discourse.url,
                "api_key": self.discourse.info["api_key"],
                "api_username": self.discourse.info["api_username"],
                "webhook_secret": WEBHOOK_SECRET,
            },
            "sync": {"strategy": "merge_prefer_canvas", "feed_interval": "1s"},
        }
        courses = [{"canvas": self.course.id, "discourse": self.category["slug"]}]
        self.service = Service(processes, folder, tables, courses)
        self.service.start()
        self.add_webhook()

    def add_webhook(self):
        """Makes the Discourse sandbox tell the service of every change, as an operator would."""
        hook = {
            "payload_url": self.service.url + WEBHOOK_PATH,
            "content_type": 1,
            "secret": WEBHOOK_SECRET,
            "wildcard_web_hook": False,
            "active": True,
            "web_hook_event_type_ids": WEBHOOK_EVENTS,
        }
        url = f"{self.discourse.url}/admin/api/web_hooks.json"
        answer = requests.post(url, json={"web_hook": hook}, headers=self.discourse.headers(), timeout=TIMEOUT)
        assert answer.ok, f"cannot add the web hook: {answer.status_code} {answer.text}"

    def wait_until(self, predicate, timeout=20.0, what="the condition"):
        """Waits until the predicate holds; fails at once when the service has died."""

        def alive():
            self.service.process.check()
            return predicate()

        try:
            return wait_until(alive, timeout, what)
        except AssertionError as error:
            raise AssertionError(f"{error}\nentities: {self.service.entities()}") from None

    def is_quiet(self):
        """Whether everything is in step and nothing waits."""
        return all(entity["status"] not in ("pending", "failed") for entity in self.service.entities())
