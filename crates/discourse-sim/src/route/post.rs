//! Reading posts (contract section 6.2).
#![expect(clippy::unnecessary_wraps, reason = "endpoints have one signature")]

use serde_json::{Value, json};

use super::{Call, Route};
use crate::answer::{Answer, Outcome};
use crate::auth::Actor;
use crate::clock::plain;
use crate::json::post::{self, Place};
use crate::json::{revision, topic as topic_json};
use crate::state::World;
use crate::state::post::{Post, PostKind};

pub const ROUTES: &[Route] = &[
    Route {
        method: "GET",
        template: "/posts",
        run: latest,
    },
    Route {
        method: "GET",
        template: "/private-posts",
        run: latest_private,
    },
    Route {
        method: "GET",
        template: "/posts/by_number/{topic}/{number}",
        run: by_number,
    },
    Route {
        method: "GET",
        template: "/posts/by-date/{topic}/{date}",
        run: by_date,
    },
    Route {
        method: "GET",
        template: "/posts/{id}",
        run: show,
    },
    Route {
        method: "GET",
        template: "/posts/{id}/raw",
        run: raw,
    },
    Route {
        method: "GET",
        template: "/posts/{id}/cooked",
        run: cooked,
    },
    Route {
        method: "GET",
        template: "/posts/{id}/replies",
        run: replies,
    },
    Route {
        method: "GET",
        template: "/posts/{id}/reply-ids",
        run: reply_ids,
    },
    Route {
        method: "GET",
        template: "/posts/{id}/reply-history",
        run: reply_history,
    },
    Route {
        method: "GET",
        template: "/posts/{id}/revisions/latest",
        run: latest_revision,
    },
    Route {
        method: "GET",
        template: "/posts/{id}/revisions/{number}",
        run: one_revision,
    },
    Route {
        method: "GET",
        template: "/raw/{topic}",
        run: raw_topic,
    },
    Route {
        method: "GET",
        template: "/raw/{topic}/{number}",
        run: raw_number,
    },
];

/// How many posts `/posts.json` has.
const LATEST: usize = 50;

/// A post that the actor may read: 404 when it is gone for them, 403 when it is closed to them.
pub fn visible(world: &World, actor: Actor, id: i64) -> Result<&Post, Answer> {
    let post = world.posts.get(&id).ok_or_else(Answer::not_found)?;
    if post.deleted_at.is_some() && !actor.staff {
        return Err(Answer::not_found());
    }
    let topic = world
        .topics
        .get(&post.topic_id)
        .ok_or_else(Answer::not_found)?;
    if topic.deleted_at.is_some() && !actor.staff {
        return Err(Answer::not_found());
    }
    if world.can_see_post(actor, post) {
        Ok(post)
    } else {
        Err(Answer::forbidden())
    }
}

fn show(call: &mut Call<'_>) -> Outcome {
    let row = visible(call.world, call.actor, call.id(0)?)?;
    let mut value = post::post(call.world, row, call.actor, Place::Single);
    if let Some(version) = call.params.int("version") {
        let (raw, cooked) = row.at_version(version).ok_or_else(Answer::not_found)?;
        if let Some(fields) = value.as_object_mut() {
            fields.insert("raw".to_owned(), json!(raw));
            fields.insert("cooked".to_owned(), json!(cooked));
        }
    }
    Ok(Answer::json(value))
}

fn of_topic<'a>(call: &'a Call<'_>, topic_id: i64, number: i64) -> Result<&'a Post, Answer> {
    let post = call
        .world
        .post_by_number(topic_id, number)
        .ok_or_else(Answer::not_found)?;
    visible(call.world, call.actor, post.id)
}

fn by_number(call: &mut Call<'_>) -> Outcome {
    let row = of_topic(call, call.id(0)?, call.id(1)?)?;
    Ok(Answer::json(post::post(
        call.world,
        row,
        call.actor,
        Place::Single,
    )))
}

