"""The main job, end to end: people use the public clients on both sides, and the service keeps the sides in step."""

import concurrent.futures
import hashlib
import hmac
import json
import pathlib
import random
import re
import sqlite3
import time

import pytest
import requests
from canvasapi.exceptions import ResourceDoesNotExist

from process import wait_until
from sandbox import TIMEOUT
from service import WEBHOOK_PATH, WEBHOOK_SECRET

WHY = "The moon pulls the water towards it, and the earth turns under the bulge."
SUN = "The sun pulls as well, but it is so far away that it counts for half."
LAG = "High water comes later than the moon does, by hours in some harbours."
FRICTION = "Friction with the sea floor slows the earth a little, every single day."
TITLE = "Why are there tides twice a day"
IDS = {"tina": 2, "alice": 3, "bob": 4}
RESTORE = """mutation($id: ID!) { restoreDeletedDiscussionEntry(input: {discussionEntryId: $id}) {
    discussionEntry { _id } errors { message } } }"""


def start_on_canvas(world, title=TITLE, text=WHY, login="tina"):
    """A discussion that a person starts with canvasapi."""
    return world.canvas_as(login).create_discussion_topic(title=title, message=f"<p>{text}</p>", published=True)


def reply_on_canvas(world, login, topic_id, text, parent=None):
    """A person's entry, or reply to an entry, with canvasapi."""
    topic = world.canvas_as(login).get_discussion_topic(topic_id)
    if parent is None:
        return topic.post_entry(message=f"<p>{text}</p>")
    return topic.get_entries([parent])[0].post_reply(message=f"<p>{text}</p>")


def delete_entry(world, topic_id, entry_id):
    """The teacher deletes an entry; canvasapi does so and stumbles over the empty answer."""
    entry = world.canvas_as("tina").get_discussion_topic(topic_id).get_entries([entry_id])[0]
    with pytest.raises(requests.exceptions.JSONDecodeError):
        entry.delete()


def start_on_forum(world, title=TITLE, text=WHY, username="tina"):
    """A topic that a person starts with pydiscourse."""
    return world.discourse.client(username).create_post(text, category_id=world.category["id"], title=title)


def reply_on_forum(world, username, topic_id, text, number=None):
    """A person's post with pydiscourse."""
    fields = {} if number is None else {"reply_to_post_number": number}
    return world.discourse.client(username).create_post(text, topic_id=topic_id, **fields)


def call_forum(world, method, path):
    """What pydiscourse has no call for, as an administrator."""
    answer = requests.request(method, world.discourse.url + path, headers=world.discourse.headers(), timeout=TIMEOUT)
    assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"


def wait_for_posts(world, title, count, timeout=20.0):
    """Waits until the forum has the topic with so many posts that are not deleted, and gives both."""

    def look():
        topic = world.forum_topic(title)
        posts = [post for post in world.posts(topic) if not post["deleted_at"]]
        return (topic, posts) if len(posts) == count else None

    return world.wait_until(look, timeout, f"{count} posts in {title!r}")


def wait_for_entries(world, title, count, timeout=20.0):
    """Waits until Canvas has the topic with so many entries that are not deleted, and gives both."""

    def look():
        topic = world.canvas_topic(title)
        entries = [entry for entry in world.entries(topic.id) if not entry.get("deleted")]
        return (topic, entries) if len(entries) == count else None

    return world.wait_until(look, timeout, f"{count} entries in {title!r}")


