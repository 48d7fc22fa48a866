"""`doctor` against both sandboxes, well and in each bad state that they can be set into."""

import json
import pathlib
import sqlite3

import pytest

from people import TITLE, start_on_canvas, wait_for_posts

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "doctor.md"
STUDENT_TOKEN = "canvas-student-1-token"
# Settings that a mirrored forum should have (docs/limits.md).
GOOD = {
    "min_post_length": 1, "min_first_post_length": 1, "min_topic_title_length": 1, "body_min_entropy": 0,
    "title_min_entropy": 0, "unique_posts_mins": 0, "title_prettify": False, "allow_duplicate_topic_titles": True,
    "retry_web_hook_events": True,
}
CODES = [line[4:] for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("### D")]


def doctor(world, *arguments):
    """The findings by code; the exit code must say the worst of them, and no secret may be told."""
    done = world.service.execute("doctor", "--json", *arguments)
    output = done.stdout
    assert output, done.stderr
    for secret in ("canvas-admin-token", STUDENT_TOKEN, "discourse-admin-key", "a-secret-for-web-hooks"):
        assert secret not in output
    found = [json.loads(line) for line in output.splitlines()]
    assert [finding["code"] for finding in found] == sorted({finding["code"] for finding in found})
    every = {finding["verdict"] for finding in found}
    worst = 2 if "fail" in every else 1 if "warn" in every else 0
    assert done.returncode == worst, (done.returncode, every, done.stderr)
    return {finding["code"]: finding for finding in found}


def verdicts(found, *codes):
    return [found[code]["verdict"] for code in codes]


def configure(world, before, after):
    text = world.service.config.read_text(encoding="utf-8")
    assert before in text
    world.service.config.write_text(text.replace(before, after), encoding="utf-8")


@pytest.fixture
def idle(start_world):
    """A world whose service does not run."""
    return start_world(is_served=False)


def test_a_well_kept_service_has_no_failure(world):
    start_on_canvas(world)
    wait_for_posts(world, TITLE, 1)
    world.discourse.setting(**GOOD)
    world.settle()
    world.service.run("backup", "create", "copy.db")
    found = doctor(world)
    bad = {code for code, finding in found.items() if finding["verdict"] in ("warn", "fail")}
    # Nobody is told of failures here, and the first comparison may be yet to come.
    assert "D701" in bad and bad <= {"D701", "D604"}, found
    assert len(found) == len(CODES)
    well = ("D101", "D104", "D105", "D203", "D204", "D302", "D303", "D304", "D305", "D306", "D307", "D402", "D404")
    assert set(verdicts(found, *well)) == {"ok"}
    assert verdicts(found, "D405", "D406", "D407", "D408", "D409", "D410") == ["ok"] * 6
    told = world.service.run("doctor", expected=1)
    assert "D701 warn" in told and "docs/doctor.md#d701" in told and "0 failures" in told
    assert TITLE not in told


def test_a_canvas_that_refuses_or_is_not_there(idle):
    found = doctor(idle)
    assert verdicts(found, "D201", "D301", "D302", "D405") == ["warn", "ok", "ok", "warn"]
    configure(idle, "canvas-admin-token", "canvas-expired-token")
    found = doctor(idle)
    assert verdicts(found, "D301", "D302", "D303") == ["ok", "fail", "skipped"]
    configure(idle, "canvas-expired-token", STUDENT_TOKEN)
    assert verdicts(doctor(idle), "D302", "D306") == ["ok", "fail"]
    configure(idle, STUDENT_TOKEN, "canvas-scoped-token")
    assert doctor(idle)["D307"]["verdict"] == "warn"
    configure(idle, "canvas-scoped-token", "canvas-admin-token")
    for count, verdict in ((530, "warn"), (690, "fail")):
        idle.canvas.sim("POST", "bucket", {"token": "canvas-admin-token", "count": count})
        assert doctor(idle)["D305"]["verdict"] == verdict
    idle.canvas.sim("POST", "bucket", {"token": "canvas-admin-token", "count": 0})
    configure(idle, idle.canvas.url, "http://127.0.0.1:9")
    found = doctor(idle)
    assert verdicts(found, "D301", "D302", "D401") == ["fail", "skipped", "ok"]


def test_a_forum_that_refuses_or_is_not_there(idle):
    found = doctor(idle)
    assert verdicts(found, "D401", "D402", "D409", "D410") == ["ok", "ok", "warn", "warn"]
    assert "min_post_length" in found["D410"]["cause"]
    idle.discourse.setting(rate_limit_create_post=5)
    assert doctor(idle)["D411"]["verdict"] == "warn"
    idle.add_webhook()
    assert verdicts(doctor(idle), "D405", "D406", "D408") == ["ok", "ok", "warn"]
    configure(idle, "a-secret-for-web-hooks", "another-secret-of-ours")
    assert doctor(idle)["D406"]["verdict"] == "fail"
    configure(idle, "discourse-admin-key", "wrong-key")
    assert verdicts(doctor(idle), "D401", "D402", "D404") == ["ok", "fail", "skipped"]
    configure(idle, idle.discourse.url, "http://127.0.0.1:9")
    assert verdicts(doctor(idle), "D401", "D402", "D301") == ["fail", "skipped", "ok"]


def test_courses_that_are_not_there_or_twice(idle):
    configure(idle, 'discourse = "intro-bio"', 'discourse = "no-such-category"')
    found = doctor(idle)
    assert verdicts(found, "D303", "D404") == ["ok", "fail"] and "no-such-category" in found["D404"]["cause"]
    configure(idle, "canvas = 1", "canvas = 99")
    assert doctor(idle)["D303"]["verdict"] == "fail"


def test_a_database_in_need_is_told_and_left_alone(world):
    start_on_canvas(world)
    wait_for_posts(world, TITLE, 1)
    world.settle()
    world.service.run("entity", "hold", world.service.entities("topic")[0]["id"], "--yes", "--reason", "x")
    world.service.process.stop()
    path = world.service.folder / "antiphon.db"
    db = sqlite3.connect(path)
    with db:
        db.execute("UPDATE entity SET status = 'failed' WHERE kind = 'topic'")
        db.execute("UPDATE audit SET why = 'nothing'")
        db.execute("INSERT INTO pause (scope, who, why, since_ms) VALUES ('all', 'x', 'y', 1)")
    db.close()
    found = doctor(world)
    assert verdicts(found, "D204", "D606", "D607", "D608") == ["warn", "warn", "warn", "fail"]
    whole = path.read_bytes()
    for schema, verdict in ((1, "warn"), (9_999, "fail")):
        db = sqlite3.connect(path)
        with db:
            db.execute("UPDATE meta SET value = ? WHERE name = 'schema_version'", (str(schema),))
        db.close()
        before = path.read_bytes()
        found = doctor(world)
        assert verdicts(found, "D202", "D606") == [verdict, "skipped"]
        assert path.read_bytes() == before
    path.write_bytes(b"This is no database." + whole[20:])
    assert verdicts(doctor(world), "D201", "D202") == ["fail", "skipped"]
