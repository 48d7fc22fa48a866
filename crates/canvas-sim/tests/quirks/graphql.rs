//! GraphQL through the service.

use crate::client::{ADMIN, ALICE, BOB, Client, TINA, at};
use canvas_sim::{Content, Profile};
use serde_json::{Value, json};

#[tokio::test]
async fn one_call_tells_every_change() {
    let c = Client::term();
    let query = "query($id: ID!, $after: String) { course(id: $id) { _id discussionsConnection(first: 100, after: $after) {
        nodes { _id title isAnnouncement updatedAt entryCounts { repliesCount deletedCount unreadCount } childTopics { _id contextId } }
        pageInfo { endCursor hasNextPage } } } }";
    let body = json!({"query": query, "variables": {"id": "1", "after": null}});
    let answer = c.call("POST", "/api/graphql", ADMIN, body).await.body;
    let nodes = answer["data"]["course"]["discussionsConnection"]["nodes"]
        .as_array()
        .unwrap();
    assert_eq!(nodes.len(), 12, "{answer}");
    assert!(
        nodes
            .iter()
            .any(|n| n["childTopics"].as_array().unwrap().len() == 2)
    );
    assert!(nodes.iter().any(|n| n["isAnnouncement"] == true));
    assert!(nodes[0]["updatedAt"].as_str().unwrap().ends_with("-07:00"));
}

#[tokio::test]
async fn entries_are_paged_filtered_and_searched() {
    let c = Client::empty();
    let id = c.topic(json!({})).await;
    for n in 0..25 {
        c.post(
            id,
            None,
            if n % 2 == 0 { ALICE } else { BOB },
            &format!("<p>text {n}</p>"),
        )
        .await;
    }
    let ask = |arguments: &str| {
        let query = format!("{{legacyNode(type: Discussion, _id: {id}) {{... on Discussion {{
            discussionEntriesConnection{arguments} {{nodes {{_id message}} pageInfo {{endCursor hasNextPage}}}} }} }} }}");
        let c = &c;
        async move {
            c.graphql(&query, TINA).await["data"]["legacyNode"]["discussionEntriesConnection"]
                .clone()
        }
    };
    let first = ask("").await;
    assert_eq!(first["nodes"].as_array().unwrap().len(), 20);
    assert_eq!(
        first["pageInfo"],
        json!({"endCursor": "MjA", "hasNextPage": true})
    );
    assert_eq!(
        first["nodes"][0]["message"], "<p>text 24</p>",
        "newest first"
    );
    assert_eq!(
        ask("(after: \"MjA\")").await["nodes"]
            .as_array()
            .unwrap()
            .len(),
        5
    );
    assert_eq!(
        ask("(searchTerm: \"text 7\")").await["nodes"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        ask("(searchTerm: \"bob\")").await["nodes"]
            .as_array()
            .unwrap()
            .len(),
        12,
        "names match too"
    );
    c.call(
        "DELETE",
        &format!("{}/entries/1", at(id)),
        ALICE,
        Value::Null,
    )
    .await;
    let dead = ask("(filter: deleted)").await;
    assert_eq!(
        (
            dead["nodes"].as_array().unwrap().len(),
            &dead["nodes"][0]["message"]
        ),
        (1, &Value::Null)
    );
}

#[tokio::test]
async fn the_mutations_work_and_refuse() {
    let c = Client::empty();
    let made = c.graphql("mutation {createDiscussionTopic(input: {contextId: \"1\", contextType: Course, title: \"G\", message: \"<p>m</p>\", published: true, discussionType: threaded}) {discussionTopic {_id published title} errors {attribute message}} }", TINA).await;
    let topic = made["data"]["createDiscussionTopic"]["discussionTopic"]["_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let creation = format!(
        "mutation {{createDiscussionEntry(input: {{discussionTopicId: \"{topic}\", message: \"hi\"}}) {{discussionEntry {{_id depth author {{shortName}}}} errors {{message}}}} }}"
    );
    let entry =
        c.graphql(&creation, ALICE).await["data"]["createDiscussionEntry"]["discussionEntry"]
            .clone();
    assert_eq!(
        (&entry["depth"], &entry["author"]["shortName"]),
        (&json!(1), &json!("Alice Adams"))
    );
    let id = entry["_id"].as_str().unwrap();
    let edit = format!(
        "mutation {{updateDiscussionEntry(input: {{discussionEntryId: {id}, message: \"ho\"}}) {{discussionEntry {{message discussionEntryVersions {{version message}}}} errors {{message}}}} }}"
    );
    let edited =
        c.graphql(&edit, ALICE).await["data"]["updateDiscussionEntry"]["discussionEntry"].clone();
    assert_eq!(
        edited["discussionEntryVersions"],
        json!([{"version": 2, "message": "ho"}, {"version": 1, "message": "hi"}])
    );
    let refused = c.graphql(&edit, BOB).await;
    assert_eq!(
        refused["data"]["updateDiscussionEntry"]["errors"][0]["message"],
        "Insufficient Permissions"
    );
    let unknown = c
        .graphql(
            "mutation {deleteDiscussionEntry(input: {id: 999}) {discussionEntryId}}",
            TINA,
        )
        .await;
    assert_eq!(
        (
            &unknown["errors"][0]["message"],
            &unknown["data"]["deleteDiscussionEntry"]
        ),
        (&json!("not found"), &Value::Null)
    );
}

