"""Content that stands on both sides before they are paired is linked, not made twice."""

import json
import time

import pytest
import requests

from people import (
    FRICTION, LAG, SUN, TITLE, WHY, check_equal, check_unique, reply_on_canvas, reply_on_forum, start_on_canvas,
    start_on_forum, titles_once, wait_for_posts,
)
from process import wait_until

OTHER = "What makes the water rise and fall"
TOKEN = "an-admin-token-of-the-tests"


def same_thread(world, title=TITLE):
    """One thread that somebody has copied by hand: a topic, an answer and an answer to it, on both sides."""
    topic = start_on_canvas(world, title)
    entry = reply_on_canvas(world, "alice", topic.id, SUN)
    reply_on_canvas(world, "bob", topic.id, LAG, entry.id)
    first = start_on_forum(world, title)
    post = reply_on_forum(world, "alice", first["topic_id"], SUN)
    reply_on_forum(world, "bob", first["topic_id"], LAG, post["post_number"])
    return topic, first


def with_course(start_world, **course):
    """A world whose one course has settings of its own."""
    world = start_world(is_served=False)
    text = world.service.config.read_text(encoding="utf-8")
    lines = [f"{key} = {json.dumps(value)}" for key, value in course.items()]
    world.service.config.write_text(text + "\n".join(lines) + "\n", encoding="utf-8")
    return world


def matches(world, state=None):
    output = world.service.execute("match", "list", "--json").stdout
    found = [json.loads(line) for line in output.splitlines() if line.strip()]
    return [one for one in found if state in (None, one["state"])]


def test_equal_content_ends_with_zero_creates(start_world):
    world = start_world(is_served=False)
    same_thread(world)
    world.forget_calls()
    before = world.stored()
    world.sync()
    assert world.writes() == [] and world.stored()[:2] == before[:2]
    assert check_equal(world)
    check_unique(world)
    entities = world.service.entities()
    assert {entity["status"] for entity in entities} == {"in_sync"}
    assert sorted(entity["kind"] for entity in entities) == ["course", "post", "post", "topic"]
    (found,) = matches(world)
    assert (found["state"], found["posts"], found["title"]) == ("linked", 2, TITLE)
    assert {"title", "text", "author"} <= set(found["evidence"])
    assert world.service.read("conflict", "list") == []


def test_what_is_on_one_side_alone_is_created_and_what_is_linked_goes_on(start_world):
    world = start_world(is_served=False)
    topic, first = same_thread(world)
    reply_on_canvas(world, "alice", topic.id, FRICTION)
    start_on_forum(world, OTHER, "Something that only the forum has, so far.")
    world.sync()
    assert check_equal(world) and titles_once(world) == sorted([TITLE, OTHER])
    posts = world.posts(world.read_topic(first["topic_id"]))
    assert [post["raw"].strip() for post in posts] == [WHY, SUN, LAG, FRICTION]
    # An edit of a linked post goes to its own counterpart.
    entry = world.entries(topic.id)[0]
    mine = world.canvas_as("alice").get_discussion_topic(topic.id).get_entries([entry["id"]])[0]
    mine.update(message=f"<p>{OTHER}, she asked.</p>")
    world.sync()
    assert world.posts(world.read_topic(first["topic_id"]))[1]["raw"].strip() == f"{OTHER}, she asked."


def test_duplicates_are_named_and_not_doubled(start_world):
    world = start_world(is_served=False)
    for _ in range(2):
        start_on_canvas(world)
    start_on_forum(world)
    world.forget_calls()
    world.sync(expected=1)
    assert world.writes() == []
    (found,) = matches(world, "unclear")
    assert len(found["canvas"]) == 2 and len(found["discourse"]) == 1 and "text" in found["evidence"]
    assert sorted(item["id"] for item in found["canvas"]) == sorted(
        entity["systems"]["canvas"]["id"] for entity in world.service.entities("topic") if "canvas" in entity["systems"]
    )
    assert {entity["status"] for entity in world.service.entities("topic")} == {"held"}
    # Which one is meant must be said; the one that is left over is then on one side alone.
    error = world.service.fail("match", "accept", found["id"], expected=3)
    assert found["canvas"][0]["entity"] in error
    world.service.run("match", "accept", found["id"], "--canvas", found["canvas"][1]["entity"])
    world.sync()
    assert len(world.canvas_topics()) == 2
    assert {entity["status"] for entity in world.service.entities("topic")} == {"in_sync"}
    linked = world.entity("topic", "canvas", found["canvas"][1]["id"].split("/")[-1])
    assert linked["systems"]["discourse"]["id"] == found["discourse"][0]["id"]
    check_unique(world)


def likely(world):
    """The same title by the same person, with other words in one of them and two answers that are the same."""
    topic = start_on_canvas(world, TITLE, WHY)
    reply_on_canvas(world, "alice", topic.id, SUN)
    first = start_on_forum(world, TITLE, FRICTION)
    reply_on_forum(world, "alice", first["topic_id"], SUN)
    return topic, first


def test_a_likely_match_waits_and_is_linked_when_it_is_accepted(start_world):
    world = start_world(is_served=False)
    topic, first = likely(world)
    world.forget_calls()
    world.sync(expected=1)
    assert world.writes() == [], "nothing is made twice while somebody must be asked"
    (found,) = matches(world, "likely")
    world.service.run("match", "accept", found["id"], "--reason", "the same discussion")
    world.sync()
    assert len(world.canvas_topics()) == 1 and len(world.forum_topics()) == 1
    assert check_equal(world)
    assert len(world.service.entities("post")) == 1
    # Canvas is preferred here; the other text is kept in the conflict.
    (conflict,) = world.service.read("conflict", "list")
    assert conflict["state"] == "resolved" and "body" in conflict["fields"]
    assert world.posts(world.read_topic(first["topic_id"]))[0]["raw"].strip() == WHY
    assert topic.id == world.canvas_topics()[0].id