def test_a_thread_of_canvas_appears_on_the_forum(world):
    topic = start_on_canvas(world)
    one = reply_on_canvas(world, "alice", topic.id, SUN)
    two = reply_on_canvas(world, "bob", topic.id, LAG, one.id)
    reply_on_canvas(world, "alice", topic.id, FRICTION, two.id)
    mirror, posts = wait_for_posts(world, TITLE, 4)
    assert [post["username"] for post in posts] == ["tina", "alice", "bob", "alice"]
    assert [post["raw"].strip() for post in posts] == [WHY, SUN, LAG, FRICTION]
    assert posts[1]["reply_to_post_number"] in (None, 1)
    assert [post["reply_to_post_number"] for post in posts[2:]] == [2, 3]
    assert mirror["category_id"] == world.category["id"]
    world.settle()
    found = world.entity("topic", "canvas", topic.id)
    assert (found["kind"], found["title"], found["status"]) == ("topic", TITLE, "in_sync")
    assert str(found["systems"]["discourse"]["id"]) == str(mirror["id"])
    assert {entity["status"] for entity in world.service.entities()} == {"in_sync"}
    kinds = sorted(entity["kind"] for entity in world.service.entities())
    assert kinds == ["course", "post", "post", "post", "topic"]


def test_a_thread_of_the_forum_appears_in_canvas(world):
    first = start_on_forum(world)
    one = reply_on_forum(world, "alice", first["topic_id"], SUN)
    two = reply_on_forum(world, "bob", first["topic_id"], LAG, one["post_number"])
    reply_on_forum(world, "alice", first["topic_id"], FRICTION, two["post_number"])
    topic, entries = wait_for_entries(world, TITLE, 3)
    assert topic.author["id"] == IDS["tina"]
    assert WHY in topic.message and topic.published is True
    assert [entry["user_id"] for entry in entries] == [IDS["alice"], IDS["bob"], IDS["alice"]]
    for entry, text in zip(entries, [SUN, LAG, FRICTION]):
        assert text in entry["message"]
    assert [entry["parent_id"] for entry in entries] == [None, entries[0]["id"], entries[1]["id"]]
    world.settle()
    found = world.entity("topic", "discourse", first["topic_id"])
    assert (found["kind"], found["title"], found["status"]) == ("topic", TITLE, "in_sync")
    assert {entity["status"] for entity in world.service.entities()} == {"in_sync"}


def test_edits_in_canvas_reach_the_forum(world):
    topic = start_on_canvas(world)
    entry = reply_on_canvas(world, "alice", topic.id, SUN)
    wait_for_posts(world, TITLE, 2)
    title = "What makes the water rise and fall"
    world.canvas_as("tina").get_discussion_topic(topic.id).update(title=title, message=f"<p>{LAG}</p>")
    wait_for_posts(world, title, 2)
    world.wait_until(lambda: world.posts(world.forum_topic(title))[0]["raw"].strip() == LAG, what="the new body")
    mine = world.canvas_as("alice").get_discussion_topic(topic.id).get_entries([entry.id])[0]
    mine.update(message=f"<p>{FRICTION}</p>")
    world.wait_until(lambda: world.posts(world.forum_topic(title))[1]["raw"].strip() == FRICTION, what="the new reply")
    world.settle()
    posts = world.posts(world.forum_topic(title))
    assert [post["username"] for post in posts] == ["tina", "alice"]
    assert world.entity("topic", "canvas", topic.id)["title"] == title


def test_edits_on_the_forum_reach_canvas(world):
    first = start_on_forum(world)
    reply = reply_on_forum(world, "alice", first["topic_id"], SUN)
    topic, entries = wait_for_entries(world, TITLE, 1)
    title = "What makes the water rise and fall"
    world.discourse.client("tina").update_topic(f"/t/{first['topic_id']}", title)
    world.discourse.client("tina").update_post(first["id"], LAG)
    world.discourse.client("alice").update_post(reply["id"], FRICTION)

    def is_there():
        seen = world.course.get_discussion_topic(topic.id)
        entry = world.entries(topic.id)[0]
        return seen.title == title and LAG in seen.message and FRICTION in entry["message"]

    world.wait_until(is_there, what="the edits")
    world.settle()
    assert WHY not in world.course.get_discussion_topic(topic.id).message
    assert [entry["user_id"] for entry in world.entries(topic.id)] == [IDS["alice"]]


