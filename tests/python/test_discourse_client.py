"""pydiscourse, as it comes from PyPI, against the Discourse sandbox: every call of contract discourse section 19.

Where the client stumbles over a real server (it follows no redirect, it wants one exact content
type), the test expects that: a sandbox that hides it would be untrue.
"""

import base64
import struct
import zlib

import pytest
import requests
from pydiscourse.exceptions import DiscourseClientError, DiscourseError

LONG = "The moon pulls the water towards it, and the earth turns under the bulge."
OTHER = "Friction with the sea floor slows the earth a little, every single day."

OLD = "discourse-3.1"
pytestmark = pytest.mark.parametrize("discourse_profile", ["discourse-current", "discourse-3.1"])


def new_topic(forum, discourse, **fields):
    """The first post of a topic that says why the tides come."""
    arguments = {"category_id": discourse.category()["id"], "title": "Why are there tides twice a day", **fields}
    return forum.create_post(LONG, **arguments)


def picture(path):
    """Writes a PNG of one red dot."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\x00\xff\x00\x00")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b""))
    return str(path)


def test_topic_reply_and_reply_to_the_reply(forum, discourse, discourse_profile):
    first = new_topic(forum, discourse, tags=["ocean"])
    assert (first["post_number"], first["post_type"], first["version"]) == (1, 1, 1)
    assert first["raw"] == LONG and first["cooked"].startswith("<p>The moon")
    reply = forum.create_post(OTHER, topic_id=first["topic_id"])
    nested = forum.create_post("And so the day was shorter once, by hours.", topic_id=first["topic_id"],
                               reply_to_post_number=reply["post_number"])
    assert [reply["post_number"], nested["post_number"]] == [2, 3]
    assert (reply["reply_to_post_number"], nested["reply_to_post_number"]) == (None, 2)
    topic = forum.topic(first["topic_slug"], first["topic_id"])
    assert topic["post_stream"]["stream"] == [first["id"], reply["id"], nested["id"]]
    assert topic["posts_count"] == 3
    tags = topic["tags"] if discourse_profile == OLD else [tag["name"] for tag in topic["tags"]]
    assert tags == ["ocean"], "objects since 2026 (section 1, fact 20)"


def test_create_as_another_user_with_keys_and_a_date(discourse):
    student = discourse.users("student")[0]
    forum = discourse.client(student["username"])
    created_at = "2026-01-05T13:19:34.880Z"
    first = new_topic(forum, discourse, external_id="canvas-topic-7", created_at=created_at)
    assert (first["username"], first["created_at"]) == (student["username"], created_at)
    answer = requests.get(f"{discourse.url}/t/external_id/canvas-topic-7.json", headers=discourse.headers(),
                          allow_redirects=False, timeout=10)
    assert answer.status_code == 301
    assert f"/t/{first['topic_slug']}/{first['topic_id']}.json" in answer.headers["Location"]
    with pytest.raises(DiscourseClientError, match="External has already been taken"):
        new_topic(discourse.client(), discourse, title="The same key but another title", external_id="canvas-topic-7")


def test_a_reply_is_found_by_its_embed_url(forum, discourse):
    first = new_topic(forum, discourse)
    url = "https://canvas.example/entries/9"
    reply = forum.create_post(OTHER, topic_id=first["topic_id"], embed_url=url)
    answer = requests.get(f"{discourse.url}/embed/info.json", params={"embed_url": url},
                          headers=discourse.headers(), timeout=10).json()
    assert (answer["topic_id"], answer["post_id"]) == (first["topic_id"], reply["id"])
    with pytest.raises(DiscourseClientError, match="Embed url has already been taken"):
        forum.create_post(OTHER + " Again.", topic_id=first["topic_id"], embed_url=url)


def test_the_same_create_within_two_minutes_gives_the_same_answer(forum, discourse):
    first = new_topic(forum, discourse)
    one, two = (forum.create_post(OTHER, topic_id=first["topic_id"]) for _ in range(2))
    assert one == two
    assert forum.topic(first["topic_slug"], first["topic_id"])["posts_count"] == 2


def test_an_equal_text_is_refused_once_the_replay_cache_forgets(forum, discourse):
    first = new_topic(forum, discourse)
    student = discourse.client(discourse.users("student")[0]["username"])
    student.create_post(OTHER, topic_id=first["topic_id"])
    discourse.advance(121)
    with pytest.raises(DiscourseClientError, match="too similar"):
        student.create_post(OTHER, topic_id=first["topic_id"])
    made = student.create_post(OTHER, topic_id=first["topic_id"], skip_validations="true")
    assert made["post_number"] == 3, "skip_validations passes (section 10)"


def test_update_topic_by_its_url(forum, discourse):
    first = new_topic(forum, discourse)
    for url in (f"/t/{first['topic_id']}", f"/t/-/{first['topic_id']}.json"):
        answer = forum.update_topic(url, f"what makes the tides come {len(url)}...")
        assert answer["basic_topic"]["title"] == f"What makes the tides come {len(url)}", "cleaned (section 12)"
    topic = forum.topic(answer["basic_topic"]["slug"], first["topic_id"])
    assert topic["title"] == answer["basic_topic"]["title"]


def test_update_post_with_a_reason_makes_a_version(forum, discourse):
    first = new_topic(forum, discourse)
    answer = forum.update_post(first["id"], OTHER + "   ", edit_reason="from Canvas")["post"]
    assert (answer["raw"], answer["version"], answer["edit_reason"]) == (OTHER, 2, "from Canvas")
    again = forum.update_post(first["id"], OTHER, edit_reason="from Canvas")["post"]
    assert again["version"] == 2 and again["updated_at"] == answer["updated_at"], "nothing changed, nothing happens"
    small = forum.update_post(first["id"], OTHER + " So.", edit_reason="from Canvas")["post"]
    assert small["version"] == 2 and small["raw"] == OTHER + " So.", "in grace: in place (section 6.3)"


def test_an_edit_is_guarded_by_the_text_it_replaces(forum, discourse, discourse_profile):
    first = new_topic(forum, discourse)
    newer, older = {"post[original_text]": "something else"}, {"post[raw_old]": "something else"}
    if discourse_profile == OLD:
        assert forum.update_post(first["id"], OTHER, **newer)["post"]["raw"] == OTHER, "3.1 overwrites (fact 8)"
    else:
        with pytest.raises(DiscourseClientError, match="edited by another user") as error:
            forum.update_post(first["id"], OTHER, **newer)
        assert error.value.response.status_code == 409
    with pytest.raises(DiscourseClientError, match="edited by another user"):
        forum.update_post(first["id"], OTHER + " Or not.", **older)
    stored = forum.post_by_id(first["id"])["raw"]
    guard = {"post[original_text]": stored, "post[raw_old]": stored}
    assert forum.update_post(first["id"], OTHER + " Yes.", **guard)["post"]["raw"] == OTHER + " Yes."


def test_posts_by_id_by_number_and_as_part_of_a_topic(forum, discourse):
    first = new_topic(forum, discourse)
    reply = forum.create_post(OTHER, topic_id=first["topic_id"])
    assert forum.post_by_id(reply["id"])["raw"] == OTHER
    assert forum.post_by_number(first["topic_id"], 2)["id"] == reply["id"]
    part = forum.post(first["topic_id"], 2)
    assert reply["id"] in [post["id"] for post in part["post_stream"]["posts"]]
    both = forum.posts(first["topic_id"], post_ids=[reply["id"], first["id"], 999_999])
    assert [post["id"] for post in both["post_stream"]["posts"]] == [first["id"], reply["id"]], "by number"
    assert "stream" not in both["post_stream"] and both["id"] == first["topic_id"]
    with_raw = forum.topic_posts(first["topic_id"], include_raw=1)
    assert {post.get("raw") for post in with_raw["post_stream"]["posts"]} == {LONG, OTHER}


def test_latest_posts_go_back_page_by_page(forum, discourse):
    first = new_topic(forum, discourse)
    made = [first["id"]]
    for number in range(59):
        made.append(forum.create_post(f"{LONG} Part {number}.", topic_id=first["topic_id"])["id"])
    newest = [post["id"] for post in forum.latest_posts()["latest_posts"]]
    assert newest == sorted(made, reverse=True)[:50]
    older = [post["id"] for post in forum.latest_posts(before=newest[-1])["latest_posts"]]
    assert set(made) <= set(newest) | set(older)
    assert all(post["raw"].startswith(LONG) for post in forum.latest_posts()["latest_posts"])


def test_a_long_topic_shows_twenty_posts_and_the_whole_stream(forum, discourse):
    first = new_topic(forum, discourse)
    for number in range(44):
        forum.create_post(f"{LONG} Part {number}.", topic_id=first["topic_id"])
    page = forum.topic(first["topic_slug"], first["topic_id"])
    assert (len(page["post_stream"]["posts"]), len(page["post_stream"]["stream"]), page["chunk_size"]) == (20, 45, 20)
    numbers = []
    for number in (1, 2, 3):
        page = forum.topic(first["topic_slug"], first["topic_id"], page=number)
        numbers += [post["post_number"] for post in page["post_stream"]["posts"]]
    assert numbers == list(range(1, 46))
    whole = forum.topic(first["topic_slug"], first["topic_id"], print="true", include_raw=1)
    assert len(whole["post_stream"]["posts"]) == 45 and whole["post_stream"]["posts"][-1]["raw"].startswith(LONG)


def test_redirects_are_not_followed(forum, discourse):
    first = new_topic(forum, discourse)
    try:
        answer = forum.topic("a-wrong-slug", first["topic_id"])
    except DiscourseError as error:
        assert error.response.status_code == 301
        answer = None
    assert answer is None, "the client never sees the topic (section 19)"
    right = requests.get(f"{discourse.url}/t/a-wrong-slug/{first['topic_id']}.json", headers=discourse.headers(),
                         timeout=10)
    assert right.history[0].status_code == 301 and right.json()["id"] == first["topic_id"]


def test_past_the_last_page(forum, discourse, discourse_profile):
    first = new_topic(forum, discourse)
    url = f"{discourse.url}/t/{first['topic_slug']}/{first['topic_id']}.json?page=9"
    answer = requests.get(url, headers=discourse.headers(), allow_redirects=False, timeout=10)
    assert answer.status_code == (404 if discourse_profile == OLD else 301)


def test_delete_topic_answers_nothing_and_keeps_the_replies(forum, discourse):
    first = new_topic(forum, discourse)
    reply = forum.create_post(OTHER, topic_id=first["topic_id"])
    assert forum.delete_topic(first["topic_id"]) is None
    assert forum.topic(first["topic_slug"], first["topic_id"])["deleted_at"], "an admin still reads it"
    posts = forum.posts(first["topic_id"], post_ids=[first["id"], reply["id"]])["post_stream"]["posts"]
    assert [bool(post["deleted_at"]) for post in posts] == [True, False]
    stranger = discourse.client(discourse.users("student")[0]["username"])
    with pytest.raises(DiscourseClientError) as error:
        stranger.topic(first["topic_slug"], first["topic_id"])
    assert error.value.response.status_code == 404
    with pytest.raises(DiscourseClientError) as error:
        forum.delete_topic(first["topic_id"])
    assert error.value.response.status_code == 422, "a second time (section 4)"


def test_deleting_posts(forum, discourse):
    first = new_topic(forum, discourse)
    reply = forum.create_post(OTHER, topic_id=first["topic_id"])
    answer = requests.delete(f"{discourse.url}/posts/{reply['id']}.json", headers=discourse.headers(), timeout=10)
    assert (answer.status_code, answer.text.strip()) == (200, "")
    assert forum.post_by_id(reply["id"])["deleted_at"]
    assert reply["id"] not in forum.topic(first["topic_slug"], first["topic_id"])["post_stream"]["stream"]
    answer = requests.delete(f"{discourse.url}/posts/{first['id']}.json", headers=discourse.headers(), timeout=10)
    assert answer.status_code == 403, "a first post goes with its topic (fact 10)"
    answer = requests.put(f"{discourse.url}/posts/{reply['id']}/recover.json", headers=discourse.headers(), timeout=10)
    assert answer.json()["deleted_at"] is None


def test_an_authors_own_delete_is_an_edit(discourse):
    student = discourse.users("student")[0]
    first = new_topic(discourse.client(), discourse)
    reply = discourse.client(student["username"]).create_post(OTHER, topic_id=first["topic_id"])
    headers = discourse.headers(student["username"])
    assert requests.delete(f"{discourse.url}/posts/{reply['id']}.json", headers=headers, timeout=10).status_code == 200
    stub = discourse.client().post_by_id(reply["id"])
    assert (stub["raw"], stub["user_deleted"], stub["deleted_at"]) == ("(post deleted by author)", True, None)
    discourse.advance(25 * 3600)
    assert discourse.client().post_by_id(reply["id"])["deleted_at"], "reaped after a day"


def test_topic_status_leaves_small_posts(forum, discourse):
    first = new_topic(forum, discourse)
    for status in ("closed", "pinned", "archived", "visible"):
        answer = forum.update_topic_status(first["topic_id"], status, status != "visible")
        assert answer == {"success": "OK", "topic_status_update": None}
    topic = forum.topic(first["topic_slug"], first["topic_id"])
    assert (topic["closed"], topic["pinned"], topic["archived"], topic["visible"]) == (True, True, True, False)
    small = [post for post in topic["post_stream"]["posts"] if post["post_type"] == 3]
    assert [post["action_code"] for post in small] == [
        "closed.enabled", "pinned.enabled", "archived.enabled", "visible.disabled"]
    forum.update_topic_status(first["topic_id"], "closed", True)
    assert forum.topic(first["topic_slug"], first["topic_id"])["posts_count"] == topic["posts_count"]
    student = discourse.client(discourse.users("student")[0]["username"])
    with pytest.raises(DiscourseClientError, match="closed or deleted"):
        student.create_post(OTHER, topic_id=first["topic_id"])


def test_users_by_name_by_external_id_and_in_detail(forum, discourse):
    student = discourse.users("student")[0]
    user = forum.user(student["username"])
    assert (user["id"], user["username"]) == (student["id"], student["username"])
    assert forum.by_external_id(student["external_id"])["id"] == student["id"]
    detail = forum.user_all(student["id"])
    assert detail["single_sign_on_record"]["external_id"] == student["external_id"]
    assert detail["active"] is True and detail["staged"] is False
    with pytest.raises(DiscourseClientError) as error:
        forum.by_external_id("nobody")
    assert error.value.response.status_code == 404


def test_sync_sso_makes_finds_and_adopts(forum, discourse):
    fields = {"sso_secret": discourse.sso_secret, "name": "Nia Park", "username": "nia"}
    made = forum.sync_sso(external_id="canvas-77", email="nia@example.com", **fields)
    assert (made["username"], made["active"]) == ("nia", True)
    assert forum.by_external_id("canvas-77")["id"] == made["id"]
    again = forum.sync_sso(external_id="canvas-77", email="other@example.com", **fields)
    assert again["id"] == made["id"], "the same external id is the same person"
    adopted = forum.sync_sso(external_id="canvas-78", email="nia@example.com", **fields)
    assert adopted["id"] == made["id"], "adopted by e-mail, and the old id is gone (section 8.3)"
    with pytest.raises(DiscourseClientError):
        forum.by_external_id("canvas-77")


def test_sync_sso_refuses_a_bad_signature_and_a_blank_id(forum, discourse):
    fields = {"name": "X", "username": "xxx", "email": "x@example.com"}
    for secret, external_id in (("a-wrong-secret", "canvas-1"), (discourse.sso_secret, "")):
        with pytest.raises(DiscourseClientError) as error:
            forum.sync_sso(sso_secret=secret, external_id=external_id, **fields)
        assert error.value.response.status_code == 422
        assert error.value.response.json()["failed"] == "FAILED"


def test_create_user_with_the_honeypot(forum):
    answer = forum.create_user("Nia Park", "nia", "nia@example.com", "a long passphrase 1", active="true")
    assert answer["success"] is True
    assert forum.user("nia")["id"] == answer["user_id"]
    with pytest.raises(DiscourseError):
        forum.create_user("Nia Park", "nia", "nia2@example.com", "a long passphrase 1", active="true")


def test_categories(forum, discourse):
    known = {category["id"] for category in forum.categories()}
    assert discourse.category()["id"] in known
    made = forum.create_category("Physics", "0088CC", permissions={"staff": 1})["category"]
    assert (made["name"], made["slug"], made["read_restricted"]) == ("Physics", "physics", True)
    shown = forum.category(made["id"])["category"]
    assert [(row["group_name"], row["permission_type"]) for row in shown["group_permissions"]] == [("staff", 1)]
    assert made["topic_url"], "the About topic (section 8.1)"
    child = forum.create_category("Waves", "0088CC", parent="Physics")["category"]
    assert child["parent_category_id"] == made["id"]
    with pytest.raises(DiscourseClientError) as error:
        forum.create_category("Physics", "0088CC", permissions={"staff": 1})
    assert error.value.response.status_code == 422
    student = discourse.client(discourse.users("student")[0]["username"])
    assert made["id"] not in {category["id"] for category in student.categories()}


def test_groups_and_their_members(forum, discourse):
    people = [user["username"] for user in discourse.users("student")]
    group = forum.create_group("physics-101", title="Physicist")["basic_group"]
    assert group["name"] == "physics-101" and group["automatic"] is False
    assert "physics-101" in [other["name"] for other in forum.groups()]
    assert forum.group("physics-101")["group"]["id"] == group["id"]
    assert forum.group_members("physics-101") == []
    answer = forum.add_group_member(group["id"], people[0])
    assert answer["success"] == "OK" and answer["usernames"] == [people[0]]
    forum.add_group_members(group["id"], people)
    assert {member["username"] for member in forum.group_members("physics-101")} == set(people)
    with pytest.raises(DiscourseClientError) as error:
        forum.add_group_members(group["id"], people)
    assert error.value.response.status_code == 422, "only if all are members already"
    answer = forum.delete_group_member(group["id"], people[0])
    assert (answer["usernames"], answer["skipped_usernames"]) == ([people[0]], [])
    assert [member["username"] for member in forum.group_members("physics-101")] == people[1:]


def test_members_come_over_several_pages(forum, discourse):
    group = forum.create_group("crowd")["basic_group"]
    names = []
    for number in range(120):
        names.append(f"person{number:03}")
        forum.sync_sso(sso_secret=discourse.sso_secret, external_id=f"crowd-{number}", username=names[-1],
                       name=names[-1], email=f"{names[-1]}@example.com")
    forum.add_group_members(group["id"], names)
    assert sorted(member["username"] for member in forum.group_members("crowd")) == names
    with pytest.raises(RuntimeError, match="more items expected"):
        # The client adds its offset on the wrong side, so with one it reads past the end.
        forum.group_members("crowd", offset=100)
    page = forum._get("/groups/crowd/members.json", limit=1000)
    assert len(page["members"]) == 120 and page["meta"]["total"] == 120
    with pytest.raises(DiscourseClientError) as error:
        forum._get("/groups/crowd/members.json", limit=1001)
    assert error.value.response.status_code == 400


def test_upload_image_twice_is_one_upload(forum, discourse, tmp_path):
    path = picture(tmp_path / "dot.png")
    upload = forum.upload_image(path, "composer", True)
    assert (upload["extension"], upload["width"], upload["height"]) == ("png", 1, 1)
    assert upload["short_url"].startswith("upload://") and upload["short_url"].endswith(".png")
    assert forum.upload_image(path, "composer", True)["id"] == upload["id"]
    post = new_topic(forum, discourse, title="A picture of one red dot")
    raw = f"{LONG}\n\n![dot|1x1]({upload['short_url']})"
    cooked = forum.update_post(post["id"], raw)["post"]["cooked"]
    assert upload["url"].split("/")[-1] in cooked
    text = tmp_path / "dot2.png"
    text.write_bytes(base64.b64encode(b"not a picture"))
    with pytest.raises(DiscourseClientError):
        forum.upload_image(str(text), "composer", True)


def test_liking_a_post_and_who_liked_it(forum, discourse):
    student = discourse.users("student")[0]
    first = new_topic(forum, discourse)
    liked = discourse.client(student["username"])._post("/post_actions", id=first["id"], post_action_type_id=2)
    assert [action["count"] for action in liked["actions_summary"] if action["id"] == 2] == [1]
    likers = forum.post_action_users(first["id"], post_action_type_id=2)["post_action_users"]
    assert [user["username"] for user in likers] == [student["username"]]


def test_category_lists(forum, discourse):
    category = discourse.category()
    first = new_topic(forum, discourse)
    listed = forum.category_topics(category["id"])["topic_list"]["topics"]
    assert first["topic_id"] in [topic["id"] for topic in listed]
    assert first["topic_id"] in [topic["id"] for topic in forum.latest_topics()["topic_list"]["topics"]]


def test_only_one_exact_content_type_is_read(discourse):
    answer = requests.get(f"{discourse.url}/categories.json", headers=discourse.headers(), timeout=10)
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"


def test_an_unreadable_body_is_refused(discourse):
    headers = {**discourse.headers(), "Content-Type": "application/json"}
    answer = requests.post(f"{discourse.url}/posts.json", data=b'{"raw": "\xff\xfe', headers=headers, timeout=10)
    assert 400 <= answer.status_code < 500