def test_a_rejected_match_becomes_two_items(start_world):
    world = start_world(is_served=False, discourse_options=())
    world.discourse.setting(allow_duplicate_topic_titles=True)
    likely(world)
    world.sync(expected=1)
    (found,) = matches(world, "likely")
    world.service.run("match", "reject", found["id"])
    world.sync()
    assert len(world.canvas_topics()) == 2 and len(world.forum_topics()) == 2
    assert {entity["status"] for entity in world.service.entities()} == {"in_sync"}
    assert "rejected already" in world.service.fail("match", "accept", found["id"], expected=3)


def test_likely_matches_can_be_linked_without_asking(start_world):
    world = with_course(start_world, link_likely=True)
    likely(world)
    world.sync()
    assert len(world.canvas_topics()) == 1 and len(world.forum_topics()) == 1
    assert check_equal(world)


def test_a_course_that_only_matches_creates_nothing(start_world):
    world = with_course(start_world, match="match_only")
    topic, first = same_thread(world)
    reply_on_canvas(world, "alice", topic.id, FRICTION)
    start_on_forum(world, OTHER, "Something that only the forum has.")
    world.forget_calls()
    world.sync()
    assert world.writes() == []
    alone = [entity for entity in world.service.entities() if entity["status"] == "skipped"]
    assert sorted(entity["kind"] for entity in alone) == ["post", "topic"]
    # What is linked is kept in step, and what was left alone is made when the course does more.
    world.discourse.client("tina").update_post(first["id"], LAG)
    world.sync()
    assert LAG in world.course.get_discussion_topic(topic.id).message
    text = world.service.config.read_text(encoding="utf-8").replace("match_only", "match_then_create")
    world.service.config.write_text(text, encoding="utf-8")
    world.sync()
    assert check_equal(world) and titles_once(world) == sorted([TITLE, OTHER])


def test_a_course_that_only_creates_does_not_compare(start_world):
    world = with_course(start_world, match="create_only")
    world.discourse.setting(allow_duplicate_topic_titles=True)
    same_thread(world)
    world.sync()
    assert len(world.canvas_topics()) == 2 and len(world.forum_topics()) == 2
    assert matches(world) == []


def test_matching_is_undone_until_the_first_write(start_world):
    world = start_world(is_served=False)
    topic, _ = same_thread(world)
    likely_topic = start_on_canvas(world, OTHER, SUN)
    start_on_forum(world, OTHER, LAG)
    world.sync(expected=1)
    (found,) = matches(world, "likely")
    world.service.run("match", "reject", found["id"])
    undone = world.service.read("match", "undo", f"canvas:{world.course.id}")
    assert undone[0]["undone"] == 2
    assert world.service.entities("topic") == [] and matches(world) == []
    world.sync(expected=1)
    (found,) = matches(world, "likely")
    assert len(world.service.entities("topic")) == 3
    reply_on_canvas(world, "alice", topic.id, FRICTION)
    world.sync(expected=1)
    assert "can no longer be undone" in world.service.fail("match", "undo", f"canvas:{world.course.id}", expected=3)
    assert likely_topic.id in [one.id for one in world.canvas_topics()]


def test_the_admin_api_knows_the_same_verbs(start_world):
    world = start_world(tables={"web": {"token": TOKEN}}, is_served=False)
    likely(world)
    world.service.start()
    headers = {"Authorization": f"Bearer {TOKEN}"}
    url = f"{world.service.url}/api/v1/matches"

    def listed():
        return requests.get(url, params={"state": "likely"}, headers=headers, timeout=20).json()["matches"]

    world.wait_until(lambda: len(listed()) == 1, what="the match")
    found = listed()[0]
    assert requests.post(f"{url}/{found['id']}/accept", json={}, timeout=20).status_code == 401
    answer = requests.post(f"{url}/{found['id']}/accept", json={"reason": "the same"}, headers=headers, timeout=20)
    assert answer.ok and answer.json()["state"] == "accepted", answer.text
    world.wait_until(lambda: check_equal(world), what="equal sides")
    again = requests.post(f"{url}/{found['id']}/reject", json={}, headers=headers, timeout=20)
    assert again.status_code == 422
    undone = requests.post(f"{url}/undo", json={"course": found["course"]}, headers=headers, timeout=20)
    assert undone.status_code == 422, "something was written"


@pytest.mark.parametrize("wait", [0.05, 0.3, 0.8])
def test_a_kill_while_matching_makes_nothing_twice(start_world, wait):
    world = start_world(is_served=False, sync={"lease": "1s"})
    topic, first = same_thread(world)
    reply_on_forum(world, "alice", first["topic_id"], FRICTION)
    for _ in range(2):
        world.service.launch()
        time.sleep(wait)
        world.service.kill()
    world.service.launch()
    wait_until(world.service.is_ready, what="readiness")
    wait_for_posts(world, TITLE, 4)
    world.wait_until(lambda: check_equal(world), 30, "equal sides")
    world.settle()
    check_unique(world)
    assert len(world.entries(topic.id)) == 3
