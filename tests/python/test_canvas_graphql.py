"""GraphQL through canvasapi against the Canvas sandbox (contract canvas sections 13 and 17)."""

import pytest
import requests
from canvasapi.exceptions import InvalidAccessToken


def new_topic(course, **fields):
    return course.create_discussion_topic(**{"title": "Tides", "message": "<p>Why?</p>", "published": True, **fields})


def delete(entry):
    """The client stumbles over the empty answer of a delete that worked."""
    with pytest.raises(requests.exceptions.JSONDecodeError):
        entry.delete()


def test_topics_of_a_course(canvas, course):
    topic = new_topic(course)
    topic.post_entry(message="<p>Moon</p>")
    query = """
        query($course: ID!) { course(id: $course) { name discussionsConnection(first: 10) {
            nodes { _id title updatedAt entryCounts { repliesCount deletedCount } } } } }
    """
    data = canvas.client().graphql(query, variables={"course": course.id})["data"]
    node = data["course"]["discussionsConnection"]["nodes"][0]
    assert (data["course"]["name"], node["_id"], node["title"]) == (course.name, str(topic.id), "Tides")
    assert node["entryCounts"] == {"repliesCount": 1, "deletedCount": 0}
    assert node["updatedAt"]
    broken = canvas.client().graphql("{ nonsense }")
    assert broken["errors"], "errors come with status 200 (section 17)"


def test_topics_come_a_hundred_at_a_time(canvas, course):
    made = [str(new_topic(course, title=f"Topic {number}").id) for number in range(130)]
    query = """
        query($course: ID!, $after: String) { course(id: $course) {
            discussionsConnection(first: 100, after: $after) {
                nodes { _id } pageInfo { endCursor hasNextPage } } } }
    """
    found, after, sizes = [], None, []
    while True:
        answer = canvas.client().graphql(query, variables={"course": course.id, "after": after})
        connection = answer["data"]["course"]["discussionsConnection"]
        found += [node["_id"] for node in connection["nodes"]]
        sizes.append(len(connection["nodes"]))
        if not connection["pageInfo"]["hasNextPage"]:
            break
        after = connection["pageInfo"]["endCursor"]
    assert (found, sizes) == (made, [100, 30]), "by id"


def test_entries_of_a_topic_with_its_tombstones(canvas, course):
    topic = new_topic(course, discussion_type="threaded")
    root = topic.post_entry(message="<p>Moon</p>")
    reply = root.post_reply(message="<p>Sun</p>")
    delete(root)
    query = """
        query($id: ID!) { legacyNode(type: Discussion, _id: $id) { ... on Discussion {
            discussionEntriesConnection(first: 100) {
                nodes { _id parentId message deleted updatedAt author { _id } } } } } }
    """
    data = canvas.client().graphql(query, variables={"id": topic.id})["data"]
    nodes = {node["_id"]: node for node in data["legacyNode"]["discussionEntriesConnection"]["nodes"]}
    assert nodes[str(root.id)]["deleted"] is True and nodes[str(root.id)]["message"] is None
    assert nodes[str(reply.id)]["parentId"] == str(root.id)
    assert nodes[str(reply.id)]["message"] == "<p>Sun</p>"
    assert nodes[str(root.id)]["author"]["_id"] == str(root.user_id), "still given (section 14)"


@pytest.mark.parametrize("canvas_profile", ["canvas-current", "canvas-2019"])
def test_several_topics_by_alias_tell_when_they_changed(canvas, course):
    topics = [new_topic(course, title=f"Topic {number}") for number in range(3)]
    body = " ".join(
        f"t{topic.id}: legacyNode(type: Discussion, _id: {topic.id}) {{ ... on Discussion {{ _id updatedAt }} }}"
        for topic in topics
    )

    def times():
        data = canvas.client().graphql(f"{{ {body} }}")["data"]
        return {int(node["_id"]): node["updatedAt"] for node in data.values()}

    before = times()
    canvas.advance(5)
    topics[1].post_entry(message="<p>Moon</p>")
    after = times()
    assert {topic.id for topic in topics if before[topic.id] != after[topic.id]} == {topics[1].id}


def test_a_deleted_entry_is_restored_by_graphql(canvas, course):
    topic = new_topic(course)
    entry = topic.post_entry(message="<p>Moon</p>")
    with pytest.raises(requests.exceptions.JSONDecodeError):
        entry.delete()
    mutation = """
        mutation($id: ID!) { restoreDeletedDiscussionEntry(input: {discussionEntryId: $id}) {
            discussionEntry { _id deleted message } errors { message } } }
    """
    answer = canvas.client().graphql(mutation, variables={"id": entry.id})
    restored = answer["data"]["restoreDeletedDiscussionEntry"]["discussionEntry"]
    assert restored == {"_id": str(entry.id), "deleted": False, "message": "<p>Moon</p>"}
    assert topic.get_entries([entry.id])[0].message == "<p>Moon</p>"


def test_a_mutation_runs_as_whom_the_call_names(canvas, course):
    student = canvas.users("student")[0]
    topic = new_topic(course)
    mutation = """
        mutation($id: ID!) { createDiscussionEntry(input: {discussionTopicId: $id, message: "<p>Mine</p>"}) {
            discussionEntry { _id author { _id } } errors { message } } }
    """
    answer = canvas.client().graphql(mutation, variables={"id": topic.id}, as_user_id=student["id"])
    entry = answer["data"]["createDiscussionEntry"]["discussionEntry"]
    assert entry["author"]["_id"] == str(student["id"])
    assert topic.get_entries([int(entry["_id"])])[0].user_id == student["id"]


def test_edits_leave_versions(canvas, course):
    topic = new_topic(course)
    entry = topic.post_entry(message="<p>Mon</p>")
    entry.update(message="<p>Moon</p>")
    query = """
        query($id: ID!) { legacyNode(type: DiscussionEntry, _id: $id) { ... on DiscussionEntry {
            message editedAt discussionEntryVersions { version message } } } }
    """
    node = canvas.client().graphql(query, variables={"id": entry.id})["data"]["legacyNode"]
    assert node["message"] == "<p>Moon</p>" and node["editedAt"]
    assert {version["message"] for version in node["discussionEntryVersions"]} >= {"<p>Mon</p>"}


def test_a_missing_token_gives_nothing_and_a_wrong_one_401(canvas, course):
    query = {"query": f"{{ course(id: {course.id}) {{ name }} }}"}
    answer = requests.post(f"{canvas.url}/api/graphql", json=query, timeout=10)
    assert (answer.status_code, answer.json()["data"]["course"]) == (200, None)
    with pytest.raises(InvalidAccessToken):
        canvas.client("wrong").graphql(query["query"])


def test_an_old_server_knows_no_discussions(old_canvas):
    course = old_canvas.course()
    answer = old_canvas.client().graphql(
        "query($id: ID!) { course(id: $id) { discussionsConnection(first: 1) { nodes { _id } } } }",
        variables={"id": course.id},
    )
    assert answer["errors"]
    types = old_canvas.client().graphql('{ __type(name: "DiscussionEntry") { name } }')
    assert types["data"]["__type"] is None
