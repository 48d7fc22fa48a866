"""Failures become causes that operators see, mute and settle (issue: the errors page)."""

import pytest
import requests

from people import SUN, TITLE, reply_on_canvas, start_on_canvas, start_on_forum, wait_for_entries
from sandbox import TIMEOUT

pytestmark = pytest.mark.waits
TOKEN = "a-token-for-the-tests"
TABLES = {"web": {"token": TOKEN}}
# Failures are counted when their commits have settled: half a minute, and the pace of the count.
COUNTED = 75.0


def call(world, method, path, body=None):
    headers = {"Authorization": f"Bearer {TOKEN}"}
    answer = requests.request(method, world.service.url + path, json=body, headers=headers, timeout=TIMEOUT)
    assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
    return answer.json()


def groups(world, **fields):
    """The groups that have all these fields."""
    found = call(world, "GET", "/api/v1/errors")["errors"]
    return [group for group in found if all(group[name] == value for name, value in fields.items())]


def the_group(world, **fields):
    """Waits for the one group with these fields."""
    found = world.wait_until(lambda: groups(world, **fields), COUNTED, f"a group with {fields}")
    assert len(found) == 1, found
    return found[0]


def test_a_refused_write_is_one_permanent_cause_until_it_is_settled(start_world):
    world = start_world(tables=TABLES)
    world.discourse.setting(watched_words_block="tides")
    topic = start_on_canvas(world)
    world.wait_until(lambda: world.entity("topic", "canvas", topic.id)["status"] == "failed", what="the refusal")
    group = the_group(world, code="SYNC-2306")
    wanted = {"system": "discourse", "kind": "topic", "class": "invalid", "origin": "discourse", "is_transient": False}
    assert {name: group[name] for name in wanted} == wanted, group
    assert (group["seen"], group["standing"]) == (1, "open") and group["first_ms"] == group["last_ms"], group
    history = call(world, "GET", "/api/v1/history?result=failed")["history"]
    assert [line["failure"]["code"] for line in history] == ["SYNC-2306"], history
    # An operator settles it; another refusal opens it again and counts on.
    note = {"code": "SYNC-2306", "system": "discourse", "kind": "topic"}
    note |= {"verb": "resolve", "reason": "the word is allowed"}
    call(world, "POST", "/api/v1/errors/note", note)
    assert the_group(world, code="SYNC-2306")["standing"] == "resolved"
    start_on_canvas(world, "More about tides")
    again = the_group(world, code="SYNC-2306", standing="open")
    assert again["seen"] == 2 and again["last_ms"] > again["first_ms"], again


def test_an_outage_is_a_transient_cause_and_ends_without_losses(start_world):
    world = start_world(tables=TABLES)
    first = start_on_forum(world)
    topic, _ = wait_for_entries(world, TITLE, 0)
    world.discourse.fault("bad_gateway", times=40)
    entry = reply_on_canvas(world, "alice", topic.id, SUN)
    group = the_group(world, system="discourse", is_transient=True, kind=None)
    assert group["origin"] in ("discourse", "network") and group["standing"] == "open", group
    assert 1 <= group["seen"] < 40, f"told in measure: {group}"
    world.discourse.sim("DELETE", "faults")

    def arrived():
        texts = [post["raw"].strip() for post in world.posts(world.read_topic(first["topic_id"]))]
        return texts.count(SUN) == 1

    world.wait_until(arrived, 60.0, "the reply after the outage")
    assert world.entity("post", "canvas", entry.id)["systems"]["discourse"]