def test_a_reply_deleted_and_restored_in_canvas(world):
    topic = start_on_canvas(world)
    entry = reply_on_canvas(world, "alice", topic.id, SUN)
    _, posts = wait_for_posts(world, TITLE, 2)
    delete_entry(world, topic.id, entry.id)
    wait_for_posts(world, TITLE, 1)
    world.settle()
    assert world.entity("post", "canvas", entry.id)["systems"]["discourse"]["state"] == "deleted"
    world.canvas.client().graphql(RESTORE, variables={"id": entry.id})
    _, again = wait_for_posts(world, TITLE, 2)
    assert again[1]["id"] == posts[1]["id"], "the same post, recovered"
    world.settle()
    assert world.entity("post", "canvas", entry.id)["status"] == "in_sync"


def test_a_reply_deleted_and_restored_on_the_forum(world):
    first = start_on_forum(world)
    reply = reply_on_forum(world, "alice", first["topic_id"], SUN)
    _, entries = wait_for_entries(world, TITLE, 1)
    call_forum(world, "DELETE", f"/posts/{reply['id']}.json")
    wait_for_entries(world, TITLE, 0)
    world.settle()
    assert world.entity("post", "discourse", reply["id"])["systems"]["canvas"]["state"] == "deleted"
    call_forum(world, "PUT", f"/posts/{reply['id']}/recover.json")
    _, again = wait_for_entries(world, TITLE, 1)
    assert again[0]["id"] == entries[0]["id"] and SUN in again[0]["message"], "the same entry, restored"
    world.settle()
    assert world.entity("post", "discourse", reply["id"])["status"] == "in_sync"


def test_lock_and_pin_in_canvas_reach_the_forum(world):
    topic = start_on_canvas(world)
    wait_for_posts(world, TITLE, 1)
    mine = world.canvas_as("tina").get_discussion_topic(topic.id)

    def state():
        seen = world.forum_topic(TITLE)
        return bool(seen["closed"]), bool(seen["pinned"])

    for change, wanted in [
        ({"locked": True}, (True, False)), ({"pinned": True}, (True, True)),
        ({"locked": False}, (False, True)), ({"pinned": False}, (False, False)),
    ]:
        mine.update(**change)
        world.wait_until(lambda: state() == wanted, what=f"{change} on the forum")
    world.settle()
    assert world.entity("topic", "canvas", topic.id)["status"] == "in_sync"


def test_lock_and_pin_on_the_forum_reach_canvas(world):
    first = start_on_forum(world)
    topic, _ = wait_for_entries(world, TITLE, 0)

    def state():
        seen = world.course.get_discussion_topic(topic.id)
        return bool(seen.locked), bool(seen.pinned)

    for status, is_on, wanted in [
        ("closed", True, (True, False)), ("pinned", True, (True, True)),
        ("closed", False, (False, True)), ("pinned", False, (False, False)),
    ]:
        world.forum.update_topic_status(first["topic_id"], status, is_on)
        world.wait_until(lambda: state() == wanted, what=f"{status} {is_on} in Canvas")
    world.settle()
    assert world.entity("topic", "discourse", first["topic_id"])["status"] == "in_sync"


def test_a_topic_deleted_in_canvas_goes_from_the_forum(world):
    topic = start_on_canvas(world)
    reply_on_canvas(world, "alice", topic.id, SUN)
    mirror, _ = wait_for_posts(world, TITLE, 2)
    world.canvas_as("tina").get_discussion_topic(topic.id).delete()
    world.wait_until(lambda: world.read_topic(mirror["id"])["deleted_at"], what="the deletion on the forum")
    world.settle()
    assert world.entity("topic", "canvas", topic.id)["systems"]["discourse"]["state"] == "deleted"


