"""Nobody reads on one side what they could not read on the other: a checker that reads both as each student."""

import json
import time

import pytest
import requests

from people import LAG, SUN, TITLE, WHY, reply_on_canvas, reply_on_forum, start_on_canvas, start_on_forum
from sandbox import TIMEOUT

STUDENTS = {"alice": 3, "bob": 4, "carol": 5}
GROUP = "biology"
INTERVAL_S = 0.3


@pytest.fixture
def closed_world(start_world):
    """A course of two sections and a category for its people; readers are compared, nothing runs yet."""
    world = start_world(is_served=False, is_open=False, sync={"audience_interval": "300ms"})
    user = {"id": 5, "name": "Carol Clark", "short_name": "Carol", "sortable_name": "Clark, Carol", "login": "carol"}
    place = {"course_id": 1, "kind": "StudentEnrollment", "state": "active"}
    world.canvas.sim("POST", "rows", {
        "users": [user],
        "sections": [{"id": 2, "course_id": 1, "name": "Section 2"}],
        "enrollments": [{"id": 50, "user_id": 5, "section_id": 2, **place}],
        "tokens": {"canvas-student-3-token": {"user_id": 5}},
    })
    add_account(world, "carol", 5)
    make_group(world, GROUP, ["tina", *STUDENTS])
    restrict(world, {GROUP: 1})
    return world


def add_account(world, username, external_id):
    fields = {"username": username, "name": username.title(), "sso_secret": world.discourse.sso_secret}
    world.forum.sync_sso(external_id=str(external_id), email=f"{username}@example.edu", **fields)


def forum_call(world, method, path, body, username=None):
    answer = requests.request(
        method, world.discourse.url + path, json=body, headers=world.discourse.headers(username), timeout=TIMEOUT
    )
    assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
    return answer.json()


def make_group(world, name, usernames):
    body = {"group": {"name": name, "usernames": ",".join(usernames)}}
    return forum_call(world, "POST", "/admin/groups.json", body)["basic_group"]["id"]


def restrict(world, permissions, category=None):
    category = category or world.category
    body = {"name": category["name"], "color": "0088CC", "text_color": "FFFFFF", "permissions": permissions}
    forum_call(world, "PUT", f"/categories/{category['id']}.json", body)


def start(world):
    world.service.start()
    world.add_webhook()
    return world


def canvas_texts(world, user):
    """All that a person reads in the course: titles, texts and entries."""
    headers = world.canvas.authorization()
    base = f"{world.canvas.url}/api/v1/courses/{world.course.id}/discussion_topics"
    as_user = {"as_user_id": user, "per_page": 50}
    seen = []
    for more in ({}, {"only_announcements": "true"}):
        listed = requests.get(base, params={**as_user, **more}, headers=headers, timeout=TIMEOUT)
        assert listed.ok, listed.text
        for topic in listed.json():
            seen += [topic["title"], topic.get("message") or ""]
            for path in ("view", "entries"):
                inner = requests.get(f"{base}/{topic['id']}/{path}", params=as_user, headers=headers, timeout=TIMEOUT)
                seen.append(inner.text if inner.ok else "")
    return "\n".join(seen)


def forum_texts(world, username):
    """All that a person reads of the forum: every topic that there is, tried one by one."""
    headers = world.discourse.headers(username)
    seen = []
    for topic in world.discourse.sim("GET", "state")["topics"]:
        number = topic["id"] if isinstance(topic, dict) else topic
        answer = requests.get(
            f"{world.discourse.url}/t/{number}.json", params={"include_raw": "true"},
            headers=headers, timeout=TIMEOUT,
        )
        seen.append(answer.text if answer.ok else "")
    return "\n".join(seen)


def wider_readers(world, sources):
    """For each text and the side it was written on: the students who read it only on the other side."""
    on_canvas = {name: canvas_texts(world, number) for name, number in STUDENTS.items()}
    on_forum = {name: forum_texts(world, name) for name in STUDENTS}
    found = []
    for text, side in sources.items():
        here, there = (on_canvas, on_forum) if side == "canvas" else (on_forum, on_canvas)
        found += [(name, text) for name in STUDENTS if text in there[name] and text not in here[name]]
    return found


def wait_for_words(world, text, side, login="alice"):
    def is_there():
        return text in (canvas_texts(world, STUDENTS[login]) if side == "canvas" else forum_texts(world, login))

    world.wait_until(is_there, 20.0, f"{text!r} in {side}")


