//! Validates the simulator's answers against the API description of 2026, and its web hook
//! payloads against the field names of deliveries recorded from Discourse 2025.12.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::too_many_lines,
    reason = "tests"
)]

mod hooks;
mod loose;

use axum::body::Body;
use discourse_sim::{ADMIN_KEY, Content, Options, Profile, Sim};
use http::Request;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use tower::ServiceExt;

/// The fixtures beside the project, if they are there.
fn fixtures(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/fixtures/discourse")
        .join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("fixtures not present");
    None
}

/// A forum with the checks of its answers.
struct Forum {
    sim: Sim,
    paths: Value,
    problems: BTreeSet<String>,
    used: BTreeSet<usize>,
    checked: BTreeMap<String, usize>,
}

impl Forum {
    fn new(paths: Value) -> Self {
        let options = Options {
            profile: Profile::Current,
            content: Content::Term,
            settings: vec![
                ("rate_limit_create_post".to_owned(), json!(0)),
                ("rate_limit_create_topic".to_owned(), json!(0)),
            ],
            ..Options::default()
        };
        Self {
            sim: Sim::new(options).unwrap(),
            paths,
            problems: BTreeSet::new(),
            used: BTreeSet::new(),
            checked: BTreeMap::new(),
        }
    }

    async fn send(&self, request: Request<Body>) -> (u16, Value) {
        let answer = self.sim.router().oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let bytes = axum::body::to_bytes(answer.into_body(), usize::MAX)
            .await
            .unwrap();
        (
            status,
            serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        )
    }

    /// Sends a request as a user and checks the answer against the described operation.
    async fn ask(&mut self, who: &str, operation: &str, path: &str, body: Value) -> Value {
        let (method, template) = operation.split_once(' ').unwrap();
        let mut request = Request::builder()
            .method(method.to_uppercase().as_str())
            .uri(path)
            .header("api-key", ADMIN_KEY)
            .header("api-username", who);
        let text = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        if !body.is_null() {
            request = request.header("content-type", "application/json");
        }
        let (status, answer) = self.send(request.body(Body::from(text)).unwrap()).await;
        self.check(operation, method, template, (status, &answer));
        answer
    }

    fn check(
        &mut self,
        operation: &str,
        method: &str,
        template: &str,
        (status, answer): (u16, &Value),
    ) {
        let described = &self.paths[template][method]["responses"];
        assert!(described.is_object(), "{operation} is not described");
        let Some(response) = described.get(status.to_string()) else {
            self.problems.insert(format!(
                "{operation}: status {status} is not described: {answer}"
            ));
            return;
        };
        *self.checked.entry(operation.to_owned()).or_insert(0) += 1;
        let Some(schema) = response.pointer("/content/application~1json/schema") else {
            return;
        };
        let validator = jsonschema::validator_for(schema).unwrap();
        for error in validator.iter_errors(answer) {
            let place: String = error
                .instance_path()
                .to_string()
                .split('/')
                .map(|part| {
                    if part.parse::<u64>().is_ok() {
                        "#"
                    } else {
                        part
                    }
                })
                .collect::<Vec<_>>()
                .join("/");
            let words: String = error.to_string().chars().rev().take(150).collect();
            let words: String = words.chars().rev().collect();
            let problem = format!("{operation} at {place}: {words}");
            match loose::find(operation, &place, &error.to_string()) {
                Some(at) => {
                    self.used.insert(at);
                }
                None => {
                    self.problems.insert(problem);
                }
            }
        }
    }
}

fn id(value: &Value, pointer: &str) -> i64 {
    value
        .pointer(pointer)
        .and_then(Value::as_i64)
        .unwrap_or_else(|| unreachable!("{pointer} in {value}"))
}

