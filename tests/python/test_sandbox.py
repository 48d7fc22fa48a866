"""What the sandboxes say when they start, and that the same seed gives the same content."""

import pytest
import requests


def test_the_first_line_of_the_canvas_sandbox_is_enough_to_begin(start_canvas):
    canvas = start_canvas()
    assert len(canvas.info["courses"]) == 3, "the seeded term"
    for user in canvas.info["users"]:
        assert {"id", "name", "role", "token"} <= set(user)
        assert canvas.client(user["token"]).get_current_user().id == user["id"]
    teacher = canvas.client(canvas.users("teacher")[0]["token"])
    courses = list(teacher.get_courses())
    assert {course.id for course in courses} == {course["id"] for course in canvas.info["courses"]}
    threads = [topic for course in courses for topic in course.get_discussion_topics()]
    assert len(threads) > 10
    assert sum(topic.discussion_subentry_count for topic in threads) > 10


def test_an_empty_canvas_has_one_course_a_teacher_and_two_students(canvas, course):
    assert len(canvas.info["courses"]) == 1
    assert (len(canvas.users("teacher")), len(canvas.users("student"))) == (1, 2)
    assert list(course.get_discussion_topics()) == []


def test_the_first_line_of_the_discourse_sandbox_is_enough_to_begin(start_discourse):
    discourse = start_discourse()
    assert len(discourse.info["categories"]) >= 3, "the seeded term"
    forum = discourse.client()
    for user in discourse.users():
        assert {"id", "username", "external_id"} <= set(user)
        if user["external_id"]:
            assert forum.by_external_id(user["external_id"])["id"] == user["id"]
    assert len(forum.latest_posts()["latest_posts"]) > 10


def test_an_empty_discourse_has_one_category_a_teacher_and_two_students(discourse):
    assert len(discourse.info["categories"]) == 1
    assert (len(discourse.users("teacher")), len(discourse.users("student"))) == (1, 2)
    posts = discourse.client().latest_posts()["latest_posts"]
    assert [post["topic_title"] for post in posts] == ["About the Introduction to Biology category"]


@pytest.mark.parametrize("system", ["canvas", "discourse"])
def test_the_same_seed_gives_the_same_content(start_canvas, start_discourse, system):
    start = {"canvas": start_canvas, "discourse": start_discourse}[system]

    def content(seed):
        sandbox = start("--seed", seed)
        if system == "canvas":
            found = sandbox.client().get_course(1).get_discussion_topics()
            return [(topic.title, topic.message.replace(sandbox.url, "")) for topic in found]
        return [(post["id"], post["raw"]) for post in sandbox.client().latest_posts()["latest_posts"]]

    assert content("5") == content("5")


def test_reset_brings_the_start_back(canvas, course):
    course.create_discussion_topic(title="Tides", message="<p>Why?</p>", published=True)
    canvas.sim("POST", "reset")
    assert list(course.get_discussion_topics()) == []


def test_the_call_log_counts_every_call(canvas, course):
    before = canvas.sim("GET", "counters")["total"]
    requests.get(f"{canvas.url}/api/v1/courses/{course.id}", headers=canvas.authorization(), timeout=10)
    assert canvas.sim("GET", "counters")["total"] == before + 1
