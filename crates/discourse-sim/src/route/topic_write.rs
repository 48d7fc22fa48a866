//! Changing topics (contract sections 7.3 and 7.4).
#![expect(clippy::unnecessary_wraps, reason = "endpoints have one signature")]

use serde_json::json;

use super::post_write::tags;
use super::{Call, Route};
use crate::act::movement::{self, Move};
use crate::act::status::{self, StatusChange};
use crate::act::topic_edit::{self, TopicEdit, tag_names};
use crate::act::{destroy, owner};
use crate::answer::{Answer, Outcome};
use crate::clock::{self, HOUR, SECOND};
use crate::json::{tag, topic as topic_json};

pub const ROUTES: &[Route] = &[
    Route {
        method: "PUT",
        template: "/t/-/{id}",
        run: update_dash,
    },
    Route {
        method: "DELETE",
        template: "/t/{id:n}",
        run: delete,
    },
    Route {
        method: "PUT",
        template: "/t/{id:n}/recover",
        run: recover,
    },
    Route {
        method: "PUT",
        template: "/t/{id:n}/status",
        run: set_status,
    },
    Route {
        method: "PUT",
        template: "/t/{id:n}/tags",
        run: set_tags,
    },
    Route {
        method: "POST",
        template: "/t/{id:n}/timer",
        run: timer,
    },
    Route {
        method: "PUT",
        template: "/t/{id:n}/change-timestamp",
        run: change_timestamp,
    },
    Route {
        method: "POST",
        template: "/t/{id:n}/change-owner",
        run: change_owner,
    },
    Route {
        method: "PUT",
        template: "/t/{id:n}/reset-bump-date",
        run: reset_bump,
    },
    Route {
        method: "POST",
        template: "/t/{id:n}/move-posts",
        run: move_posts,
    },
    Route {
        method: "POST",
        template: "/t/{id:n}/merge-topic",
        run: merge,
    },
    Route {
        method: "PUT",
        template: "/t/{id:n}/convert-topic/{kind}",
        run: convert,
    },
    Route {
        method: "PUT",
        template: "/t/{id:n}/clear-pin",
        run: done,
    },
    Route {
        method: "PUT",
        template: "/t/{id:n}/re-pin",
        run: done,
    },
    Route {
        method: "POST",
        template: "/t/{id:n}/notifications",
        run: notifications,
    },
    Route {
        method: "POST",
        template: "/topics/timings",
        run: done,
    },
    Route {
        method: "PUT",
        template: "/t/{id:n}",
        run: update_dash,
    },
    Route {
        method: "PUT",
        template: "/t/{slug}/{id}",
        run: update_slug,
    },
];

fn update_dash(call: &mut Call<'_>) -> Outcome {
    let id = call.id(0)?;
    update(call, id)
}

fn update_slug(call: &mut Call<'_>) -> Outcome {
    let id = call.id(1)?;
    update(call, id)
}

fn update(call: &mut Call<'_>, id: i64) -> Outcome {
    call.actor.id.ok_or_else(Answer::bad_csrf)?;
    let row = call.world.topics.get(&id).ok_or_else(Answer::not_found)?;
    if !call.world.can_see_topic(call.actor, row) {
        return Err(Answer::not_found());
    }
    if !call.world.can_edit_topic(call.actor, row) {
        return Err(Answer::forbidden());
    }
    check_guards(call, id)?;
    let params = call.params;
    let category_id = params.text("category_id").filter(|text| !text.is_empty());
    let edit = TopicEdit {
        title: params.text("title"),
        category_id: category_id.map(|text| text.parse().unwrap_or(-1)),
        tags: params.get("tags").map(|value| tags(Some(value))),
        featured_link: params.text("featured_link"),
        ..TopicEdit::default()
    };
    topic_edit::apply(call.world, call.actor, id, &edit)?;
    let row = call.world.topics.get(&id).ok_or_else(Answer::not_found)?;
    let mut answer = json!({ "basic_topic": topic_json::basic(row) });
    if edit.tags.is_some()
        && call.world.switches.tags_as_objects
        && let Some(fields) = answer.as_object_mut()
    {
        fields.insert("tags".to_owned(), tag::of_topic(call.world, row));
    }
    Ok(Answer::json(answer))
}

/// `original_title` and `original_tags`, where the server knows them (section 9).
fn check_guards(call: &Call<'_>, id: i64) -> Result<(), Answer> {
    if !call.world.switches.topic_guards {
        return Ok(());
    }
    let stored = call
        .world
        .topics
        .get(&id)
        .map(|topic| topic.title.clone())
        .unwrap_or_default();
    let title = call
        .params
        .text("original_title")
        .filter(|title| !title.is_empty());
    if call.params.get("title").is_some() && title.is_some_and(|title| title != stored) {
        return Err(Answer::conflict());
    }
    if let (Some(given), Some(_)) = (call.params.get("original_tags"), call.params.get("tags")) {
        let mut given = tags(Some(given));
        let mut names = tag_names(call.world, id);
        given.sort();
        names.sort();
        if given != names {
            return Err(Answer::conflict());
        }
    }
    Ok(())
}

fn delete(call: &mut Call<'_>) -> Outcome {
    call.actor.id.ok_or_else(Answer::bad_csrf)?;
    let id = call.id(0)?;
    destroy::topic(call.world, call.actor, id)?;
    Ok(Answer::empty())
}

fn recover(call: &mut Call<'_>) -> Outcome {
    let id = call.id(0)?;
    destroy::recover_topic(call.world, call.actor, id)?;
    Ok(Answer::empty())
}

