"""Operators' walks through the pages in a real browser: what they see, do, and may not do."""

import csv
import io

import pytest
import requests

from browser import NARROW, WIDE, Desk, axe_text, open_browser
from people import LAG, SUN
from process import Processes, wait_until
from sandbox import TIMEOUT

FAILING = 12


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    folder = tmp_path_factory.mktemp("desk")
    processes = Processes(folder)
    yield Desk(processes, folder, FAILING)
    processes.close()


@pytest.fixture(scope="module")
def browser():
    browser = open_browser()
    yield browser
    browser.driver.quit()


@pytest.fixture
def operator(browser, desk):
    return browser.sign_in(desk.url, "operator")


def rows(browser):
    return browser.find("main tbody tr")


def test_a_wrong_password_is_refused_without_saying_what_was_wrong(browser, desk):
    browser.base = desk.url
    browser.driver.delete_all_cookies()
    told = []
    for name in ("operator", "nobody"):
        browser.go("/sign-in")
        browser.fill(name=name, password="not the password")
        browser.press("Sign in")
        told.append(browser.find("[role=alert], .alert")[0].text)
    assert told[0] == told[1]
    assert "sign-in" in browser.go("/queue").driver.current_url


def test_the_status_says_what_needs_a_person(operator):
    operator.go("/")
    text = operator.text()
    assert f"{FAILING} failed operations" in text and "2 open conflicts" in text and "1 held operation" in text
    assert operator.find(".verdict.attention, .verdict.unhealthy")


def test_an_item_is_found_in_the_history_by_filter(operator, desk):
    operator.go("/history")
    everything = len(rows(operator))
    operator.fill(".filters", result="failed")
    operator.press("Filter")
    assert "result=failed" in operator.driver.current_url
    found = rows(operator)
    assert 0 < len(found) < everything or everything == 50
    assert all("SYNC-2306" in row.text or "SYNC-5003" in row.text for row in found), [row.text for row in found]
    # What people wrote is not in the list.
    assert "Question 1" not in operator.text()


def test_pause_and_resume(operator, desk):
    operator.go("/")
    operator.fill(reason="the servers move")
    operator.press("Pause")
    assert "the servers move" in operator.text() and operator.find(".verdict.paused")
    assert [pause["scope"] for pause in api(desk, "/api/v1/pauses")["pauses"]] == ["all"]
    operator.press("Resume all")
    assert api(desk, "/api/v1/pauses")["pauses"] == []


def api(desk, path):
    headers = {"Authorization": "Bearer a-token"}
    answer = requests.get(desk.url + path, headers=headers, timeout=TIMEOUT)
    assert answer.ok, answer.text
    return answer.json()


def test_one_and_then_all_failed_operations_are_retried_by_filter(operator, desk):
    desk.world.discourse.setting(watched_words_block="unused word")
    # Discourse repeats its answer to the same create, a refusal too, for two minutes.
    desk.world.discourse.sim("PUT", "clock", {"advance_ms": 130_000})
    operator.go("/queue?state=failed")
    assert len(rows(operator)) == FAILING
    operator.find("main tbody input[name=id]")[0].click()
    operator.press("On the selected")
    assert "1 selected" in operator.text()
    operator.press("Yes")
    assert "1 changed" in operator.text()
    desk.world.wait_until(lambda: len(desk.operations("failed")) == FAILING - 1, what="one fewer")
    operator.go("/queue?state=failed&code=SYNC-2306")
    operator.press("On everything that fits")
    assert f"{FAILING - 1} operations, all that fit the filter" in operator.text(), operator.text()
    operator.press("Yes")
    titles = {topic.title for topic in desk.failing}
    arrived = lambda: titles <= {topic["title"] for topic in desk.world.forum_topics()}  # noqa: E731
    desk.world.wait_until(arrived, 60, "all topics on the forum")
    assert desk.operations("failed") == []


def bodies(desk, title):
    """The topic's text on both sides."""
    topic = desk.world.canvas_topic(title)
    body = topic.message.partition("<p>")[2].partition("</p>")[0]
    return body, desk.world.posts(desk.world.forum_topic(title))[0]["raw"].strip()


def open_conflict(browser, desk, title):
    """The page of the conflict about this topic."""
    for conflict in desk.world.service.read("conflict", "list"):
        browser.go(f"/conflicts/{conflict['id']}")
        if title in browser.text():
            return
    raise AssertionError(f"no conflict about {title!r}")


