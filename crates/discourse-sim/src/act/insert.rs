//! Adding posts and topics that were already judged acceptable, and keeping counters right.

use crate::hook::emit;
use crate::state::World;
use crate::state::post::{Post, PostKind};
use crate::state::topic::Topic;
use crate::text::cook::cook;
use crate::text::normalise;

/// A post to add.
#[derive(Debug, Clone)]
pub struct PostRow {
    /// Where.
    pub topic_id: i64,
    /// By whom.
    pub user_id: i64,
    /// The text, normalised here.
    pub raw: String,
    /// What kind.
    pub kind: PostKind,
    /// The number of the post answered.
    pub reply_to: Option<i64>,
    /// Unix milliseconds; now when absent.
    pub created_at: Option<i64>,
    /// A fixed number; the next one when absent.
    pub number: Option<i64>,
    /// What a small action tells.
    pub action_code: Option<String>,
    /// Whether the topic's `bumped_at` moves.
    pub bump: bool,
    /// Whether the topic's `last_posted_at` moves.
    pub touch: bool,
    /// Whether `post_created` is sent.
    pub announce: bool,
}

impl PostRow {
    /// A regular post of now that bumps and is announced.
    pub fn new(topic_id: i64, user_id: i64, raw: &str) -> Self {
        Self {
            topic_id,
            user_id,
            raw: raw.to_owned(),
            kind: PostKind::Regular,
            reply_to: None,
            created_at: None,
            number: None,
            action_code: None,
            bump: true,
            touch: true,
            announce: true,
        }
    }

    /// A note of a status change: it sets `last_posted_at` and bumps nothing (contract 1.23).
    pub fn small_action(topic_id: i64, user_id: i64, code: &str, raw: &str) -> Self {
        Self {
            kind: PostKind::SmallAction,
            action_code: Some(code.to_owned()),
            bump: false,
            ..Self::new(topic_id, user_id, raw)
        }
    }
}

/// Adds a post and returns its id.
pub fn post(world: &mut World, row: &PostRow) -> i64 {
    let now = world.now();
    let id = world.ids.next("post");
    let raw = normalise(&row.raw);
    let cooked = cook(&raw, world);
    let created_at = row.created_at.unwrap_or(now);
    let next = world
        .topics
        .get(&row.topic_id)
        .map_or(1, |topic| topic.last_number + 1);
    let post = Post {
        id,
        topic_id: row.topic_id,
        number: row.number.unwrap_or(next),
        kind: row.kind,
        user_id: row.user_id,
        raw,
        cooked,
        created_at,
        updated_at: now,
        version: 1,
        public_version: 1,
        last_version_at: now,
        last_editor_id: row.user_id,
        edit_reason: None,
        reply_to: row.reply_to,
        reply_count: 0,
        likes: Vec::new(),
        shelved_likes: Vec::new(),
        hidden: false,
        hidden_reason_id: None,
        user_deleted: false,
        user_deleted_at: None,
        before_stub: None,
        deleted_at: None,
        deleted_by: None,
        wiki: false,
        locked_by: None,
        action_code: row.action_code.clone(),
        revisions: Vec::new(),
        original: None,
        reads: 0,
    };
    add_row(world, post);
    count_new(world, id, row, created_at);
    if row.announce {
        emit::post(world, "post_created", id);
    }
    id
}

/// Puts a row into the post table and its topic, in number order.
pub fn add_row(world: &mut World, post: Post) {
    let (id, topic_id, number) = (post.id, post.topic_id, post.number);
    world.posts.insert(id, post);
    let at = world.topics.get(&topic_id).map_or(0, |topic| {
        topic.posts.partition_point(|other| {
            world
                .posts
                .get(other)
                .is_some_and(|row| row.number < number)
        })
    });
    if let Some(topic) = world.topics.get_mut(&topic_id) {
        topic.posts.insert(at.min(topic.posts.len()), id);
        topic.last_number = topic.last_number.max(number);
    }
}

fn count_new(world: &mut World, id: i64, row: &PostRow, created_at: i64) {
    let now = world.now();
    let whisper = row.kind == PostKind::Whisper;
    let mut category = None;
    if let Some(topic) = world.topics.get_mut(&row.topic_id) {
        topic.updated_at = now;
        if !whisper {
            topic.posts_count += 1;
            if row.reply_to.is_some() {
                topic.reply_count += 1;
            }
            if row.touch {
                topic.last_posted_at = Some(created_at);
                topic.last_post_user_id = row.user_id;
            }
            if row.bump {
                topic.bumped_at = created_at;
            }
        }
        category = topic.category_id.filter(|_| !topic.is_about);
    }
    if let Some(category) = category.and_then(|id| world.categories.get_mut(&id)) {
        category.post_count += i64::from(row.kind == PostKind::Regular);
    }
    if let Some(number) = row.reply_to {
        let parent = world
            .post_by_number(row.topic_id, number)
            .map(|post| post.id);
        if let Some(parent) = parent.filter(|parent| *parent != id) {
            change_reply_count(world, parent, 1);
        }
    }
    if let Some(user) = world.users.get_mut(&row.user_id)
        && row.kind == PostKind::Regular
    {
        user.post_count += 1;
        user.last_posted_at = Some(created_at);
    }
}

/// Adds to the reply counter of a post.
pub fn change_reply_count(world: &mut World, post_id: i64, by: i64) {
    if let Some(post) = world.posts.get_mut(&post_id) {
        post.reply_count = (post.reply_count + by).max(0);
    }
}

