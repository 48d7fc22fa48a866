"""Fixtures: the two sandboxes, the public clients on them, and the whole world with the service."""

import pathlib

import pytest

from process import Processes
from sandbox import CanvasSandbox, DiscourseSandbox
from service import World

PROCESSES = pytest.StashKey()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows what its programs wrote last."""
    report = yield
    if report.failed and PROCESSES in item.stash:
        for process in item.stash[PROCESSES].all:
            report.sections.append((f"last lines of {process.name}", process.report("wrote")))
    return report


@pytest.fixture
def processes(request, tmp_path):
    """Starts programs in a folder of their own and ends them after the test."""
    processes = Processes(tmp_path)
    request.node.stash[PROCESSES] = processes
    yield processes
    processes.close()


@pytest.fixture
def start_canvas(processes):
    """Starts a Canvas sandbox: `start_canvas("--profile", "canvas-2019")`."""
    return lambda *arguments: CanvasSandbox(processes, *arguments)


@pytest.fixture
def start_discourse(processes):
    """Starts a Discourse sandbox: `start_discourse("--profile", "discourse-3.1")`."""
    return lambda *arguments: DiscourseSandbox(processes, *arguments)


@pytest.fixture
def canvas_profile():
    """Which Canvas is played; a module may ask for others with `parametrize`."""
    return "canvas-current"


@pytest.fixture
def canvas(start_canvas, canvas_profile):
    """A Canvas with one course, a teacher and two students."""
    return start_canvas("--empty", "--profile", canvas_profile)


@pytest.fixture
def old_canvas(start_canvas):
    """The same, as a server of April 2019."""
    return start_canvas("--empty", "--profile", "canvas-2019")


@pytest.fixture
def course(canvas):
    """The course, through canvasapi with the service's token."""
    return canvas.course()


@pytest.fixture
def discourse_profile():
    """Which Discourse is played; a module may ask for others with `parametrize`."""
    return "discourse-current"


@pytest.fixture
def discourse(start_discourse, discourse_profile):
    """A Discourse with one category, a teacher and two students; no limits get in the way."""
    return start_discourse("--empty", "--profile", discourse_profile)


@pytest.fixture
def forum(discourse):
    """The forum, through pydiscourse with the service's key."""
    return discourse.client()


@pytest.fixture
def world(processes, tmp_path):
    """Both sandboxes and `antiphon serve`, configured for each other, as three processes."""
    return World(processes, pathlib.Path(tmp_path))


@pytest.fixture
def start_world(processes, tmp_path):
    """Starts a world of one's own choice: `start_world(sync={"strategy": "manual"}, is_served=False)`."""
    return lambda **options: World(processes, pathlib.Path(tmp_path), **options)


@pytest.fixture
def text_file(tmp_path):
    """A small file to upload."""
    path = tmp_path / "notes.txt"
    path.write_text("Water boils at 100 degrees.\n", encoding="utf-8")
    return path
