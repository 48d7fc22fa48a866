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
OLD_WEBHOOK_EVENTS = [1, 2]
# The fixed tokens of the Canvas sandbox (docs/sandbox-canvas.md).
CANVAS_TOKENS = {
    "tina": "canvas-teacher-token", "alice": "canvas-student-1-token", "bob": "canvas-student-2-token",
}


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
            **tables,
            "web": {"listen": f"127.0.0.1:{self.port}", **tables.get("web", {})},
        }
        text = [table(name, entries) for name, entries in tables.items()]
        text += [table("course", entries, is_list=True) for entries in courses]
        self.config.write_text("\n".join(text), encoding="utf-8")
        self.process = None

    def start(self):
        """Starts it and waits until it says that it is ready."""
        self.launch()
        wait_until(self.is_ready, READY_LIMIT, "readiness of antiphon serve")
        return self

    def launch(self):
        """Starts it and does not wait."""
        self.process = self.processes.start("antiphon serve", "serve", "--config", self.config)

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

    def fail(self, *arguments, expected=78):
        """Runs a command that must fail with this code, and returns the error that it tells."""
        done = self.execute(*arguments)
        told = f"{arguments}: code {done.returncode}, not {expected}\n{done.stdout}\n{done.stderr}"
        assert done.returncode == expected and "panicked" not in done.stderr, told
        return done.stderr

    def run(self, *arguments, expected=0):
        """Runs a command to its end on the same configuration and returns its output."""
        done = self.execute(*arguments)
        assert done.returncode == expected, (
            f"{arguments}: code {done.returncode}, not {expected}\n{done.stdout}\n{done.stderr}"
        )
        return done.stdout

    def execute(self, *arguments):
        command = [binary(), *(str(argument) for argument in arguments), "--config", str(self.config)]
        return subprocess.run(
            command, cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=COMMAND_LIMIT, check=False,
        )

    def read(self, *arguments):
        """Runs a reading command with `--json` and returns its objects, one for each line."""
        output = self.run(*arguments, "--json")
        return [json.loads(line) for line in output.splitlines() if line.strip()]

    def entities(self, kind=None):
        """What `entity list` says, of one kind or of all."""
        found = self.read("entity", "list")
        return [entity for entity in found if kind in (None, entity["kind"])]