/// A topic to add, with its first post.
#[derive(Debug, Clone)]
pub struct TopicRow {
    /// The cleaned title.
    pub title: String,
    /// `None` for private messages.
    pub category_id: Option<i64>,
    /// Tag names.
    pub tags: Vec<String>,
    /// The creator's key.
    pub external_id: Option<String>,
    /// Listed.
    pub visible: bool,
    /// Users of a private message.
    pub allowed_users: Vec<i64>,
    /// Groups of a private message.
    pub allowed_groups: Vec<i64>,
    /// The first post; its `topic_id` is set here.
    pub first: PostRow,
}

/// Adds a topic with its first post; returns the post's id.
pub fn topic(world: &mut World, row: TopicRow) -> i64 {
    let id = world.ids.next("topic");
    let now = world.now();
    let at = row.first.created_at.unwrap_or(now);
    let mut topic = Topic::new(id, &row.title, row.first.user_id, at);
    topic.updated_at = now;
    topic.category_id = row.category_id;
    topic.is_private = row.category_id.is_none();
    topic.visible = row.visible;
    topic.allowed_users = row.allowed_users;
    topic.allowed_groups = row.allowed_groups;
    topic.tags = tag_ids(world, &row.tags);
    topic.external_id = row.external_id;
    if let Some(key) = &topic.external_id {
        world.external_topics.insert(key.to_lowercase(), id);
    }
    world.index_title(id, None, &row.title);
    world.topics.insert(id, topic);
    if let Some(category) = row.category_id.and_then(|id| world.categories.get_mut(&id)) {
        category.topic_count += 1;
    }
    if let Some(user) = world.users.get_mut(&row.first.user_id) {
        user.topic_count += 1;
    }
    let announce = row.first.announce;
    let first = PostRow {
        topic_id: id,
        announce: false,
        ..row.first
    };
    let post_id = post(world, &first);
    if announce {
        emit::topic(world, "topic_created", id);
        emit::post(world, "post_created", post_id);
    }
    post_id
}

/// The ids of tags by name, new ones made and announced.
pub fn tag_ids(world: &mut World, names: &[String]) -> Vec<i64> {
    let mut ids = Vec::new();
    for name in names {
        if name.trim().is_empty() {
            continue;
        }
        let (id, is_new) = world.tag_named(name);
        if is_new {
            emit::tag(world, "tag_created", id);
        }
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids
}

/// Adds a category's About topic, which is in no activity order of its own.
pub fn about_topic(world: &mut World, category_id: i64, name: &str, user_id: i64) -> i64 {
    let title = format!("About the {name} category");
    let raw = "(Replace this first paragraph with a brief description of your new category. This \
               guidance will appear in the category selection area, so try to keep it below 200 \
               characters.)\n\nUse the following paragraphs for a longer description, or to \
               establish category guidelines or rules:\n\n- Why should people use this category? \
               What is it for?\n\n- How exactly is this different than the other categories we \
               already have?";
    let mut first = PostRow::new(0, user_id, raw);
    first.announce = false;
    first.touch = false;
    let row = TopicRow {
        title,
        category_id: Some(category_id),
        tags: Vec::new(),
        external_id: None,
        visible: true,
        allowed_users: Vec::new(),
        allowed_groups: Vec::new(),
        first,
    };
    let post_id = topic(world, row);
    let topic_id = world.posts.get(&post_id).map_or(0, |post| post.topic_id);
    let now = world.now();
    if let Some(topic) = world.topics.get_mut(&topic_id) {
        topic.is_about = true;
        topic.pinned_at = Some(now);
    }
    if let Some(category) = world.categories.get_mut(&category_id) {
        category.about_topic_id = Some(topic_id);
        category.topic_count -= 1;
        category.post_count = 0;
    }
    topic_id
}

/// Recomputes what a topic knows about its posts after deletes, recoveries and moves.
pub fn recount(world: &mut World, topic_id: i64) {
    let Some(topic) = world.topics.get(&topic_id) else {
        return;
    };
    let live = || {
        world
            .posts_of(topic)
            .filter(|post| post.is_live() && post.kind != PostKind::Whisper)
    };
    let posts_count = i64::try_from(live().count()).unwrap_or(0);
    let reply_count =
        i64::try_from(live().filter(|post| post.reply_to.is_some()).count()).unwrap_or(0);
    let last = live()
        .max_by_key(|post| post.number)
        .map(|post| (post.created_at, post.user_id));
    let is_about = topic.is_about;
    if let Some(topic) = world.topics.get_mut(&topic_id) {
        topic.posts_count = posts_count;
        topic.reply_count = reply_count;
        if let Some((at, user_id)) = last
            && !is_about
        {
            topic.last_posted_at = Some(at);
            topic.last_post_user_id = user_id;
        }
    }
}

/// Recomputes the counters of a category.
pub fn recount_category(world: &mut World, category_id: i64) {
    let topics = || {
        world.topics.values().filter(|topic| {
            topic.category_id == Some(category_id)
                && topic.deleted_at.is_none()
                && !topic.is_about
                && topic.visible
        })
    };
    let topic_count = i64::try_from(topics().count()).unwrap_or(0);
    let post_count = topics()
        .map(|topic| {
            world
                .posts_of(topic)
                .filter(|post| post.is_live() && post.kind == PostKind::Regular)
                .count()
        })
        .sum::<usize>();
    let post_count = i64::try_from(post_count).unwrap_or(0);
    if let Some(category) = world.categories.get_mut(&category_id) {
        category.topic_count = topic_count;
        category.post_count = post_count;
    }
}
