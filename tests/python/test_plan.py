"""Nothing is written to a newly connected pair before somebody has accepted a plan of it."""

import json
import time

import pytest

from people import (
    FRICTION, LAG, SUN, TITLE, WHY, call_forum, check_equal, check_unique, reply_on_canvas, reply_on_forum,
    start_on_canvas, start_on_forum, titles_once, wait_for_entries, wait_for_posts,
)
from process import wait_until
from test_match import OTHER, same_thread

CAREFUL = {"accept_plan": False}


def careful(start_world, **options):
    """A world that waits for a plan; its service does not run yet."""
    return start_world(is_served=False, sync={**CAREFUL, **options.pop("sync", {})}, **options)


def plan(world, *arguments, name="plan.json"):
    """Makes a plan and gives its file's content."""
    path = world.service.folder / name
    world.service.run("plan", "-o", path, *arguments)
    return path, json.loads(path.read_text(encoding="utf-8"))


def fill(world):
    """One thread on both sides, an answer that only Canvas has, and a topic that only the forum has."""
    topic, first = same_thread(world)
    reply_on_canvas(world, "alice", topic.id, FRICTION)
    start_on_forum(world, OTHER, "Something that only the forum has, so far.")
    return topic, first


def graphql_changes(world):
    """All that Canvas keeps: its GraphQL requests are not told apart in the log of calls."""
    return world.stored()[:2]


def test_a_plan_counts_and_writes_nothing(start_world):
    world = careful(start_world)
    fill(world)
    before = graphql_changes(world)
    world.forget_calls()
    path, made = plan(world)
    assert world.writes() == [] and graphql_changes(world) == before
    (course,) = made["courses"]
    none = {"create": 0, "edit": 0, "delete": 0, "restore": 0, "move": 0}
    assert course["writes"] == {"canvas": {**none, "create": 1}, "discourse": {**none, "create": 1}}
    assert course["is_accepted"] is False and course["skipped"] == {} and course["open_matches"] == 0
    assert course["people"]["canvas"] == 3, "the teacher and both students may be told"
    assert course["people"]["discourse"] is None, "the sandbox's category is public"
    assert {(item["action"], item["system"], item["title"]) for item in made["surprising"]} == {
        ("create", "canvas", OTHER), ("create", "discourse", TITLE),
    }
    assert sum(made["calls"].values()) > 6 and made["takes_ms"] > 0
    told = world.service.run("plan")
    assert "create" in told and "skip" in told and OTHER in told and "API calls" in told
    world.service.run("apply", path)
    assert check_equal(world) and titles_once(world) == sorted([TITLE, OTHER])
    check_unique(world)
    written = sum(sum(side.values()) for side in course["writes"].values())
    actions = [entry for entry in world.service.read("entity", "list") if entry["status"] != "in_sync"]
    assert written == 2 and actions == []


def test_serve_waits_for_a_plan_and_goes_on_by_itself(start_world):
    world = careful(start_world)
    fill(world)
    world.forget_calls()
    world.service.start()
    world.add_webhook()
    start_on_canvas(world, "Another one while it waits", LAG)
    start_on_forum(world, "And another one on the forum", LAG)
    world.wait_until(lambda: world.service.read("match", "list"), what="the match")
    time.sleep(1.5)
    ours = [call for call in world.writes() if "web_hooks" not in call[1]]
    assert len(ours) == 2, f"only what the two people wrote: {ours}"
    assert len(world.canvas_topics()) == 2 and len(world.forum_topics()) == 3
    assert "plan" in world.service.process.report("told")
    path, _ = plan(world)
    assert "running service" in world.service.run("apply", path)
    world.wait_until(lambda: check_equal(world) and len(titles_once(world)) == 4, 30, "equal sides")
    world.settle()
    check_unique(world)


@pytest.mark.parametrize("side", ["canvas", "discourse", "new topic"])
def test_a_moved_world_is_refused(start_world, side):
    world = careful(start_world)
    topic, first = fill(world)
    path, _ = plan(world)
    if side == "canvas":
        entry = world.entries(topic.id)[0]["id"]
        mine = world.canvas_as("alice").get_discussion_topic(topic.id).get_entries([entry])[0]
        mine.update(message=f"<p>{WHY}</p>")
        named = f"Canvas: topic {world.course.id}/{topic.id} has changed"
    elif side == "discourse":
        world.discourse.client("tina").update_post(first["id"], LAG)
        named = f"Discourse: topic {first['topic_id']} has changed"
    else:
        new = start_on_forum(world, "A topic that nobody had planned", LAG)
        named = f"Discourse: topic {new['topic_id']} is new"
    world.forget_calls()
    told = world.service.run("apply", path, expected=3)
    assert named in told and told.count("topic ") == 1, told
    assert world.writes() == []
    path, _ = plan(world)
    world.service.run("apply", path)
    # What was changed on one side alone before anything was written is a conflict of the two sides, or linked.
    assert len(world.service.entities("topic")) == len(world.canvas_topics()) == len(world.forum_topics())


def test_a_decision_about_a_match_makes_a_new_plan_necessary(start_world):
    world = careful(start_world)
    start_on_canvas(world, TITLE, WHY)
    start_on_forum(world, TITLE, FRICTION)
    path, made = plan(world)
    assert made["courses"][0]["open_matches"] == 1 and made["courses"][0]["skipped"] == {"held SYNC-5011": 2}
    found = world.service.execute("match", "list", "--json").stdout
    world.service.run("match", "accept", json.loads(found.splitlines()[0])["id"])
    assert "local database" in world.service.run("apply", path, expected=3)
    path, made = plan(world)
    assert made["courses"][0]["writes"]["discourse"]["edit"] == 1
    assert made["surprising"][0]["why"] == "its text is replaced"
    world.service.run("apply", path)
    assert check_equal(world)


