"""The error classes of pydiscourse against the Discourse sandbox (contract discourse sections 3, 4, 19)."""

import time

import pydiscourse.client
import pytest
import requests
from pydiscourse.exceptions import (
    DiscourseClientError,
    DiscourseError,
    DiscourseRateLimitedError,
    DiscourseServerError,
)

LONG = "The moon pulls the water towards it, and the earth turns under the bulge."


def status_of(error):
    return error.value.response.status_code


@pytest.fixture
def naps(monkeypatch):
    """How long the client would have slept; it does not."""
    slept = []
    monkeypatch.setattr(pydiscourse.client.time, "sleep", slept.append)
    return slept


def new_topic(forum, discourse, title="Why are there tides twice a day"):
    return forum.create_post(LONG, category_id=discourse.category()["id"], title=title)


def test_a_wrong_key_and_a_wrong_user_are_403(discourse):
    for client in (discourse.client(key="wrong"), discourse.client("nobody-here")):
        with pytest.raises(DiscourseClientError, match="API username or key is invalid") as error:
            client.categories()
        assert status_of(error) == 403
        assert error.value.response.json()["error_type"] == "invalid_access"


def test_validation_is_422_with_the_reasons(forum, discourse):
    with pytest.raises(DiscourseClientError) as error:
        forum.create_post("short", category_id=discourse.category()["id"], title="Why are there tides")
    assert status_of(error) == 422
    assert error.value.response.json()["action"] == "create_post"
    first = new_topic(forum, discourse)
    with pytest.raises(DiscourseClientError, match="already been used"):
        new_topic(forum, discourse, title="why are there tides TWICE a day")
    with pytest.raises(DiscourseClientError) as error:
        forum.update_post(first["id"], "short")
    assert status_of(error) == 422, "edits are validated for admins too (fact 9)"
    made = forum.create_post("short", topic_id=first["topic_id"], skip_validations="true")
    assert made["raw"] == "short"


def test_bad_parameters_are_400(forum, discourse):
    with pytest.raises(DiscourseClientError) as error:
        forum.create_post(LONG, category_id=999_999, title="A category that is not there")
    assert status_of(error) == 400
    with pytest.raises(DiscourseClientError) as error:
        forum.create_post(LONG, topic_id=999_999)
    assert status_of(error) == 422, "a reply to nothing is 422, not 404 (section 6.1)"


def test_what_is_not_there_is_404(forum):
    for call in (
        lambda: forum.topic("-", 999_999),
        lambda: forum.post_by_id(999_999),
        lambda: forum.user("nobody-here"),
        lambda: forum.group("no-such-group"),
    ):
        with pytest.raises(DiscourseClientError) as error:
            call()
        assert status_of(error) == 404


def test_what_a_user_may_not_see_or_do(forum, discourse):
    hidden = forum.create_category("Staff room", "0088CC", permissions={"staff": 1})["category"]
    student = discourse.client(discourse.users("student")[0]["username"])
    with pytest.raises(DiscourseClientError) as error:
        student.create_post(LONG, category_id=hidden["id"], title="Can I write in this room")
    assert status_of(error) == 403
    first = forum.create_post(LONG, category_id=hidden["id"], title="Only the staff can read this")
    with pytest.raises(DiscourseClientError) as error:
        student.topic(first["topic_slug"], first["topic_id"])
    assert status_of(error) == 404
    with pytest.raises(DiscourseClientError) as error:
        student.post_by_id(first["id"])
    assert status_of(error) == 403


def test_a_suspended_user_cannot_be_acted_as(forum, discourse):
    student = discourse.users("student")[0]
    forum._put(f"/admin/users/{student['id']}/suspend", suspend_until="2099-01-01", reason="test")
    with pytest.raises(DiscourseClientError) as error:
        discourse.client(student["username"]).categories()
    assert status_of(error) == 403


def test_429_with_json_is_waited_for(discourse, naps):
    discourse.fault("limited", wait_s=7, times=2)
    assert discourse.client().categories()
    assert naps == [8, 8], "wait_seconds and one more"


def test_429_as_text_is_waited_for_ten_seconds(discourse, naps):
    discourse.fault("limited_by_ip", wait_s=7, times=1)
    assert discourse.client().categories()
    assert naps == [11]


