"""The main job with a Canvas of 2019 and a Discourse 3.1."""

import pytest

from people import (
    CREATES, FRICTION, IDS, LAG, OLD, SUN, TITLE, call_forum, check_equal, check_struck, check_whole, delete_entry,
    reply_on_canvas, reply_on_forum, start_on_canvas, start_on_forum, wait_for_entries, wait_for_posts,
    write_thread,
)


def test_old_servers_from_canvas(start_world):
    world = start_world(profiles=OLD)
    topic = start_on_canvas(world)
    one = reply_on_canvas(world, "alice", topic.id, SUN)
    two = reply_on_canvas(world, "bob", topic.id, LAG, one.id)
    _, posts = wait_for_posts(world, TITLE, 3)
    assert [post["username"] for post in posts] == ["tina", "alice", "bob"]
    assert [post["reply_to_post_number"] or 1 for post in posts[1:]] == [1, 2]
    mine = world.canvas_as("bob").get_discussion_topic(topic.id)
    mine.get_entries([two.id])[0].update(message=f"<p>{FRICTION}</p>")
    world.wait_until(lambda: world.posts(world.forum_topic(TITLE))[2]["raw"].strip() == FRICTION, what="the edit")
    world.canvas_as("tina").get_discussion_topic(topic.id).update(locked=True, pinned=True)
    world.wait_until(lambda: world.forum_topic(TITLE)["closed"], what="the lock")
    world.wait_until(lambda: world.forum_topic(TITLE)["pinned"], what="the pin")
    delete_entry(world, topic.id, two.id)
    wait_for_posts(world, TITLE, 2)
    world.settle()
    check_equal(world)


def test_old_servers_from_the_forum(start_world):
    world = start_world(profiles=OLD)
    first = start_on_forum(world)
    one = reply_on_forum(world, "alice", first["topic_id"], SUN)
    two = reply_on_forum(world, "bob", first["topic_id"], LAG, one["post_number"])
    topic, entries = wait_for_entries(world, TITLE, 2)
    assert topic.author["id"] == IDS["tina"]
    assert [(entry["user_id"], entry["parent_id"]) for entry in entries] == [(3, None), (4, entries[0]["id"])]
    world.discourse.client("bob").update_post(two["id"], FRICTION)
    world.wait_until(lambda: FRICTION in world.entries(topic.id)[1]["message"], what="the edit")
    world.forum.update_topic_status(first["topic_id"], "closed", True)
    world.wait_until(lambda: world.course.get_discussion_topic(topic.id).locked, what="the lock")
    call_forum(world, "DELETE", f"/posts/{two['id']}.json")
    wait_for_entries(world, TITLE, 1)
    world.settle()
    check_equal(world)


@pytest.mark.parametrize(("system", "path", "kind"), CREATES)
def test_an_answer_lost_by_an_old_server_makes_nothing_twice(start_world, system, path, kind):
    world = start_world(is_served=False, profiles=OLD)
    sandbox = {"canvas": world.canvas, "discourse": world.discourse}[system]
    spoil = lambda: sandbox.fault("lost_answer", "POST", path)  # noqa: E731
    write_thread(world, system == "discourse", kind, spoil, lambda _: world.sync())
    check_struck(sandbox)
    check_whole(world)


def test_a_reply_restored_on_the_forum_comes_back_in_an_old_canvas(start_world):
    world = start_world(profiles=OLD)
    first = start_on_forum(world)
    reply = reply_on_forum(world, "alice", first["topic_id"], SUN)
    wait_for_entries(world, TITLE, 1)
    call_forum(world, "DELETE", f"/posts/{reply['id']}.json")
    wait_for_entries(world, TITLE, 0)
    world.settle()
    call_forum(world, "PUT", f"/posts/{reply['id']}/recover.json")
    # That server restores nothing: it is a new entry, or the reason is told.

    def follows():
        entity = world.entity("post", "discourse", reply["id"])
        live = [entry for entry in world.entries(world.canvas_topic(TITLE).id) if not entry.get("deleted")]
        if entity["status"] == "in_sync":
            return len(live) == 1 and SUN in live[0]["message"]
        return entity["status"] in ("failed", "held") and entity["reason"]["remedy"]

    world.wait_until(follows, what="the reply, or why it cannot come back")