/// The first post on or after a day.
fn by_date(call: &mut Call<'_>) -> Outcome {
    let at = crate::clock::parse(call.var(1)).ok_or_else(|| Answer::bad_parameter("date"))?;
    let topic = call
        .world
        .topics
        .get(&call.id(0)?)
        .ok_or_else(Answer::not_found)?;
    let found = call
        .world
        .posts_of(topic)
        .filter(|post| post.is_live() && post.created_at >= at)
        .min_by_key(|post| post.created_at)
        .map(|post| post.id);
    let row = visible(call.world, call.actor, found.ok_or_else(Answer::not_found)?)?;
    Ok(Answer::json(post::post(
        call.world,
        row,
        call.actor,
        Place::Single,
    )))
}

fn raw(call: &mut Call<'_>) -> Outcome {
    let row = visible(call.world, call.actor, call.id(0)?)?;
    if !World::can_see_hidden_text(call.actor, row) {
        return Err(Answer::forbidden());
    }
    Ok(Answer::text(row.raw.clone()))
}

fn raw_number(call: &mut Call<'_>) -> Outcome {
    let row = of_topic(call, call.id(0)?, call.id(1)?)?;
    if !World::can_see_hidden_text(call.actor, row) {
        return Err(Answer::forbidden());
    }
    Ok(Answer::text(row.raw.clone()))
}

fn cooked(call: &mut Call<'_>) -> Outcome {
    let row = visible(call.world, call.actor, call.id(0)?)?;
    let value = post::post(call.world, row, call.actor, Place::Plain);
    Ok(Answer::json(json!({ "cooked": value.get("cooked") })))
}

/// 100 posts of a topic as text, each with the time it was last changed.
fn raw_topic(call: &mut Call<'_>) -> Outcome {
    let id = call.id(0)?;
    let topic = call.world.topics.get(&id).ok_or_else(Answer::not_found)?;
    if !call.world.can_see_topic(call.actor, topic) {
        return Err(Answer::not_found());
    }
    let page = usize::try_from(call.params.int("page").unwrap_or(1).max(1)).unwrap_or(1);
    let ids = topic_json::stream(call.world, topic, call.actor, false);
    let mut text = String::new();
    let rows = ids
        .iter()
        .skip((page - 1).saturating_mul(100))
        .take(100)
        .filter_map(|id| call.world.posts.get(id));
    for row in rows.filter(|row| World::can_see_hidden_text(call.actor, row)) {
        let name = call
            .world
            .users
            .get(&row.user_id)
            .map_or("", |user| user.username.as_str());
        let at = plain(row.updated_at);
        let head = format!("{name} | {at} | #{}\n\n", row.number);
        text.extend([head.as_str(), &row.raw, "\n\n-------------------------\n\n"]);
    }
    Ok(Answer::text(text))
}

fn replies_of<'a>(world: &'a World, actor: Actor, row: &Post) -> Vec<&'a Post> {
    world
        .topics
        .get(&row.topic_id)
        .map_or_else(Vec::new, |topic| {
            world
                .posts_of(topic)
                .filter(|other| {
                    other.reply_to == Some(row.number)
                        && other.is_live()
                        && world.can_see_post(actor, other)
                })
                .collect()
        })
}

fn replies(call: &mut Call<'_>) -> Outcome {
    let row = visible(call.world, call.actor, call.id(0)?)?;
    let after = call.params.int("after").unwrap_or(1);
    let list: Vec<Value> = replies_of(call.world, call.actor, row)
        .into_iter()
        .filter(|reply| reply.number > after)
        .take(20)
        .map(|reply| post::post(call.world, reply, call.actor, Place::Plain))
        .collect();
    Ok(Answer::json(json!(list)))
}

