"""A storm: three processes on one PostgreSQL, 500 acts of people on each side, faults all the while; then quiet."""

import random
import re
import time

import pytest
import requests

from sandbox import TIMEOUT
from test_scaling import SERVER, Workers, database  # noqa: F401

ACTS = 500
PEOPLE = ["alice", "bob"]
CANVAS_FAULTS = ["lost_answer", "lost_request", "error_before_commit", "error_after_commit", "bad_gateway", "throttle"]
DISCOURSE_FAULTS = [
    {"kind": "lost_answer"}, {"kind": "error500"}, {"kind": "error500", "commit": True}, {"kind": "bad_gateway"},
    {"kind": "limited", "wait_s": 1},
]


def words(text):
    """The words of the storm in a text, in order."""
    # A forum begins titles with a capital.
    return re.findall(r"storm\d+", (text or "").lower())


def values(found):
    return list(found.values()) if isinstance(found, dict) else found


def is_gone(item):
    return bool(item.get("deleted_at") or item.get("user_deleted") or item.get("state") == "deleted")


def people_posts(topic):
    return [post for post in topic["posts"] if post["kind"] == "Regular"]


class Side:
    """What people do on one side, and what they left there."""

    def __init__(self, chance, word):
        self.chance = chance
        self.word = word
        self.done = 0
        # For each item the words that a person wrote there last; `None` when a person deleted it.
        self.left = {}

    def act(self):
        topics, posts = self.topics(), self.posts()
        roll = self.chance.random()
        if roll < 0.06 or not topics:
            self.start(f"{self.word()} opens a longer title", self.text())
        elif roll < 0.45 or not posts:
            self.reply(self.chance.choice(topics), self.chance.choice([None, *posts]), self.text())
        elif roll < 0.75:
            self.edit(self.chance.choice(posts), self.text())
        elif roll < 0.83:
            self.delete(self.chance.choice(posts))
        elif roll < 0.90:
            self.retitle(self.chance.choice(topics), f"{self.word()} has a new and longer title")
        else:
            self.pin(self.chance.choice(topics))

    def text(self):
        return f"{self.word()} is what I think about this, and there is more to it."

    def wrote(self, item, text):
        self.left[item] = words(text)


class CanvasSide(Side):
    """Canvas, by what people do in the browser."""

    def __init__(self, world, *rest):
        super().__init__(*rest)
        self.world = world

    def do(self, who, what, **fields):
        body = {"as": who, "do": what, **fields}
        answer = requests.post(f"{self.world.canvas.url}/_sim/act", json=body, timeout=TIMEOUT)
        # The rules of Canvas apply: a closed topic takes no answers.
        assert answer.status_code in (200, 201, 409), f"{body}: {answer.status_code} {answer.text}"
        self.done += answer.ok
        return answer.json() if answer.ok else None

    def state(self):
        return self.world.canvas.sim("GET", "state")

    def topics(self):
        return [topic for topic in values(self.state()["topics"]) if not is_gone(topic)]

    def posts(self):
        return [entry for entry in values(self.state()["entries"]) if not is_gone(entry)]

    def start(self, title, text):
        course = self.world.course.id
        self.do("tina", "create_topic", course=course, title=title, message=f"<p>{text}</p>", published=True)

    def reply(self, topic, parent, text):
        fields = {"topic": topic["id"], "message": f"<p>{text}</p>"}
        if parent and parent["topic_id"] == topic["id"]:
            fields["parent"] = parent["id"]
        self.do(self.chance.choice(PEOPLE), "post", **fields)

    def edit(self, entry, text):
        if self.do("tina", "edit", entry=entry["id"], message=f"<p>{text}</p>"):
            self.wrote(("canvas", str(entry["id"])), text)

    def delete(self, entry):
        if self.do("tina", "delete", entry=entry["id"]):
            self.left["canvas", str(entry["id"])] = None

    def retitle(self, topic, title):
        self.do("tina", "edit_topic", topic=topic["id"], title=title)

    def pin(self, topic):
        self.do("tina", "unpin" if topic["pinned"] else "pin", topic=topic["id"])

    def items(self):
        """Words of every title and text by kind and id; `None` for what is deleted."""
        state = self.state()
        topics = {("topic", str(one["id"])): words(one["title"]) + words(one["message"]) for one in
                  values(state["topics"]) if not is_gone(one)}
        entries = {("post", str(one["id"])): None if is_gone(one) else words(one["message"]) for one in
                   values(state["entries"])}
        return topics | entries

    def fault(self):
        self.world.canvas.fault(self.chance.choice(CANVAS_FAULTS), path="/api/v1")


