"""Both sides edited between two runs: what each strategy makes of it (design section 6), and deciding otherwise."""

import pytest

from people import FRICTION, LAG, SUN, TITLE, WHY, call_forum, reply_on_canvas, start_on_canvas, start_on_forum

CANVAS_TITLE, FORUM_TITLE = "What makes the water rise in Canvas", "What makes the water rise in Discourse"
BOTH = {"canvas": (CANVAS_TITLE, LAG), "discourse": (FORUM_TITLE, FRICTION)}
STRATEGIES = [
    # strategy, who edits first, whose words are everywhere afterwards
    ("prefer_canvas", "discourse", "canvas"),
    ("prefer_discourse", "canvas", "discourse"),
    ("merge_prefer_canvas", "discourse", "canvas"),
    ("merge_prefer_discourse", "canvas", "discourse"),
    ("prefer_most_recent", "discourse", "canvas"),
    ("prefer_most_recent", "canvas", "discourse"),
]


def shared_thread(start_world, **sync):
    """A topic with one reply on both sides, and no service: a person then changes both sides between two runs."""
    world = start_world(sync=sync, is_served=False)
    topic = start_on_canvas(world)
    entry = reply_on_canvas(world, "alice", topic.id, SUN)
    world.sync()
    mirror = world.forum_topic(TITLE)
    return world, (topic.id, entry.id), (mirror["id"], [post["id"] for post in world.posts(mirror)])


def edit_topic(world, system, canvas_ids, forum_ids):
    """Title and body become what `BOTH` says for this system, on this system only."""
    title, body = BOTH[system]
    if system == "canvas":
        world.canvas_as("tina").get_discussion_topic(canvas_ids[0]).update(title=title, message=f"<p>{body}</p>")
    else:
        world.discourse.client("tina").update_topic(f"/t/{forum_ids[0]}", title)
        world.discourse.client("tina").update_post(forum_ids[1][0], body)


def pass_time(world, seconds=20):
    """Both servers' clocks move on by the same time."""
    world.canvas.advance(seconds)
    world.discourse.sim("PUT", "clock", {"advance_ms": seconds * 1000})


def words(world, canvas_ids, forum_ids):
    """Title and body of the topic on each side; the body without its paragraph."""
    seen = world.course.get_discussion_topic(canvas_ids[0])
    inner = seen.message.partition("<p>")[2].partition("</p>")[0]
    topic = world.read_topic(forum_ids[0])
    return {
        "canvas": (seen.title, inner),
        "discourse": (topic["title"], world.posts(topic)[0]["raw"].strip()),
    }


def everywhere(words):
    return {"canvas": words, "discourse": words}


def the_conflict(world, state):
    """The one conflict, with its texts."""
    found = world.service.read("conflict", "list")
    assert [conflict["state"] for conflict in found] == [state], found
    (shown,) = world.service.read("conflict", "show", found[0]["id"])
    return shown


@pytest.mark.parametrize(("strategy", "first", "winner"), STRATEGIES)
def test_both_sides_edited_is_decided_by_the_strategy(start_world, strategy, first, winner):
    world, canvas_ids, forum_ids = shared_thread(start_world, strategy=strategy)
    second = "canvas" if first == "discourse" else "discourse"
    loser = "canvas" if winner == "discourse" else "discourse"
    pass_time(world)
    edit_topic(world, first, canvas_ids, forum_ids)
    pass_time(world)
    edit_topic(world, second, canvas_ids, forum_ids)
    world.sync()
    assert words(world, canvas_ids, forum_ids) == everywhere(BOTH[winner])
    shown = the_conflict(world, "resolved")
    assert shown["strategy"] == strategy
    for system in ("canvas", "discourse"):
        side = shown["sides"][system]
        assert side["title"] == BOTH[system][0] and BOTH[system][1] in side["body"], shown
    assert shown["base"]["title"] == TITLE and WHY in shown["base"]["body"]

    world.service.run("conflict", "resolve", shown["id"], "--take", loser)
    world.sync()
    assert words(world, canvas_ids, forum_ids) == everywhere(BOTH[loser])
    world.forget_calls()
    world.sync()
    assert world.writes() == []