def test_a_topic_deleted_on_the_forum_goes_from_canvas(world):
    first = start_on_forum(world)
    reply_on_forum(world, "alice", first["topic_id"], SUN)
    topic, _ = wait_for_entries(world, TITLE, 1)
    world.forum.delete_topic(first["topic_id"])

    def is_gone():
        try:
            world.course.get_discussion_topic(topic.id)
        except ResourceDoesNotExist:
            return True
        return False

    world.wait_until(is_gone, what="the deletion in Canvas")
    world.settle()
    assert world.entity("topic", "discourse", first["topic_id"])["systems"]["canvas"]["state"] == "deleted"


def test_an_announcement_arrives_on_the_forum(world):
    world.canvas_as("tina").create_discussion_topic(
        title=TITLE, message=f"<p>{WHY}</p>", is_announcement=True, published=True
    )
    _, posts = wait_for_posts(world, TITLE, 1)
    assert (posts[0]["username"], posts[0]["raw"].strip()) == ("tina", WHY)


def test_a_local_edit_reaches_both_sides(world):
    topic = start_on_canvas(world)
    entry = reply_on_canvas(world, "alice", topic.id, SUN)
    wait_for_posts(world, TITLE, 2)
    world.settle()
    title = "What makes the water rise and fall"
    world.service.run("entity", "edit", world.entity("topic", "canvas", topic.id)["id"], "--title", title, "--body", LAG)
    world.service.run("entity", "edit", f"canvas:{world.course.id}/{topic.id}/{entry.id}", "--body", FRICTION)

    def is_there():
        posts = world.posts(world.forum_topic(title))
        seen = world.course.get_discussion_topic(topic.id)
        in_canvas = seen.title == title and LAG in seen.message and FRICTION in world.entries(topic.id)[0]["message"]
        return in_canvas and [post["raw"].strip() for post in posts] == [LAG, FRICTION]

    world.wait_until(is_there, what="the local edit on both sides")
    world.settle()
    assert world.entity("topic", "canvas", topic.id)["title"] == title


def test_a_reply_goes_under_its_parent_whoever_wrote_it(world):
    topic = start_on_canvas(world)
    reply_on_canvas(world, "alice", topic.id, SUN)
    mirror, posts = wait_for_posts(world, TITLE, 2)
    reply_on_forum(world, "bob", mirror["id"], LAG, posts[1]["post_number"])
    _, entries = wait_for_entries(world, TITLE, 2)
    assert (entries[1]["parent_id"], entries[1]["user_id"]) == (entries[0]["id"], IDS["bob"])
    reply_on_canvas(world, "alice", topic.id, FRICTION, entries[1]["id"])
    _, posts = wait_for_posts(world, TITLE, 4)
    assert posts[3]["reply_to_post_number"] == posts[2]["post_number"]
    world.settle()
    assert len(world.entries(topic.id)) == 3


RECORDED = pathlib.Path(__file__).parents[2] / "../shared/fixtures/discourse/topics"


def recorded():
    """The recorded topics of a real forum; they lie beside the project, so they can be missing."""
    files = sorted(RECORDED.glob("recorded-*.json"))
    if not files:
        pytest.skip("fixtures not present")
    return files


OLD = {"canvas": "canvas-2019", "discourse": "discourse-3.1"}


@pytest.fixture(params=[{}, OLD], ids=["current", "old"])
def imported(start_world, request):
    """A world without a service whose forum has the recorded topics."""
    options = [option for path in recorded() for option in ("--import", path)]
    return start_world(is_served=False, discourse_options=options, profiles=request.param)


