//! The recorded payloads of real servers, where they lie beside the checkout: everything parses, every failure
//! gets its
//! class, and what must be withheld is.

use std::path::PathBuf;

use api_client::{Bytes, HeaderMap, Response};
use connector::RawEvent;
use model::{RemoteId, Sighting};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::address::TopicId;
use crate::failure::{self, Reason};
use crate::graphql::{Envelope, FeedData, MutationData, Schema, ThreadData};
use crate::people::Members;
use crate::settings::PersonKey;
use crate::translate::{Post, Reader};
use crate::wire::{Course, Enrollment, Entry, Topic, User, View};
use crate::{event, noise, privacy, read, time};

fn folder() -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures/canvas");
    if path.is_dir() {
        return Some(path);
    }
    println!("fixtures not present");
    None
}

fn load(name: &str) -> Option<Value> {
    let text = std::fs::read_to_string(folder()?.join(name)).unwrap();
    Some(serde_json::from_str(&text).unwrap())
}

fn parse<T: DeserializeOwned>(name: &str, value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// An answer as the client would have it, from a recorded one.
fn answer(recorded: &Value) -> Response {
    let body = recorded.get("raw_body").or_else(|| recorded.get("body"));
    let body = match body {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(json) => json.to_string(),
    };
    let mut headers = HeaderMap::new();
    for (name, value) in recorded["headers"].as_object().into_iter().flatten() {
        let name = api_client_header(name);
        headers.insert(name, value.as_str().unwrap().parse().unwrap());
    }
    Response {
        status: u16::try_from(recorded["status"].as_u64().unwrap()).unwrap(),
        headers,
        body: Bytes::from(body),
    }
}

fn api_client_header(name: &str) -> &'static str {
    ["www-authenticate", "x-rate-limit-remaining", "link"]
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(name))
        .unwrap_or("x-other")
}

/// The recorded exchanges of the server of April 2019, by file name.
fn exchanges() -> Vec<(String, Value)> {
    let Some(folder) = folder() else {
        return Vec::new();
    };
    let mut names: Vec<String> = std::fs::read_dir(folder.join("live-2019-04"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with(|letter: char| letter.is_ascii_digit()))
        .collect();
    names.sort();
    names
        .into_iter()
        .map(|name| {
            let value = load(&format!("live-2019-04/{name}")).unwrap();
            (name, value)
        })
        .collect()
}

/// What a successful answer to this request is read as; `false` for requests that we never make.
fn reads(name: &str, method: &str, path: &str, body: &Value) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let parts: Vec<&str> = path.trim_start_matches("/api/v1/").split('/').collect();
    match (method, parts.as_slice()) {
        (_, ["courses", _, "discussion_topics", rest @ ..]) => {
            return reads_topic(name, method, rest, body);
        }
        ("GET", ["courses", _]) => assert!(parse::<Course>(name, body).id.is_some()),
        ("GET", ["users", _]) => assert!(parse::<User>(name, body).id.is_some()),
        ("GET", ["courses", _, "enrollments"]) => {
            let rows: Vec<Enrollment> = parse(name, body);
            let is_whole = |row: &Enrollment| row.user_id.is_some() && row.kind.is_some();
            assert!(rows.iter().all(is_whole), "{name}");
        }
        ("GET", ["courses", _, "users"]) => drop(parse::<Vec<User>>(name, body)),
        _ => return false,
    }
    true
}

/// The same below `discussion_topics`.
fn reads_topic(name: &str, method: &str, rest: &[&str], body: &Value) -> bool {
    match (method, rest) {
        ("GET", []) => {
            let topics: Vec<Topic> = parse(name, body);
            let is_whole = |topic: &Topic| topic.id.is_some() && topic.created_at.is_some();
            assert!(topics.iter().all(is_whole), "{name}");
        }
        ("POST", []) | ("GET" | "PUT", [_]) => {
            let topic: Topic = parse(name, body);
            assert!(topic.id.is_some() && topic.published.is_some(), "{name}");
            assert!(time::read(topic.created_at.as_deref()).is_some(), "{name}");
        }
        ("GET", [_, "view"]) => {
            for post in all_of(parse(name, body))
                .iter()
                .filter(|post| !post.is_deleted)
            {
                let is_named = !post.author_name.is_empty() && post.author.is_some();
                assert!(is_named, "{name}: {post:?}");
            }
        }
        ("GET", [_, "entries" | "entry_list"] | [_, "entries", _, "replies"]) => {
            for entry in parse::<Vec<Entry>>(name, body) {
                check_entry(name, entry);
            }
        }
        ("POST", [_, "entries"] | [_, "entries", _, "replies"]) | ("PUT", [_, "entries", _]) => {
            check_entry(name, parse(name, body));
        }
        _ => return false,
    }
    true
}

