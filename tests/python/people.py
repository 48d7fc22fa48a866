"""What people do on both sides with the public clients, and what must then be equal.

Knows the clients and the two systems; knows nothing of how the service works.
"""

import pathlib

import pytest
import requests

from sandbox import TIMEOUT

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


RECORDED = pathlib.Path(__file__).parents[2] / "../shared/fixtures/discourse/topics"


def recorded():
    """The recorded topics of a real forum; none, and a word about it, where they do not lie beside the project."""
    files = sorted(RECORDED.glob("recorded-*.json"))
    if not files:
        print("fixtures not present")
    return files


OLD = {"canvas": "canvas-2019", "discourse": "discourse-3.1"}


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


def check_unique(world):
    """No two entities of a kind share an item of a system."""
    for kind in ("topic", "post"):
        for system in ("canvas", "discourse"):
            ids = [e["systems"][system]["id"] for e in world.service.entities(kind) if system in e["systems"]]
            assert len(set(ids)) == len(ids), f"{kind} twice in {system}: {ids}"


CREATES = [
    # system whose answer is lost, path of the create, what makes the service create
    ("discourse", "/posts", "topic"), ("discourse", "/posts", "entry"), ("discourse", "/posts", "reply"),
    ("canvas", "*/discussion_topics", "topic"), ("canvas", "*/entries", "entry"), ("canvas", "*/replies", "reply"),
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


def check_whole(world):
    """One topic with an entry and a reply is everywhere, once."""
    check_equal(world)
    assert len(world.canvas_topics()) == 1
    assert len(world.service.entities("post")) == 2
    assert {entity["status"] for entity in world.service.entities()} == {"in_sync"}


def undelete(world, topic_id):
    """The teacher restores a topic on the course's undelete page, for which canvasapi has no call; it comes back as a
    draft and is published."""
    world.canvas.sim("POST", "act", {"as": "tina", "do": "restore_topic", "topic": topic_id})
    world.canvas_as("tina").get_discussion_topic(topic_id).update(published=True)
