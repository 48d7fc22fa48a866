"""Recorded topics of real forums arrive in Canvas whole and once, and later runs write only what is new."""

import json
import re

import pytest

from people import FRICTION, LAG, OLD, RECORDED, check_mirror, recorded


@pytest.fixture(params=[{}, OLD], ids=["current", "old"])
def imported(start_world, request):
    """A world without a service whose forum has the recorded topics; `None` without those."""
    if not recorded():
        return None
    options = [option for path in recorded() for option in ("--import", path)]
    return start_world(is_served=False, discourse_options=options, profiles=request.param)


def test_recorded_topics_arrive_whole_and_once(imported):
    if imported is None:
        return
    files = recorded()
    imported.sync()
    recorded_posts = [json.loads(path.read_text(encoding="utf-8"))["post_stream"]["posts"] for path in files]
    count = sum(post["post_type"] == 1 for posts in recorded_posts for post in posts)
    assert len(imported.canvas_topics()) == len(files)
    assert sum(1 + len(imported.entries(topic.id)) for topic in imported.canvas_topics()) == count
    check_mirror(imported)

    before = imported.stored()
    imported.forget_calls()
    imported.sync()
    assert imported.writes() == []
    assert imported.stored() == before, "nothing is written a second time"


LIVE = [
    "026-topic-with-raw.json", "225-topic-with-a-small-action-post.json", "235-long-topic-print.json",
    "417-embedded-topic-as-admin.json",
]


@pytest.mark.parametrize("profiles", [{}, OLD], ids=["current", "old"])
def test_topics_recorded_from_a_running_server_arrive_whole(start_world, profiles):
    files = [RECORDED.parent / "live-3.1" / name for name in LIVE]
    if not all(path.exists() for path in files):
        print("fixtures not present")
        return
    options = [option for path in files for option in ("--import", path)]
    world = start_world(is_served=False, discourse_options=options, profiles=profiles)
    assert len(world.forum_topics()) == len(files)
    world.sync()
    check_mirror(world)
    before = world.stored()
    world.forget_calls()
    world.sync()
    assert world.writes() == [] and world.stored() == before


def written(done):
    """How many calls of a `sync --once` write, by the program's own count."""
    writes = re.compile("create|update|edit|delete|restore|recover|status", re.IGNORECASE)
    return sum(count for name, count in done["calls"].items() if writes.search(name))


def changed(before, after):
    """The rows that are new or different, by id."""
    return [key for key, row in after.items() if before.get(key) != row]


def test_one_edit_of_a_recorded_post_is_one_write(imported):
    if imported is None:
        return
    imported.sync()
    topic = imported.forum_topic("Embedding Urho3D")
    post = imported.posts(topic)[7]
    imported.forum.update_post(post["id"], FRICTION)
    imported.forget_calls()
    before = imported.stored()
    done = imported.sync()
    assert written(done) == 1, done
    assert len(changed(before[1], imported.stored()[1])) == 1, "one entry"
    assert imported.stored()[2] == before[2], "nothing on the forum"
    entry_id = imported.entity("post", "discourse", post["id"])["systems"]["canvas"]["id"].split("/")[-1]
    canvas_id = imported.entity("topic", "discourse", topic["id"])["systems"]["canvas"]["id"].split("/")[-1]
    entry = imported.course.get_discussion_topic(canvas_id).get_entries([entry_id])[0]
    assert FRICTION in entry.message

    other = next(entry for entry in imported.entries(canvas_id) if str(entry["id"]) != entry_id)
    post_id = imported.entity("post", "canvas", other["id"])["systems"]["discourse"]["id"]
    imported.course.get_discussion_topic(canvas_id).get_entries([other["id"]])[0].update(message=f"<p>{LAG}</p>")
    imported.forget_calls()
    done = imported.sync()
    assert written(done) == 1, done
    assert imported.writes() == [("PUT", f"/posts/{post_id}.json")]
    assert imported.forum.post_by_id(post_id)["raw"].strip() == LAG