def check_mirror(world):
    """Every post of the forum is in Canvas once, under the entry of the post that it answers."""
    by_post = {
        str(entity["systems"]["discourse"]["id"]): entity["systems"]["canvas"]["id"].split("/")[-1]
        for entity in world.service.entities("post")
    }
    topics = world.forum_topics()
    assert len(topics) == len(world.canvas_topics())
    for listed in topics:
        topic = world.read_topic(listed["id"])
        posts = [post for post in world.posts(topic) if not post["deleted_at"]]
        number_of = {post["post_number"]: str(post["id"]) for post in posts}
        entity = world.entity("topic", "discourse", topic["id"])
        canvas_id = entity["systems"]["canvas"]["id"].split("/")[-1]
        entries = {str(entry["id"]): entry for entry in world.entries(canvas_id)}
        assert world.course.get_discussion_topic(canvas_id).title == topic["title"]
        assert len(entries) == len(posts) - 1, topic["title"]
        for post in posts[1:]:
            entry = entries[by_post[str(post["id"])]]
            parent = number_of.get(post["reply_to_post_number"]) if post["reply_to_post_number"] != 1 else None
            wanted = None if parent is None else by_post[parent]
            found = None if entry["parent_id"] is None else str(entry["parent_id"])
            assert found == wanted, f"post {post['post_number']} of {topic['title']!r}"


def test_recorded_topics_arrive_whole_and_once(imported):
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
        pytest.skip("fixtures not present")
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


def titles_once(world):
    """The topics of both sides, when no side has one twice; what is still on its way makes it fail."""
    canvas = sorted(topic.title for topic in world.canvas_topics())
    forum = sorted(topic["title"] for topic in world.forum_topics())
    assert canvas == forum and len(set(canvas)) == len(canvas), (canvas, forum)
    return canvas


def check_equal(world):
    """Both sides have the same threads: every text once, under the right parent, by the right person."""
    names = {"tina": 2, "alice": 3, "bob": 4}
    for title in titles_once(world):
        topic, mirror = world.canvas_topic(title), world.forum_topic(title)
        posts = [post for post in world.posts(mirror) if not post["deleted_at"]]
        entries = [entry for entry in world.entries(topic.id) if not entry.get("deleted")]
        text_of = {post["post_number"]: post["raw"].strip() for post in posts}
        on_forum = sorted(
            (post["raw"].strip(), names[post["username"]], text_of[post["reply_to_post_number"] or 1]) for post in posts
        )
        inner = {entry["id"]: text_in(entry["message"]) for entry in entries}
        root = (text_in(topic.message), topic.author["id"], text_in(topic.message))
        in_canvas = sorted([root] + [
            (inner[entry["id"]], entry["user_id"], inner.get(entry["parent_id"], root[0])) for entry in entries
        ])
        assert in_canvas == on_forum
        assert bool(topic.locked) == bool(mirror["closed"])
    return True


def text_in(message):
    """The text of the only paragraph of a message."""
    return message.partition("<p>")[2].partition("</p>")[0]


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


def check_unique(world):
    """No two entities of a kind share an item of a system."""
    for kind in ("topic", "post"):
        for system in ("canvas", "discourse"):
            ids = [e["systems"][system]["id"] for e in world.service.entities(kind) if system in e["systems"]]
            assert len(set(ids)) == len(ids), f"{kind} twice in {system}: {ids}"


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


CREATES = [
    # system whose answer is lost, path of the create, what makes the service create
    ("discourse", "/posts", "topic"), ("discourse", "/posts", "entry"), ("discourse", "/posts", "reply"),
    ("canvas", "*/discussion_topics", "topic"), ("canvas", "*/entries", "entry"), ("canvas", "*/replies", "reply"),
]


LOST = [
    # What happens to the answer, how often; a Discourse create is struck at /posts whatever it makes.
    *(("discourse", "/posts", kind, *fault) for kind in ("topic", "entry", "reply") for fault in (
        ("lost_answer", {"times": 1}), ("error500", {"times": 1, "commit": True}), ("bad_gateway", {"times": 1, "commit": True}),
    )),
    # Three lost answers strike all three creates of the thread, one after the other.
    ("discourse", "/posts", "topic", "lost_answer", {"times": 3}),
    *((system, path, kind, *fault) for system, path, kind in CREATES if system == "canvas" for fault in (
        ("lost_answer", {"count": 1}), ("error_after_commit", {"count": 1}), ("reset_mid_body", {"after_bytes": 20}),
    )),
]


