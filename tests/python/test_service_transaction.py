"""Sync transactions at the whole program: one child of many refused, and an undoing that is refused itself."""

from people import FRICTION, TITLE, check_equal, reply_on_canvas, start_on_canvas, start_on_forum
from test_service_conflict import everywhere, shared_thread, transactions, words

POSTS = 40
REFUSED = 23


def text_of(number):
    about = "the forbidden subject" if number == REFUSED else "the tides in our harbour"
    return f"Answer number {number:02} says a little more about {about}."


def test_one_refused_post_of_forty_fails_alone(start_world):
    world = start_world(is_served=False)
    world.discourse.setting(watched_words_block="forbidden")
    topic = start_on_canvas(world)
    entries = {number: reply_on_canvas(world, "alice", topic.id, text_of(number)) for number in range(1, POSTS + 1)}
    answer = reply_on_canvas(world, "bob", topic.id, "I do not agree with number 23.", entries[REFUSED].id)
    world.service.execute("sync", "--once")
    on_forum = [post["raw"].strip() for post in world.posts(world.forum_topic(TITLE))[1:]]
    assert on_forum == [text_of(number) for number in range(1, POSTS + 1) if number != REFUSED]
    failed = [entity for entity in world.service.entities() if entity["status"] == "failed"]
    (refused,) = failed
    assert refused["systems"]["canvas"]["id"].endswith(f"/{entries[REFUSED].id}")
    assert refused["reason"]["code"] == "SYNC-2306" and "discourse" not in refused["systems"]
    # Its own transaction was rolled back; the others stand, and what answers it waits.
    ends, _ = transactions(world, "post", "canvas", entries[REFUSED].id)
    assert ends == ["rolled_back"], ends
    ends, _ = transactions(world, "post", "canvas", entries[REFUSED + 1].id)
    assert ends == ["committed"], ends
    waiting = world.entity("post", "canvas", answer.id)
    assert waiting["status"] == "pending" and "discourse" not in waiting["systems"], waiting
    # The word is allowed, and somebody asks: both arrive, once.
    world.discourse.setting(watched_words_block="")
    # For two minutes a forum answers the same create from its memory, a refusal too (contract discourse, rule 5).
    world.discourse.advance(130)
    (operation,) = [one for one in world.service.read("operation", "list") if one["state"] == "failed"]
    world.service.run("operation", "retry", operation["id"])
    world.sync()
    check_equal(world)
    assert len(world.posts(world.forum_topic(TITLE))) == POSTS + 2
    assert {entity["status"] for entity in world.service.entities()} == {"in_sync"}


def test_an_undoing_that_is_refused_is_stuck_and_shown_and_goes_on_when_asked(start_world):
    world, canvas_ids, forum_ids = shared_thread(start_world)
    taken = "What makes the moonlight rise"
    start_on_forum(world, taken, "Other words about the moon, the sea and the light")
    world.sync()
    world.canvas_as("tina").get_discussion_topic(canvas_ids[0]).update(title=taken)
    world.discourse.client("tina").update_post(forum_ids[1][0], FRICTION)
    before = words(world, canvas_ids, forum_ids)
    # Canvas takes the text, Discourse refuses the title, and Canvas refuses to have its text back.
    world.canvas.fault("not_permitted", method="PUT", path="*/discussion_topics/*", skip=1)
    world.service.execute("sync", "--once")
    stuck = world.entity("topic", "canvas", canvas_ids[0])
    assert (stuck["status"], stuck["reason"]["code"]) == ("failed", "SYNC-3011"), stuck
    ends, lines = transactions(world, "topic", "canvas", canvas_ids[0])
    assert ("compensate", "edit", "canvas", True) in lines[-1], lines
    assert ends[-1] in (None, "prepared"), ends
    (failed,) = [one for one in world.service.read("operation", "list") if one["state"] == "failed"]
    assert failed["failure"]["code"] == "SYNC-3011", failed
    # Nothing of it is tried again by itself; a person who mends the right asks for it.
    world.service.execute("sync", "--once")
    assert world.entity("topic", "canvas", canvas_ids[0])["reason"]["code"] == "SYNC-3011"
    world.service.run("operation", "retry", failed["id"])
    world.service.execute("sync", "--once")
    assert words(world, canvas_ids, forum_ids) == before
    ends, lines = transactions(world, "topic", "canvas", canvas_ids[0])
    assert ends[-1] == "rolled_back" and ("compensate", "edit", "canvas", False) in lines[-1], (ends, lines)
    world.discourse.setting(allow_duplicate_topic_titles=True)
    failed = [one for one in world.service.read("operation", "list") if one["state"] == "failed"]
    world.service.run("operation", "retry", failed[0]["id"])
    world.sync()
    assert words(world, canvas_ids, forum_ids) == everywhere((taken, FRICTION))