fn all_of(view: View) -> Vec<Post> {
    let people = view.participants.unwrap_or_default();
    let trees = [view.built, view.new_entries].map(Option::unwrap_or_default);
    read::all_posts(trees, &people)
}

fn check_entry(name: &str, entry: Entry) {
    let post = Post::of_entry(entry, &[]).unwrap_or_else(|| panic!("{name}: no id"));
    assert!(post.author.is_some(), "{name}: {post:?}");
    assert!(
        post.created_at.is_some() && post.updated_at.is_some(),
        "{name}"
    );
}

#[test]
fn every_recorded_answer_is_read() {
    let mut count = 0;
    let all = exchanges();
    for (name, exchange) in &all {
        let (request, response) = (&exchange["request"], &exchange["response"]);
        let status = response["status"].as_u64().unwrap();
        let body = &response["body"];
        if !(200..300).contains(&status) || body.is_null() || body.is_string() {
            continue;
        }
        let method = request["method"].as_str().unwrap();
        let path = request["path"].as_str().unwrap();
        count += u32::from(reads(name, method, path, body));
    }
    assert!(
        all.is_empty() || count > 200,
        "{count} of {} files",
        all.len()
    );
}

/// What the contract says of single recorded failures (§2.2, §3, §7.6, §8).
const REFUSED: [(&str, Reason); 27] = [
    ("001", Reason::Token),
    ("002", Reason::Token),
    ("010", Reason::Invalid),
    ("016", Reason::NotFound),
    ("040", Reason::NotPermitted),
    ("061", Reason::NotPermitted),
    ("065", Reason::Invalid),
    ("071", Reason::NoActingAs),
    ("074", Reason::NotFound),
    ("255", Reason::NotFound),
    ("315", Reason::NotPermitted),
    ("316", Reason::NoActingAs),
    ("317", Reason::NoActingAs),
    ("318", Reason::NoActingAs),
    ("320", Reason::NotPermitted),
    ("337", Reason::NotPermitted),
    ("379", Reason::Invalid),
    ("420", Reason::Server),
    ("471", Reason::Invalid),
    ("476", Reason::InitialPost),
    ("480", Reason::InitialPost),
    ("530", Reason::Invalid),
    ("538", Reason::Invalid),
    ("557", Reason::NotFound),
    ("707", Reason::NoActingAs),
    ("740", Reason::NotPermitted),
    ("753", Reason::Token),
];

#[test]
fn every_recorded_failure_has_its_class() {
    for (name, exchange) in exchanges() {
        let response = answer(&exchange["response"]);
        if response.status < 400 {
            continue;
        }
        let trouble = failure::of_answer("c", false, &response);
        assert_ne!(trouble.reason, Reason::Unexpected, "{name}");
        assert!(!trouble.failure.message.contains("<html"), "{name}");
        let known = REFUSED.iter().find(|(number, _)| name.starts_with(number));
        if let Some((_, reason)) = known {
            assert_eq!(trouble.reason, *reason, "{name}");
        }
    }
}

#[test]
fn made_failures_of_today_have_their_class() {
    let expected = [
        ("error_400_rating.json", "SYNC-2106"),
        ("error_400_topic_anonymous_graded.json", "SYNC-2106"),
        ("error_400_topic_published.json", "SYNC-2106"),
        ("error_401_as_user_merged.json", "SYNC-2103"),
        ("error_401_expired_token.json", "SYNC-2101"),
        ("error_401_insufficient_scopes.json", "SYNC-2102"),
        ("error_401_invalid_as_user_id.json", "SYNC-2103"),
        ("error_401_invalid_token.json", "SYNC-2101"),
        ("error_401_no_token.json", "SYNC-2101"),
        ("error_401_not_permitted_old.json", "SYNC-2103"),
        ("error_401_revoked_token.json", "SYNC-2101"),
        ("error_403_not_permitted.json", "SYNC-2103"),
        ("error_403_rate_limit.json", "SYNC-2104"),
        ("error_403_require_initial_post.json", "SYNC-2103"),
        ("error_404.json", "SYNC-2105"),
        ("error_409_file_exists.json", "SYNC-2106"),
        ("error_429_rate_limit.json", "SYNC-2104"),
        ("error_500.json", "SYNC-2107"),
        ("error_503_view_not_ready.json", "SYNC-2107"),
    ];
    for (name, code) in expected {
        let Some(recorded) = load(name) else {
            return;
        };
        let trouble = failure::of_answer("c", false, &answer(&recorded));
        assert_eq!(trouble.failure.code, code, "{name}");
    }
}

