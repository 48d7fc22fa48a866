"""The error classes of canvasapi against the Canvas sandbox (contract canvas sections 3 and 18)."""

import concurrent.futures

import pytest
import requests
from canvasapi.exceptions import (
    BadRequest,
    CanvasException,
    Conflict,
    Forbidden,
    InvalidAccessToken,
    RateLimitExceeded,
    ResourceDoesNotExist,
    Unauthorized,
    UnprocessableEntity,
)

# As many as make the bucket refuse some: 11 reservations of 50 fit (section 4).
PARALLEL = 24


def new_topic(course, **fields):
    return course.create_discussion_topic(**{"title": "Tides", "message": "<p>Why?</p>", "published": True, **fields})


def test_400_names_what_is_wrong(course):
    with pytest.raises(BadRequest):
        list(course.get_discussion_topics(scope="locked,unlocked"))
    topic = new_topic(course)
    with pytest.raises(BadRequest, match="too_long"):
        topic.post_entry(message="x" * (64 * 1024))
    assert list(topic.get_topic_entries()) == []


def test_400_without_context_codes(canvas):
    answer = requests.get(f"{canvas.url}/api/v1/announcements", headers=canvas.authorization(), timeout=10)
    assert (answer.status_code, answer.json()) == (400, {"message": "Missing context_codes"})


def test_401_with_www_authenticate_is_a_bad_token(canvas, course):
    with pytest.raises(InvalidAccessToken, match="Invalid access token."):
        canvas.client("wrong").get_course(course.id)


def test_401_without_www_authenticate_is_somebody_we_cannot_act_for(canvas, course):
    student, other = canvas.users("student")
    topic = new_topic(course)
    with pytest.raises(Unauthorized, match="Invalid as_user_id"):
        topic.post_entry(message="<p>Hi</p>", as_user_id=999_999)
    as_student = canvas.client(student["token"]).get_course(course.id).get_discussion_topic(topic.id)
    with pytest.raises(Unauthorized, match="Invalid as_user_id"):
        as_student.post_entry(message="<p>Hi</p>", as_user_id=other["id"])
    assert list(topic.get_topic_entries()) == []


def test_403_is_not_permitted(canvas, course):
    student, other = canvas.users("student")
    topic = new_topic(course)
    entry = topic.post_entry(message="<p>Mine</p>", as_user_id=student["id"])
    stranger = canvas.client(other["token"]).get_course(course.id).get_discussion_topic(topic.id)
    with pytest.raises(Forbidden, match="user not authorized"):
        stranger.get_entries([entry.id])[0].update(message="<p>Yours</p>")
    assert topic.get_entries([entry.id])[0].message == "<p>Mine</p>"
    topic.update(locked=True)
    with pytest.raises(Forbidden):
        stranger.post_entry(message="<p>Too late</p>")


def test_401_is_not_permitted_on_an_old_server(old_canvas):
    student, other = old_canvas.users("student")
    course = old_canvas.course()
    topic = new_topic(course)
    entry = topic.post_entry(message="<p>Mine</p>", as_user_id=student["id"])
    stranger = old_canvas.client(other["token"]).get_course(course.id).get_discussion_topic(topic.id)
    with pytest.raises(Unauthorized, match="user not authorized"):
        stranger.get_entries([entry.id])[0].update(message="<p>Yours</p>")


def test_403_until_the_reader_has_posted(canvas, course):
    student = canvas.users("student")[0]
    topic = new_topic(course, require_initial_post=True)
    topic.post_entry(message="<p>Answer</p>")
    reader = canvas.client(student["token"]).get_course(course.id)
    with pytest.raises(Forbidden) as error:
        reader.get_full_discussion_topic(topic.id)
    assert str(error.value).strip() == "require_initial_post", "bare text, not JSON"
    reader.get_discussion_topic(topic.id).post_entry(message="<p>My guess</p>")
    assert len(reader.get_full_discussion_topic(topic.id)["view"]) == 2


def test_404_for_what_is_not_there(canvas, course):
    with pytest.raises(ResourceDoesNotExist):
        course.get_discussion_topic(999_999)
    with pytest.raises(ResourceDoesNotExist):
        canvas.client().get_course(999_999)


def test_404_for_anonymous_topics_that_the_list_has(course):
    topic = new_topic(course, anonymous_state="full_anonymity")
    assert topic.id in [listed.id for listed in course.get_discussion_topics()]
    with pytest.raises(ResourceDoesNotExist):
        course.get_discussion_topic(topic.id)


def test_409_for_a_file_that_exists(course, text_file):
    course.upload(str(text_file))
    with pytest.raises(Conflict, match="already exists"):
        course.upload(str(text_file), on_duplicate="error")


def test_422_for_a_section_topic_with_an_assignment(course):
    section = next(iter(course.get_sections()))
    with pytest.raises(UnprocessableEntity, match="is_section_specific"):
        new_topic(course, specific_sections=str(section.id), assignment={"points_possible": 5})
    assert list(course.get_discussion_topics()) == [], "nothing is made"


@pytest.mark.parametrize(
    ("start", "error", "text"),
    [
        (["--profile", "canvas-current"], RateLimitExceeded, "Rate Limit Exceeded"),
        (["--profile", "canvas-2019"], Forbidden, "403 Forbidden (Rate Limit Exceeded)"),
    ],
)
def test_throttled(start_canvas, start, error, text):
    canvas = start_canvas("--empty", *start)
    canvas.fault("throttle", path="/api/v1/courses")
    with pytest.raises(error) as raised:
        canvas.client().get_course(1)
    assert type(raised.value) is error and text in str(raised.value)
    assert canvas.course().id, "the next request passes"


def test_too_many_at_once_are_throttled_and_not_done(canvas, course):
    topic = new_topic(course)
    canvas.switch(latency_ms=400)

    def post(number):
        try:
            return canvas.course().get_discussion_topic(topic.id).post_entry(message=f"<p>{number}</p>").id
        except RateLimitExceeded:
            return None

    with concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
        made = [entry for entry in pool.map(post, range(PARALLEL)) if entry]
    canvas.switch(latency_ms=0)
    assert 0 < len(made) < PARALLEL
    assert sorted(entry.id for entry in topic.get_topic_entries()) == sorted(made)


def test_502_with_a_page_is_an_error_without_a_class(canvas, course):
    canvas.fault("bad_gateway", method="GET")
    with pytest.raises(CanvasException, match="status code 502"):
        course.get_discussion_topic(1)


def test_a_lost_answer_leaves_what_was_written(canvas, course):
    topic = new_topic(course)
    canvas.fault("lost_answer", method="POST", path="*/entries")
    with pytest.raises(requests.exceptions.ConnectionError):
        topic.post_entry(message="<p>Heard?</p>")
    assert [entry.message for entry in topic.get_topic_entries()] == ["<p>Heard?</p>"]


def test_an_old_server_has_pages_of_fifty(old_canvas):
    course = old_canvas.course()
    for number in range(60):
        new_topic(course, title=f"Topic {number}")
    url = f"{old_canvas.url}/api/v1/courses/{course.id}/discussion_topics?per_page=100"
    assert len(requests.get(url, headers=old_canvas.authorization(), timeout=10).json()) == 50
    assert len(list(course.get_discussion_topics())) == 60, "the client follows next"
