//! Loading recorded topics: `GET /t/{id}.json?print=true` payloads with their raw texts.
//!
//! The raw of a post is taken from the payload itself (`include_raw`), else from the `.raw.md` beside
//! it (the answer of `GET /raw/{topic}`), else from the cooked HTML, which is valid raw too.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::act::insert;
use crate::clock;
use crate::param::scalar;
use crate::state::World;
use crate::state::post::{Like, Post, PostKind};
use crate::state::topic::Topic;
use crate::state::user::{SsoRecord, User};
use crate::text::cook::cook;
use crate::text::normalise;

/// Why an import failed.
#[derive(Debug)]
pub enum ImportError {
    /// A file or folder cannot be read.
    Read(PathBuf, std::io::Error),
    /// A file is not JSON.
    Json(PathBuf, serde_json::Error),
    /// A file is no topic, or there is no category to put it in.
    Shape(PathBuf, &'static str),
}

impl std::fmt::Display for ImportError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Read(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Json(path, error) => write!(f, "{}: not JSON: {error}", path.display()),
            Self::Shape(path, what) => write!(f, "{}: {what}", path.display()),
        }
    }
}

impl std::error::Error for ImportError {}

/// What was loaded.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// Topics.
    pub topics: usize,
    /// Posts.
    pub posts: usize,
    /// Posts whose raw is their cooked HTML because no raw text was found.
    pub posts_from_cooked: usize,
}