def test_429_four_times_is_given_up(discourse, naps):
    discourse.fault("limited", wait_s=7, times=9)
    with pytest.raises(DiscourseRateLimitedError) as error:
        discourse.client().categories()
    assert len(naps) == 3
    answer = error.value.response
    assert answer.headers["Discourse-Rate-Limit-Error-Code"] == "admin_api_key_rate_limit"
    assert answer.headers["Retry-After"] == "7"
    assert answer.json()["error_type"] == "rate_limit" and answer.json()["extras"]["wait_seconds"] == 7


def test_sixty_calls_a_minute_for_the_whole_site(start_discourse):
    discourse = start_discourse("--empty")
    discourse.sim("POST", "limits", {"admin_limit_per_minute": 60})
    url = f"{discourse.url}/categories.json"
    names = [user["username"] for user in discourse.users()]
    begin = time.monotonic()
    statuses = [
        requests.get(url, headers=discourse.headers(names[number % len(names)]), timeout=10).status_code
        for number in range(70)
    ]
    assert time.monotonic() - begin < 50, "the window must not have moved on"
    assert statuses == [200] * 60 + [429] * 10, "one counter, whoever is acted as (fact 16)"
    discourse.advance(61)
    assert requests.get(url, headers=discourse.headers(), timeout=10).status_code == 200


def test_5xx_is_a_server_error(discourse):
    discourse.fault("bad_gateway")
    with pytest.raises(DiscourseServerError) as error:
        discourse.client().categories()
    assert status_of(error) == 502


def test_a_read_only_site_refuses_writes(forum, discourse):
    discourse.sim("POST", "read_only", {"enabled": True})
    assert forum.categories(), "reading goes on"
    with pytest.raises(DiscourseServerError) as error:
        new_topic(forum, discourse)
    assert (status_of(error), error.value.response.json()["error_type"]) == (503, "read_only")
    discourse.sim("POST", "read_only", {"enabled": False})
    assert new_topic(forum, discourse)["post_number"] == 1


def test_an_answer_lost_after_commit_leaves_the_post(forum, discourse):
    first = new_topic(forum, discourse)
    discourse.fault("lost_answer", method="POST", path="/posts", times=1)
    text = LONG + " And again."
    with pytest.raises(requests.exceptions.ConnectionError):
        forum.create_post(text, topic_id=first["topic_id"])
    topic = forum.topic(first["topic_slug"], first["topic_id"])
    assert topic["posts_count"] == 2
    assert forum.create_post(text, topic_id=first["topic_id"])["post_number"] == 2, "the replay cache answers"
    assert forum.topic(first["topic_slug"], first["topic_id"])["posts_count"] == 2


def test_a_page_instead_of_json_is_an_error(forum, discourse):
    first = new_topic(forum, discourse)
    with pytest.raises(DiscourseError):
        forum._get(f"/raw/{first['topic_id']}")


def test_a_post_may_wait_for_approval_and_loses_its_key_there(forum, discourse):
    student = discourse.client(discourse.users("student")[0]["username"])
    first = new_topic(forum, discourse)
    discourse.setting(watched_words_require_approval="perhaps")
    key = "https://canvas.example/entries/9"
    answer = student.create_post(LONG + " Or perhaps not?", topic_id=first["topic_id"], embed_url=key)
    assert (answer["action"], answer["success"]) == ("enqueued", True)
    assert "id" not in answer and answer["pending_post"]["raw"].endswith("Or perhaps not?")
    assert forum.topic(first["topic_slug"], first["topic_id"])["posts_count"] == 1

    review = forum._get("/review.json")["reviewables"][0]
    forum._put(f"/review/{review['id']}/perform/approve_post?version={review['version']}")
    topic = forum.topic(first["topic_slug"], first["topic_id"])
    assert topic["posts_count"] == 2
    assert topic["post_stream"]["stream"][1] != answer["pending_post"]["id"], "a fresh id"
    with pytest.raises(DiscourseClientError) as error:
        forum._get("/embed/info.json", embed_url=key)
    assert status_of(error) == 404, "the key is lost (fact 18)"