def writers(world, on_canvas):
    """How a person makes a topic, an entry in it, and a reply to that entry, on one of the sides."""
    if on_canvas:
        return [
            lambda: start_on_canvas(world).id,
            lambda topic: reply_on_canvas(world, "alice", topic, SUN).id,
            lambda topic, entry: reply_on_canvas(world, "bob", topic, LAG, entry),
        ]
    return [
        lambda: start_on_forum(world)["topic_id"],
        lambda topic: reply_on_forum(world, "alice", topic, SUN)["post_number"],
        lambda topic, number: reply_on_forum(world, "bob", topic, LAG, number),
    ]


def write_thread(world, on_canvas, kind, spoil, catch_up):
    """A topic, an entry and a reply, each followed by `catch_up`; before that of `kind`, `spoil` is called."""
    made = []
    for name, write in zip(["topic", "entry", "reply"], writers(world, on_canvas)):
        if name == kind:
            spoil()
        made.append(write(*made))
        catch_up(name)


def check_struck(sandbox):
    """All ordered faults have happened."""
    left = sandbox.sim("GET", "faults")
    rules = left["rules"] if isinstance(left, dict) else left
    assert rules == [], "a fault did not strike"


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


def check_whole(world):
    """One topic with an entry and a reply is everywhere, once."""
    check_equal(world)
    assert len(world.canvas_topics()) == 1
    assert len(world.service.entities("post")) == 2
    assert {entity["status"] for entity in world.service.entities()} == {"in_sync"}


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


HARD = [
    "Five < six & seven > two, said *nobody* and _everybody_ at `once`.",
    "Naïve café, 東京, Привет, and a smile 🙂 in one line of words.",
    "A line with [brackets](not a link), a backslash \\ and a pipe | in it.",
]


@pytest.mark.parametrize("text", HARD)
def test_the_words_of_the_forum_survive_the_way_there_and_back(start_world, text):
    world = start_world(is_served=False)
    first = start_on_forum(world, text=text)
    reply_on_forum(world, "alice", first["topic_id"], text + " Again.")
    world.sync()
    before = world.stored()
    world.sync()
    assert world.stored() == before, "the way back changes nothing"
    assert world.forum.post_by_id(first["id"])["raw"].strip() == text


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


def undelete(world, topic_id):
    """The teacher restores a topic on the course's undelete page, for which canvasapi has no call; it comes back as a
    draft and is published."""
    world.canvas.sim("POST", "act", {"as": "tina", "do": "restore_topic", "topic": topic_id})
    world.canvas_as("tina").get_discussion_topic(topic_id).update(published=True)


def test_a_topic_deleted_and_restored_in_canvas(world):
    topic = start_on_canvas(world)
    reply_on_canvas(world, "alice", topic.id, SUN)
    mirror, _ = wait_for_posts(world, TITLE, 2)
    world.canvas_as("tina").get_discussion_topic(topic.id).delete()
    world.wait_until(lambda: world.read_topic(mirror["id"])["deleted_at"], what="the deletion on the forum")
    world.settle()
    undelete(world, topic.id)
    world.wait_until(lambda: not world.read_topic(mirror["id"])["deleted_at"], what="the topic on the forum again")
    world.wait_until(lambda: check_equal(world), what="equal sides")
    world.settle()
    assert world.entity("topic", "canvas", topic.id)["status"] == "in_sync"


def test_a_topic_restored_on_the_forum_waits_for_the_undelete_page(world):
    first = start_on_forum(world)
    reply_on_forum(world, "alice", first["topic_id"], SUN)
    topic, _ = wait_for_entries(world, TITLE, 1)
    world.forum.delete_topic(first["topic_id"])
    world.wait_until(lambda: world.canvas_topics() == [], what="the deletion in Canvas")
    world.settle()
    call_forum(world, "PUT", f"/t/{first['topic_id']}/recover.json")

    def told():
        entity = world.entity("topic", "discourse", first["topic_id"])
        return entity["status"] in ("failed", "held") and entity["reason"]

    reason = world.wait_until(told, what="the reason why Canvas cannot follow")
    assert "undelete" in json.dumps(reason).lower(), reason
    undelete(world, topic.id)
    world.wait_until(lambda: check_equal(world), what="equal sides")
    world.wait_until(
        lambda: world.entity("topic", "discourse", first["topic_id"])["status"] == "in_sync", what="in step"
    )
    assert len(world.canvas_topics()) == 1


