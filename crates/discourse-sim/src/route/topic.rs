//! Reading topics (contract sections 7.1, 7.2 and 10).

use serde_json::{Value, json};

use super::{Call, Route};
use crate::answer::{Answer, Outcome};
use crate::clock::HOUR;
use crate::json::post::{self, Place};
use crate::json::topic::{self, CHUNK, PRINT_CHUNK, View};
use crate::json::user;
use crate::state::post::Post;
use crate::state::topic::Topic;

pub const ROUTES: &[Route] = &[
    Route {
        method: "GET",
        template: "/t/external_id/{external_id}",
        run: by_external_id,
    },
    Route {
        method: "GET",
        template: "/embed/info",
        run: embed_info,
    },
    Route {
        method: "GET",
        template: "/t/{id:n}/posts",
        run: posts,
    },
    Route {
        method: "GET",
        template: "/t/{id:n}/post_ids",
        run: post_ids,
    },
    Route {
        method: "GET",
        template: "/t/{id:n}/wordpress",
        run: wordpress,
    },
    Route {
        method: "GET",
        template: "/t/{id:n}/{number:n}",
        run: show_number,
    },
    Route {
        method: "GET",
        template: "/t/{id}",
        run: show_id,
    },
    Route {
        method: "GET",
        template: "/t/{slug}/{id}",
        run: show_slug,
    },
    Route {
        method: "GET",
        template: "/t/{slug}/{id}/{number}",
        run: show_slug_number,
    },
];

fn show_id(call: &mut Call<'_>) -> Outcome {
    let wanted = call.var(0).to_owned();
    if let Ok(id) = wanted.parse() {
        return show(call, id, None, None);
    }
    // A slug in the place of an id redirects to the topic of that slug.
    let found = call.world.topics.values().find(|topic| {
        topic.slug == wanted
            && topic.deleted_at.is_none()
            && call.world.can_see_topic(call.actor, topic)
    });
    let topic = found.ok_or_else(Answer::topic_not_found)?;
    Err(Answer::moved(call.url(&format!("{}.json", topic.path()))))
}

fn show_number(call: &mut Call<'_>) -> Outcome {
    let (id, number) = (call.id(0)?, call.id(1)?);
    show(call, id, Some(number), None)
}

fn show_slug(call: &mut Call<'_>) -> Outcome {
    let id = call.id(1).map_err(|_| Answer::topic_not_found())?;
    let slug = call.var(0).to_owned();
    show(call, id, None, Some(&slug))
}

fn show_slug_number(call: &mut Call<'_>) -> Outcome {
    let (id, number) = (call.id(1)?, call.id(2)?);
    let slug = call.var(0).to_owned();
    show(call, id, Some(number), Some(&slug))
}

fn show(call: &mut Call<'_>, id: i64, number: Option<i64>, slug: Option<&str>) -> Outcome {
    let found = call
        .world
        .topics
        .get(&id)
        .filter(|t| call.world.can_see_topic(call.actor, t));
    let row = found.ok_or_else(Answer::topic_not_found)?;
    if slug.is_some_and(|slug| slug != row.slug && slug != "-" && slug != "topic") {
        return Err(Answer::moved(
            call.url(&with_query(&format!("{}.json", row.path()), call.query)),
        ));
    }
    let print = call.params.truthy("print");
    if print {
        count_print(call)?;
    }
    let row = call
        .world
        .topics
        .get(&id)
        .ok_or_else(Answer::topic_not_found)?;
    let stream = filtered(call, row);
    let chunk = if print { PRINT_CHUNK } else { CHUNK };
    let start = match number {
        Some(number) => around(call, &stream, number, chunk),
        None => page_start(call, row, stream.len(), chunk)?,
    };
    let end = (start + chunk).min(stream.len());
    let view = View {
        range: start..end,
        chunk,
        post_number: number.unwrap_or_else(|| first_number(call, &stream, start)),
        raw: call.params.present("include_raw"),
        is_last: end == stream.len(),
    };
    let value = topic::show(call.world, row, call.actor, &stream, &view);
    count_reads(call, id);
    Ok(Answer::json(value))
}

