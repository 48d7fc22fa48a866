"""The people of a course follow Canvas into groups of the forum: who comes, who goes, and who is left alone."""

import time

import requests

from people import SUN, WHY, reply_on_forum, start_on_canvas
from sandbox import TIMEOUT
from test_privacy import add_account, forum_call, wait_for_words

PEOPLE = {"groups": ["course", "section", "role", "canvas_group"], "interval": "300ms", "drop_grace": "2s"}
COURSE = "cv-c-1"


def roster_world(start_world, is_served=True, people=None, delete_budget=2000, **options):
    people = {**PEOPLE, **(people or {})}
    tables = {"people": people, **options.pop("tables", {})}
    course = {"canvas": 1, "discourse": "general", "delete_budget": delete_budget}
    world = start_world(is_served=False, tables=tables, courses=[course], **options)
    config = world.service.config
    config.write_text(config.read_text().replace('"general"', f'"{world.category["slug"]}"'))
    if is_served:
        world.service.start()
    return world


def enroll(world, numbers, section=1, state="active"):
    """Puts students into the course, or gives their enrollments in a section another state."""
    users = [
        {"id": number, "name": f"Person {number}", "short_name": f"P{number}", "sortable_name": f"{number:06}",
         "login": f"p{number}", "email": f"p{number}@example.edu"}
        for number in numbers if number > 4
    ]
    rows = [
        {"id": 100_000 * section + number, "user_id": number, "section_id": section, "course_id": 1,
         "kind": "StudentEnrollment", "state": state}
        for number in numbers
    ]
    world.canvas.sim("POST", "rows", {"users": users, "enrollments": rows})


def forget(world, numbers, section=1):
    """Enrollments that nothing tells of any more: they are in another course now."""
    rows = [
        {"id": 100_000 * section + number, "user_id": number, "section_id": 99, "course_id": 99,
         "kind": "StudentEnrollment", "state": "active"}
        for number in numbers
    ]
    world.canvas.sim("POST", "rows", {"enrollments": rows})


def give_accounts(world, numbers):
    for number in numbers:
        add_account(world, f"p{number}", number)


def members(world, group):
    """The user names in a group; none when there is no such group."""
    names, offset = set(), 0
    while True:
        answer = requests.get(
            f"{world.discourse.url}/groups/{group}/members.json", params={"limit": 1000, "offset": offset},
            headers=world.discourse.headers(), timeout=TIMEOUT,
        )
        if answer.status_code == 404:
            return set()
        assert answer.ok, answer.text
        page = answer.json()
        names |= {member["username"] for member in page["members"]}
        offset += len(page["members"])
        if offset >= page["meta"]["total"] or not page["members"]:
            return names


def wait_for(world, group, expected, timeout=20.0):
    world.wait_until(lambda: members(world, group) == expected, timeout, f"{group} to be {expected}")


def discourse_calls(world):
    return [(call["method"], call["path"]) for call in world.discourse.sim("GET", "log")["calls"]]


def held(world):
    rows = world.service.read("operation", "list")
    return [row for row in rows if row["kind"] == "roster" and row["state"] == "held"]


def pending(world):
    rows = world.service.read("operation", "list")
    return [row for row in rows if row["kind"] == "roster" and row["state"] in ("pending", "in_progress")]


def named(numbers):
    return {f"p{number}" for number in numbers}


def quiet_runs(world, count=3):
    """Lets a few more looks at the people pass."""

    def done():
        rows = world.service.read("operation", "list", "--limit", "10000")
        return sum(row["kind"] == "roster" and row["state"] in ("completed", "held", "cancelled") for row in rows)

    before = done()
    world.wait_until(lambda: done() >= before + count, 20.0, "more looks at the people")


