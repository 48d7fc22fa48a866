//! What the forum says about itself, and search.
#![expect(clippy::unnecessary_wraps, reason = "endpoints have one signature")]

use serde_json::{Value, json};

use super::{Call, Route};
use crate::answer::{Answer, Outcome};
use crate::clock::{DAY, iso};
use crate::json::{category, group, list, tag, user};
use crate::option::Profile;
use crate::state::World;
use crate::state::post::{Post, PostKind};
use crate::text::excerpt;

pub const ROUTES: &[Route] = &[
    Route {
        method: "GET",
        template: "/site",
        run: site,
    },
    Route {
        method: "GET",
        template: "/site/basic-info",
        run: basic_info,
    },
    Route {
        method: "GET",
        template: "/about",
        run: about,
    },
    Route {
        method: "GET",
        template: "/search",
        run: search,
    },
    Route {
        method: "GET",
        template: "/search/query",
        run: search,
    },
    Route {
        method: "GET",
        template: "/tags",
        run: tags,
    },
    Route {
        method: "GET",
        template: "/srv/status",
        run: status,
    },
];

/// The version that the profile stands for.
pub fn version(profile: Profile) -> &'static str {
    match profile {
        Profile::V3_1 => "3.1.0.beta2",
        Profile::Current => "2026.1.0-latest",
    }
}

fn status(_: &mut Call<'_>) -> Outcome {
    Ok(Answer::text("ok".to_owned()))
}

fn site(call: &mut Call<'_>) -> Outcome {
    let world = &*call.world;
    let categories: Vec<Value> = world
        .categories
        .values()
        .filter(|row| world.can_see_category(call.actor, row.id))
        .map(|row| category::in_site(world, row, call.actor))
        .collect();
    let groups: Vec<Value> = world
        .groups
        .values()
        .filter(|row| group::is_visible(world, row, call.actor))
        .map(|row| json!({ "id": row.id, "name": row.name, "flair_url": null, "flair_bg_color": null, "flair_color": null, "automatic": row.automatic }))
        .collect();
    Ok(Answer::json(json!({
        "default_archetype": "regular",
        "post_types": { "regular": 1, "moderator_action": 2, "small_action": 3, "whisper": 4 },
        "trust_levels": { "newuser": 0, "basic": 1, "member": 2, "regular": 3, "leader": 4 },
        "categories": categories, "groups": groups, "can_create_tag": call.actor.staff,
        "can_tag_topics": true, "tags_filter_regexp": "[\\/\\?#\\[\\]@!\\$&'\\(\\)\\*\\+,;=\\.%\\\\`^\\s|\\{\\}\"<>]+",
        "uncategorized_category_id": crate::state::UNCATEGORIZED,
        "top_tags": tag::top(world),
    })))
}

fn basic_info(call: &mut Call<'_>) -> Outcome {
    let logo = call.url("/images/discourse-logo-sketch.png");
    let small = call.url("/images/discourse-logo-sketch-small.png");
    let mut value = json!({
        "logo_url": logo, "logo_small_url": small, "apple_touch_icon_url": small,
        "favicon_url": small, "title": call.world.settings.text("title"),
        "description": call.world.settings.text("site_description"), "header_primary_color": "333333",
        "header_background_color": "ffffff", "login_required": call.world.settings.flag("login_required"),
        "mobile_logo_url": logo,
    });
    if call.world.switches.newer_fields
        && let Some(fields) = value.as_object_mut()
    {
        fields.insert("locale".to_owned(), json!("en"));
        fields.insert("include_in_discourse_discover".to_owned(), json!(false));
    }
    Ok(Answer::json(value))
}

/// Counts of what was made, ever and lately.
fn statistics(world: &World) -> Value {
    let now = world.now();
    let topics = |since: i64| {
        world
            .topics
            .values()
            .filter(|topic| topic.deleted_at.is_none() && topic.created_at >= since)
            .count()
    };
    let posts = |since: i64| {
        world
            .posts
            .values()
            .filter(|post| post.is_live() && post.created_at >= since)
            .count()
    };
    let users = |since: i64| {
        world
            .users
            .values()
            .filter(|user| user.id > 0 && user.created_at >= since)
            .count()
    };
    let mut stats = serde_json::Map::new();
    for (suffix, since) in [
        ("count", i64::MIN),
        ("last_day", now - DAY),
        ("7_days", now - 7 * DAY),
        ("30_days", now - 30 * DAY),
    ] {
        for (name, value) in [
            ("topic", topics(since)),
            ("post", posts(since)),
            ("user", users(since)),
        ] {
            let plural = if suffix == "count" { "" } else { "s" };
            stats.insert(format!("{name}{plural}_{suffix}"), json!(value));
        }
        let likes = world
            .posts
            .values()
            .flat_map(|post| &post.likes)
            .filter(|like| like.at >= since)
            .count();
        let plural = if suffix == "count" { "" } else { "s" };
        stats.insert(format!("like{plural}_{suffix}"), json!(likes));
        if suffix != "count" {
            stats.insert(format!("active_users_{suffix}"), json!(0));
        }
    }
    Value::Object(stats)
}

