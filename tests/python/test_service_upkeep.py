"""Maintenance, backup and restore, through the commands an operator types."""

import gzip
import json
import shutil
import sqlite3

import pytest
import requests

from people import (
    FRICTION, LAG, SUN, TITLE, check_equal, check_unique, delete_entry, reply_on_canvas, reply_on_forum,
    start_on_canvas, start_on_forum, wait_for_entries, wait_for_posts,
)

DAY_MS = 86_400_000


def age(world, days):
    """Makes everything that ended in the stopped service's database older, ids included."""
    db = sqlite3.connect(world.service.folder / "antiphon.db")
    with db:
        for table, columns in {
            "operation_history": ("created_ms", "ended_ms"), "attempt": ("started_ms", "ended_ms"),
            "webhook_event": ("received_ms", "processed_ms"), "intent": ("created_ms", "closed_ms"),
            "sync_transaction": ("began_ms", "ended_ms"),
        }.items():
            for column in columns:
                db.execute(f"UPDATE {table} SET {column} = {column} - {days * DAY_MS}")
        # Ids begin with their time.
        db.execute("UPDATE operation_history SET id = '00' || substr(id, 3)")
        db.execute("UPDATE attempt SET operation_id = '00' || substr(operation_id, 3)")
        db.execute("UPDATE intent SET id = '00' || substr(id, 3)")
    db.close()


def said(world):
    """What stands on both sides, without what changes when somebody only reads."""
    topics, entries, forum = world.stored()
    posts = [
        (topic["id"], topic["title"], topic["closed"], [(p["id"], p["raw"], p["deleted_at"]) for p in topic["posts"]])
        for topic in forum
    ]
    return topics, entries, posts


def count(world, table):
    db = sqlite3.connect(world.service.folder / "antiphon.db")
    try:
        return db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    finally:
        db.close()


def test_ended_operations_are_archived_and_come_back(start_world):
    world = start_world(tables={"maintenance": {"archive": "old", "keep_completed": "10d"}})
    start_on_canvas(world)
    wait_for_posts(world, TITLE, 1)
    world.settle()
    jobs = world.service.read("maintenance", "list")
    assert [job["job"] for job in jobs] == [
        "operations", "deliveries", "journal", "statistics", "transactions", "orphans", "consistency", "database",
    ]
    # The plan has run them all since the start.
    world.wait_until(
        lambda: all(job["last"] and not job["last"]["error"] for job in world.service.read("maintenance", "list")),
        what="the first round of maintenance",
    )
    drift = world.service.read("maintenance", "drift")
    assert len(drift) == 1 and drift[0]["drifting"] == 0
    world.service.process.stop()
    before = world.service.read("operation", "list")
    age(world, 20)
    ended = count(world, "operation_history")
    assert ended > 0
    run = lambda *more: json.loads(world.service.run("maintenance", "run", "operations", "--json", *more))  # noqa: E731
    seen = run("--dry-run")
    assert (seen["found"], seen["done"], seen["is_dry"]) == (ended, 0, True)
    assert count(world, "operation_history") == ended
    done = run()
    assert done["done"] == ended and done["error"] is None and done["longest_ms"] < 1_000
    assert count(world, "operation_history") == 0 and count(world, "attempt") == 0
    files = sorted((world.service.folder / "old").glob("*.jsonl.gz"))
    lines = [json.loads(line) for file in files for line in gzip.open(file, "rt", encoding="utf-8")]
    assert sum("end" not in line for line in lines) == ended
    (back,) = world.service.read("maintenance", "import", files[0])
    assert back["imported"] >= 1
    for file in files[1:]:
        world.service.run("maintenance", "import", file)
    assert count(world, "operation_history") == ended and len(world.service.read("operation", "list")) == len(before)
    spoilt = world.service.folder / "spoilt.gz"
    spoilt.write_bytes(files[0].read_bytes()[:-30])
    assert "not whole" in world.service.fail("maintenance", "import", spoilt, expected=2)
    world.service.fail("maintenance", "run", "nonsense", expected=2)
    for job in ("deliveries", "transactions", "statistics", "orphans", "database", "journal"):
        world.service.run("maintenance", "run", job)
    # And it goes on.
    world.service.start()
    world.settle()
    check_equal(world)