fn filtered(call: &Call<'_>, row: &Topic) -> Vec<i64> {
    let mut stream = topic::stream(
        call.world,
        row,
        call.actor,
        call.params.truthy("show_deleted"),
    );
    let names = call.params.comma_list("username_filters");
    if !names.is_empty() {
        let ids: Vec<i64> = names
            .iter()
            .filter_map(|name| call.world.user_by_name(name))
            .map(|user| user.id)
            .collect();
        stream.retain(|id| {
            call.world
                .posts
                .get(id)
                .is_some_and(|post| post.is_first() || ids.contains(&post.user_id))
        });
    }
    if let Some(number) = call.params.int("replies_to_post_number") {
        stream.retain(|id| {
            call.world.posts.get(id).is_some_and(|post| {
                post.is_first() || post.number == number || post.reply_to == Some(number)
            })
        });
    }
    stream
}

fn count_print(call: &mut Call<'_>) -> Result<(), Answer> {
    if call.actor.admin {
        return Ok(());
    }
    let most = call.world.settings.int("max_prints_per_hour_per_user");
    let key = format!("print:{}", call.actor.id.unwrap_or(0));
    let now = call.world.now();
    call.world
        .limits
        .pass(&key, most, HOUR, now)
        .map_err(|_| Answer::invalid_one("You have reached the limit of prints per hour."))
}

/// The first index of a page; past the end 404 (old) or 301 to the last page (new).
fn page_start(call: &Call<'_>, row: &Topic, length: usize, chunk: usize) -> Result<usize, Answer> {
    let page = call.params.int("page").unwrap_or(1);
    if page < 0 {
        return Err(Answer::topic_not_found());
    }
    let page = usize::try_from(page.max(1)).unwrap_or(1);
    let start = (page - 1).saturating_mul(chunk);
    if start < length.max(1) {
        return Ok(start);
    }
    if call.world.switches.past_end_404 {
        return Err(Answer::topic_not_found());
    }
    let last = length.div_ceil(chunk).max(1);
    let mut query: Vec<String> = call
        .query
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.starts_with("page="))
        .map(ToOwned::to_owned)
        .collect();
    query.push(format!("page={last}"));
    Err(Answer::moved(call.url(&format!(
        "{}.json?{}",
        row.path(),
        query.join("&")
    ))))
}

/// The posts around a number: one fifth before it (recording 236).
fn around(call: &Call<'_>, stream: &[i64], number: i64, chunk: usize) -> usize {
    let at = stream.partition_point(|id| {
        call.world
            .posts
            .get(id)
            .is_some_and(|post| post.number < number)
    });
    let before = chunk / 4;
    at.saturating_sub(before)
        .min(stream.len().saturating_sub(chunk))
}

fn first_number(call: &Call<'_>, stream: &[i64], start: usize) -> i64 {
    stream
        .get(start)
        .and_then(|id| call.world.posts.get(id))
        .map_or(1, |post| post.number)
}

fn count_reads(call: &mut Call<'_>, id: i64) {
    let track = call.params.truthy("track_visit");
    let ids = match call.world.topics.get_mut(&id) {
        Some(topic) => {
            topic.views += i64::from(track);
            topic.posts.clone()
        }
        None => return,
    };
    if call.actor.id.is_some() {
        for id in ids {
            if let Some(post) = call.world.posts.get_mut(&id) {
                post.reads = post.reads.max(1);
            }
        }
    }
}

/// A path with the query kept.
pub fn with_query(path: &str, query: &str) -> String {
    if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query}")
    }
}

fn by_external_id(call: &mut Call<'_>) -> Outcome {
    let key = call.var(0).to_lowercase();
    let id = call.world.external_topics.get(&key);
    let row = id
        .and_then(|id| call.world.topics.get(id))
        .filter(|row| row.deleted_at.is_none());
    let row = row.ok_or_else(Answer::not_found)?;
    if !call.world.can_see_topic(call.actor, row) {
        return Err(Answer::not_found());
    }
    let path = with_query(&format!("{}.json", row.path()), call.query);
    Err(Answer::moved(call.url(&path)))
}

/// `GET /embed/info`: which post an `embed_url` is (section 10).
fn embed_info(call: &mut Call<'_>) -> Outcome {
    if !call.actor.is_api {
        return Err(Answer::forbidden());
    }
    let url = call.need("embed_url")?;
    let embed = call
        .world
        .embeds
        .get(&url)
        .copied()
        .ok_or_else(Answer::not_found)?;
    let row = call
        .world
        .topics
        .get(&embed.topic_id)
        .ok_or_else(Answer::not_found)?;
    if row.deleted_at.is_some() {
        let of_topic = call
            .world
            .posts
            .get(&embed.post_id)
            .is_none_or(Post::is_first);
        // The row of a reply survives its topic's deletion and breaks the look-up (recording 424).
        return Err(if of_topic {
            Answer::not_found()
        } else {
            Answer::framework(500)
        });
    }
    Ok(Answer::json(json!({
        "topic_id": embed.topic_id, "post_id": embed.post_id, "topic_slug": row.slug,
        "comment_count": row.posts_count - 1,
    })))
}

