"""A real browser on the pages: headless Chromium, driven by selenium, and a world with something on every page.

Knows the pages' addresses and labels; knows nothing of how they are made.
"""

import base64
import os
import pathlib

import requests
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service as Driver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from people import LAG, SUN, reply_on_canvas, start_on_canvas, start_on_forum
from process import wait_until
from service import World

PASSWORD = "correct horse battery staple"
BLOCKED = "spring tide"
# Failures are counted when their commits have settled: half a minute, and the pace of the count.
COUNTED = 75.0
WIDE, NARROW = 1280, 360


def open_browser():
    """Headless Chromium; the programs are those of the system."""
    options = Options()
    options.binary_location = os.environ.get("ANTIPHON_CHROMIUM", "/usr/bin/chromium")
    for flag in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
        options.add_argument(flag)
    driver = Driver(os.environ.get("ANTIPHON_CHROMEDRIVER", "/usr/bin/chromedriver"))
    return Browser(webdriver.Chrome(options=options, service=driver))


class Browser:
    """What a person does in a browser."""

    def __init__(self, driver):
        self.driver = driver
        self.base = ""
        self.resize(WIDE)

    def resize(self, width, height=900):
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def scheme(self, name):
        """Light or dark."""
        features = [{"name": "prefers-color-scheme", "value": name}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def go(self, path):
        self.driver.get(self.base + path)
        return self

    def sign_in(self, base, name):
        """Signs in and ends on the status page."""
        self.base = base
        self.driver.delete_all_cookies()
        self.go("/sign-in")
        self.fill(name=name, password=PASSWORD)
        self.press("Sign in")
        assert self.title() == "Status", self.text()
        return self

    def title(self):
        return self.driver.find_element(By.TAG_NAME, "h1").text

    def text(self):
        return self.driver.find_element(By.TAG_NAME, "body").text

    def find(self, css):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def fill(self, scope="", **fields):
        for name, value in fields.items():
            field = self.find(f"{scope} [name='{name}']")[0]
            if field.tag_name == "select":
                field.find_element(By.CSS_SELECTOR, f"option[value='{value}']").click()
            else:
                field.clear()
                field.send_keys(value)

    def press(self, words, scope="main"):
        """Presses the button whose words begin so, and waits for the page after it."""
        buttons = [button for button in self.find(f"{scope} button") if button.text.startswith(words)]
        assert buttons, f"no button {words!r} among {[button.text for button in self.find('button')]}"
        page = self.driver.find_element(By.TAG_NAME, "html")
        buttons[0].click()
        WebDriverWait(self.driver, 20).until(lambda _: self.is_stale(page))

    @staticmethod
    def is_stale(element):
        try:
            return element.is_enabled() is None
        except Exception:  # noqa: BLE001
            return True

    def shoot(self, path):
        """A picture of the whole page."""
        answer = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "format": "png"})
        pathlib.Path(path).write_bytes(base64.b64decode(answer["data"]))

    def violations(self, axe):
        """What axe-core says is serious."""
        self.driver.execute_script(axe)
        found = self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            "axe.run(document, {resultTypes: ['violations']}).then(result => done(result.violations), done);"
        )
        return [
            f"{one['id']}: {one['help']}: {one['nodes'][0]['html'][:120]}"
            for one in found if one["impact"] in ("serious", "critical")
        ]


def axe_text():
    """The axe-core script; `cargo xtask test` puts it there."""
    path = pathlib.Path(__file__).parents[2] / "target/axe/axe.min.js"
    assert path.is_file(), f"{path} is missing: run `cargo xtask test`"
    return path.read_text(encoding="utf-8")


class Desk:
    """A world with healthy topics, conflicts, failed and held operations, and an account of every role."""

    def __init__(self, processes, folder, failing=4):
        self.world = World(
            processes, folder,
            sync={"strategy": "manual"},
            tables={"web": {"token": "a-token", "widget_secret": "a-widget", "frame_ancestors": ["http://127.0.0.1:*"]}},
            courses=[{"canvas": 1, "discourse": "intro-bio", "delete_budget": 0}],
        )
        self.url = self.world.service.url
        secret = folder / "password"
        secret.write_text(PASSWORD, encoding="utf-8")
        for role in ("viewer", "operator", "admin"):
            self.world.service.run("user", "add", role, "--role", role, "--password-file", secret)
        self.course = self.world.service.entities("course")[0]["id"]
        self.fill(failing)

    def fill(self, failing):
        world = self.world
        start_on_forum(world, "How deep is the deepest harbour here")
        topic = start_on_canvas(world)
        reply_on_canvas(world, "alice", topic.id, SUN)
        conflicted = [start_on_canvas(world, f"Two opinions on question {number}") for number in (1, 2)]
        doomed = start_on_canvas(world, "A topic that somebody deletes")
        world.wait_until(lambda: len(world.forum_topics()) == 5, 30, "five topics on the forum")
        world.settle()
        world.discourse.setting(watched_words_block=BLOCKED)
        self.failing = [start_on_canvas(world, f"Question {number} about a {BLOCKED}") for number in range(failing)]
        self.conflict(conflicted)
        world.canvas_as("tina").get_discussion_topic(doomed.id).delete()
        wait = world.wait_until
        wait(lambda: len(world.service.read("conflict", "list", "--state", "open")) == 2, 40, "two conflicts")
        wait(lambda: len(self.operations("failed")) == failing, 40, "the refusals")
        wait(lambda: self.operations("held"), 40, "the held deletion")

    def conflict(self, topics):
        """Both sides edit between two looks: the service is stopped meanwhile."""
        world = self.world
        mirrors = [world.forum_topic(topic.title) for topic in topics]
        world.service.process.stop()
        for topic, mirror in zip(topics, mirrors):
            world.canvas_as("tina").get_discussion_topic(topic.id).update(message=f"<p>{SUN}</p>")
            post = world.posts(mirror)[0]["id"]
            world.discourse.client("tina").update_post(post, LAG)
        world.service.start()

    def operations(self, state):
        return self.world.service.read("operation", "list", "--state", state)

    def counted(self, count):
        """Waits until so many refusals stand on the errors page."""
        headers = {"Authorization": "Bearer a-token"}

        def is_counted():
            groups = requests.get(f"{self.url}/api/v1/errors", headers=headers, timeout=20).json()["errors"]
            return [group for group in groups if group["code"] == "SYNC-2306" and group["seen"] == count]

        wait_until(is_counted, COUNTED, "counted failures", every=1.0)

    def pages(self):
        """Every page with something on it, by a short name."""
        conflict = self.world.service.read("conflict", "list")[0]
        failed = self.operations("failed") or self.operations("completed")
        return {
            "status": "/",
            "course": f"/course/{self.course}",
            "history": "/history",
            "item": f"/item/{conflict['entity']}",
            "queue": "/queue",
            "operation": f"/queue/{failed[0]['id']}",
            "conflicts": "/conflicts",
            "conflict": f"/conflicts/{conflict['id']}",
            "errors": "/errors",
            "performance": "/performance",
            "maintenance": "/maintenance",
            "audit": "/audit",
            "setup": "/setup",
            "api": "/api/docs",
        }