@pytest.mark.parametrize("strategy", ["manual", "prefer_most_recent"])
def test_what_nobody_may_decide_waits_for_an_answer(start_world, strategy):
    world, canvas_ids, forum_ids = shared_thread(start_world, strategy=strategy, skew_margin="1h")
    edit_topic(world, "canvas", canvas_ids, forum_ids)
    edit_topic(world, "discourse", canvas_ids, forum_ids)
    world.forget_calls()
    before = world.stored()
    for _ in range(2):
        world.sync(expected=1)
        assert world.writes() == [] and world.stored() == before, "nobody's words are replaced"
        assert words(world, canvas_ids, forum_ids) == BOTH
        assert world.entity("topic", "canvas", canvas_ids[0])["status"] == "conflict"
    shown = the_conflict(world, "open")
    for system in ("canvas", "discourse"):
        assert BOTH[system][0] == shown["sides"][system]["title"] and BOTH[system][1] in shown["sides"][system]["body"]
    world.service.run("conflict", "resolve", shown["id"], "--take", "discourse")
    world.sync()
    assert words(world, canvas_ids, forum_ids) == everywhere(BOTH["discourse"])
    assert the_conflict(world, "resolved")["decided_by"]
    assert world.entity("topic", "canvas", canvas_ids[0])["status"] == "in_sync"


@pytest.mark.parametrize("strategy", ["merge_prefer_canvas", "merge_prefer_discourse"])
def test_different_fields_are_merged(start_world, strategy):
    world, canvas_ids, forum_ids = shared_thread(start_world, strategy=strategy)
    world.canvas_as("tina").get_discussion_topic(canvas_ids[0]).update(title=CANVAS_TITLE)
    world.discourse.client("tina").update_post(forum_ids[1][0], FRICTION)
    world.sync()
    assert words(world, canvas_ids, forum_ids) == everywhere((CANVAS_TITLE, FRICTION))


@pytest.mark.parametrize(("strategy", "wanted"), [
    ("merge_prefer_canvas", LAG), ("merge_prefer_discourse", LAG), ("prefer_canvas", LAG), ("prefer_discourse", None),
])
def test_a_reply_edited_in_canvas_and_deleted_on_the_forum(start_world, strategy, wanted):
    world, (topic_id, entry_id), (_, post_ids) = shared_thread(start_world, strategy=strategy)
    entry = world.canvas_as("alice").get_discussion_topic(topic_id).get_entries([entry_id])[0]
    entry.update(message=f"<p>{LAG}</p>")
    call_forum(world, "DELETE", f"/posts/{post_ids[1]}.json")
    world.sync()
    post = world.forum.post_by_id(post_ids[1])
    live = [entry["message"] for entry in world.entries(topic_id) if not entry.get("deleted")]
    if wanted is None:
        assert post["deleted_at"] and live == []
    else:
        assert not post["deleted_at"] and post["raw"].strip() == wanted
        assert len(live) == 1 and wanted in live[0]
    assert len(world.entries(topic_id)) == 1 and len(world.service.entities("post")) == 1


def transactions(world, kind, system, remote):
    """The sync transactions of an item: their end, and their lines as (phase, action, system)."""
    entity = world.entity(kind, system, remote)
    (told,) = world.service.read("explain", entity["id"])
    ends = [one["result"] for one in told["transactions"]]
    lines = [
        [(line["phase"], line["action"], line["system"], line["failure"] is not None) for line in one["steps"]]
        for one in told["transactions"]
    ]
    return ends, lines


def test_a_decision_that_one_system_refuses_is_taken_back_in_the_other(start_world):
    world, canvas_ids, forum_ids = shared_thread(start_world)
    taken = "What makes the moonlight rise"
    start_on_forum(world, taken, "Other words about the moon, the sea and the light")
    world.sync()
    # Each side changes another part: what comes of it is written to both, Canvas first. Discourse refuses a title that
    # another topic has.
    world.canvas_as("tina").get_discussion_topic(canvas_ids[0]).update(title=taken)
    world.discourse.client("tina").update_post(forum_ids[1][0], FRICTION)
    before = words(world, canvas_ids, forum_ids)
    assert before["canvas"][1] != FRICTION
    world.service.execute("sync", "--once")
    assert words(world, canvas_ids, forum_ids) == before, "Canvas has its own text again"
    shown = world.entity("topic", "canvas", canvas_ids[0])
    assert (shown["status"], shown["reason"]["code"]) == ("failed", "SYNC-2306"), shown
    ends, lines = transactions(world, "topic", "canvas", canvas_ids[0])
    assert ends[-1] == "rolled_back", (ends, lines)
    assert ("compensate", "edit", "canvas", False) in lines[-1], lines
    assert ("apply", "edit", "discourse", True) in lines[-1], lines
    # Nothing is tried again by itself. When the title is allowed, somebody asks, and it goes through.
    world.service.execute("sync", "--once")
    assert words(world, canvas_ids, forum_ids) == before
    world.discourse.setting(allow_duplicate_topic_titles=True)
    (failed,) = [one for one in world.service.read("operation", "list") if one["state"] == "failed"]
    world.service.run("operation", "retry", failed["id"])
    world.sync()
    assert words(world, canvas_ids, forum_ids) == everywhere((taken, FRICTION))
    ends, lines = transactions(world, "topic", "canvas", canvas_ids[0])
    assert ends[-1] == "committed", (ends, lines)
