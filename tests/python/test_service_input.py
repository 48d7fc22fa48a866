"""Bad input is told clearly, with the right code, and nothing is lost by it."""

import hashlib
import hmac
import json
import sqlite3

import pytest
import requests

from people import SUN, TITLE, check_equal, reply_on_canvas, start_on_canvas, start_on_forum, wait_for_entries
from sandbox import TIMEOUT
from service import WEBHOOK_PATH, WEBHOOK_SECRET


def deliver(world, body, secret=WEBHOOK_SECRET, **headers):
    """Posts a delivery as Discourse would, signed over its bytes."""
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    fields = {
        "Content-Type": "application/json", "X-Discourse-Event": "post_created", "X-Discourse-Event-Type": "post",
        "X-Discourse-Event-Id": "1", "X-Discourse-Event-Signature": f"sha256={signature}", **headers,
    }
    return requests.post(world.service.url + WEBHOOK_PATH, data=body, headers=fields, timeout=TIMEOUT)


def test_bad_deliveries_are_refused_and_nothing_is_lost(world):
    good = json.dumps({"post": {"id": 1, "topic_id": 1}}).encode()
    assert deliver(world, good, secret="another secret").status_code == 403
    unsigned = {"X-Discourse-Event-Signature": ""}
    assert deliver(world, good, **unsigned).status_code == 403
    for body in (b"", b"{", b"not JSON", b'{"post": '):
        assert deliver(world, body).status_code == 400, body
    assert deliver(world, b'{"post": "\xff\xfe"}').status_code == 400
    assert deliver(world, b'{"text": "' + b"a" * (20 * 1024 * 1024) + b'"}').status_code == 413
    # JSON of a shape that nobody sends: taken or refused, never a crash.
    for body in (b"[]", b"null", b'{"post": 7}', b'{"post": {"id": "x", "topic_id": -1}}', b'{"topic": {}}', b"1e999"):
        assert deliver(world, body).status_code in (200, 400), body
    start_on_forum(world)
    wait_for_entries(world, TITLE, 0)
    world.settle()
    assert len(world.service.entities("topic")) == 1


@pytest.mark.parametrize("command", [("serve",), ("sync", "--once")])
@pytest.mark.parametrize(("table", "entries", "system"), [
    ("canvas", {"token": "wrong-canvas-token"}, "Canvas"),
    ("canvas", {"token": "canvas-revoked-token"}, "Canvas"),
    ("discourse", {"api_key": "wrong-discourse-key"}, "Discourse"),
])
def test_a_wrong_token_is_a_clear_error(start_world, command, table, entries, system):
    world = start_world(is_served=False, tables={table: entries})
    start_on_canvas(world)
    told = world.service.fail(*command)
    assert system in told and "SYNC-" in told, told
    assert next(iter(entries.values())) not in told, "a secret is never shown"
    assert len(told.strip().splitlines()) <= 4, told


@pytest.mark.parametrize("command", [("serve",), ("sync", "--once")])
@pytest.mark.parametrize(("course", "named"), [
    ({"canvas": 999, "discourse": "intro-bio"}, "999"), ({"canvas": 1, "discourse": "no-such-place"}, "no-such-place"),
])
def test_an_unknown_course_is_a_clear_error(start_world, command, course, named):
    world = start_world(is_served=False, courses=[course])
    told = world.service.fail(*command)
    assert named in told and "SYNC-1003" in told, told


def test_an_unknown_key_is_an_error_with_a_suggestion(start_world):
    world = start_world(is_served=False, sync={"stratgy": "manual"})
    told = world.service.fail("serve")
    assert "stratgy" in told and "`strategy`" in told, told
    assert not (world.service.folder / "antiphon.db").exists(), "nothing is begun"


def test_a_database_of_a_newer_program_is_left_alone(start_world):
    world = start_world(is_served=False)
    start_on_canvas(world)
    world.sync()
    path = world.service.folder / "antiphon.db"
    with sqlite3.connect(path) as database:
        (known,) = database.execute("SELECT value FROM meta WHERE name = 'schema_version'").fetchone()
        database.execute("UPDATE meta SET value = '9999' WHERE name = 'schema_version'")
    database.close()
    for command in (("serve",), ("sync", "--once"), ("entity", "list", "--json")):
        told = world.service.fail(*command)
        assert "9999" in told and str(known) in told, told
    with sqlite3.connect(path) as database:
        database.execute("UPDATE meta SET value = ? WHERE name = 'schema_version'", (known,))
    database.close()
    assert len(world.service.entities("topic")) == 1


@pytest.mark.parametrize("command", [("serve",), ("sync", "--once")])
@pytest.mark.parametrize("system", ["canvas", "discourse"])
def test_a_token_that_is_refused_later_loses_nothing(start_world, command, system):
    world = start_world(is_served=False)
    topic = start_on_canvas(world)
    world.sync()
    right = world.service.config.read_text(encoding="utf-8")
    key = {"canvas": world.canvas.info["token"], "discourse": world.discourse.info["api_key"]}[system]
    world.service.config.write_text(right.replace(key, "no-longer-right"), encoding="utf-8")
    reply_on_canvas(world, "alice", topic.id, SUN)
    told = world.service.fail(*command)
    assert system.title() in told and "SYNC-" in told, told
    world.service.config.write_text(right, encoding="utf-8")
    world.sync()
    check_equal(world)
    assert len(world.entries(topic.id)) == 1