fn set_status(call: &mut Call<'_>) -> Outcome {
    let id = call.id(0)?;
    let change = StatusChange {
        status: call.need("status")?,
        enabled: call.need("enabled")? == "true",
        until: call
            .params
            .text("until")
            .and_then(|text| clock::parse(&text)),
    };
    status::set(call.world, call.actor, id, &change)?;
    Ok(Answer::json(
        json!({ "success": "OK", "topic_status_update": null }),
    ))
}

fn set_tags(call: &mut Call<'_>) -> Outcome {
    let id = call.id(0)?;
    let row = call.world.topics.get(&id).ok_or_else(Answer::not_found)?;
    if !call.world.can_edit_topic(call.actor, row) {
        return Err(Answer::forbidden());
    }
    let edit = TopicEdit {
        tags: Some(tags(call.params.get("tags"))),
        ..TopicEdit::default()
    };
    topic_edit::apply(call.world, call.actor, id, &edit)?;
    Ok(Answer::ok())
}

fn timer(call: &mut Call<'_>) -> Outcome {
    let user_id = call.actor.require_staff()?;
    let id = call.id(0)?;
    call.world.topics.get(&id).ok_or_else(Answer::not_found)?;
    let kind = call.need("status_type")?;
    if !["close", "open", "delete"].contains(&kind.as_str()) {
        return Err(Answer::bad_parameter("status_type"));
    }
    let now = call.world.now();
    let Some(text) = call.params.text("time").filter(|text| !text.is_empty()) else {
        if let Some(topic) = call.world.topics.get_mut(&id) {
            topic.timer = None;
        }
        return Ok(Answer::ok());
    };
    // Hours from now, or a time.
    let due = match text.parse::<i64>() {
        Ok(hours) => now.saturating_add(hours.saturating_mul(HOUR)),
        Err(_) => clock::parse(&text).ok_or_else(|| Answer::bad_parameter("time"))?,
    };
    status::set_timer(call.world, user_id, id, &kind, due);
    let row = call.world.topics.get(&id).ok_or_else(Answer::not_found)?;
    Ok(Answer::json(json!({
        "success": "OK", "execute_at": clock::iso(due), "duration": null,
        "based_on_last_post": false, "closed": row.closed, "category_id": null,
    })))
}

fn change_timestamp(call: &mut Call<'_>) -> Outcome {
    let id = call.id(0)?;
    let text = call.need("timestamp")?;
    let seconds: i64 = text
        .parse()
        .map_err(|_| Answer::bad_parameter("timestamp"))?;
    owner::change_timestamp(call.world, call.actor, id, seconds.saturating_mul(SECOND))?;
    Ok(Answer::ok())
}

fn change_owner(call: &mut Call<'_>) -> Outcome {
    let id = call.id(0)?;
    let name = call.need("username")?;
    let ids = call
        .params
        .ints("post_ids")
        .ok_or_else(|| Answer::missing_parameter("post_ids"))?;
    owner::change_owner(call.world, call.actor, id, &name, &ids)?;
    Ok(Answer::ok())
}

fn reset_bump(call: &mut Call<'_>) -> Outcome {
    let id = call.id(0)?;
    owner::reset_bump(call.world, call.actor, id)?;
    Ok(Answer::empty())
}

fn read_move(call: &Call<'_>) -> Move {
    Move {
        post_ids: call.params.ints("post_ids").unwrap_or_default(),
        title: call.params.text("title").filter(|title| !title.is_empty()),
        destination: call.params.int("destination_topic_id"),
        category_id: call.params.int("category_id"),
        chronological: call.params.truthy("chronological_order"),
        freeze_original: call.params.truthy("freeze_original"),
    }
}

fn moved(call: &Call<'_>, id: i64) -> Outcome {
    let path = call
        .world
        .topics
        .get(&id)
        .map(super::super::state::topic::Topic::path);
    Ok(Answer::json(json!({ "success": true, "url": path })))
}

fn move_posts(call: &mut Call<'_>) -> Outcome {
    let id = call.id(0)?;
    let wanted = read_move(call);
    let to = movement::move_posts(call.world, call.actor, id, &wanted)?;
    moved(call, to)
}

fn merge(call: &mut Call<'_>) -> Outcome {
    let id = call.id(0)?;
    let wanted = Move {
        title: None,
        ..read_move(call)
    };
    if wanted.destination.is_none() {
        return Err(Answer::missing_parameter("destination_topic_id"));
    }
    let to = movement::merge(call.world, call.actor, id, &wanted)?;
    moved(call, to)
}

fn convert(call: &mut Call<'_>) -> Outcome {
    let id = call.id(0)?;
    let private = match call.var(1) {
        "private" => true,
        "public" => false,
        _ => return Err(Answer::bad_parameter("type")),
    };
    movement::convert(call.world, call.actor, id, private)?;
    moved(call, id)
}

/// Personal marks that nothing here depends on.
fn done(call: &mut Call<'_>) -> Outcome {
    call.actor.require()?;
    Ok(Answer::empty())
}

fn notifications(call: &mut Call<'_>) -> Outcome {
    call.actor.require()?;
    let id = call.id(0)?;
    let row = call.world.topics.get(&id).ok_or_else(Answer::not_found)?;
    if call.world.can_see_topic(call.actor, row) {
        Ok(Answer::ok())
    } else {
        Err(Answer::forbidden())
    }
}