fn reply_ids(call: &mut Call<'_>) -> Outcome {
    let row = visible(call.world, call.actor, call.id(0)?)?;
    let mut list = Vec::new();
    let mut open: Vec<(i64, i64)> = vec![(row.id, 0)];
    while let Some((id, level)) = open.pop() {
        let Some(parent) = call.world.posts.get(&id) else {
            continue;
        };
        for reply in replies_of(call.world, call.actor, parent) {
            // A reply points back in its topic, so this ends; a loop by import is cut by depth.
            if level < 100 && reply.number > parent.number {
                list.push((reply.id, level + 1));
                open.push((reply.id, level + 1));
            }
        }
    }
    list.sort_unstable();
    let list: Vec<Value> = list
        .into_iter()
        .map(|(id, level)| json!({ "id": id, "level": level }))
        .collect();
    Ok(Answer::json(json!(list)))
}

fn reply_history(call: &mut Call<'_>) -> Outcome {
    let mut row = visible(call.world, call.actor, call.id(0)?)?;
    let mut chain: Vec<Value> = Vec::new();
    while let Some(parent) = row
        .reply_to
        .and_then(|number| call.world.post_by_number(row.topic_id, number))
    {
        if parent.number >= row.number {
            break;
        }
        chain.push(post::post(call.world, parent, call.actor, Place::Plain));
        row = parent;
    }
    chain.reverse();
    Ok(Answer::json(json!(chain)))
}

fn latest_revision(call: &mut Call<'_>) -> Outcome {
    let row = visible(call.world, call.actor, call.id(0)?)?;
    let last = row.revisions.last().ok_or_else(Answer::not_found)?;
    Ok(Answer::json(revision::revision(
        call.world, row, last, call.actor,
    )))
}

fn one_revision(call: &mut Call<'_>) -> Outcome {
    let number = call.id(1)?;
    if number < 2 {
        return Err(Answer::bad_parameter("revision"));
    }
    let row = visible(call.world, call.actor, call.id(0)?)?;
    let found = row
        .revisions
        .iter()
        .find(|revision| revision.number == number);
    let found = found.ok_or_else(Answer::not_found)?;
    Ok(Answer::json(revision::revision(
        call.world, row, found, call.actor,
    )))
}

/// The newest posts of all public topics, by id (section 6.2).
fn latest(call: &mut Call<'_>) -> Outcome {
    newest(call, "latest_posts", false)
}

fn latest_private(call: &mut Call<'_>) -> Outcome {
    call.actor.require()?;
    newest(call, "private_posts", true)
}

fn newest(call: &mut Call<'_>, root: &str, private: bool) -> Outcome {
    let world = &*call.world;
    let highest = world.posts.last_key_value().map_or(0, |(id, _)| *id);
    let before = call
        .params
        .int("before")
        .unwrap_or(highest)
        .clamp(0, highest);
    let lowest = if world.switches.posts_window_by_id {
        before - 49
    } else {
        i64::MIN
    };
    let inclusive = before + i64::from(!before_is_exclusive(call));
    let rows: Vec<&Post> = world
        .posts
        .range(..inclusive)
        .rev()
        .map(|(_, post)| post)
        .take_while(|post| post.id >= lowest)
        .filter(|post| {
            post.kind == PostKind::Regular
                && post.is_live()
                && world.topics.get(&post.topic_id).is_some_and(|topic| {
                    topic.deleted_at.is_none()
                        && topic.is_private == private
                        && if private {
                            world.is_party(call.actor, topic)
                        } else {
                            topic.visible
                        }
                        && world.can_see_topic(call.actor, topic)
                })
        })
        .take(LATEST)
        .collect();
    let list: Vec<Value> = rows
        .into_iter()
        .map(|post| post::post(world, post, call.actor, Place::Latest))
        .collect();
    Ok(Answer::json(json!({ (root): list })))
}

/// 3.1 includes the post named by `before` (recordings 241 and 242).
fn before_is_exclusive(call: &Call<'_>) -> bool {
    call.params.int("before").is_some() && !call.world.switches.posts_window_by_id
}