def test_an_author_deletes_an_own_post_on_the_forum(world):
    first = start_on_forum(world)
    reply = reply_on_forum(world, "alice", first["topic_id"], SUN)
    wait_for_entries(world, TITLE, 1)
    answer = requests.delete(
        f"{world.discourse.url}/posts/{reply['id']}.json", headers=world.discourse.headers("alice"), timeout=TIMEOUT
    )
    assert answer.ok
    wait_for_entries(world, TITLE, 0)
    world.settle()
    found = world.entity("post", "discourse", reply["id"])
    assert (found["status"], found["systems"]["canvas"]["state"]) == ("in_sync", "deleted")


def test_a_local_delete_and_restore_reach_both_sides(world):
    topic = start_on_canvas(world)
    entry = reply_on_canvas(world, "alice", topic.id, SUN)
    wait_for_posts(world, TITLE, 2)
    world.settle()
    found = world.entity("post", "canvas", entry.id)
    world.service.run("entity", "edit", found["id"], "--delete")
    wait_for_posts(world, TITLE, 1)
    wait_for_entries(world, TITLE, 0)
    world.settle()
    world.service.run("entity", "edit", found["id"], "--restore")
    wait_for_posts(world, TITLE, 2)
    wait_for_entries(world, TITLE, 1)
    world.settle()
    check_equal(world)


def test_how_often_a_person_may_post_only_delays(start_world):
    world = start_world()
    world.discourse.setting(rate_limit_create_post=5, rate_limit_create_topic=15)
    topic = start_on_canvas(world)
    # More in a row than a person may post there.
    for text in (SUN, LAG, FRICTION, SUN + LAG, LAG + SUN):
        reply_on_canvas(world, "alice", topic.id, text)
    wait_for_posts(world, TITLE, 6, 60)
    world.wait_until(lambda: check_equal(world), what="equal sides")
    world.settle()
    assert {entity["status"] for entity in world.service.entities()} == {"in_sync"}


@pytest.mark.parametrize("fault", ["lost", "doubled", "reordered"])
def test_deliveries_that_go_astray_change_nothing(world, fault):
    requests.put(
        f"{world.discourse.url}/_sim/webhooks/faults", json={fault: {"probability": 1.0 if fault != "reordered" else 0.5}},
        timeout=TIMEOUT,
    ).raise_for_status()
    first = start_on_forum(world)
    one = reply_on_forum(world, "alice", first["topic_id"], SUN)
    two = reply_on_forum(world, "bob", first["topic_id"], LAG, one["post_number"])
    world.discourse.client("bob").update_post(two["id"], FRICTION)
    wait_for_entries(world, TITLE, 2)
    world.wait_until(lambda: check_equal(world), what="equal sides")
    world.settle()
    check_equal(world)
    assert len(world.service.entities("post")) == 2


def test_many_people_write_in_one_thread_at_once(world):
    world.discourse.setting(max_consecutive_replies=0)
    topic = start_on_canvas(world)
    mirror, _ = wait_for_posts(world, TITLE, 1)

    def write(number):
        login = ["alice", "bob"][number % 2]
        text = f"This is thought number {number} and it is unlike the others: {'x' * number}."
        if number % 3 == 0:
            reply_on_canvas(world, login, topic.id, text)
        else:
            reply_on_forum(world, login, mirror["id"], text)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(30)))
    wait_for_posts(world, TITLE, 31, 40)
    wait_for_entries(world, TITLE, 30, 40)
    world.settle()
    check_equal(world)
    assert len(world.service.entities("post")) == 30


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
