//! The recorded payloads of real servers, when they are there: each must be read, and mean what the contract says.

use std::path::{Path, PathBuf};

use connector::{Hint, RawEvent};
use model::{Class, Field, RemoteItem, Sighting};
use serde_json::Value;

use crate::event::{interpret, signature_is_valid};
use crate::failure::{Answer, Trouble};
use crate::memory::{People, Places};
use crate::order;
use crate::translate::Reader;
use crate::wire::course::{AboutAnswer, AllCategories, OneCategory, Session};
use crate::wire::person::User;
use crate::wire::post::{Created, EmbedInfo, Latest, Post, PostType, Updated};
use crate::wire::topic::{Changed, Listing, PostsById, Topic};

/// The folder of the recordings; tells once per test when it is missing.
fn fixtures() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures/discourse");
    if !path.is_dir() {
        println!("fixtures not present");
        return None;
    }
    Some(path)
}

/// The JSON files of a folder, by name.
fn files(folder: &Path) -> Vec<(String, Value)> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect();
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            (name, value)
        })
        .collect()
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Live recordings that are one request with its answer: name, request, answer.
fn pairs(root: &Path) -> Vec<(String, Value, Value)> {
    files(&root.join("live-3.1"))
        .into_iter()
        .filter(|(_, file)| file.get("request").is_some() && file.get("response").is_some())
        .map(|(name, file)| (name, file["request"].clone(), file["response"].clone()))
        .collect()
}

