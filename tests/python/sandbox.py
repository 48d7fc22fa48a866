"""The two sandboxes: how they are started, what they say of themselves, and their control API.

The control API is described in docs/sandbox-canvas.md and docs/sandbox-discourse.md; every call of
it that the tests make stands here.
"""

import json

import canvasapi
import pydiscourse
import requests

TIMEOUT = 20


class Sandbox:
    """A running sandbox and the first line that it printed."""

    system = None

    def __init__(self, processes, *arguments):
        listen = ("--listen", "127.0.0.1:0")
        self.process = processes.start(f"{self.system} sandbox", "sandbox", self.system, *listen, *arguments)
        line = self.process.first_line()
        try:
            self.info = json.loads(line)
        except ValueError:
            raise AssertionError(self.process.report(f"printed {line!r}, which is not JSON")) from None
        self.url = self.info["url"]

    def sim(self, method, path, body=None):
        """Calls the control API and returns its answer."""
        answer = requests.request(method, f"{self.url}/_sim/{path}", json=body, timeout=TIMEOUT)
        assert answer.ok, f"{method} /_sim/{path} {body!r}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def advance(self, seconds):
        """Moves the sandbox's clock on."""
        self.sim("POST", "clock", {"advance_ms": int(seconds * 1000)})

    def switch(self, **values):
        """Changes in which version it is."""
        self.sim("POST", "switches", values)

    def is_for(self, user, role):
        return role is None or role in user.get("role", "").lower()

    def users(self, role=None):
        """The people, by part of their role (`teacher`, `student`)."""
        found = [user for user in self.info["users"] if self.is_for(user, role)]
        assert found, f"nobody is a {role} in {self.info['users']}"
        return found


class CanvasSandbox(Sandbox):
    """A Canvas."""

    system = "canvas"

    def client(self, token=None):
        """canvasapi, with the service's token unless another is given."""
        return canvasapi.Canvas(self.url, token or self.info["token"])

    def course(self):
        """The first course."""
        return self.client().get_course(self.info["courses"][0]["id"])

    def authorization(self, token=None):
        return {"Authorization": f"Bearer {token or self.info['token']}"}

    def fault(self, kind, method=None, path="", count=1, **fields):
        """Orders a fault for the next requests that fit."""
        fault = {"kind": kind, "path": path, "count": count, **fields}
        if method:
            fault["method"] = method
        self.sim("POST", "faults", fault)


class DiscourseSandbox(Sandbox):
    """A Discourse."""

    system = "discourse"
    sso_secret = "sso-secret-123456"
    # External ids are the ids of the Canvas sandbox: 1 is the administrator, 2 teaches.
    teacher = 2

    def client(self, username=None, key=None):
        """pydiscourse, acting as the service's user unless another is given."""
        return pydiscourse.DiscourseClient(
            self.url, username or self.info["api_username"], key or self.info["api_key"], timeout=TIMEOUT
        )

    def headers(self, username=None):
        return {
            "Api-Key": self.info["api_key"],
            "Api-Username": username or self.info["api_username"],
            "Accept": "application/json",
        }

    def is_for(self, user, role):
        if role is None or user["external_id"] is None:
            return role is None
        number = int(user["external_id"])
        return number == self.teacher if role == "teacher" else number > self.teacher

    def category(self):
        """The first category."""
        return self.info["categories"][0]

    def setting(self, **values):
        """Changes site settings."""
        self.sim("POST", "settings", values)

    def fault(self, kind, method=None, path=None, times=1, **fields):
        """Orders a fault for the next requests that fit."""
        rule = {"fault": {"kind": kind, **fields}, "times": times}
        if method:
            rule["method"] = method
        if path:
            rule["path"] = path
        self.sim("POST", "faults", rule)