def test_a_first_roster_fills_the_groups(start_world):
    world = roster_world(start_world, is_served=False)
    world.canvas.sim("POST", "rows", {
        "sections": [{"id": 2, "course_id": 1, "name": "Evening"}],
        "group_categories": [{"id": 1, "course_id": 1, "name": "Labs"}],
        "groups": [{"id": 7, "category_id": 1, "course_id": 1, "name": "Lab A", "member_ids": [10, 12]}],
    })
    enroll(world, [10, 11])
    enroll(world, [12], section=2)
    enroll(world, [13], state="inactive")
    enroll(world, [15], state="invited")
    world.canvas.sim("POST", "rows", {"users": [
        {"id": 14, "name": "A Parent", "short_name": "Parent", "sortable_name": "Parent", "login": "parent"},
    ], "enrollments": [{"id": 90, "user_id": 14, "section_id": 1, "course_id": 1, "kind": "ObserverEnrollment",
                        "state": "active"}]})
    give_accounts(world, [10, 11, 12, 13, 14, 15])
    world.service.start()
    students = {"alice", "bob", *named([10, 11, 12, 15])}
    wait_for(world, COURSE, {"tina", *students})
    wait_for(world, "cv-c-1-t", {"tina"})
    wait_for(world, "cv-c-1-s", students)
    wait_for(world, "cv-s-1", {"tina", "alice", "bob", *named([10, 11, 15])})
    wait_for(world, "cv-s-2", named([12]))
    wait_for(world, "cv-g-7", named([10, 12]))
    shown = world.service.read("roster", "show", "1")[0]
    made = {group["name"] for group in shown["groups"]}
    assert made == {COURSE, "cv-c-1-t", "cv-c-1-s", "cv-s-1", "cv-s-2", "cv-g-7"}
    assert shown["active"] == 7
    assert "cv-s-2" in world.service.run("roster", "show", "1")
    assert world.service.read("roster", "sync", "1")[0]["queued"] == 1
    # Nobody is told of it, joins by himself, or sees who is in it.
    group = forum_call(world, "GET", "/groups/cv-s-2.json", None)["group"]
    assert (group["mentionable_level"], group["public_admission"], group["members_visibility_level"]) == (0, False, 3)
    # A quiet hour costs the forum nothing.
    world.settle()
    world.discourse.sim("DELETE", "log")
    quiet_runs(world)
    assert not [call for call in discourse_calls(world) if "/groups/" in call[1] or "by-external" in call[1]]


def test_who_leaves_has_a_grace_and_who_moves_has_none(start_world):
    world = roster_world(start_world, is_served=False, people={"drop_grace": "3s"})
    world.canvas.sim("POST", "rows", {"sections": [{"id": 2, "course_id": 1, "name": "Evening"}]})
    enroll(world, [10, 11, 12])
    give_accounts(world, [10, 11, 12, 13])
    world.service.start()
    everybody = {"tina", "alice", "bob", *named([10, 11, 12])}
    wait_for(world, COURSE, everybody)
    guest = forum_call(world, "GET", f"/groups/{COURSE}.json", None)["group"]["id"]
    forum_call(world, "PUT", f"/groups/{guest}/members.json", {"usernames": "p13"})
    enroll(world, [11], state="deleted")
    enroll(world, [11], section=2)
    enroll(world, [12], state="completed")
    wait_for(world, "cv-s-2", named([11]))
    wait_for(world, "cv-s-1", everybody - named([11]))
    shown = world.service.read("roster", "show", "1")[0]
    leaving = {row["person"] for group in shown["groups"] for row in group["leaving"]}
    assert leaving == {"12"}
    assert "p12" in members(world, COURSE)
    wait_for(world, COURSE, {*everybody - named([12]), "p13"})
    wait_for(world, "cv-s-1", everybody - named([11, 12]))
    enroll(world, [12])
    wait_for(world, COURSE, {*everybody, "p13"})