#[tokio::test]
async fn answers_fit_the_api_description() {
    let Some(path) = fixtures("openapi.json") else {
        return;
    };
    let whole: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut forum = Forum::new(whole["paths"].clone());
    categories_and_posts(&mut forum).await;
    topics(&mut forum).await;
    groups_and_users(&mut forum).await;
    for (at, (operation, place, _, _)) in loose::LOOSE.iter().enumerate() {
        if !forum.used.contains(&at) {
            forum.problems.insert(format!(
                "listed as loose, but nothing differs: {operation} {place}"
            ));
        }
    }
    eprintln!(
        "{} operations, {} answers checked",
        forum.checked.len(),
        forum.checked.values().sum::<usize>()
    );
    let list: Vec<_> = forum.problems.iter().cloned().collect();
    assert!(
        list.is_empty(),
        "{} problems:\n{}",
        list.len(),
        list.join("\n")
    );
    assert!(forum.checked.len() >= 45, "{}", forum.checked.len());
}

async fn categories_and_posts(forum: &mut Forum) {
    let none = || Value::Null;
    let body = json!({"name": "Course", "color": "0088CC", "text_color": "FFFFFF", "permissions": {"everyone": 1}});
    let made = forum
        .ask("admin1", "post /categories.json", "/categories.json", body)
        .await;
    let category = id(&made, "/category/id");
    let body = json!({"name": "Course two", "color": "0088CC", "text_color": "FFFFFF"});
    forum
        .ask(
            "admin1",
            "put /categories/{id}.json",
            &format!("/categories/{category}.json"),
            body,
        )
        .await;
    forum
        .ask("admin1", "get /categories.json", "/categories.json", none())
        .await;
    forum
        .ask(
            "admin1",
            "get /c/{id}/show.json",
            &format!("/c/{category}/show.json"),
            none(),
        )
        .await;
    let body = json!({"title": "A topic for the description", "raw": "The first post of this topic", "category": category, "tags": ["one"]});
    let first = forum
        .ask("admin1", "post /posts.json", "/posts.json", body)
        .await;
    let topic = id(&first, "/topic_id");
    let body =
        json!({"topic_id": topic, "raw": "A reply for the description", "reply_to_post_number": 1});
    let reply = forum
        .ask("alice", "post /posts.json", "/posts.json", body)
        .await;
    let reply = id(&reply, "/id");
    let body = json!({"topic_id": topic, "raw": "Another reply for the description"});
    let other = forum
        .ask("bob", "post /posts.json", "/posts.json", body)
        .await;
    let other = id(&other, "/id");
    forum
        .ask(
            "admin1",
            "get /posts/{id}.json",
            &format!("/posts/{other}.json"),
            none(),
        )
        .await;
    let body =
        json!({"post": {"raw": "Another reply, edited for the description", "edit_reason": "r"}});
    forum
        .ask(
            "bob",
            "put /posts/{id}.json",
            &format!("/posts/{other}.json"),
            body,
        )
        .await;
    forum
        .ask("admin1", "get /posts.json", "/posts.json", none())
        .await;
    forum
        .ask(
            "admin1",
            "get /posts/{id}/replies.json",
            &format!("/posts/{}/replies.json", id(&first, "/id")),
            none(),
        )
        .await;
    forum
        .ask(
            "bob",
            "post /post_actions.json",
            "/post_actions.json",
            json!({"id": reply, "post_action_type_id": 2}),
        )
        .await;
    forum
        .ask(
            "admin1",
            "put /posts/{id}/locked.json",
            &format!("/posts/{other}/locked.json"),
            json!({"locked": "true"}),
        )
        .await;
    forum
        .ask(
            "admin1",
            "delete /posts/{id}.json",
            &format!("/posts/{other}.json"),
            none(),
        )
        .await;
    forum
        .ask(
            "admin1",
            "get /c/{slug}/{id}.json",
            &format!("/c/course/{category}.json"),
            none(),
        )
        .await;
    forum
        .ask(
            "admin1",
            "get /t/{id}.json",
            &format!("/t/{topic}.json"),
            none(),
        )
        .await;
    forum
        .ask(
            "admin1",
            "get /search.json",
            "/search.json?q=description",
            none(),
        )
        .await;
    forum
        .ask("admin1", "get /tags.json", "/tags.json", none())
        .await;
    forum
        .ask("admin1", "get /tag/{name}.json", "/tag/one.json", none())
        .await;
    forum
        .ask(
            "admin1",
            "get /user_actions.json",
            "/user_actions.json?username=alice&filter=5&offset=0",
            none(),
        )
        .await;
}