class World:
    """Both sandboxes and the service; without `is_served` only its commands run."""

    def __init__(self, processes, folder, is_served=True, **options):
        """Options: `profiles` and `discourse_options` of the sandboxes; `sync`, `tables` and `courses` of the
        configuration, where what is given comes on top; `is_open` false lets the readers be compared."""
        profiles = options.get("profiles", {})
        self.canvas = CanvasSandbox(processes, "--empty", *self.profile(profiles, "canvas"))
        self.discourse = DiscourseSandbox(
            processes, "--empty", *self.profile(profiles, "discourse"), *options.get("discourse_options", ())
        )
        self.profiles = profiles
        self.course = self.canvas.course()
        self.forum = self.discourse.client()
        self.category = self.discourse.category()
        # How often a person may post only makes the tests slow; the delays have a test of their own.
        self.discourse.setting(rate_limit_create_post=0, rate_limit_create_topic=0)
        tables = {
            "canvas": {"url": self.canvas.url, "token": self.canvas.info["token"]},
            "discourse": {
                "url": self.discourse.url,
                "api_key": self.discourse.info["api_key"],
                "api_username": self.discourse.info["api_username"],
                "webhook_secret": WEBHOOK_SECRET,
                "calls_per_minute": 0,
            },
            "sync": {
                "strategy": "merge_prefer_canvas",
                "feed_interval": "300ms",
                "two_looks_interval": "500ms",
                "lease": "5s",
                "accept_plan": True,
                **options.get("sync", {}),
            },
        }
        for name, entries in options.get("tables", {}).items():
            tables[name] = {**tables.get(name, {}), **entries}
        courses = options.get("courses", [{"canvas": self.course.id, "discourse": self.category["slug"]}])
        if options.get("is_open", True):
            # The sandbox's categories are public; who reads what has tests of its own.
            courses = [{"accept_wider_audience": "a sandbox without real readers", **course} for course in courses]
        self.service = Service(processes, folder, tables, courses)
        if is_served:
            self.service.start()
            self.add_webhook()

    @staticmethod
    def profile(profiles, system):
        return ("--profile", profiles[system]) if system in profiles else ()

    def add_webhook(self):
        """Makes the Discourse sandbox tell the service of every change, as an operator would."""
        is_old = self.profiles.get("discourse") == "discourse-3.1"
        hook = {
            "payload_url": self.service.url + WEBHOOK_PATH,
            "content_type": 1,
            "secret": WEBHOOK_SECRET,
            "wildcard_web_hook": False,
            "active": True,
            "web_hook_event_type_ids": OLD_WEBHOOK_EVENTS if is_old else WEBHOOK_EVENTS,
        }
        url = f"{self.discourse.url}/admin/api/web_hooks.json"
        answer = requests.post(url, json={"web_hook": hook}, headers=self.discourse.headers(), timeout=TIMEOUT)
        assert answer.ok, f"cannot add the web hook: {answer.status_code} {answer.text}"

    def wait_until(self, predicate, timeout=20.0, what="the condition"):
        """Waits until the predicate holds; fails at once when the service has died."""

        def alive():
            if self.service.process is not None:
                self.service.process.check()
            return predicate()

        try:
            return wait_until(alive, timeout, what)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.told()}") from None

    def told(self):
        """What the program says of its entities and operations, for a failure's report."""
        lines = []
        for command in (("entity", "list"), ("operation", "list")):
            lines += [json.dumps(found) for found in self.service.read(*command)]
        return "\n".join(line for line in lines if '"completed"' not in line)

    def is_quiet(self):
        """Whether everything is in step and nothing waits."""
        entities = self.service.entities()
        if any(entity["status"] in ("pending", "failed") for entity in entities):
            return False
        states = {operation["state"] for operation in self.service.read("operation", "list")}
        return not states & {"pending", "in_progress"}

    def settle(self, timeout=30.0):
        """Waits until nothing is left to do."""
        self.wait_until(self.is_quiet, timeout, "quiet")

    def sync(self, expected=0):
        """One run of `sync --once`."""
        return json.loads(self.service.run("sync", "--once", "--json", expected=expected))

    def entity(self, kind, system, remote):
        """The one entity of a kind that has this id in a system; Canvas names are `course/topic/entry`."""
        found = [
            entity for entity in self.service.entities(kind)
            if str(entity["systems"].get(system, {}).get("id")).split("/")[-1] == str(remote)
        ]
        assert len(found) == 1, f"{len(found)} entities have {system} id {remote}: {self.told()}"
        return found[0]

    def canvas_as(self, login):
        """The course, through canvasapi with the token of a person."""
        return self.canvas.client(CANVAS_TOKENS[login]).get_course(self.course.id)

    def canvas_topic(self, title):
        """The one Canvas topic or announcement of this title."""
        found = [topic for topic in self.canvas_topics() if topic.title == title]
        assert len(found) == 1, f"{len(found)} topics {title!r} in Canvas"
        return found[0]

    def canvas_topics(self):
        """All discussions and announcements of the course, through canvasapi."""
        only = {"only_announcements": True}
        return [*self.course.get_discussion_topics(), *self.course.get_discussion_topics(**only)]

    def entries(self, topic_id):
        """All entries of a Canvas topic, tombstones included, by id."""
        found = {}

        def take(entries):
            for entry in entries:
                found[int(entry["id"])] = entry
                take(entry.get("replies", []))

        take(self.course.get_full_discussion_topic(topic_id)["view"])
        return [found[key] for key in sorted(found)]

    def forum_topics(self):
        """The topics of the category without its About topic, through pydiscourse."""
        listed = self.forum.category_topics(self.category["id"])["topic_list"]["topics"]
        return [topic for topic in listed if not topic["title"].startswith("About the ")]

    def forum_topic(self, title):
        """The one Discourse topic of this title, with the raw texts of its posts and with deleted ones."""
        found = [topic for topic in self.forum_topics() if topic["title"] == title]
        assert len(found) == 1, f"{len(found)} topics {title!r} in Discourse: {self.forum_topics()}"
        return self.read_topic(found[0]["id"])

    def read_topic(self, topic_id):
        return self.forum._get(f"/t/{topic_id}.json", include_raw="true", show_deleted="true", **{"print": "true"})

    @staticmethod
    def posts(topic):
        """The posts of people in a read topic."""
        return [post for post in topic["post_stream"]["posts"] if post["post_type"] == 1]

    def writes(self):
        """The requests that both sandboxes took and that could change something.

        GraphQL is left out: its requests are POST whatever they do; `stored` sees what they change.
        """
        canvas = self.canvas.sim("GET", "calls?limit=100000")["calls"]
        discourse = self.discourse.sim("GET", "log")["calls"]
        calls = [call for call in canvas + discourse if call["method"] != "GET"]
        return [(call["method"], call["path"]) for call in calls if call["path"] != "/api/graphql"]

    def stored(self):
        """All that both sandboxes keep of topics and posts."""
        canvas = self.canvas.sim("GET", "state")
        return canvas["topics"], canvas["entries"], self.discourse.sim("GET", "state")["topics"]

    def forget_calls(self):
        """Empties both call logs."""
        self.canvas.sim("DELETE", "calls")
        self.discourse.sim("DELETE", "log")