def test_a_short_reading_takes_nobody_out(start_world):
    world = roster_world(start_world, is_served=False, delete_budget=5, people={"drop_grace": "0s"})
    numbers = list(range(10, 40))
    enroll(world, numbers)
    give_accounts(world, numbers)
    world.service.start()
    everybody = {"tina", "alice", "bob", *named(numbers)}
    wait_for(world, COURSE, everybody)
    forget(world, numbers[:20])
    world.wait_until(lambda: held(world), 20.0, "the guard")
    assert "SYNC-5030" in str(held(world))
    quiet_runs(world)
    assert members(world, COURSE) == everybody
    # Ten who are said to have left are more than the budget of five.
    enroll(world, numbers[:20])
    quiet_runs(world)
    enroll(world, numbers[:10], state="deleted")
    world.wait_until(lambda: "SYNC-5031" in world.service.run("roster", "show", "1", "--json"), 20.0, "the budget")
    assert members(world, COURSE) == everybody
    world.service.run("roster", "sync", "1", "--release")
    wait_for(world, COURSE, everybody - named(numbers[:10]))


def test_a_failed_reading_changes_nothing(start_world):
    world = roster_world(start_world, is_served=False, people={"drop_grace": "0s"})
    enroll(world, [10, 11])
    give_accounts(world, [10, 11])
    world.service.start()
    everybody = {"tina", "alice", "bob", "p10", "p11"}
    wait_for(world, COURSE, everybody)
    world.canvas.fault("error_before_commit", path="/api/v1/courses/1/enrollments", count=5)
    enroll(world, [12])
    give_accounts(world, [12])
    wait_for(world, COURSE, {*everybody, "p12"}, 60.0)


def test_accounts_are_made_and_never_taken_over(start_world):
    world = roster_world(start_world, is_served=False, people={"provision": "enrolled"})
    config = world.service.config
    secret = world.discourse.sso_secret
    config.write_text(config.read_text().replace("[discourse]", f'[discourse]\nconnect_secret = "{secret}"'))
    enroll(world, [10, 11])
    # Somebody else's account has the address of person 11, under a key of its own.
    fields = {"username": "older", "name": "Older", "sso_secret": secret}
    world.forum.sync_sso(external_id="not-canvas", email="p11@example.edu", **fields)
    world.service.start()
    wait_for(world, COURSE, {"tina", "alice", "bob", "p10"})
    world.settle()
    assert world.forum.by_external_id("not-canvas")["username"] == "older"
    shown = world.service.read("roster", "show", "1")[0]
    assert shown["without_account"] == [{"person": "11", "refusal": "SYNC-2331"}]
    made = world.forum.by_external_id("10")
    assert made["username"] == "p10"
    told = world.service.run("roster", "show", "1", "--json") + "".join(
        str(row) for row in world.service.read("operation", "list")
    )
    assert "example.edu" not in told
    # A renamed person stays the same person.
    world.discourse.sim("PUT", "users/p10", {"username": "renamed"})
    enroll(world, [10], state="inactive")
    wait_for(world, COURSE, {"tina", "alice", "bob"})


def test_a_foreign_group_of_the_same_name_is_left_alone(start_world):
    world = roster_world(start_world, is_served=False)
    forum_call(world, "POST", "/admin/groups.json", {"group": {"name": COURSE, "usernames": "admin1"}})
    world.service.start()
    world.wait_until(lambda: "SYNC-2330" in str(world.service.read("operation", "list")), 20.0, "the refusal")
    assert members(world, COURSE) == {"admin1"}


def test_the_group_gets_into_a_closed_category_and_not_into_an_open_one(start_world):
    world = roster_world(start_world, is_served=False, people={"category_access": True}, is_open=False,
                         sync={"audience_interval": "300ms"})
    category = world.category
    body = {"name": category["name"], "color": "0088CC", "text_color": "FFFFFF", "permissions": {"staff": 1}}
    forum_call(world, "PUT", f"/categories/{category['id']}.json", body)
    world.service.start()
    wait_for(world, COURSE, {"tina", "alice", "bob"})

    def permissions():
        shown = forum_call(world, "GET", f"/c/{category['id']}/show.json", None)["category"]
        return {row["group_name"]: row["permission_type"] for row in shown["group_permissions"]}

    world.wait_until(lambda: permissions() == {"staff": 1, COURSE: 1}, 20.0, "the group's access")
    # Now both sides have the same readers, and what is written passes in both directions.
    world.wait_until(lambda: not pending(world), 20.0, "the roster")
    world.add_webhook()
    topic = start_on_canvas(world, text=WHY)
    wait_for_words(world, WHY, "discourse")
    mirrored = world.forum_topic(topic.title)
    reply_on_forum(world, "bob", mirrored["id"], SUN)
    wait_for_words(world, SUN, "canvas")