async fn topics(forum: &mut Forum) {
    let none = || Value::Null;
    let body = json!({"title": "Another topic of the study", "raw": "The first post of that topic", "category": 2, "external_id": "ext-1"});
    let first = forum
        .ask("admin1", "post /posts.json", "/posts.json", body)
        .await;
    let topic = id(&first, "/topic_id");
    let post = id(&first, "/id");
    forum
        .ask(
            "admin1",
            "get /t/{id}/posts.json",
            &format!("/t/{topic}/posts.json?post_ids[]={post}"),
            none(),
        )
        .await;
    let body = json!({"title": "Another topic, with a new title"});
    forum
        .ask(
            "admin1",
            "put /t/-/{id}.json",
            &format!("/t/-/{topic}.json"),
            body,
        )
        .await;
    let body = json!({"status": "closed", "enabled": "true"});
    forum
        .ask(
            "admin1",
            "put /t/{id}/status.json",
            &format!("/t/{topic}/status.json"),
            body,
        )
        .await;
    let body = json!({"timestamp": "1594291380"});
    forum
        .ask(
            "admin1",
            "put /t/{id}/change-timestamp.json",
            &format!("/t/{topic}/change-timestamp.json"),
            body,
        )
        .await;
    let body = json!({"time": "2099-01-01T00:00:00Z", "status_type": "close"});
    forum
        .ask(
            "admin1",
            "post /t/{id}/timer.json",
            &format!("/t/{topic}/timer.json"),
            body,
        )
        .await;
    forum
        .ask(
            "admin1",
            "post /t/{id}/notifications.json",
            &format!("/t/{topic}/notifications.json"),
            json!({"notification_level": "3"}),
        )
        .await;
    forum
        .ask(
            "admin1",
            "get /t/external_id/{external_id}.json",
            "/t/external_id/ext-1.json",
            none(),
        )
        .await;
    forum
        .ask("admin1", "get /latest.json", "/latest.json", none())
        .await;
    forum
        .ask("admin1", "get /top.json", "/top.json", none())
        .await;
    forum
        .ask("admin1", "get /site.json", "/site.json", none())
        .await;
    forum
        .ask(
            "admin1",
            "get /site/basic-info.json",
            "/site/basic-info.json",
            none(),
        )
        .await;
    let body = json!({"title": "A message", "raw": "A private message to alice", "archetype": "private_message", "target_recipients": "alice"});
    let (status, _) = {
        let request = Request::post("/posts.json")
            .header("api-key", ADMIN_KEY)
            .header("api-username", "bob")
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))
            .unwrap();
        forum.send(request).await
    };
    assert_eq!(status, 200);
    forum
        .ask(
            "alice",
            "get /topics/private-messages/{username}.json",
            "/topics/private-messages/alice.json",
            none(),
        )
        .await;
    forum
        .ask(
            "bob",
            "get /topics/private-messages-sent/{username}.json",
            "/topics/private-messages-sent/bob.json",
            none(),
        )
        .await;
    forum
        .ask(
            "admin1",
            "delete /t/{id}.json",
            &format!("/t/{topic}.json"),
            none(),
        )
        .await;
    upload(forum).await;
}

async fn upload(forum: &mut Forum) {
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x28\0\0\0\x1e\x08\x06\0\0\0";
    let mut body = b"--b\r\nContent-Disposition: form-data; name=\"type\"\r\n\r\ncomposer\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n\r\n".to_vec();
    body.extend(png);
    body.extend(b"\r\n--b--\r\n");
    let request = Request::post("/uploads.json")
        .header("api-key", ADMIN_KEY)
        .header("api-username", "alice")
        .header("content-type", "multipart/form-data; boundary=b")
        .body(Body::from(body))
        .unwrap();
    let (status, answer) = forum.send(request).await;
    forum.check(
        "post /uploads.json",
        "post",
        "/uploads.json",
        (status, &answer),
    );
}