def test_each_student_reads_the_same_on_both_sides(closed_world):
    world = start(closed_world)
    sources = {}

    def written(text, side):
        sources[text] = side
        return text

    topic = start_on_canvas(world, text=written(WHY, "canvas"))
    reply_on_canvas(world, "alice", topic.id, written(SUN, "canvas"))
    secrets = {
        "For a section": {"specific_sections": "2"},
        "Anonymous thoughts": {"anonymous_state": "full_anonymity"},
        "Later": {"delayed_post_at": "2099-01-01T00:00:00Z"},
        "A draft": {"published": False},
        "Post first": {"require_initial_post": True},
    }
    teacher = world.canvas_as("tina")
    for number, (title, fields) in enumerate(secrets.items()):
        message = written(f"Secret number {number} of the course", "canvas")
        fields = {"published": True, "title": title, "message": f"<p>{message}</p>", **fields}
        made = teacher.create_discussion_topic(**fields)
        if title == "Post first":
            answer = written("An answer of Alice alone", "canvas")
            world.canvas.sim("POST", "act", {"as": "alice", "do": "post", "topic": made.id, "message": answer})
    first = start_on_forum(world, title="A topic of the forum", text=written(LAG, "discourse"))

    def post(name, text, **fields):
        world.discourse.sim("POST", f"as/{name}/post", {"raw": written(text, "discourse"), **fields})

    post("admin1", "A whisper among the staff only", topic_id=first["topic_id"], whisper=True)
    hidden = reply_on_forum(world, "bob", first["topic_id"], written("A flagged and hidden reply of Bob", "discourse"))
    world.discourse.sim("PUT", f"posts/{hidden['id']}/hidden", {"enabled": True})
    post("alice", "Only between Alice and Bob, nobody else", title="A message in private", recipients="bob")
    wait_for_words(world, WHY, "discourse")
    wait_for_words(world, LAG, "canvas")
    world.settle()
    assert wider_readers(world, sources) == []
    shared = {text for text in (WHY, SUN, LAG)}
    for name, number in STUDENTS.items():
        both = canvas_texts(world, number), forum_texts(world, name)
        assert all(text in side for text in shared for side in both), name


def test_the_checker_finds_a_leak(closed_world):
    """The checker itself: a text that a student reads on the wrong side is found."""
    world = closed_world
    title, text = "For a section", "Only section two may read this line"
    world.canvas_as("tina").create_discussion_topic(
        title=title, message=f"<p>{text}</p>", published=True, specific_sections="2"
    )
    assert wider_readers(world, {text: "canvas"}) == []
    start_on_forum(world, title="A copy by mistake", text=text)
    assert {name for name, _ in wider_readers(world, {text: "canvas"})} == {"alice", "bob"}


def test_a_public_category_is_refused_when_it_is_mapped(start_world):
    world = start_world(is_served=False, is_open=False)
    told = world.service.fail("sync", "--once")
    assert "SYNC-1005" in told and "everybody" in told and "accept_wider_audience" in told
    assert world.service.entities() == []


def test_a_stranger_in_the_group_is_refused_and_named(closed_world):
    world = closed_world
    add_account(world, "mallory", 66)
    make_group(world, "guests", ["mallory"])
    restrict(world, {"guests": 3, GROUP: 1})
    told = world.service.fail("sync", "--once")
    assert "SYNC-1005" in told and "(66)" in told


def test_a_category_that_becomes_public_stops_the_writes(closed_world):
    world = start(closed_world)
    topic = start_on_canvas(world)
    wait_for_words(world, WHY, "discourse")
    world.settle()
    restrict(world, {"everyone": 1})
    time.sleep(2 * INTERVAL_S)
    reply_on_canvas(world, "alice", topic.id, SUN)
    held = world.wait_until(
        lambda: [entity for entity in world.service.entities("post") if entity["status"] == "held"], what="a held post"
    )
    assert "SYNC-5006" in json.dumps(held)
    assert SUN not in forum_texts(world, "bob")
    restrict(world, {GROUP: 1})


def test_a_moved_topic_gets_nothing_more(closed_world):
    world = start(closed_world)
    topic = start_on_canvas(world)
    wait_for_words(world, WHY, "discourse")
    world.settle()
    mirror = world.forum_topic(TITLE)
    fields = {"name": "Open talk", "color": "0088CC", "text_color": "FFFFFF"}
    other = forum_call(world, "POST", "/categories.json", fields)
    forum_call(world, "PUT", f"/t/-/{mirror['id']}.json", {"category_id": other["category"]["id"]})
    reply_on_canvas(world, "alice", topic.id, SUN)
    world.wait_until(
        lambda: any(entity["status"] == "held" for entity in world.service.entities("post")), what="a held post"
    )
    assert SUN not in forum_texts(world, "bob")


def test_readers_are_asked_rarely(closed_world):
    world = closed_world
    config = world.service.config
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace('audience_interval = "300ms"', 'audience_interval = "15m"'), encoding="utf-8")
    start(world)
    topic = start_on_canvas(world)
    wait_for_words(world, WHY, "discourse")
    world.settle()
    world.forget_calls()
    for number in range(10):
        reply_on_canvas(world, "alice", topic.id, f"{SUN} Again, for the {number}th time.")
        wait_for_words(world, f"for the {number}th time", "discourse")
    world.settle()
    calls = world.canvas.sim("GET", "calls?limit=100000")["calls"] + world.discourse.sim("GET", "log")["calls"]
    # Who is the Test Student is asked by its own type of enrollment: that is another question.
    paths = [call["path"] for call in calls if "StudentViewEnrollment" not in call["path"]]
    assert not [path for path in paths if "/enrollments" in path or "/members" in path]


def test_a_concluded_course_is_read_only(closed_world):
    world = start(closed_world)
    start_on_canvas(world)
    wait_for_words(world, WHY, "discourse")
    world.settle()
    state = world.canvas.sim("GET", "snapshot")
    courses = state["courses"]
    course = courses["1"] if isinstance(courses, dict) else courses[0]
    course["state"] = "completed"
    world.canvas.sim("PUT", "snapshot", state)
    time.sleep(2 * INTERVAL_S)
    reply_on_forum(world, "alice", world.forum_topic(TITLE)["id"], SUN)
    held = world.wait_until(
        lambda: [entity for entity in world.service.entities("post") if entity["status"] == "held"], what="a held post"
    )
    assert "SYNC-5009" in json.dumps(held)
    assert SUN not in canvas_texts(world, STUDENTS["bob"])