#[test]
fn topics_of_every_kind_are_read_or_withheld() {
    let now = time::read(Some("2026-02-10T00:00:00Z"));
    let kinds = [
        ("topic_plain.constructed.json", true),
        ("topic_announcement.constructed.json", true),
        ("topic_graded.constructed.json", true),
        ("topic_created_unpublished.constructed.json", false),
        ("topic_section_specific.constructed.json", false),
        ("topic_anonymous_in_list.constructed.json", false),
        ("topic_group_root.constructed.json", false),
        ("topic_group_child.constructed.json", false),
        ("topic_delayed.constructed.json", false),
        ("android_topic_locked_by_module.json", false),
        ("android_topic_graded_with_attachments.json", true),
        ("live-2019-04/462-section-specific-topic.json", false),
        ("live-2019-04/450-delayed-topic.json", false),
        ("live-2019-04/451-delayed-topic-as-student.json", false),
        ("live-2019-04/456-draft.json", false),
        ("live-2019-04/474-require-initial-post-topic.json", false),
        ("live-2019-04/518-group-set-topic.json", false),
        ("live-2019-04/520-group-child-topic-1.json", false),
    ];
    for (name, is_open) in kinds {
        let Some(value) = load(name) else {
            return;
        };
        let value = value.pointer("/response/body").unwrap_or(&value);
        let value = value.get(0).unwrap_or(value);
        let topic: Topic = parse(name, value);
        let why = privacy::obstacle(&topic, now);
        assert_eq!(why.is_none(), is_open, "{name}: {why:?}");
    }
}