fn about(call: &mut Call<'_>) -> Outcome {
    let world = &*call.world;
    let stats = statistics(world);
    let admins: Vec<Value> = world
        .users
        .values()
        .filter(|user| user.admin && user.id > 0)
        .map(|row| {
            let mut value = user::basic_row(row);
            if let Some(fields) = value.as_object_mut() {
                fields.insert("title".to_owned(), json!(row.title));
                fields.insert("last_seen_at".to_owned(), Value::Null);
            }
            value
        })
        .collect();
    Ok(Answer::json(json!({
        "about": {
            "stats": stats, "description": world.settings.text("site_description"),
            "title": world.settings.text("title"), "locale": "en",
            "version": version(world.profile), "https": false, "can_see_about_stats": true,
            "contact_url": "", "contact_email": world.settings.text("contact_email"),
            "moderators": [], "admins": admins, "category_moderators": [],
        }
    })))
}

fn tags(call: &mut Call<'_>) -> Outcome {
    Ok(Answer::json(tag::all(call.world)))
}

fn hits<'a>(world: &'a World, call: &Call<'_>, term: &str) -> Vec<&'a Post> {
    let words: Vec<String> = term.split_whitespace().map(str::to_lowercase).collect();
    world
        .posts
        .values()
        .rev()
        .filter(|post| post.is_live() && post.kind == PostKind::Regular)
        .filter(|post| {
            world.topics.get(&post.topic_id).is_some_and(|topic| {
                let text = format!("{} {}", topic.title, post.raw).to_lowercase();
                topic.deleted_at.is_none()
                    && !topic.is_private
                    && topic.visible
                    && world.can_see_post(call.actor, post)
                    && words.iter().all(|word| text.contains(word))
            })
        })
        .take(50)
        .collect()
}

/// Plain search by words; filters such as `@name` are not understood.
fn search(call: &mut Call<'_>) -> Outcome {
    let term = call
        .params
        .text("q")
        .or_else(|| call.params.text("term"))
        .unwrap_or_default();
    if term.trim().chars().count() < 2 {
        return Err(Answer::invalid_one("Your search term is too short."));
    }
    let world = &*call.world;
    let found = hits(world, call, &term);
    let mut topic_ids: Vec<i64> = Vec::new();
    for post in &found {
        if !topic_ids.contains(&post.topic_id) {
            topic_ids.push(post.topic_id);
        }
    }
    let topics: Vec<Value> = topic_ids
        .iter()
        .filter_map(|id| world.topics.get(id))
        .map(|row| {
            let mut value = list::item(world, row, call.actor);
            if let Some(fields) = value.as_object_mut() {
                for name in [
                    "posters",
                    "views",
                    "like_count",
                    "has_summary",
                    "last_poster_username",
                    "pinned_globally",
                    "featured_link",
                    "image_url",
                ] {
                    fields.remove(name);
                }
            }
            value
        })
        .collect();
    let posts: Vec<Value> = found
        .iter()
        .filter_map(|post| {
            let author = world.users.get(&post.user_id)?;
            Some(json!({
                "id": post.id, "name": author.name, "username": author.username,
                "avatar_template": author.avatar_template(), "created_at": iso(post.created_at),
                "like_count": post.likes.len(), "blurb": excerpt(&post.cooked, 200),
                "post_number": post.number, "topic_id": post.topic_id,
            }))
        })
        .collect();
    let ids: Vec<i64> = found.iter().map(|post| post.id).collect();
    Ok(Answer::json(json!({
        "posts": posts, "topics": topics, "users": [], "categories": [], "tags": [], "groups": [],
        "grouped_search_result": {
            "more_posts": null, "more_users": null, "more_categories": null, "term": term,
            "search_log_id": 1, "more_full_page_results": null,
            "can_create_topic": call.actor.id.is_some(), "error": null, "post_ids": ids,
            "user_ids": [], "category_ids": [], "tag_ids": [], "group_ids": [],
        }
    })))
}
