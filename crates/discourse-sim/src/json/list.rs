//! Topics in lists (contract section 7.5).

use serde_json::{Value, json};

use super::{extend, set, time};
use crate::auth::Actor;
use crate::clock::iso;
use crate::json::{tag, topic as topic_json, user};
use crate::state::World;
use crate::state::topic::Topic;
use crate::text::cook::summary;
use crate::text::title::fancy;

/// Up to five authors: the original poster first, the latest marked.
fn posters(world: &World, topic: &Topic) -> Vec<(i64, String, Value)> {
    let mut ids = vec![topic.user_id];
    let others = topic_json::participants(world, topic)
        .into_iter()
        .map(|(id, _)| id);
    ids.extend(
        others
            .filter(|id| *id != topic.user_id && *id != topic.last_post_user_id)
            .take(3),
    );
    if topic.last_post_user_id != topic.user_id {
        ids.push(topic.last_post_user_id);
    }
    let single = ids.len() == 1;
    ids.into_iter()
        .map(|id| {
            let (first, last) = (id == topic.user_id, id == topic.last_post_user_id);
            let words = match (first, last) {
                (true, true) => "Original Poster, Most Recent Poster",
                (true, false) => "Original Poster",
                (false, true) => "Most Recent Poster",
                (false, false) => "Frequent Poster",
            };
            let extras = match (last, single) {
                (true, true) => json!("latest single"),
                (true, false) => json!("latest"),
                _ => Value::Null,
            };
            (id, words.to_owned(), extras)
        })
        .collect()
}

fn shared(world: &World, topic: &Topic, actor: Actor) -> Value {
    let now = world.now();
    let live = || world.posts_of(topic).filter(|post| post.is_live());
    let likes: usize = live().map(|post| post.likes.len()).sum();
    let posted = world.posts_of(topic).any(|post| actor.is(post.user_id));
    let seen = |value: bool| if posted { json!(value) } else { Value::Null };
    let mut value = json!({
        "id": topic.id, "title": topic.title, "fancy_title": fancy(&topic.title), "slug": topic.slug,
        "posts_count": topic.posts_count, "reply_count": topic.reply_count,
        "highest_post_number": live().map(|post| post.number).max().unwrap_or(0), "image_url": null,
        "created_at": iso(topic.created_at), "last_posted_at": time(topic.last_posted_at),
        "bumped": topic.bumped_at >= topic.created_at, "bumped_at": iso(topic.bumped_at),
        "archetype": if topic.is_private { "private_message" } else { "regular" },
        "unseen": actor.id.is_some() && !posted, "pinned": topic.is_pinned(now), "unpinned": null,
        "visible": topic.visible, "closed": topic.closed, "archived": topic.archived,
        "bookmarked": seen(false), "liked": seen(false), "tags": tag::of_topic(world, topic),
        "tags_descriptions": {}, "like_count": likes, "views": topic.views,
        "category_id": topic.category_id, "featured_link": topic.featured_link,
    });
    if topic.is_pinned(now) {
        let first = world.first_post(topic.id).map(|post| summary(&post.cooked));
        let replaced = topic.is_about
            && topic
                .category_id
                .and_then(|id| world.categories.get(&id))
                .is_some_and(|category| category.description.is_none());
        let words = if replaced && !world.switches.newer_fields {
            None
        } else {
            first
        };
        set(&mut value, "excerpt", json!(words));
    }
    if posted {
        let last = live().last().map(|post| post.number);
        let level = if actor.is(topic.user_id) { 3 } else { 2 };
        extend(
            &mut value,
            json!({
                "last_read_post_number": last, "unread": 0, "new_posts": 0, "unread_posts": 0,
                "notification_level": level,
            }),
        );
    }
    value
}

/// A topic in a list.
pub fn item(world: &World, topic: &Topic, actor: Actor) -> Value {
    let mut value = shared(world, topic, actor);
    let last = world
        .users
        .get(&topic.last_post_user_id)
        .map(|user| user.username.clone());
    let posters: Vec<Value> = posters(world, topic)
        .into_iter()
        .map(|(id, words, extras)| {
            json!({
                "extras": extras, "description": words, "user_id": id, "primary_group_id": null,
                "flair_group_id": null,
            })
        })
        .collect();
    extend(
        &mut value,
        json!({
            "has_summary": false, "last_poster_username": last,
            "pinned_globally": topic.pinned_globally, "posters": posters,
        }),
    );
    value
}

/// Other topics that a topic page offers.
pub fn suggested(world: &World, topic: &Topic, actor: Actor) -> Value {
    world
        .topics
        .values()
        .rev()
        .filter(|other| {
            other.id != topic.id
                && other.category_id == topic.category_id
                && other.deleted_at.is_none()
                && other.visible
                && !other.is_private
                && !other.is_about
                && world.can_see_topic(actor, other)
        })
        .take(5)
        .map(|other| {
            let mut value = shared(world, other, actor);
            let posters: Vec<Value> = posters(world, other)
                .into_iter()
                .map(|(id, words, extras)| {
                    json!({ "extras": extras, "description": words, "user": user::basic(world, id) })
                })
                .collect();
            set(&mut value, "posters", json!(posters));
            value
        })
        .collect()
}

/// A page of a list.
pub struct Page<'a> {
    /// The topics of this page.
    pub topics: Vec<&'a Topic>,
    /// How many a page has.
    pub size: usize,
    /// Where the next page is.
    pub more: Option<String>,
    /// Whether the list is of a category where the reader may start topics.
    pub can_create: bool,
}

/// The whole answer of a list.
pub fn page(world: &World, page: &Page<'_>, actor: Actor) -> Value {
    let mut ids: Vec<i64> = Vec::new();
    for topic in &page.topics {
        for (id, _, _) in posters(world, topic) {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
    }
    let users: Vec<Value> = ids
        .iter()
        .filter_map(|id| world.users.get(id))
        .map(user::in_list)
        .collect();
    let topics: Vec<Value> = page
        .topics
        .iter()
        .map(|topic| item(world, topic, actor))
        .collect();
    let mut list = json!({
        "can_create_topic": page.can_create, "per_page": page.size, "top_tags": tag::top(world),
        "topics": topics,
    });
    if let Some(more) = &page.more {
        set(&mut list, "more_topics_url", json!(more));
    }
    if topics_is_empty(&list) {
        return json!({ "topic_list": list });
    }
    json!({ "users": users, "primary_groups": [], "flair_groups": [], "topic_list": list })
}

fn topics_is_empty(list: &Value) -> bool {
    list.get("topics")
        .and_then(Value::as_array)
        .is_none_or(Vec::is_empty)
}