/// Reads as the teacher 2 of the recorded server.
fn with_reader(check: impl Fn(&Reader<'_>, &TopicId)) {
    let markup = markup::Context {
        hosts: markup::Hosts {
            canvas: "http://canvas.example.edu".to_owned(),
            discourse: String::new(),
        },
        ..markup::Context::default()
    };
    let hosts = [
        "https://canvas.example.edu".to_owned(),
        "http://canvas.example.edu".to_owned(),
    ];
    let members = Members::default();
    let reader = Reader {
        service: "2",
        markup: std::sync::Arc::new(markup.clone()),
        hosts: &hosts,
        person_key: PersonKey::CanvasId,
        members: &members,
    };
    let place = TopicId {
        course: "1".to_owned(),
        topic: "7".to_owned(),
    };
    check(&reader, &place);
}

#[test]
fn views_become_items() {
    for name in [
        "view.constructed.json",
        "android_view.json",
        "android_view_string_ids.json",
    ] {
        let Some(value) = load(name) else {
            return;
        };
        let posts = all_of(parse(name, &value));
        with_reader(|reader, place| {
            let items: Vec<_> = posts.iter().map(|post| reader.post(place, post)).collect();
            assert!(items.len() >= 2, "{name}");
            for item in &items {
                let parent = item.parent.as_ref();
                assert!(
                    parent.is_none_or(|id| items.iter().any(|other| other.remote == *id)),
                    "{name}: {item:?}"
                );
                assert!(!matches!(
                    &item.sighting,
                    Sighting::Missing | Sighting::Withheld(_)
                ));
                let shown = format!("{:?}", item.sighting);
                assert!(!shown.contains("verifier"), "{name}: {shown}");
            }
            if name == "view.constructed.json" {
                let gone = items
                    .iter()
                    .find(|item| item.remote == RemoteId::from("1/7/9002"));
                assert_eq!(gone.unwrap().sighting, Sighting::Deleted);
                let file = items
                    .iter()
                    .find(|item| item.remote == RemoteId::from("1/7/9003"));
                assert!(file.unwrap().mark.as_deref().unwrap().contains("8001"));
            }
        });
    }
}

#[test]
fn read_forms_of_the_recorded_server_lose_their_noise() {
    let Some(corpus) = load("live-2019-04/entry-corpus.json") else {
        return;
    };
    let mut count = 0;
    for row in corpus["rows"].as_array().unwrap() {
        let Some(stored) = row["stored"].as_str() else {
            continue;
        };
        for key in ["create_answer", "view", "read_after_put"] {
            let Some(shown) = row[key].as_str() else {
                continue;
            };
            count += 1;
            with_reader(|reader, _| {
                let clean = noise::strip(shown, reader.hosts);
                for word in ["data-api-", "verifier=", "canvas.example.edu", "data-uc_"] {
                    let is_own = stored.contains(word);
                    assert!(is_own || !clean.contains(word), "{}: {clean}", row["what"]);
                }
                // Media anchors are shown as players: another form, no noise (contract canvas §11.2).
                if !stored.contains("media_comment") {
                    let same = |html: &str| markup::canonical_html(html, &reader.markup);
                    let stored = noise::strip(stored, reader.hosts);
                    assert_eq!(same(&clean), same(&stored), "{}", row["what"]);
                }
            });
        }
    }
    assert!(count >= 15, "{count}");
}

#[test]
fn graphql_answers_are_read() {
    let Some(types) = load("live-2019-04/701-graphql-types.json") else {
        return;
    };
    // The letters of the aliases are those of our own probe.
    let old = Schema::read(&types["response"]["body"]["data"]);
    assert!(old.has_topics() && !old.has_feed() && !old.has_entries());
    assert!(!old.has_update() && !old.has_restore() && !old.has_versions());

    let feed = load("graphql_changed_topics.constructed.json").unwrap();
    let feed: FeedData = parse("feed", &feed["response"]["data"]);
    let page = feed.course.unwrap().discussions_connection.unwrap();
    assert_eq!(page.next(), None);
    let topics: Vec<_> = page.into_nodes().collect();
    assert_eq!(
        topics[0].updated_at.as_deref(),
        Some("2026-02-02T12:30:00Z")
    );

    let thread = load("graphql_entries.constructed.json").unwrap();
    let thread: ThreadData = parse("thread", &thread["response"]["data"]);
    let page = thread
        .legacy_node
        .unwrap()
        .discussion_entries_connection
        .unwrap();
    let posts: Vec<_> = page.into_nodes().filter_map(Post::of_node).collect();
    assert_eq!(posts.len(), 2);
    assert!(posts[0].is_deleted && posts[0].parent.as_deref() == Some("9001"));
    assert!(posts[1].edited_at.is_some());

    let errors = load("graphql_errors.constructed.json").unwrap();
    let envelope: Envelope = parse("validation", &errors["validation"]);
    let payload: MutationData = parse("validation", &envelope.data.unwrap());
    let payload = payload.into_values().flatten().next().unwrap();
    assert_eq!(
        payload.errors.unwrap()[0].message.as_deref(),
        Some("Insufficient Permissions")
    );
    let envelope: Envelope = parse("not found", &errors["not_found_on_mutation"]);
    assert_eq!(envelope.errors.unwrap()[0].message, "not found");
    let envelope: Envelope = parse("invisible", &errors["invisible_object"]);
    let thread: ThreadData = parse("invisible", &envelope.data.unwrap());
    assert!(thread.legacy_node.is_none());
}

#[test]
fn live_events_are_understood() {
    let expected = [
        (
            "live_event_discussion_entry_created.json",
            Some("565/123456"),
        ),
        (
            "live_event_discussion_entry_submitted.json",
            Some("565/189"),
        ),
        (
            "live_event_discussion_topic_updated.json",
            Some("565/66871"),
        ),
        ("live_event_enrollment_created.json", None),
        ("live_event_enrollment_updated.json", None),
        ("live_event_user_updated.json", None),
    ];
    for (name, topic) in expected {
        let Some(value) = load(name) else {
            return;
        };
        let body = serde_json::to_vec(&value).unwrap();
        let raw = RawEvent {
            name: "",
            body: &body,
        };
        let hint = event::interpret(raw).unwrap();
        let found = hint.map(|hint| hint.topic.0);
        assert_eq!(found.as_deref(), topic, "{name}");
    }
    for name in [
        "live_event_discussion_topic_created.json",
        "live_event_discussion_topic_deleted.constructed.json",
    ] {
        let body = serde_json::to_vec(&load(name).unwrap()).unwrap();
        let raw = RawEvent {
            name: "",
            body: &body,
        };
        assert!(event::interpret(raw).unwrap().is_some(), "{name}");
    }
}

#[test]
fn recorded_links_name_the_next_page() {
    let Some(folder) = folder() else {
        return;
    };
    for name in ["link_header_page1.txt", "link_header_bookmark.txt"] {
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        let link = text.trim().trim_start_matches("Link:").trim();
        let mut headers = HeaderMap::new();
        headers.insert("link", link.parse().unwrap());
        let response = Response {
            status: 200,
            headers,
            body: Bytes::new(),
        };
        assert!(
            response.next_link().unwrap().starts_with("https://"),
            "{name}"
        );
    }
}