/// The topic of a reading call that answers 403 to those who may not see it.
fn readable(call: &Call<'_>) -> Result<i64, Answer> {
    let id = call.id(0)?;
    let row = call.world.topics.get(&id).ok_or_else(Answer::not_found)?;
    if row.deleted_at.is_some() && !call.actor.staff {
        return Err(Answer::not_found());
    }
    if call.world.can_see_topic(call.actor, row) {
        Ok(id)
    } else {
        Err(Answer::forbidden())
    }
}

fn posts(call: &mut Call<'_>) -> Outcome {
    let id = readable(call)?;
    let row = call.world.topics.get(&id).ok_or_else(Answer::not_found)?;
    let stream = topic::stream(call.world, row, call.actor, false);
    let raw = call.params.present("include_raw");
    let rows: Vec<&Post> = if let Some(ids) = call.params.ints("post_ids") {
        call.world
            .posts_of(row)
            .filter(|post| ids.contains(&post.id) && call.world.can_see_post(call.actor, post))
            .collect()
    } else {
        let number = call.params.int("post_number").unwrap_or(0);
        let ascending = call.params.text("asc").as_deref() != Some("false");
        let visible = stream.iter().filter_map(|id| call.world.posts.get(id));
        if ascending {
            visible
                .filter(|post| post.number > number)
                .take(CHUNK)
                .collect()
        } else {
            let mut rows: Vec<&Post> = visible.filter(|post| post.number < number).collect();
            rows.split_off(rows.len().saturating_sub(CHUNK))
        }
    };
    let list: Vec<Value> = rows
        .into_iter()
        .map(|post| post::post(call.world, post, call.actor, Place::Stream(raw)))
        .collect();
    Ok(Answer::json(
        json!({ "post_stream": { "posts": list }, "id": id }),
    ))
}

fn post_ids(call: &mut Call<'_>) -> Outcome {
    let id = readable(call)?;
    let row = call.world.topics.get(&id).ok_or_else(Answer::not_found)?;
    let number = call.params.int("post_number").unwrap_or(0);
    let ids: Vec<i64> = topic::stream(call.world, row, call.actor, false)
        .into_iter()
        .filter(|id| {
            call.world
                .posts
                .get(id)
                .is_some_and(|post| post.number > number)
        })
        .take(PRINT_CHUNK)
        .collect();
    Ok(Answer::json(json!({ "post_ids": ids })))
}

fn wordpress(call: &mut Call<'_>) -> Outcome {
    let id = readable(call)?;
    let row = call.world.topics.get(&id).ok_or_else(Answer::not_found)?;
    let best = usize::try_from(call.params.int("best").unwrap_or(5)).unwrap_or(5);
    let absolute = |value: &mut Value| {
        let path = value
            .get("avatar_template")
            .and_then(Value::as_str)
            .unwrap_or("");
        let full = format!("{}{path}", call.world.base_url);
        if let Some(fields) = value.as_object_mut() {
            fields.insert("avatar_template".to_owned(), json!(full));
        }
    };
    let list: Vec<Value> = topic::stream(call.world, row, call.actor, false)
        .into_iter()
        .filter_map(|id| call.world.posts.get(&id))
        .filter(|post| !post.is_first())
        .take(best)
        .filter_map(|post| {
            let author = call.world.users.get(&post.user_id)?;
            let mut value = user::basic_row(author);
            absolute(&mut value);
            let fields = value.as_object_mut()?;
            fields.insert("id".to_owned(), json!(post.id));
            fields.insert(
                "created_at".to_owned(),
                json!(crate::clock::iso(post.created_at)),
            );
            fields.insert("cooked".to_owned(), json!(post.cooked));
            fields.insert("post_number".to_owned(), json!(post.number));
            Some(value)
        })
        .collect();
    let people: Vec<Value> = topic::participants(call.world, row)
        .into_iter()
        .map(|(id, _)| {
            let mut value = user::basic(call.world, id);
            absolute(&mut value);
            value
        })
        .collect();
    Ok(Answer::json(json!({
        "id": id, "category_id": row.category_id, "posts_count": row.posts_count,
        "filtered_posts_count": row.posts_count, "posts": list, "participants": people,
    })))
}