async fn groups_and_users(forum: &mut Forum) {
    let none = || Value::Null;
    let body = json!({"group": {"name": "course1", "full_name": "Course"}});
    let made = forum
        .ask(
            "admin1",
            "post /admin/groups.json",
            "/admin/groups.json",
            body,
        )
        .await;
    let group = id(&made, "/basic_group/id");
    let members = format!("/groups/{group}/members.json");
    forum
        .ask(
            "admin1",
            "put /groups/{id}/members.json",
            &members,
            json!({"usernames": "alice,bob"}),
        )
        .await;
    forum
        .ask(
            "admin1",
            "delete /groups/{id}/members.json",
            &members,
            json!({"usernames": "bob"}),
        )
        .await;
    forum
        .ask(
            "admin1",
            "get /groups/{name}/members.json",
            "/groups/course1/members.json",
            none(),
        )
        .await;
    forum
        .ask(
            "admin1",
            "get /groups/{name}.json",
            "/groups/course1.json",
            none(),
        )
        .await;
    forum
        .ask(
            "admin1",
            "get /groups/by-id/{id}.json",
            &format!("/groups/by-id/{group}.json"),
            none(),
        )
        .await;
    forum
        .ask("admin1", "get /groups.json", "/groups.json", none())
        .await;
    forum
        .ask(
            "admin1",
            "put /groups/{id}.json",
            &format!("/groups/{group}.json"),
            json!({"group": {"full_name": "C"}}),
        )
        .await;
    let body = json!({"name": "New", "email": "new@example.com", "password": "long-enough-1", "username": "newbie", "active": true});
    let made = forum
        .ask("admin1", "post /users.json", "/users.json", body)
        .await;
    let user = id(&made, "/user_id");
    forum
        .ask("admin1", "get /u/{username}.json", "/u/alice.json", none())
        .await;
    forum
        .ask(
            "admin1",
            "put /u/{username}.json",
            "/u/newbie.json",
            json!({"name": "Newer"}),
        )
        .await;
    forum
        .ask(
            "admin1",
            "get /u/by-external/{external_id}.json",
            "/u/by-external/3.json",
            none(),
        )
        .await;
    forum
        .ask(
            "admin1",
            "get /u/{username}/emails.json",
            "/u/alice/emails.json",
            none(),
        )
        .await;
    forum
        .ask(
            "admin1",
            "put /u/{username}/preferences/username.json",
            "/u/newbie/preferences/username.json",
            json!({"new_username": "oldie"}),
        )
        .await;
    forum
        .ask(
            "admin1",
            "get /admin/users/{id}.json",
            &format!("/admin/users/{user}.json"),
            none(),
        )
        .await;
    forum
        .ask(
            "admin1",
            "get /admin/users/list/{flag}.json",
            "/admin/users/list/active.json?show_emails=true",
            none(),
        )
        .await;
    forum
        .ask(
            "admin1",
            "get /admin/users.json",
            "/admin/users.json",
            none(),
        )
        .await;
    forum
        .ask(
            "admin1",
            "put /admin/users/{id}/deactivate.json",
            &format!("/admin/users/{user}/deactivate.json"),
            none(),
        )
        .await;
    forum
        .ask(
            "admin1",
            "put /admin/users/{id}/activate.json",
            &format!("/admin/users/{user}/activate.json"),
            none(),
        )
        .await;
    forum
        .ask(
            "admin1",
            "put /admin/users/{id}/suspend.json",
            &format!("/admin/users/{user}/suspend.json"),
            json!({"suspend_until": "2099-01-01", "reason": "r"}),
        )
        .await;
    forum
        .ask(
            "admin1",
            "post /admin/users/{id}/log_out.json",
            &format!("/admin/users/{user}/log_out.json"),
            none(),
        )
        .await;
    forum
        .ask(
            "admin1",
            "get /user-badges/{username}.json",
            "/user-badges/alice.json",
            none(),
        )
        .await;
    forum
        .ask(
            "alice",
            "get /notifications.json",
            "/notifications.json",
            none(),
        )
        .await;
    forum
        .ask(
            "admin1",
            "get /directory_items.json",
            "/directory_items.json?period=weekly&order=likes_received",
            none(),
        )
        .await;
    forum
        .ask(
            "admin1",
            "delete /admin/groups/{id}.json",
            &format!("/admin/groups/{group}.json"),
            none(),
        )
        .await;
}
