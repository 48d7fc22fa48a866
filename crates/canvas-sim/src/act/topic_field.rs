//! Reading the parameters of topic create and update, with their validations
//! (contract canvas §7.2, §7.3). Changes nothing.

use crate::answer::{Fail, invalid, refused};
use crate::clock;
use crate::policy::Standing;
use crate::request::{Given, Params};
use crate::state::thread::Home;
use crate::world::World;
use serde_json::{Value, json};

const TITLE_MAX: usize = 255;
const MESSAGE_MAX: usize = 500 * 1024 - 1;

/// The title if given: null or missing becomes "No Title", text stays.
pub(crate) fn title(params: &Params) -> Result<Option<String>, Fail> {
    if !params.has("title") {
        return Ok(None);
    }
    let title = params
        .text("title")
        .unwrap_or_else(|| "No Title".to_owned());
    if title.chars().count() > TITLE_MAX {
        return Err(invalid("title", "title", "too_long"));
    }
    Ok(Some(title))
}

/// The message, with its length checked.
pub(crate) fn message(params: &Params) -> Result<Given<String>, Fail> {
    let message = params.given("message");
    match &message {
        Given::Value(text) if text.len() > MESSAGE_MAX && text.chars().count() > MESSAGE_MAX => {
            Err(invalid("message", "message", "too_long"))
        }
        _ => Ok(message),
    }
}

/// The discussion type if given; an unknown one is 400.
pub(crate) fn discussion_type(world: &World, params: &Params) -> Result<Option<String>, Fail> {
    let Some(kind) = params.text("discussion_type").filter(|t| !t.is_empty()) else {
        return Ok(None);
    };
    let is_known = matches!(kind.as_str(), "threaded" | "side_comment" | "flat")
        || (kind == "not_threaded" && world.switches.not_threaded_known);
    if is_known {
        Ok(Some(kind))
    } else {
        Err(invalid("discussion_type", "discussion_type", "inclusion"))
    }
}

/// A date; unreadable or empty is null.
pub(crate) fn date(world: &World, params: &Params, name: &str) -> Given<i64> {
    let hours = world.switches.utc_offset_hours;
    match params.given(name) {
        Given::Absent => Given::Absent,
        Given::Null => Given::Null,
        Given::Value(text) => {
            let at = clock::parse(&text, hours);
            let is_lock = name == "lock_at";
            Given::from(at.map(|ms| {
                if is_lock {
                    clock::fancy_midnight(ms, hours)
                } else {
                    ms
                }
            }))
        }
    }
}

/// The sections; null = all. An unknown one is 404.
pub(crate) fn sections(
    world: &World,
    params: &Params,
    course_id: u64,
) -> Result<Given<Vec<u64>>, Fail> {
    if !params.has("specific_sections") {
        return Ok(Given::Absent);
    }
    let words: Vec<String> = params
        .list("specific_sections")
        .iter()
        .flat_map(|w| w.split(','))
        .map(|w| w.trim().to_owned())
        .filter(|w| !w.is_empty())
        .collect();
    if words.is_empty() || words.iter().any(|w| w == "all") {
        return Ok(Given::Null);
    }
    let mut ids = Vec::new();
    for word in words {
        let id: u64 = word.parse().map_err(|_| Fail::NotFound)?;
        let is_here = world
            .data
            .sections
            .get(&id)
            .is_some_and(|s| s.course_id == course_id && !s.is_deleted);
        if !is_here {
            return Err(Fail::NotFound);
        }
        ids.push(id);
    }
    Ok(Given::Value(ids))
}

/// Whether an assignment is wanted (`set_assignment` switches it off).
pub(crate) fn assignment(params: &Params) -> Option<&serde_json::Map<String, Value>> {
    let Some(Value::Object(map)) = params.get("assignment") else {
        return None;
    };
    let is_off = map
        .get("set_assignment")
        .is_some_and(|v| !crate::request::truth(v));
    (!is_off).then_some(map)
}

/// Section-specific together with a grade or a group set is 422 and nothing is created.
pub(crate) fn check_sections(params: &Params, specific: bool, home: Home) -> Result<(), Fail> {
    let message = if !specific {
        return Ok(());
    } else if !matches!(home, Home::Course(_)) {
        "Only course announcements and discussions can be section-specific"
    } else if assignment(params).is_some() {
        "Discussion assignments cannot be section-specific"
    } else if params
        .get("group_category_id")
        .is_some_and(|v| !v.is_null())
    {
        "Discussion topics with groups cannot be section-specific"
    } else {
        return Ok(());
    };
    Err(Fail::Json(
        422,
        json!({"errors": [{"field": "is_section_specific", "message": message, "error_code": null}]}),
    ))
}

/// The anonymity wanted: nulled silently if off or unknown, 400 where it cannot be.
pub(crate) fn anonymity(
    world: &World,
    params: &Params,
    home: (Home, u64),
    standing: &Standing,
) -> Result<Option<String>, Fail> {
    let (home, course_id) = home;
    let Some(state) = params
        .text("anonymous_state")
        .filter(|s| matches!(s.as_str(), "full_anonymity" | "partial_anonymity"))
        .filter(|_| world.switches.anonymous_topics)
    else {
        return Ok(None);
    };
    if assignment(params).is_some() {
        return Err(refused(
            "anonymous_state",
            "Anonymous discussions cannot be graded",
        ));
    }
    let has_groups = params
        .get("group_category_id")
        .is_some_and(|v| !v.is_null());
    if has_groups || !matches!(home, Home::Course(_)) {
        return Err(refused(
            "anonymous_state",
            "Group discussions cannot be anonymous",
        ));
    }
    let is_allowed = world
        .data
        .courses
        .get(&course_id)
        .is_some_and(|c| c.allow_student_anonymous_discussion_topics);
    if !standing.is_staff() && !is_allowed {
        let words = "You are not able to create an anonymous discussion";
        return Err(refused("anonymous_state", words));
    }
    Ok(Some(state))
}

/// The options that are plain flags, with the column they set.
pub(crate) const FLAGS: &[&str] = &[
    "allow_rating",
    "only_graders_can_rate",
    "sort_by_rating",
    "podcast_enabled",
    "podcast_has_student_posts",
    "require_initial_post",
    "sort_order_locked",
    "expanded",
    "expanded_locked",
];

/// Those flags that a group topic knows.
pub(crate) const GROUP_FLAGS: &[&str] = &[
    "allow_rating",
    "only_graders_can_rate",
    "sort_by_rating",
    "podcast_enabled",
];