fn read<T: serde::de::DeserializeOwned>(name: &str, value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn with_reader<T>(act: impl FnOnce(Reader<'_>) -> T) -> T {
    let markup = markup::Context::default();
    act(Reader {
        service_user: "system",
        markup: std::sync::Arc::new(markup.clone()),
        key_of: &|_| None,
    })
}

fn topic_item(topic: &Topic) -> RemoteItem {
    with_reader(|reader| reader.topic(topic, None))
}

#[test]
fn recorded_topics_are_read() {
    let Some(root) = fixtures() else { return };
    for (name, value) in files(&root.join("topics")) {
        let topic: Topic = read(&name, &value);
        let arranged = order::arrange(&topic.post_stream.posts);
        let words = topic
            .post_stream
            .posts
            .iter()
            .filter(|post| post.kind() == PostType::Words);
        let first = topic
            .post_stream
            .posts
            .iter()
            .filter(|post| post.is_first())
            .count();
        assert_eq!(arranged.len() + first, words.count(), "{name}");
        for placed in &arranged {
            let position = |id: i64| arranged.iter().position(|other| other.post.id == id);
            if let Some(parent) = placed.parent {
                assert!(
                    position(parent) < position(placed.post.id),
                    "{name}: parents go first"
                );
            }
        }
        let item = topic_item(&topic);
        let is_private = value["archetype"] == "private_message";
        assert_eq!(topic.is_private(), is_private, "{name}");
        // The recordings without raw text may be read, but there is nothing to mirror.
        assert!(
            matches!(item.sighting, Sighting::Withheld(_)),
            "{name}: {:?}",
            item.sighting
        );
    }
}

#[test]
fn live_topics_say_what_they_are() {
    let Some(root) = fixtures() else { return };
    let body = |name: &str| -> Topic {
        let file = json(&root.join("live-3.1").join(name));
        read(name, &file["response"]["body"])
    };
    let deleted = body("681-topic-show-deleted.json");
    let items: Vec<RemoteItem> = with_reader(|reader| {
        order::arrange(&deleted.post_stream.posts)
            .iter()
            .filter_map(|placed| reader.post(placed.post, deleted.id, placed.parent))
            .collect()
    });
    assert_eq!(items.len(), 2);
    assert!(matches!(items[0].sighting, Sighting::Present(_)));
    assert_eq!(items[1].sighting, Sighting::Deleted);

    let Sighting::Present(record) = topic_item(&deleted).sighting else {
        panic!("a live topic")
    };
    assert_eq!(
        record.text(Field::Title),
        Some("List study topic number 0 renamed 365578")
    );
    assert_eq!(record.flag(Field::Locked), Some(false));
    assert_eq!(record.flag(Field::Pinned), Some(false));
    assert_eq!(
        record.body().unwrap().source,
        "List study first post number 0 365578"
    );

    let gone = topic_item(&body("206-deleted-topic-as-admin.json"));
    assert_eq!(gone.sighting, Sighting::Deleted);
    assert_eq!(
        gone.key, None,
        "a key that is not ours is not taken for ours"
    );

    let actions = body("554-topic-with-all-small-actions.json");
    assert!(order::arrange(&actions.post_stream.posts).is_empty());
}

#[test]
fn live_posts_say_what_they_are() {
    let Some(root) = fixtures() else { return };
    let sighting = |name: &str| {
        let file = json(&root.join("live-3.1").join(name));
        let post: Post = read(name, &file["response"]["body"]);
        with_reader(|reader| reader.post(&post, 1, None))
            .unwrap()
            .sighting
    };
    assert!(matches!(sighting("040-post.json"), Sighting::Present(_)));
    assert_eq!(
        sighting("070-deleted-reply-seen-by-admin.json"),
        Sighting::Deleted
    );
    assert_eq!(
        sighting("067-post-deleted-by-its-author-seen-by-admin.json"),
        Sighting::Deleted,
        "the stub of an author's own delete"
    );
    assert!(matches!(
        sighting("759-hidden-post-as-staff.json"),
        Sighting::Withheld(_)
    ));
}

/// Reads a success as the call that got it would.
fn read_success(name: &str, method: &str, path: &str, body: &Value) -> bool {
    let path = path.split('?').next().unwrap();
    let parts: Vec<&str> = path
        .trim_start_matches('/')
        .trim_end_matches(".json")
        .split('/')
        .collect();
    match (method, parts.as_slice()) {
        ("POST", ["posts"]) => {
            let created = Created::parse(body.clone()).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(
                matches!(created, Created::Queued),
                body["action"] == "enqueued",
                "{name}"
            );
        }
        ("GET", ["posts"]) => {
            assert!(!read::<Latest>(name, body).latest_posts.is_empty() || name.starts_with("242"));
        }
        ("GET", ["posts", number]) if number.parse::<i64>().is_ok() => {
            assert_eq!(read::<Post>(name, body).id.to_string(), **number, "{name}");
        }
        ("PUT", ["posts", _]) => assert!(read::<Updated>(name, body).post.raw.is_some(), "{name}"),
        ("GET", ["t", number]) if number.parse::<i64>().is_ok() => {
            assert_eq!(read::<Topic>(name, body).id.to_string(), **number, "{name}");
        }
        ("GET", ["t", _, "posts"]) => drop(read::<PostsById>(name, body)),
        ("PUT", ["t", "-", _]) => {
            assert!(!read::<Changed>(name, body).basic_topic.title.is_empty());
        }
        ("GET", ["c", _, _, "l", "latest"] | ["latest"]) => drop(read::<Listing>(name, body)),
        ("GET", ["c", _, "show"]) => assert!(
            read::<OneCategory>(name, body)
                .category
                .about_topic()
                .is_some()
        ),
        ("GET", ["embed", "info"]) => assert!(read::<EmbedInfo>(name, body).post_id.is_some()),
        ("GET", ["session", "current"]) => drop(read::<Session>(name, body)),
        ("GET", ["about"]) => assert_eq!(
            read::<AboutAnswer>(name, body).about.version.as_deref(),
            Some("3.1.0.beta2")
        ),
        ("POST", ["admin", "users", "sync_sso"]) => {
            assert!(read::<User>(name, body).key().is_some(), "{name}");
        }
        _ => return false,
    }
    true
}

#[test]
fn live_successes_are_read() {
    let Some(root) = fixtures() else { return };
    let mut count = 0;
    for (name, request, response) in pairs(&root) {
        let (Some(method), Some(path)) = (request["method"].as_str(), request["path"].as_str())
        else {
            continue;
        };
        if response["status"] == 200 && read_success(&name, method, path, &response["body"]) {
            count += 1;
        }
    }
    assert!(count > 150, "only {count} recordings were read");
}

fn classify(name: &str, response: &Value, is_write: bool) -> Trouble {
    let body = match &response["body"] {
        Value::String(text) => text.clone().into_bytes(),
        other => serde_json::to_vec(other).unwrap(),
    };
    let status = response["status"]
        .as_u64()
        .and_then(|status| u16::try_from(status).ok());
    Answer {
        call: name,
        is_write,
        status: status.unwrap_or_else(|| panic!("{name}")),
        body: &body,
        retry_after: response["headers"]["Retry-After"].as_str(),
        has_user: response["headers"].get("X-Discourse-Username").is_some(),
        names_users: true,
    }
    .trouble()
}

#[test]
fn live_refusals_are_classified() {
    let Some(root) = fixtures() else { return };
    let mut count = 0;
    for (name, request, response) in pairs(&root) {
        let Some(status) = response["status"].as_u64().filter(|status| *status >= 400) else {
            continue;
        };
        if response["body"] == "" {
            continue;
        }
        let is_write = request["method"] != "GET";
        let trouble = classify(&name, &response, is_write);
        let expected = match (status, name.get(..3).unwrap()) {
            // The key, the acting user, or no identity at all.
            (403, "002" | "003" | "004" | "005" | "265" | "412" | "589" | "655" | "755") => {
                Class::Configuration
            }
            (403, _) => Class::Permission,
            (404, _) => Class::NotFound,
            (409, _) => Class::Conflict,
            (429, _) => Class::Throttled,
            (400 | 413 | 422, _) => Class::Invalid,
            (500, _) if is_write => Class::UnknownOutcome,
            (500, _) => Class::Transient,
            other => panic!("{name}: {other:?}"),
        };
        assert_eq!(
            trouble.failure.class, expected,
            "{name}: {}",
            trouble.failure
        );
        count += 1;
    }
    assert!(count > 80, "only {count} recordings were classified");
}

#[test]
fn composed_refusals_are_classified() {
    let Some(root) = fixtures() else { return };
    let expected = [
        ("400-invalid-parameters", "SYNC-2306"),
        ("400-parameter-missing", "SYNC-2306"),
        ("403-invalid-access", "SYNC-2303"),
        ("403-invalid-credentials", "SYNC-2301"),
        ("403-not-logged-in", "SYNC-2301"),
        ("404-not-found", "SYNC-2305"),
        ("404-topic-show", "SYNC-2305"),
        ("409-edit-conflict", "SYNC-2311"),
        ("422-body-too-short", "SYNC-2306"),
        ("422-external-id-taken", "SYNC-2306"),
        ("422-sync-sso-bad-signature", "SYNC-2306"),
        ("422-topic-not-found", "SYNC-2306"),
        ("422-update-body-too-short", "SYNC-2306"),
        ("429-admin-api-key", "SYNC-2304"),
        ("429-create-post", "SYNC-2304"),
        ("429-ip-plain-text", "SYNC-2304"),
        ("503-read-only", "SYNC-2314"),
    ];
    for (name, code) in expected {
        let mut response = json(&root.join("errors").join(format!("{name}.json")));
        // These were made from the source and do not say who was let in.
        response["headers"]["X-Discourse-Username"] = "alice".into();
        assert_eq!(classify(name, &response, true).failure.code, code, "{name}");
    }
    let wait = |name: &str| {
        let response = json(&root.join("errors").join(name));
        classify(name, &response, false).failure.retry_after_ms
    };
    assert_eq!(wait("429-admin-api-key.json"), Some(24_000));
    assert_eq!(wait("429-ip-plain-text.json"), Some(9_000));
    let queued = json(&root.join("errors/200-enqueued.json"));
    assert!(matches!(
        Created::parse(queued["body"].clone()),
        Some(Created::Queued)
    ));
}

#[test]
fn rest_samples_of_other_ages_are_read() {
    let Some(root) = fixtures() else { return };
    let rest = |name: &str| json(&root.join("rest").join(name));
    for name in ["post-created.json", "topic-created-with-tags.json"] {
        assert!(
            matches!(Created::parse(rest(name)), Some(Created::Post(_))),
            "{name}"
        );
    }
    for name in [
        "post-show-18.json",
        "post-show-19.json",
        "post-show-398.json",
        "gem-post.json",
    ] {
        drop(read::<Post>(name, &rest(name)));
    }
    assert!(read::<Updated>("", &rest("post-updated.json")).post.id > 0);
    for name in ["posts-latest.json", "posts-before.json"] {
        assert!(
            !read::<Latest>(name, &rest(name)).latest_posts.is_empty(),
            "{name}"
        );
    }
    for name in ["latest.json", "category-topics-bug.json"] {
        assert!(
            !read::<Listing>(name, &rest(name))
                .topic_list
                .topics
                .is_empty(),
            "{name}"
        );
    }
    assert!(
        !read::<PostsById>("", &rest("gem-topic-posts.json"))
            .post_stream
            .posts
            .is_empty()
    );
    let all: AllCategories = read("categories-list.json", &rest("categories-list.json"));
    assert!(
        all.category_list
            .categories
            .iter()
            .any(|category| category.about_topic().is_some())
    );
    assert!(
        read::<OneCategory>("", &rest("category-show-1.json"))
            .category
            .id
            == 1
    );
    drop(read::<User>("sync-sso.json", &rest("sync-sso.json")));
}

fn hint(name: &str, body: &[u8], people: &People) -> Option<Hint> {
    let event = name
        .split('-')
        .next()
        .unwrap()
        .trim_end_matches(".body.json");
    with_reader(|reader| {
        interpret(
            RawEvent { name: event, body },
            &reader,
            people,
            &Places::default(),
        )
        .unwrap_or_else(|trouble| panic!("{name}: {}", trouble.failure))
    })
}

#[test]
fn recorded_webhooks_are_understood() {
    let Some(root) = fixtures() else { return };
    let people = People::default();
    for folder in ["webhooks", "derived"] {
        for (name, value) in files(&root.join(folder))
            .iter()
            .filter(|(name, _)| name.ends_with(".body.json"))
        {
            let hint = hint(name, &serde_json::to_vec(value).unwrap(), &people);
            let is_about_content = name.starts_with("post_") && !name.starts_with("post_liked")
                || name.starts_with("topic_");
            let is_private = value["post"]["topic_archetype"] == "private_message";
            assert_eq!(hint.is_some(), is_about_content && !is_private, "{name}");
            let Some(hint) = hint else { continue };
            assert!(hint.course.is_some(), "{name}");
            let post = &value["post"];
            let is_reply = post["post_number"]
                .as_i64()
                .is_some_and(|number| number > 1)
                && post["post_type"] == 1
                && post["reply_to_post_number"]
                    .as_i64()
                    .is_none_or(|number| number == 1);
            assert_eq!(hint.item.is_some(), is_reply, "{name}");
        }
    }
    let learned = json(&root.join("webhooks/user_updated-with-external_id-2.8.body.json"));
    let user = &learned["user"];
    assert_eq!(
        people.key(user["id"].as_i64().unwrap()).as_deref(),
        user["external_id"].as_str()
    );
}

#[test]
fn deletions_in_webhooks_are_seen() {
    let Some(root) = fixtures() else { return };
    let sighting = |name: &str| {
        let body = std::fs::read(root.join("derived").join(name)).unwrap();
        hint(name, &body, &People::default())
            .unwrap()
            .item
            .unwrap()
            .sighting
    };
    assert_eq!(
        sighting("post_destroyed-user-deleted.body.json"),
        Sighting::Deleted
    );
    // The event just before shows the stub as if it were an edit: a hint is never proof.
    assert!(matches!(
        sighting("post_edited-user-deleted.body.json"),
        Sighting::Present(_)
    ));
}

#[test]
fn live_webhooks_are_signed_and_understood() {
    let Some(root) = fixtures() else { return };
    let mut count = 0;
    for (name, file) in files(&root.join("live-3.1/webhooks")) {
        let raw = file["raw"].as_str().unwrap();
        let header = file["headers"]["X-Discourse-Event-Signature"]
            .as_str()
            .unwrap();
        assert!(
            signature_is_valid(b"hook-secret-1234", raw.as_bytes(), header),
            "{name}"
        );
        assert!(
            !signature_is_valid(b"hook-secret-1235", raw.as_bytes(), header),
            "{name}"
        );
        assert!(
            !signature_is_valid(b"hook-secret-1234", format!("{raw} ").as_bytes(), header),
            "{name}"
        );
        let event = file["headers"]["X-Discourse-Event"].as_str().unwrap();
        let hint = hint(event, raw.as_bytes(), &People::default());
        let is_about_content =
            (event.starts_with("post_") && event != "post_liked") || event.starts_with("topic_");
        let is_private = raw.contains(r#""private_message""#);
        assert_eq!(hint.is_some(), is_about_content && !is_private, "{name}");
        count += 1;
    }
    assert!(count > 50, "only {count} deliveries were read");
}