def test_a_restored_backup_writes_nothing_until_accepted(start_world, tmp_path):
    world = start_world()
    topic = start_on_canvas(world)
    one = reply_on_canvas(world, "alice", topic.id, SUN)
    gone = reply_on_canvas(world, "bob", topic.id, "This answer goes away again after the backup was made.")
    wait_for_posts(world, TITLE, 3)
    world.settle()
    copy = tmp_path / "copy.db"
    made = json.loads(world.service.run("backup", "create", copy, "--json"))
    assert made["backup"]["bytes"] == copy.stat().st_size
    world.service.run("backup", "verify", copy)
    world.service.fail("backup", "create", copy, expected=4)
    # A week passes: an answer, an edit, a deletion, a new topic on the other side.
    reply_on_canvas(world, "bob", topic.id, LAG)
    delete_entry(world, topic.id, gone.id)

    def is_mirrored():
        texts = [post["raw"] for post in world.posts(world.forum_topic(TITLE)) if not post.get("deleted_at")]
        return any(LAG in text for text in texts) and not any("goes away" in text for text in texts)

    world.wait_until(is_mirrored, what="the answer and the deletion on the forum")
    later = "What was first said after the backup"
    first = start_on_forum(world, later, FRICTION)
    reply_on_forum(world, "alice", first["topic_id"], "An answer to what was said after the backup was made.")
    wait_for_entries(world, later, 1)
    world.settle()
    world.service.process.stop()
    # While the service is down somebody edits.
    edited = "The sun has more to say after the backup than before."
    world.canvas_as("alice").get_discussion_topic(topic.id).get_entries([one.id])[0].update(message=f"<p>{edited}</p>")
    assert "there already" in world.service.fail("backup", "restore", copy, expected=2)
    for file in world.service.folder.glob("antiphon.db*"):
        file.unlink()
    spoilt = tmp_path / "spoilt.db"
    shutil.copy(f"{copy}.json", f"{spoilt}.json")
    content = bytearray(copy.read_bytes())
    content[len(content) // 2] ^= 1
    spoilt.write_bytes(content)
    assert "checksum" in world.service.fail("backup", "restore", spoilt, expected=1)
    world.service.run("backup", "restore", copy)
    world.forget_calls()
    stored = said(world)
    world.service.start()
    held = lambda: [e for e in world.service.entities() if (e["reason"] or {}).get("code") == "SYNC-5020"]  # noqa: E731
    # The edit; the new answer and the new topic as each side has them.
    world.wait_until(lambda: len(held()) == 5, what="the held writes")
    assert world.writes() == [] and said(world) == stored
    assert "runs" in world.service.fail("backup", "accept-restore", "--dry-run", expected=2)
    world.service.process.stop()
    seen = json.loads(world.service.run("backup", "accept-restore", "--dry-run", "--json"))
    assert seen["deletes"] == 0, seen
    assert seen["edits"] >= 1 and len(seen["pairs"]) == 2, seen
    world.service.run("backup", "accept-restore", expected=3)
    world.service.run("backup", "accept-restore", "--yes", "--max-changes", 0, "--reason", "test", expected=3)
    world.service.fail("backup", "accept-restore", "--yes", expected=2)
    world.service.run("backup", "accept-restore", "--yes", "--reason", "the disk broke")
    world.service.start()
    has_edit = lambda: any(edited in post["raw"] for post in world.posts(world.forum_topic(TITLE)))  # noqa: E731
    world.wait_until(has_edit, what="the edit that was made meanwhile")
    world.settle()
    check_equal(world)
    assert {entity["status"] for entity in world.service.entities()} == {"in_sync"}
    # Nothing was deleted, nothing doubled.
    assert all(method != "DELETE" for method, _ in world.writes())
    check_unique(world)
    assert len(world.canvas_topics()) == 2 and len(world.forum_topics()) == 2
    texts = [post["raw"] for post in world.posts(world.forum_topic(TITLE)) if not post.get("deleted_at")]
    assert sum(LAG in text for text in texts) == 1
    assert sum(LAG in (entry.get("message") or "") for entry in world.entries(topic.id)) == 1


def test_a_job_is_run_through_the_api(start_world):
    token = "a-token-for-the-admin-api"
    world = start_world(tables={"web": {"token": token}})
    url, headers = f"{world.service.url}/api/v1/maintenance", {"Authorization": f"Bearer {token}"}
    job = lambda: requests.get(url, headers=headers, timeout=5).json()["jobs"][5]  # noqa: E731
    assert job()["job"] == "orphans" and job()["preview"] is None
    ask = lambda **wish: requests.post(f"{url}/run", json=wish, headers=headers, timeout=5)  # noqa: E731
    assert ask(job="nonsense").status_code in (400, 422)
    assert ask(job="orphans", dry_run=True).ok
    world.wait_until(lambda: job()["preview"], what="the preview")
    assert job()["preview"]["is_dry"] and job()["preview"]["error"] is None
    world.wait_until(lambda: job()["last"], what="the first run by plan")
    assert job()["last"]["who"] == "plan"
    assert ask(job="orphans").ok
    world.wait_until(lambda: job()["last"]["who"] != "plan", what="the run that was asked for")
    audited = requests.get(f"{world.service.url}/api/v1/audit", headers=headers, timeout=5).text
    assert "maintenance run" in audited and "maintenance preview" in audited
    assert requests.post(f"{url}/run", json={"job": "orphans"}, timeout=5).status_code == 401


def test_an_older_database_is_copied_before_it_is_changed(start_world):
    world = start_world()
    start_on_canvas(world)
    wait_for_posts(world, TITLE, 1)
    world.settle()
    world.service.process.stop()
    path = world.service.folder / "antiphon.db"
    db = sqlite3.connect(path)
    with db:
        db.execute("UPDATE meta SET value = '1' WHERE name = 'schema_version'")
    db.close()
    # The migrations meet a schema that they do not expect; whatever becomes of that, the copy was made before.
    world.service.execute("status")
    copies = list(world.service.folder.glob("antiphon.db.schema-1-*"))
    assert len(copies) == 1
    copy = sqlite3.connect(copies[0])
    assert copy.execute("SELECT value FROM meta WHERE name = 'schema_version'").fetchone() == ("1",)
    assert copy.execute("SELECT count(*) FROM entity").fetchone()[0] >= 2
    copy.close()


@pytest.mark.parametrize("text", ["3 days", "10s"])
def test_a_retention_that_makes_no_sense_is_refused(start_world, text):
    world = start_world(is_served=False)
    config = world.service.config
    config.write_text(f'{config.read_text()}\n[maintenance]\nkeep_failed = "{text}"\n', encoding="utf-8")
    assert "maintenance.keep_failed" in world.service.fail("config", "check")
