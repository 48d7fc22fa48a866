"""The main job, end to end: people use the public clients on both sides, and the service keeps the sides in step."""

import concurrent.futures
import json

import pytest
import requests
from canvasapi.exceptions import ResourceDoesNotExist

from people import (
    FRICTION, IDS, LAG, RESTORE, SUN, TITLE, WHY, call_forum, check_equal, delete_entry, reply_on_canvas,
    reply_on_forum, start_on_canvas, start_on_forum, undelete, wait_for_entries, wait_for_posts,
)
from sandbox import TIMEOUT


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
    found = world.entity("topic", "canvas", topic.id)
    world.service.run("entity", "edit", found["id"], "--title", title, "--body", LAG)
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
    world.discourse.sim("PUT", "webhooks/faults", {fault: {"probability": 0.5 if fault == "reordered" else 1.0}})
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


def test_mentions_name_the_same_person_on_both_sides(world):
    """Alice has written nothing when she is mentioned, so the forum is asked who she is."""
    span = '<span class="mceNonEditable mention" data-mention="{}" data-reactroot="">@Somebody</span>'
    topic = start_on_canvas(world)
    topic.post_entry(message=f"<p>{span.format(IDS['alice'])}, what do you think?</p>")
    mirror, posts = wait_for_posts(world, TITLE, 2)
    assert posts[1]["raw"].strip() == "@alice, what do you think?"
    reply_on_forum(world, "alice", mirror["id"], "I agree with @tina and with @nobody here.")
    topic, entries = wait_for_entries(world, TITLE, 2)
    assert f'data-mention="{IDS["tina"]}"' in entries[1]["message"]
    assert "@nobody" in entries[1]["message"]
    topic.post_entry(message=f"<p>And {span.format(99999)} as well.</p>")
    _, posts = wait_for_posts(world, TITLE, 4)
    assert posts[3]["raw"].strip() == "And Somebody as well.", "somebody without an account is only named"
    world.settle()
    assert {entity["status"] for entity in world.service.entities()} == {"in_sync"}
    calls = world.discourse.sim("GET", "log")["calls"]
    asked = [call for call in calls if "by-external/99999" in call["path"]]
    assert len(asked) == 1, "who has no account is asked for once"


def test_links_to_mirrored_topics_lead_to_the_mirror(world):
    first = start_on_canvas(world)
    mirror, _ = wait_for_posts(world, TITLE, 1)
    world.settle()
    other = "Which harbours have only one tide a day"
    path = f"/courses/{world.course.id}/discussion_topics/{first.id}"
    start_on_canvas(world, other, f'See <a href="{path}">the other topic</a> for why.')
    second, posts = wait_for_posts(world, other, 1)
    assert posts[0]["raw"].strip() == f"See [the other topic]({world.discourse.url}/t/{mirror['id']}) for why."
    link = f"{world.discourse.url}/t/{mirror['slug']}/{mirror['id']}"
    reply_on_forum(world, "alice", second["id"], f"As [was said]({link}) there, in many words.")
    _, entries = wait_for_entries(world, other, 1)
    assert f'{path}"' in entries[0]["message"] and world.discourse.url not in entries[0]["message"]
    world.settle()
    assert {entity["status"] for entity in world.service.entities()} == {"in_sync"}