#[tokio::test]
async fn more_mutations_work_and_refuse() {
    let c = Client::empty();
    let topic = c.topic(json!({})).await;
    let id = c.entry(topic, None, ALICE).await;
    let side = c.topic(json!({"discussion_type": "side_comment"})).await;
    let root = c.entry(side, None, ALICE).await;
    let reply = format!(
        "mutation {{createDiscussionEntry(input: {{discussionTopicId: {side}, parentEntryId: {root}, message: \"x\"}}) {{discussionEntry {{_id}} errors {{message}}}} }}"
    );
    assert!(c.graphql(&reply, BOB).await["data"]["createDiscussionEntry"]["errors"][0].is_object());
    let lock = format!(
        "mutation {{updateDiscussionTopic(input: {{discussionTopicId: {topic}, locked: true}}) {{discussionTopic {{locked}}}} }}"
    );
    assert_eq!(
        c.graphql(&lock, TINA).await["data"]["updateDiscussionTopic"]["discussionTopic"]["locked"],
        true
    );
    let like = format!(
        "mutation {{updateDiscussionEntryParticipant(input: {{discussionEntryId: {id}, read: true}}) {{discussionEntry {{entryParticipant {{read}}}} }} }}"
    );
    assert_eq!(
        c.graphql(&like, BOB).await["data"]["updateDiscussionEntryParticipant"]["discussionEntry"]
            ["entryParticipant"]["read"],
        true
    );
    let gone = c
        .graphql(
            &format!(
                "mutation {{deleteDiscussionTopic(input: {{id: {topic}}}) {{discussionTopicId}}}}"
            ),
            TINA,
        )
        .await;
    assert_eq!(
        gone["data"]["deleteDiscussionTopic"]["discussionTopicId"],
        topic.to_string()
    );
}

#[tokio::test]
async fn limits_are_200_with_errors() {
    let c = Client::empty();
    let many: String = (0..21)
        .map(|n| format!("a{n}: course(id: 1) {{_id}} "))
        .collect::<Vec<_>>()
        .join(" ");
    let error = c.graphql(&format!("{{{many}}}"), TINA).await;
    assert!(
        error["errors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("aliases"),
        "{error}"
    );
    let six = "deleteDiscussionEntry(input: {id: 1}) {discussionEntryId} ".repeat(6);
    let error = c.graphql(&format!("mutation {{{six}}}"), TINA).await;
    assert!(
        error["errors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("mutations"),
        "{error}"
    );
    let chain = "discussionTopic {discussionEntriesConnection {nodes {".repeat(6);
    let deep = format!(
        "{{legacyNode(type: DiscussionEntry, _id: 1) {{... on DiscussionEntry {{{chain} _id {} }} }} }}",
        "}}}".repeat(6)
    );
    let error = c.graphql(&deep, TINA).await;
    assert!(
        error["errors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("depth"),
        "{error}"
    );
    let wide = "{course(id: 1) {discussionsConnection(first: 100) {nodes {discussionEntriesConnection(first: 100) {nodes {discussionSubentriesConnection(first: 100) {nodes {_id}}}}}}}}";
    let error = c.graphql(wide, TINA).await;
    assert!(
        error["errors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("complexity"),
        "{error}"
    );
    let bad = c
        .call(
            "POST",
            "/api/graphql",
            TINA,
            json!({"query": "query($id: ID!) {course(id: $id) {_id}}"}),
        )
        .await
        .body;
    assert!(
        bad["errors"][0]["message"]
            .as_str()
            .unwrap()
            .starts_with("Variable $id of type ID!"),
        "{bad}"
    );
}

#[tokio::test]
async fn fragments_and_directives() {
    let c = Client::empty();
    let query = "query Q($yes: Boolean!) { course(id: 1) { __typename ...C name @skip(if: $yes) courseCode @include(if: $yes) } }
        fragment C on Course { _id ... on Course { id } ... on User { email } }";
    let body = json!({"query": query, "variables": {"yes": true}, "operationName": "Q"});
    let answer = c.call("POST", "/api/graphql", TINA, body).await.body;
    assert_eq!(
        answer["data"]["course"],
        json!({"__typename": "Course", "_id": "1", "id": "Q291cnNlLTE=", "courseCode": "BIO101"})
    );
    let multiplied = "query {course(id: 1) {...A}} fragment A on Course {...B ...B ...B} fragment B on Course {...A ...A ...A}";
    assert!(c.graphql(multiplied, TINA).await["errors"].is_array());
}

#[tokio::test]
async fn in_2019_there_is_only_updated_at() {
    let c = Client::new(Profile::Canvas2019, Content::Empty);
    let id = c.topic(json!({})).await;
    let asked = format!(
        "{{legacyNode(type: Discussion, _id: {id}) {{... on Discussion {{_id updatedAt}}}}}}"
    );
    assert!(c.graphql(&asked, TINA).await["data"]["legacyNode"]["updatedAt"].is_string());
    let title = c.graphql(&asked.replace("updatedAt", "title"), TINA).await;
    assert_eq!(title["errors"][0]["extensions"]["code"], "undefinedField");
    let probe = c
        .graphql("{__type(name: \"DiscussionEntry\") {name}}", TINA)
        .await;
    assert_eq!(probe, json!({"data": {"__type": null}}));
}
