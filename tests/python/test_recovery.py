"""Recovery by hand: force, reset, skip, hold and release, one item and many."""

import json

from people import (
    FRICTION, LAG, SUN, TITLE, check_unique, reply_on_canvas, start_on_canvas, wait_for_entries, wait_for_posts,
)


def topic_id(world):
    (topic,) = world.service.entities("topic")
    return topic["id"]


def edit_on_canvas(world, topic, text):
    world.course.get_discussion_topic(topic.id).update(message=f"<p>{text}</p>")


def first_post(world):
    _, _, forum = world.stored()
    (topic,) = [found for found in forum if found["title"] == TITLE]
    return topic["posts"][0]


def act(world, *arguments, expected=0):
    output = world.service.run("entity", *arguments, "--json", expected=expected)
    return [json.loads(line) for line in output.splitlines()]


def test_one_side_is_forced_and_the_other_text_is_kept(start_world):
    world = start_world(sync={"strategy": "manual"})
    topic = start_on_canvas(world)
    wait_for_posts(world, TITLE, 1)
    world.settle()
    entity = topic_id(world)
    # Both sides are edited while the item is held: nothing moves, then there is a conflict.
    act(world, "hold", entity, "--yes", "--reason", "two edits")
    edit_on_canvas(world, topic, "From Canvas, by the teacher.")
    world.forum._put(f"/posts/{first_post(world)['id']}.json", **{"post[raw]": "From the forum, at last."})
    world.settle()
    assert "From Canvas" not in first_post(world)["raw"]
    world.service.run("entity", "force", entity, "--from", "canvas", "--yes", "--reason", "no", expected=2)
    act(world, "release", entity, "--yes")
    world.wait_until(lambda: world.service.read("conflict", "list", "--state", "open"), what="the conflict")

    (seen,) = act(world, "force", entity, "--from", "canvas", "--dry-run")
    assert seen["preview"]["would_change"] == 1 and seen["preview"]["writes"] == {"discourse": {"edit": 1}}
    act(world, "force", entity, "--from", "canvas", expected=3)
    assert world.service.read("conflict", "list", "--state", "open"), "nothing happens without --yes"
    act(world, "force", entity, "--from", "canvas", "--yes", "--reason", "Canvas is right")
    world.wait_until(lambda: "From Canvas" in first_post(world)["raw"], what="the forced text")
    world.settle()
    assert not world.service.read("conflict", "list", "--state", "open")
    told = [
        json.dumps(world.service.read("conflict", "show", conflict["id"]))
        for conflict in world.service.read("conflict", "list")
    ]
    assert all("operator:command line" in conflict for conflict in told)
    assert any("From the forum, at last" in conflict for conflict in told)
    # The other text can still be had.
    newest = world.service.read("conflict", "list")[0]["id"]
    world.service.run("conflict", "resolve", newest, "--take", "discourse")
    world.wait_until(
        lambda: "at last" in world.course.get_discussion_topic(topic.id).message, what="the text that was outweighed"
    )
    check_unique(world)


def test_the_last_change_is_undone_on_both_sides(world):
    topic = start_on_canvas(world)
    wait_for_posts(world, TITLE, 1)
    world.settle()
    before = first_post(world)["raw"]
    entity = topic_id(world)
    # It was made by its last change, and nothing takes that back.
    (seen,) = act(world, "undo", "--kind", "topic", "--dry-run")
    assert seen["preview"]["would_change"] == 0 and "created it" in seen["preview"]["refused"][0]["why"]
    edit_on_canvas(world, topic, "From Canvas, by mistake.")
    world.wait_until(lambda: "by mistake" in first_post(world)["raw"], what="the edit")
    world.settle()
    (seen, _) = act(world, "undo", entity, "--yes", "--reason", "it was a mistake")
    assert seen["preview"]["writes"] == {"canvas": {"edit": 1}, "discourse": {"edit": 1}}
    world.wait_until(lambda: first_post(world)["raw"] == before, what="the text from before")
    world.settle()
    assert "by mistake" not in world.course.get_discussion_topic(topic.id).message
    kept = [world.service.run("conflict", "show", one["id"]) for one in world.service.read("conflict", "list")]
    assert any("by mistake" in conflict for conflict in kept)
    check_unique(world)


def test_a_reset_makes_no_double(world):
    topic = start_on_canvas(world)
    reply_on_canvas(world, "alice", topic.id, SUN)
    wait_for_posts(world, TITLE, 2)
    world.settle()
    before = world.stored()
    agreed = ("--yes", "--reason", "anew", "--max-changes", "9")
    (seen, done) = act(world, "reset", "--kind", "post", "--since", "1h", *agreed)
    assert seen["preview"]["would_change"] == done["changed"] == 1
    (seen, done) = act(world, "reset", topic_id(world), "--yes", "--reason", "anew")
    assert done["changed"] == 1
    world.settle()
    check_unique(world)
    assert [len(part) for part in world.stored()] == [len(part) for part in before]
    assert all(entity["status"] == "in_sync" for entity in world.service.entities())
    # It still goes both ways.
    reply_on_canvas(world, "bob", topic.id, LAG)
    wait_for_posts(world, TITLE, 3)
    world.settle()
    check_unique(world)


def test_many_are_skipped_by_filter_within_the_agreed_number(world):
    topic = start_on_canvas(world)
    for login, text in (("alice", SUN), ("bob", FRICTION)):
        reply_on_canvas(world, login, topic.id, text)
    wait_for_posts(world, TITLE, 3)
    world.settle()
    chosen = ("--kind", "post", "--status", "in_sync")
    act(world, "skip", *chosen, "--yes", "--reason", "x", "--max-changes", "1", expected=3)
    assert not world.service.read("entity", "list", "--status", "skipped")
    (seen, done) = act(world, "skip", *chosen, "--yes", "--reason", "exam", "--max-changes", "2")
    assert done == {"changed": 2, "skipped": 0}
    assert len(world.service.read("entity", "list", "--status", "skipped", "--code", "SYNC-5022")) == 2
    # Nothing can be done to what is skipped, and everything at once must be asked for.
    (seen, done) = act(world, "force", "--from", "canvas", "--kind", "post", "--yes", "--reason", "x")
    assert seen["preview"]["not_fitting"] == 2 and done["changed"] == 0
    assert "Say which items" in world.service.fail("entity", "skip", "--yes", "--reason", "x", expected=2)
    assert "is no time" in world.service.fail("entity", "skip", "--since", "soon", expected=2)
    (_, done) = act(world, "unskip", "--status", "skipped", "--yes")
    assert done["changed"] == 2
    world.settle()
    assert not world.service.read("entity", "list", "--status", "skipped")
    wait_for_entries(world, TITLE, 2)
    check_unique(world)