/// Loads a file, or every topic in a folder; other JSON files of a folder are passed over.
pub fn load(world: &mut World, path: &Path) -> Result<Loaded, ImportError> {
    let mut loaded = Loaded::default();
    if !path.is_dir() {
        let value = read_json(path)?;
        let topic = topic_of(&value).ok_or_else(|| {
            ImportError::Shape(path.to_owned(), "no post_stream with posts in it")
        })?;
        load_topic(world, path, topic, &mut loaded)?;
        return Ok(loaded);
    }
    let entries =
        std::fs::read_dir(path).map_err(|error| ImportError::Read(path.to_owned(), error))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|file| {
            file.extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect();
    files.sort();
    for file in files {
        let value = read_json(&file)?;
        if let Some(topic) = topic_of(&value) {
            load_topic(world, &file, topic, &mut loaded)?;
        }
    }
    if loaded.topics == 0 {
        return Err(ImportError::Shape(
            path.to_owned(),
            "no recorded topic in this folder",
        ));
    }
    Ok(loaded)
}

fn read_json(path: &Path) -> Result<Value, ImportError> {
    let text =
        std::fs::read_to_string(path).map_err(|error| ImportError::Read(path.to_owned(), error))?;
    serde_json::from_str(&text).map_err(|error| ImportError::Json(path.to_owned(), error))
}

/// The topic of a payload, or of a recorded exchange with the payload as its answer.
fn topic_of(value: &Value) -> Option<&Value> {
    let topic = match value.pointer("/response/body") {
        Some(body) => body,
        None => value,
    };
    let posts = topic.pointer("/post_stream/posts")?.as_array()?;
    let has_first = posts.iter().any(|post| int(post, "post_number") == Some(1));
    (has_first && topic.get("title").is_some()).then_some(topic)
}

/// Raw texts by post number, from the answer of `GET /raw/{topic}`.
pub fn raw_texts(text: &str) -> BTreeMap<i64, String> {
    let mut found = BTreeMap::new();
    for block in text.split("\n-------------------------\n") {
        let block = block.trim_start_matches(['\n', '\r']);
        let Some((head, body)) = block.split_once('\n') else {
            continue;
        };
        let Some((_, number)) = head.rsplit_once(" | #") else {
            continue;
        };
        if let Ok(number) = number.trim().parse::<i64>() {
            found.insert(number, body.trim_matches(['\n', '\r']).to_owned());
        }
    }
    found
}

fn load_topic(
    world: &mut World,
    path: &Path,
    topic: &Value,
    loaded: &mut Loaded,
) -> Result<(), ImportError> {
    let category = world.categories.values().next().map(|row| row.id);
    let category =
        category.ok_or_else(|| ImportError::Shape(path.to_owned(), "the forum has no category"))?;
    let raw_path = path.with_extension("raw.md");
    let raws = match std::fs::read_to_string(&raw_path) {
        Ok(text) => raw_texts(&text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
        Err(error) => return Err(ImportError::Read(raw_path, error)),
    };
    let posts = topic
        .pointer("/post_stream/posts")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let id = new_topic(world, topic, category);
    for row in &posts {
        let number = int(row, "post_number").unwrap_or(0);
        let known = text(row, "raw").or_else(|| raws.get(&number).cloned());
        let kind = int(row, "post_type")
            .and_then(PostKind::from_number)
            .unwrap_or(PostKind::Regular);
        let cooked = text(row, "cooked").unwrap_or_default();
        if known.is_none() && kind != PostKind::SmallAction {
            loaded.posts_from_cooked += 1;
        }
        let raw = known.unwrap_or(cooked);
        add_post(world, id, row, kind, &raw);
        loaded.posts += 1;
    }
    finish(world, id, topic);
    insert::recount_category(world, category);
    loaded.topics += 1;
    Ok(())
}

fn new_topic(world: &mut World, source: &Value, category: i64) -> i64 {
    let id = world.ids.next("topic");
    let title = text(source, "title").unwrap_or_default();
    let created = time(source, "created_at").unwrap_or_else(|| world.now());
    let mut topic = Topic::new(id, &title, 0, created);
    topic.category_id = Some(category);
    world.index_title(id, None, &title);
    world.topics.insert(id, topic);
    id
}

fn author(world: &mut World, row: &Value) -> i64 {
    let name = text(row, "username").unwrap_or_else(|| "unknown".to_owned());
    if let Some(user) = world.user_by_name(&name) {
        return user.id;
    }
    let id = world.ids.next("user");
    let now = world.now();
    let shown = text(row, "name").unwrap_or_default();
    let mut user = User::new(id, &name, &shown, now);
    user.trust_level = int(row, "trust_level").unwrap_or(1);
    world.add_user(user);
    let record = SsoRecord {
        external_id: format!("imported-{}", name.to_lowercase()),
        external_username: name,
        external_name: shown,
        created_at: now,
        updated_at: now,
    };
    world.set_sso(id, record);
    id
}

fn add_post(world: &mut World, topic_id: i64, row: &Value, kind: PostKind, raw: &str) {
    let user_id = author(world, row);
    let raw = normalise(raw);
    let cooked = cook(&raw, world);
    let id = world.ids.next("post");
    let created_at = time(row, "created_at").unwrap_or_else(|| world.now());
    let updated_at = time(row, "updated_at").unwrap_or(created_at);
    let flag = |name: &str| row.get(name).and_then(Value::as_bool).unwrap_or(false);
    let likes = row
        .get("actions_summary")
        .and_then(Value::as_array)
        .and_then(|list| list.iter().find(|entry| int(entry, "id") == Some(2)))
        .and_then(|entry| int(entry, "count"))
        .unwrap_or(0);
    let version = int(row, "version").unwrap_or(1);
    let post = Post {
        id,
        topic_id,
        number: int(row, "post_number").unwrap_or(1),
        kind,
        user_id,
        raw,
        cooked,
        created_at,
        updated_at,
        version,
        public_version: version,
        last_version_at: updated_at,
        last_editor_id: user_id,
        edit_reason: text(row, "edit_reason"),
        reply_to: int(row, "reply_to_post_number"),
        reply_count: int(row, "reply_count").unwrap_or(0),
        // Who liked is not in the payload: system stands for one of them.
        likes: (likes > 0)
            .then_some(Like {
                user_id: crate::state::SYSTEM,
                at: created_at,
            })
            .into_iter()
            .collect(),
        shelved_likes: Vec::new(),
        hidden: flag("hidden"),
        hidden_reason_id: int(row, "hidden_reason_id"),
        user_deleted: flag("user_deleted"),
        user_deleted_at: None,
        before_stub: None,
        deleted_at: time(row, "deleted_at"),
        deleted_by: None,
        wiki: flag("wiki"),
        locked_by: None,
        action_code: text(row, "action_code"),
        revisions: Vec::new(),
        original: None,
        reads: int(row, "reads").unwrap_or(0),
    };
    insert::add_row(world, post);
    if let Some(user) = world.users.get_mut(&user_id) {
        user.post_count += 1;
    }
}

fn finish(world: &mut World, id: i64, source: &Value) {
    let flag = |name: &str| source.get(name).and_then(Value::as_bool).unwrap_or(false);
    let author = world
        .first_post(id)
        .map_or(crate::state::SYSTEM, |post| post.user_id);
    insert::recount(world, id);
    if let Some(topic) = world.topics.get_mut(&id) {
        topic.user_id = author;
        topic.closed = flag("closed");
        topic.archived = flag("archived");
        topic.visible = source
            .get("visible")
            .and_then(Value::as_bool)
            .unwrap_or(true);
        topic.pinned_at = time(source, "pinned_at");
        topic.pinned_globally = flag("pinned_globally");
        topic.bumped_at = topic.last_posted_at.unwrap_or(topic.created_at);
        topic.updated_at = topic.bumped_at;
        topic.views = int(source, "views").unwrap_or(0);
    }
    let names: Vec<String> = source
        .get("tags")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|tag| scalar(tag).or_else(|| tag.get("name").and_then(scalar)))
        .collect();
    let tags = insert::tag_ids(world, &names);
    if let Some(topic) = world.topics.get_mut(&id) {
        topic.tags = tags;
    }
}

fn text(value: &Value, name: &str) -> Option<String> {
    value
        .get(name)
        .and_then(Value::as_str)
        .map(ToOwned::to_owned)
}

fn int(value: &Value, name: &str) -> Option<i64> {
    value.get(name).and_then(Value::as_i64)
}

fn time(value: &Value, name: &str) -> Option<i64> {
    text(value, name).and_then(|text| clock::parse(&text))
}

#[cfg(test)]
mod tests {
    use super::{ImportError, load, raw_texts};
    use crate::option::Profile;
    use crate::seed::testing::forum;
    use serde_json::json;

    #[test]
    fn raw_blocks_are_split_by_number() {
        let text = "alice | 2022-10-23 06:06:04 UTC | #1\n\nfirst\n\n- a\n\n-------------------------\n\n\
                    bob | 2022-10-23 06:06:05 UTC | #3\n\n\n\n-------------------------\n\n";
        let raws = raw_texts(text);
        assert_eq!(raws[&1], "first\n\n- a");
        assert_eq!(raws[&3], "");
        assert_eq!(raws.len(), 2);
    }

    #[test]
    fn a_topic_is_loaded_with_its_structure() {
        let folder =
            std::env::temp_dir().join(format!("discourse-sim-import-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("t.json");
        let topic = json!({
            "title": "An old topic", "created_at": "2020-01-01T00:00:00.000Z", "closed": true,
            "tags": ["x"],
            "post_stream": { "posts": [
                {"post_number": 1, "post_type": 1, "username": "zoe", "name": "Zoe",
                 "cooked": "<p>first</p>", "created_at": "2020-01-01T00:00:00.000Z"},
                {"post_number": 4, "post_type": 1, "username": "alice", "cooked": "<p>only html</p>",
                 "created_at": "2020-01-02T00:00:00.000Z", "reply_to_post_number": 1},
                {"post_number": 5, "post_type": 3, "username": "zoe", "cooked": "",
                 "action_code": "closed.enabled", "created_at": "2020-01-03T00:00:00.000Z"},
            ]},
        });
        std::fs::write(&file, topic.to_string()).unwrap();
        std::fs::write(
            folder.join("t.raw.md"),
            "zoe | 2020-01-01 00:00:00 UTC | #1\n\n*first*\n\n-------------------------\n\n",
        )
        .unwrap();
        let mut forum = forum(Profile::Current);
        let loaded = load(&mut forum.world, &folder).unwrap();
        assert_eq!(
            (loaded.topics, loaded.posts, loaded.posts_from_cooked),
            (1, 3, 1)
        );
        let topic = forum.world.topics.values().last().unwrap();
        assert!(topic.closed);
        let posts: Vec<_> = forum.world.posts_of(topic).collect();
        assert_eq!(posts[0].raw, "*first*");
        assert_eq!((posts[1].number, posts[1].reply_to), (4, Some(1)));
        assert_eq!(posts[1].raw, "<p>only html</p>");
        assert_eq!(posts[1].user_id, forum.actor("alice").id.unwrap());
        assert_eq!(topic.bumped_at, crate::clock::parse("2020-01-03").unwrap());
        assert!(forum.world.user_by_external("imported-zoe").is_some());
        std::fs::write(&file, "{").unwrap();
        assert!(matches!(
            load(&mut forum.world, &file),
            Err(ImportError::Json(..))
        ));
        std::fs::write(&file, "{}").unwrap();
        assert!(matches!(
            load(&mut forum.world, &file),
            Err(ImportError::Shape(..))
        ));
        assert!(matches!(
            load(&mut forum.world, &folder.join("no")),
            Err(ImportError::Read(..))
        ));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