def second_course(world):
    """A copy of the empty course with the same people in it."""
    state = world.canvas.sim("GET", "state")
    rows = {"courses": [], "enrollments": [], "sections": []}
    for row in state["courses"].values():
        rows["courses"].append({**row, "id": 2, "name": "Second", "uuid": "", "sis_course_id": None})
    for row in state["sections"].values():
        rows["sections"].append({**row, "id": row["id"] + 100, "course_id": 2, "sis_section_id": None})
    for row in state["enrollments"].values():
        ids = {"id": row["id"] + 100, "section_id": row["section_id"] + 100}
        rows["enrollments"].append({**row, **ids, "course_id": 2})
    world.canvas.sim("POST", "rows", rows)
    return world.canvas.client().get_course(2)


def test_one_course_is_a_pilot(start_world):
    world = start_world(is_served=False, sync=CAREFUL)
    second = second_course(world)
    category = world.forum.create_category("Second", "0088CC")["category"]
    with world.service.config.open("a", encoding="utf-8") as file:
        reason = 'accept_wider_audience = "a sandbox without real readers"'
        file.write(f'[[course]]\ncanvas = {second.id}\ndiscourse = {category["id"]}\n{reason}\n')
    start_on_canvas(world)
    second.create_discussion_topic(title=OTHER, message=f"<p>{SUN}</p>", published=True)
    path, made = plan(world)
    assert len(made["courses"]) == 2
    world.service.run("apply", path, "--course", f"canvas:{world.course.id}")
    assert [topic["title"] for topic in world.forum_topics()] == [TITLE]
    listed = world.forum.category_topics(category["id"])["topic_list"]["topics"]
    assert OTHER not in [topic["title"] for topic in listed]
    assert world.sync(expected=1)["waiting_for_plan"] == 1
    path, _ = plan(world)
    world.service.run("apply", path)
    listed = world.forum.category_topics(category["id"])["topic_list"]["topics"]
    assert OTHER in [topic["title"] for topic in listed]


def test_deletions_can_be_left_out(start_world):
    world = careful(start_world, sync={"two_looks_interval": "0s"})
    topic, first = same_thread(world)
    path, _ = plan(world)
    world.service.run("apply", path)
    post = world.posts(world.read_topic(first["topic_id"]))[2]
    call_forum(world, "DELETE", f"/posts/{post['id']}.json")
    reply_on_forum(world, "alice", first["topic_id"], FRICTION)
    path, made = plan(world)
    assert (made["courses"][0]["writes"]["canvas"]["delete"], made["courses"][0]["is_accepted"]) == (1, True)
    assert made["surprising"][0]["action"] == "delete"
    world.service.run("apply", path, "--without-deletes", expected=1)
    entries = [entry for entry in world.entries(topic.id) if not entry.get("deleted")]
    assert len(entries) == 3 and FRICTION in entries[-1]["message"]
    assert [entity["status"] for entity in world.service.entities() if entity["status"] != "in_sync"] == ["held"]


def test_a_plan_of_other_systems_or_no_plan_is_refused(start_world):
    world = careful(start_world)
    path, made = plan(world)
    path.write_text(json.dumps({**made, "canvas_url": "https://canvas.example.edu"}), encoding="utf-8")
    assert "other systems" in world.service.fail("apply", path, expected=2)
    path.write_text('{"version": 1}', encoding="utf-8")
    assert "is no plan" in world.service.fail("apply", path, expected=2)
    assert "is no plan" in world.service.fail("apply", world.service.folder / "nothing.json", expected=2)


@pytest.mark.parametrize("flag", [True, False])
def test_scripts_accept_by_flag_or_wait(start_world, flag):
    world = careful(start_world)
    fill(world)
    arguments = ["--accept-plan"] if flag else []
    done = json.loads(world.service.run("sync", "--once", "--json", *arguments, expected=0 if flag else 1))
    assert done["waiting_for_plan"] == (0 if flag else 1)
    assert len(world.canvas_topics()) == (2 if flag else 1)


def test_a_kill_between_match_and_first_write(start_world):
    world = careful(start_world, sync={"lease": "1s"})
    fill(world)
    world.service.start()
    world.wait_until(lambda: world.service.read("match", "list"), what="the match")
    world.service.kill()
    world.forget_calls()
    world.service.start()
    time.sleep(1)
    assert world.writes() == []
    path, _ = plan(world)
    world.service.run("apply", path)
    world.service.kill()
    world.service.launch()
    wait_until(world.service.is_ready, what="readiness")
    wait_for_posts(world, TITLE, 4)
    wait_for_entries(world, OTHER, 0)
    world.wait_until(lambda: check_equal(world), 30, "equal sides")
    world.settle()
    check_unique(world)


def test_a_database_of_before_counts_as_accepted(start_world):
    world = start_world(is_served=False)
    same_thread(world)
    world.sync()
    text = world.service.config.read_text(encoding="utf-8").replace("accept_plan = true", "accept_plan = false")
    world.service.config.write_text(text, encoding="utf-8")
    start_on_canvas(world, OTHER, LAG)
    assert world.sync()["waiting_for_plan"] == 0
    assert check_equal(world) and len(titles_once(world)) == 2