def test_a_conflict_is_decided_by_choosing_and_then_by_writing(operator, desk):
    title = "Two opinions on question 1"
    open_conflict(operator, desk, title)
    text = operator.text()
    assert "Canvas" in text and "Discourse" in text and operator.find("ins")
    operator.press("Take what stands in Discourse")
    desk.world.wait_until(lambda: bodies(desk, title) == (LAG, LAG), what="Discourse's words on both sides")
    title = "Two opinions on question 2"
    open_conflict(operator, desk, title)
    own = "Both are right, each in a harbour of its own."
    operator.fill("form.stack", body=own)
    operator.press("Write this text")
    desk.world.wait_until(lambda: bodies(desk, title) == (own, own), what="the written words on both sides")
    assert SUN != own


def test_a_group_of_errors_is_muted_and_settled(operator, desk):
    desk.counted(FAILING)
    operator.go("/errors")
    row = next(row for row in rows(operator) if "SYNC-2306" in row.text)
    assert f"{FAILING}" in row.text and "permanent" in row.text and "Discourse" in row.text
    for verb, standing in (("Mute SYNC-2306", "muted"), ("Count again", "open"), ("Resolve SYNC-2306", "resolved")):
        operator.go("/errors")
        row = next(row for row in rows(operator) if "SYNC-2306" in row.text)
        row.find_element("css selector", "summary").click()
        row.find_element("css selector", "input[name=reason]").send_keys("seen")
        press_in(operator, row, verb)
        row = next(row for row in rows(operator) if "SYNC-2306" in row.text)
        assert standing in row.text, row.text


def press_in(browser, element, words):
    button = next(one for one in element.find_elements("css selector", "button") if one.text.startswith(words))
    page = browser.find("html")[0]
    button.click()
    wait_until(lambda: browser.is_stale(page), 20, "the next page")


def test_a_table_is_exported_as_it_is_filtered(operator, desk):
    operator.go("/history?result=failed")
    link = next(link for link in operator.find(".exports a") if link.text == "CSV").get_attribute("href")
    cookies = {cookie["name"]: cookie["value"] for cookie in operator.driver.get_cookies()}
    answer = requests.get(link, cookies=cookies, timeout=TIMEOUT)
    assert answer.headers["Content-Disposition"].startswith("attachment")
    lines = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(lines) >= FAILING


def test_a_widget_shows_in_a_frame_of_an_allowed_site(browser, desk):
    path = desk.world.service.run("widget", "link", desk.course).split()
    address = next(word for word in path if word.startswith("/widget/status"))
    browser.driver.get("data:text/html,<iframe></iframe>")
    # A page of another origin that may frame it: the Canvas of this world.
    browser.driver.get(f"{desk.world.canvas.url}/_sim/hello")
    browser.driver.execute_script(
        "document.body.innerHTML = ''; const frame = document.createElement('iframe');"
        "frame.src = arguments[0]; document.body.append(frame);", desk.url + address
    )
    browser.driver.switch_to.frame(0)
    desk.world.wait_until(lambda: "Introduction to Biology" in browser.text(), what="the widget in the frame")
    browser.driver.switch_to.default_content()
    # Other pages are not framed by anybody.
    assert "frame-ancestors 'none'" in requests.get(f"{desk.url}/sign-in", timeout=TIMEOUT).headers[
        "Content-Security-Policy"
    ]


def test_a_viewer_finds_no_button_and_no_address_that_acts(browser, desk):
    browser.sign_in(desk.url, "viewer")
    for path in desk.pages().values():
        browser.go(path)
        forms = [form for form in browser.find("main form") if form.get_attribute("method") == "post"]
        assert forms == [], f"{path}: {[form.text for form in forms]}"
    cookies = {cookie["name"]: cookie["value"] for cookie in browser.driver.get_cookies()}
    csrf = browser.go("/").find("input[name=csrf]")[0].get_attribute("value")
    for path, fields in (
        ("/pause", {"scope": "all", "verb": "pause", "reason": "x"}),
        ("/queue/act", {"verb": "retry", "scope": "filter", "agreed": "1"}),
        ("/errors/note", {"code": "SYNC-2306", "system": "discourse", "verb": "mute", "reason": "x"}),
        (f"/course/{desk.course}/sync", {}),
        ("/setup/notify-test", {}),
    ):
        answer = requests.post(desk.url + path, {**fields, "csrf": csrf}, cookies=cookies, timeout=TIMEOUT)
        assert answer.status_code == 403, f"{path}: {answer.status_code}"
    assert api(desk, "/api/v1/pauses")["pauses"] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_serious_barrier_or_runs_over_a_phone(operator, desk, scheme):
    axe, wrong = axe_text(), []
    operator.scheme(scheme)
    for name, path in desk.pages().items():
        operator.resize(WIDE)
        operator.go(path)
        wrong += [f"{name}: {one}" for one in operator.violations(axe)]
        operator.resize(NARROW)
        wide = operator.driver.execute_script("return document.documentElement.scrollWidth")
        if wide > NARROW:
            wrong.append(f"{name}: {wide} px wide on a phone")
    operator.resize(WIDE)
    assert wrong == []
