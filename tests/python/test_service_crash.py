"""The service is killed, or an answer is lost, at any moment: the same end, and nothing twice."""

import random
import time

import pytest

from people import (
    CREATES, SUN, check_equal, check_mirror, check_struck, check_unique, check_whole, delete_entry, recorded,
    reply_on_canvas, reply_on_forum, start_on_canvas, start_on_forum, titles_once, wait_for_entries, write_thread,
)
from process import wait_until


def post_work(world, number):
    """Things that people do on both sides, one at a time; made of parts so that a kill can come in between."""
    text = f"Thought number {number}, which nobody has had before."
    canvas_title, forum_title = f"Tides as seen from Canvas {number}", f"Tides as seen from the forum {number}"
    topic = start_on_canvas(world, canvas_title, f"{text} A.")
    yield
    first = start_on_forum(world, forum_title, f"{text} B.")
    one = reply_on_canvas(world, "alice", topic.id, f"{text} C.")
    yield
    two = reply_on_canvas(world, "bob", topic.id, f"{text} D.", one.id)
    post = reply_on_forum(world, "alice", first["topic_id"], f"{text} E.")
    yield
    reply_on_forum(world, "bob", first["topic_id"], f"{text} F.", post["post_number"])
    gone = reply_on_canvas(world, "alice", topic.id, f"{text} G.")
    yield
    world.canvas_as("bob").get_discussion_topic(topic.id).get_entries([two.id])[0].update(message=f"<p>{text} H.</p>")
    world.discourse.client("alice").update_post(post["id"], f"{text} I.")
    yield
    delete_entry(world, topic.id, gone.id)
    world.forum.update_topic_status(first["topic_id"], "closed", True)
    yield


@pytest.mark.parametrize("seed", range(1, 6))
def test_a_killed_service_goes_on_where_it_was(start_world, seed):
    chance = random.Random(seed)
    world = start_world(sync={"lease": "1s"})
    for number in range(2):
        for _ in post_work(world, number):
            for _ in range(2):
                # A moment, not a wait for anything: the kill shall fall anywhere, also into the start.
                time.sleep(chance.random() * 0.2)
                world.service.kill()
                world.service.launch()
            wait_until(world.service.is_ready, what="readiness")
    world.wait_until(lambda: check_equal(world), 40, "equal sides")
    world.settle()
    check_equal(world)
    check_unique(world)
    assert {entity["status"] for entity in world.service.entities()} == {"in_sync"}
    assert len(titles_once(world)) == 4
    # Two replies are deleted again; whether they were seen before is chance.
    live = [e for e in world.service.entities("post") if e["systems"]["local"]["state"] == "present"]
    assert len(live) == 8


@pytest.mark.parametrize("seed", [1, 2])
def test_a_killed_backfill_goes_on_where_it_was(start_world, seed):
    if not recorded():
        return
    chance = random.Random(seed)
    options = [option for path in recorded() for option in ("--import", path)]
    world = start_world(is_served=False, discourse_options=options, sync={"lease": "1s"})
    for _ in range(6):
        world.service.start()
        time.sleep(0.02 + chance.random() * 0.3)
        world.service.kill()
    world.service.start()
    wanted = len(recorded())
    world.wait_until(lambda: len(world.canvas_topics()) == wanted and world.is_quiet(), 60, "all topics")
    check_mirror(world)
    world.service.kill()
    before = world.stored()
    world.sync()
    assert world.stored() == before


LOST = [
    # What happens to the answer, how often; a Discourse create is struck at /posts whatever it makes.
    *(("discourse", "/posts", kind, *fault) for kind in ("topic", "entry", "reply") for fault in (
        ("lost_answer", {"times": 1}),
        ("error500", {"times": 1, "commit": True}),
        ("bad_gateway", {"times": 1, "commit": True}),
    )),
    # Three lost answers strike all three creates of the thread, one after the other.
    ("discourse", "/posts", "topic", "lost_answer", {"times": 3}),
    *((system, path, kind, *fault) for system, path, kind in CREATES if system == "canvas" for fault in (
        ("lost_answer", {"count": 1}), ("error_after_commit", {"count": 1}), ("reset_mid_body", {"after_bytes": 20}),
    )),
]


@pytest.mark.parametrize(("system", "path", "kind", "fault", "fields"), LOST)
def test_an_answer_lost_after_a_create_makes_nothing_twice(start_world, system, path, kind, fault, fields):
    world = start_world(is_served=False)
    sandbox = {"canvas": world.canvas, "discourse": world.discourse}[system]
    # The person's own request is not struck: it goes to the other system.
    spoil = lambda: sandbox.fault(fault, "POST", path, **fields)  # noqa: E731
    write_thread(world, system == "discourse", kind, spoil, lambda _: world.sync())
    check_struck(sandbox)
    check_whole(world)


@pytest.mark.parametrize(("system", "path", "kind"), CREATES)
def test_a_kill_between_a_create_and_its_answer_makes_nothing_twice(start_world, system, path, kind):
    world = start_world(sync={"lease": "1s"})
    wait = {"canvas": ("time_out", "after_commit"), "discourse": ("timeout", "commit")}[system]
    sandbox = {"canvas": world.canvas, "discourse": world.discourse}[system]
    counts = {"topic": (1, 0), "entry": (1, 1), "reply": (1, 2)}

    def reached(name):
        if system == "canvas":
            found = len(world.canvas_topics()), sum(len(world.entries(topic.id)) for topic in world.canvas_topics())
        else:
            listed = world.forum_topics()
            found = len(listed), sum(len(world.posts(world.read_topic(topic["id"]))) - 1 for topic in listed)
        return found == counts[name]

    def catch_up(name):
        world.wait_until(lambda: reached(name), what=f"the {name}")
        if name == kind:
            world.service.kill()
            world.service.start()
        world.settle()

    def spoil():
        sandbox.fault(wait[0], "POST", path, wait_ms=5_000, **{wait[1]: True})

    write_thread(world, system == "discourse", kind, spoil, catch_up)
    check_whole(world)


def test_restarts_without_news_write_nothing(world):
    start_on_canvas(world)
    first = start_on_forum(world, "What makes the water rise and fall")
    reply_on_forum(world, "alice", first["topic_id"], SUN)
    world.wait_until(lambda: len(titles_once(world)) == 2, what="both topics")
    wait_for_entries(world, "What makes the water rise and fall", 1)
    world.settle()
    before = world.stored()
    world.forget_calls()
    world.service.restart()
    world.settle()
    world.service.restart()
    world.settle()
    assert world.writes() == [] and world.stored() == before
