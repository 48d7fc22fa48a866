//! Lists of topics (contract section 7.5).

use super::topic::with_query;
use super::{Call, Route};
use crate::answer::{Answer, Outcome};
use crate::json::list::{self, Page};
use crate::state::World;
use crate::state::topic::Topic;

pub const ROUTES: &[Route] = &[
    Route {
        method: "GET",
        template: "/latest",
        run: latest,
    },
    Route {
        method: "GET",
        template: "/top",
        run: latest,
    },
    Route {
        method: "GET",
        template: "/new",
        run: latest,
    },
    Route {
        method: "GET",
        template: "/c/{slug}/{id:n}/none",
        run: category_only,
    },
    Route {
        method: "GET",
        template: "/c/{slug}/{id:n}/l/latest",
        run: category,
    },
    Route {
        method: "GET",
        template: "/c/{parent}/{slug}/{id:n}/l/latest",
        run: subcategory,
    },
    Route {
        method: "GET",
        template: "/c/{parent}/{slug}/{id:n}",
        run: subcategory,
    },
    Route {
        method: "GET",
        template: "/c/{slug}/{id:n}",
        run: category,
    },
    Route {
        method: "GET",
        template: "/c/{id}/l/latest",
        run: category_by_id,
    },
    Route {
        method: "GET",
        template: "/c/{id}",
        run: category_by_id,
    },
    Route {
        method: "GET",
        template: "/tag/{name}",
        run: tagged,
    },
    Route {
        method: "GET",
        template: "/tag/{name}/{id}",
        run: tagged,
    },
    Route {
        method: "GET",
        template: "/topics/private-messages/{username}",
        run: messages,
    },
    Route {
        method: "GET",
        template: "/topics/private-messages-sent/{username}",
        run: messages_sent,
    },
    Route {
        method: "GET",
        template: "/topics/created-by/{username}",
        run: created_by,
    },
];

/// The endpoints whose answers can be made stale by a fault.
pub fn is_list(template: &str) -> bool {
    template == "/posts"
        || template == "/categories"
        || ROUTES.iter().any(|route| route.template == template)
}

fn latest(call: &mut Call<'_>) -> Outcome {
    let actor = call.actor;
    let rows = select(call, |topic| {
        !topic.is_private && (topic.visible || actor.staff)
    });
    answer(call, &rows, None)
}

/// Ids of a category and what is below it.
fn below(world: &World, id: i64) -> Vec<i64> {
    let mut ids = vec![id];
    let mut at = 0;
    while let Some(parent) = ids.get(at).copied() {
        ids.extend(
            world
                .categories
                .values()
                .filter(|child| child.parent_id == Some(parent) && child.id != id)
                .map(|child| child.id),
        );
        at += 1;
    }
    ids
}

fn category(call: &mut Call<'_>) -> Outcome {
    let (slug, id) = (call.var(0).to_owned(), call.id(1)?);
    of_category(call, &slug, id, true)
}

fn subcategory(call: &mut Call<'_>) -> Outcome {
    let (slug, id) = (call.var(1).to_owned(), call.id(2)?);
    of_category(call, &slug, id, true)
}

fn category_only(call: &mut Call<'_>) -> Outcome {
    let (slug, id) = (call.var(0).to_owned(), call.id(1)?);
    of_category(call, &slug, id, false)
}

/// A bare id redirects to the address with the slug (recordings 048 and 049).
fn category_by_id(call: &mut Call<'_>) -> Outcome {
    let wanted = call.var(0).to_owned();
    let found = call
        .world
        .category_by_ref(&wanted)
        .ok_or_else(Answer::not_found)?;
    if !call.world.can_see_category(call.actor, found.id) {
        return Err(Answer::not_found());
    }
    let tail = call
        .path
        .strip_prefix(&format!("/c/{wanted}"))
        .unwrap_or("");
    let path = format!("/c/{}/{}{tail}", found.slug, found.id);
    Err(Answer::moved(call.url(&with_query(&path, call.query))))
}

fn of_category(call: &mut Call<'_>, slug: &str, id: i64, with_children: bool) -> Outcome {
    let row = call
        .world
        .categories
        .get(&id)
        .ok_or_else(Answer::not_found)?;
    if !call.world.can_see_category(call.actor, id) {
        return Err(Answer::not_found());
    }
    if row.slug != slug {
        let path = call.path.replacen(slug, &row.slug, 1);
        return Err(Answer::moved(call.url(&with_query(&path, call.query))));
    }
    let ids = if with_children {
        below(call.world, id)
    } else {
        vec![id]
    };
    let actor = call.actor;
    let hide_about = call.params.truthy("no_definitions") && !call.world.switches.about_topic_first;
    let rows = select(call, |topic| {
        topic
            .category_id
            .is_some_and(|category| ids.contains(&category))
            && (topic.visible || actor.staff)
            && !(topic.is_about && (hide_about || topic.category_id != Some(id)))
    });
    answer(call, &rows, Some(id))
}