class ForumSide(Side):
    """Discourse, likewise."""

    def __init__(self, world, *rest):
        super().__init__(*rest)
        self.world = world

    def do(self, who, what, **fields):
        url = f"{self.world.discourse.url}/_sim/as/{who}/{what}"
        answer = requests.post(url, json=fields, timeout=TIMEOUT)
        assert answer.status_code < 500, f"{what} {fields}: {answer.status_code} {answer.text}"
        self.done += answer.ok
        return answer.ok

    def topics(self):
        found = values(self.world.discourse.sim("GET", "state")["topics"])
        return [topic for topic in found if not is_gone(topic) and not topic["title"].startswith("About the ")]

    def posts(self):
        return [post for topic in self.topics() for post in people_posts(topic)[1:] if not is_gone(post)]

    def start(self, title, text):
        self.do("tina", "post", title=title, raw=text, category=self.world.category["slug"])

    def reply(self, topic, parent, text):
        fields = {"topic_id": topic["id"], "raw": text}
        if parent and parent["topic_id"] == topic["id"]:
            fields["reply_to_post_number"] = parent["number"]
        self.do(self.chance.choice(PEOPLE), "post", **fields)

    def edit(self, post, text):
        if self.do("tina", "edit", post_id=post["id"], raw=text):
            self.wrote(("discourse", str(post["id"])), text)

    def delete(self, post):
        if self.do("tina", "delete", post_id=post["id"]):
            self.left["discourse", str(post["id"])] = None

    def retitle(self, topic, title):
        self.do("tina", "edit_topic", topic_id=topic["id"], title=title)

    def pin(self, topic):
        self.do("tina", "status", topic_id=topic["id"], status="pinned", enabled=not topic["pinned_at"])

    def items(self):
        """Likewise."""
        found = {}
        for topic in self.topics():
            first, *posts = people_posts(topic)
            found["topic", str(topic["id"])] = words(topic["title"]) + words(first["raw"])
            for post in posts:
                found["post", str(post["id"])] = None if is_gone(post) else words(post["raw"])
        return found

    def fault(self):
        rule = dict(self.chance.choice(DISCOURSE_FAULTS))
        self.world.discourse.fault(rule.pop("kind"), **rule)


def remote_id(entity, system):
    return str(entity["systems"][system]["id"]).split("/")[-1] if system in entity["systems"] else None


def compare(world, canvas, forum):
    """Both sides hold the same words under the mapping, and nothing outside it; returns how many items there are."""
    entities = [entity for entity in world.service.entities() if entity["kind"] in ("topic", "post")]
    sides = {"canvas": canvas.items(), "discourse": forum.items()}
    mapped = {(system, entity["kind"], remote_id(entity, system)) for entity in entities for system in sides}
    for system, items in sides.items():
        lost = [key for key, text in items.items() if text is not None and (system, *key) not in mapped]
        assert not lost, f"nobody knows of {lost} in {system}"
    alive = 0
    for entity in entities:
        shown = [items.get((entity["kind"], remote_id(entity, system))) for system, items in sides.items()]
        if entity["status"] == "conflict":
            continue
        assert entity["status"] == "in_sync" and shown[0] == shown[1], (entity, shown)
        left = [side.left.get((system, remote_id(entity, system)), 0)
                for system, side in (("canvas", canvas), ("discourse", forum))]
        if shown[0] is not None and entity["kind"] == "post":
            alive += 1
            # Who was the only one to change a text finds it on both sides.
            assert left.count(0) != 1 or max(left, key=lambda one: one != 0) in (shown[0], None), (entity, shown, left)
    return alive


def own_writes(world):
    """The writes of the service that were done, by system."""
    canvas = world.canvas.sim("GET", "calls?limit=100000")["calls"]
    forum = world.discourse.sim("GET", "log")["calls"]
    calls = [call for call in canvas + forum if call["method"] != "GET" and 200 <= call["status"] < 300]
    return sum(1 for call in calls if call["path"] != "/api/graphql" or call["is_mutation"])


@pytest.mark.parametrize("seed", [1])
def test_five_hundred_acts_on_each_side_end_equal(database, start_world, processes, seed):  # noqa: F811
    chance = random.Random(seed)
    numbers = iter(range(1, 1_000_000))
    # People who rewrite one item more often than the guard allows are its own test.
    courses = [{"canvas": 1, "discourse": "intro-bio", "edit_budget": 1000, "delete_budget": 1000}]
    world = start_world(tables={"database": {"url": database}}, sync={"lease": "2s"}, courses=courses)
    workers = Workers(world, processes, 2)
    world.wait_until(lambda: len(workers.alive()) == 3, what="three processes")
    canvas, forum = (side(world, chance, lambda: f"storm{next(numbers)}") for side in (CanvasSide, ForumSide))
    number = 0
    while min(canvas.done, forum.done) < ACTS:
        number += 1
        for side in (canvas, forum):
            if side.done < ACTS:
                side.act()
                if chance.random() < 0.05:
                    side.fault()
        if number % 100 == 50:
            workers.replace(number // 100 % 2)
        time.sleep(0.02)
    for sandbox in (world.canvas, world.discourse):
        sandbox.sim("DELETE", "faults")
    time.sleep(2)
    world.settle(180)
    alive = compare(world, canvas, forum)
    conflicts = len(world.service.read("conflict", "list"))
    acts, writes = canvas.done + forum.done, own_writes(world)
    print(f"{acts} acts, {writes} writes, {conflicts} conflicts, {alive} posts")
    assert acts == 2 * ACTS and alive > 0.2 * ACTS
    assert writes <= acts + 2 * conflicts, f"{writes} writes for {acts} acts and {conflicts} conflicts"