def test_killed_in_the_middle_of_a_batch(start_world):
    world = roster_world(start_world, is_served=False, people={"drop_grace": "0s"}, sync={"lease": "1s"})
    numbers = list(range(10, 60))
    enroll(world, numbers)
    give_accounts(world, numbers)
    everybody = {"tina", "alice", "bob", *named(numbers)}
    group = None
    for round_number in range(6):
        # The answer comes late, so the kill falls between the write and its receipt; some rounds before the write.
        world.discourse.fault("timeout", method="PUT", path="/groups/*/members", times=1, wait_ms=3000,
                              commit=round_number % 2 == 0)
        world.service.launch()
        world.wait_until(world.service.is_ready, 30.0, "readiness")
        sent = lambda: any(call[0] == "PUT" and "/members" in call[1] for call in discourse_calls(world))
        if round_number == 0:
            world.wait_until(lambda: members(world, COURSE) or sent(), 30.0, "the batch")
        else:
            time.sleep(0.7)
        world.service.kill()
        world.discourse.sim("DELETE", "faults")
        numbers_out = numbers[: 5 * round_number]
        enroll(world, numbers_out, state="deleted")
        group = everybody - named(numbers_out)
    world.service.start()
    wait_for(world, COURSE, group, 60.0)
    wait_for(world, "cv-s-1", group, 60.0)
    world.settle()
    made = [call for call in discourse_calls(world) if call == ("POST", "/admin/groups.json")]
    assert len(made) <= 4, "no group was made twice"


def test_two_thousand_people_cost_few_calls(start_world):
    people = {"groups": ["course", "section", "role"], "drop_grace": "0s", "interval": "1h"}
    world = roster_world(start_world, is_served=False, people=people, tables={"discourse": {"calls_per_minute": 0}})
    world.discourse.sim("PUT", "limits", {"admin_limit_per_minute": None})
    world.canvas.sim("POST", "rows", {"sections": [{"id": 2, "course_id": 1, "name": "Evening"}]})
    numbers = list(range(10, 2010))
    enroll(world, numbers)
    give_accounts(world, numbers)
    world.service.start()
    everybody = {"tina", "alice", "bob", *named(numbers)}
    wait_for(world, COURSE, everybody, 180.0)
    wait_for(world, "cv-s-1", everybody, 60.0)
    world.settle()

    def change_and_count():
        world.discourse.sim("DELETE", "log")
        world.service.run("roster", "sync", "1")
        world.wait_until(lambda: not pending(world), 60.0, "the roster")
        calls = [call for call in discourse_calls(world) if "/groups/" in call[1] or "by-external" in call[1]]
        reads = [call for call in calls if call[0] == "GET"]
        return len(reads), len(calls) - len(reads)

    # A day: 200 move to the other section, 300 leave. Changes: 200 out, 200 in, 300 out of three groups.
    enroll(world, numbers[:200], state="deleted")
    enroll(world, numbers[:200], section=2)
    enroll(world, numbers[200:500], state="deleted")
    reads, writes = change_and_count()
    assert members(world, COURSE) == everybody - named(numbers[200:500])
    assert members(world, "cv-s-2") == named(numbers[:200])
    assert members(world, "cv-s-1") == everybody - named(numbers[:500])
    # Four groups change, each with at most a thousand people: one write for each and direction, one read for each.
    assert writes <= 5 and reads <= 4, (reads, writes)
    # The next day 300 come back: they are known, and nobody is asked for.
    enroll(world, numbers[200:500])
    reads, writes = change_and_count()
    assert members(world, COURSE) == everybody
    assert writes <= 3 and reads <= 3 * 3, (reads, writes)
    # A day without a change costs nothing.
    assert change_and_count() == (0, 0)