fn tagged(call: &mut Call<'_>) -> Outcome {
    let name = call.var(0).to_lowercase();
    let tag = call
        .world
        .tags
        .values()
        .find(|tag| tag.name == name)
        .map(|tag| tag.id);
    let tag = tag.ok_or_else(Answer::not_found)?;
    let actor = call.actor;
    let rows = select(call, |topic| {
        topic.tags.contains(&tag) && !topic.is_private && (topic.visible || actor.staff)
    });
    answer(call, &rows, None)
}

fn owner(call: &Call<'_>) -> Result<i64, Answer> {
    let id = call
        .world
        .user_by_name(call.var(0))
        .map(|user| user.id)
        .ok_or_else(Answer::not_found)?;
    if call.actor.admin || call.actor.is(id) {
        Ok(id)
    } else {
        Err(Answer::forbidden())
    }
}

fn messages(call: &mut Call<'_>) -> Outcome {
    let id = owner(call)?;
    let rows = select(call, |topic| {
        topic.is_private && topic.allowed_users.contains(&id)
    });
    answer(call, &rows, None)
}

fn messages_sent(call: &mut Call<'_>) -> Outcome {
    let id = owner(call)?;
    let rows = select(call, |topic| topic.is_private && topic.user_id == id);
    answer(call, &rows, None)
}

fn created_by(call: &mut Call<'_>) -> Outcome {
    let id = call
        .world
        .user_by_name(call.var(0))
        .map(|user| user.id)
        .ok_or_else(Answer::not_found)?;
    let rows = select(call, |topic| {
        topic.user_id == id && !topic.is_private && topic.visible
    });
    answer(call, &rows, None)
}

fn select(call: &Call<'_>, keep: impl Fn(&Topic) -> bool) -> Vec<i64> {
    call.world
        .topics
        .values()
        .filter(|topic| {
            topic.deleted_at.is_none() && keep(topic) && call.world.can_see_topic(call.actor, topic)
        })
        .map(|topic| topic.id)
        .collect()
}

/// What a list is ordered by.
fn rank(world: &World, topic: &Topic, order: &str) -> i64 {
    let likes = || {
        world
            .posts_of(topic)
            .map(|post| post.likes.len())
            .sum::<usize>()
    };
    match order {
        "created" => topic.created_at,
        "views" => topic.views,
        "posts" => topic.posts_count,
        "likes" => i64::try_from(likes()).unwrap_or(0),
        "op_likes" => world
            .first_post(topic.id)
            .and_then(|post| i64::try_from(post.likes.len()).ok())
            .unwrap_or(0),
        "posters" => {
            i64::try_from(crate::json::topic::participants(world, topic).len()).unwrap_or(0)
        }
        "category" => topic.category_id.unwrap_or(0),
        _ => topic.bumped_at,
    }
}

fn answer(call: &mut Call<'_>, ids: &[i64], category_id: Option<i64>) -> Outcome {
    let world = &*call.world;
    let order = call
        .params
        .text("order")
        .unwrap_or_else(|| "default".to_owned());
    let ascending = call.params.truthy("ascending");
    let page = call.params.int("page").unwrap_or(0);
    if page < 0 || page > world.settings.int("max_topic_query_page_param") {
        return Err(Answer::bad_parameter("page"));
    }
    let asked = call
        .params
        .int("per_page")
        .filter(|_| !world.switches.per_page_ignored);
    if asked.is_some_and(|asked| !(1..=100).contains(&asked)) {
        return Err(Answer::bad_parameter("per_page"));
    }
    let per_page = asked
        .and_then(|asked| usize::try_from(asked).ok())
        .unwrap_or(30);
    let now = world.now();
    let mut rows: Vec<&Topic> = ids.iter().filter_map(|id| world.topics.get(id)).collect();
    rows.sort_by_cached_key(|topic| {
        let rank = rank(world, topic, &order);
        let pinned = order == "default"
            && topic.is_pinned(now)
            && (topic.pinned_globally || topic.category_id == category_id)
            && (!topic.is_about || category_id.is_some());
        // Old servers keep the About topic first whatever the order (recording 674).
        let about = world.switches.about_topic_first && topic.is_about && category_id.is_some();
        (
            !(pinned || about),
            if ascending { rank } else { -rank },
            -topic.id,
        )
    });
    let start = usize::try_from(page).unwrap_or(0).saturating_mul(per_page);
    let more = (rows.len() > start + per_page).then(|| more_url(call, page + 1));
    let can_create = match category_id {
        Some(id) => world.can_create_topic(call.actor, id),
        None => call.actor.id.is_some(),
    };
    let topics = rows.into_iter().skip(start).take(per_page).collect();
    let value = list::page(
        world,
        &Page {
            topics,
            size: per_page,
            more,
            can_create,
        },
        call.actor,
    );
    Ok(Answer::json(value))
}

fn more_url(call: &Call<'_>, page: i64) -> String {
    let mut query: Vec<String> = call
        .query
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.starts_with("page="))
        .map(ToOwned::to_owned)
        .collect();
    query.push(format!("page={page}"));
    format!("{}?{}", super::strip_json(call.path), query.join("&"))
}
