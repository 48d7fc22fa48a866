//! Closing, archiving, pinning and listing of topics, with their small actions
//! (contract section 7.4).

use crate::act::insert::{self, PostRow};
use crate::answer::Answer;
use crate::auth::Actor;
use crate::clock::DAY;
use crate::hook::emit;
use crate::state::World;

/// A change of status that is asked for.
#[derive(Debug, Clone)]
pub struct StatusChange {
    /// `closed`, `archived`, `visible`, `pinned`, `pinned_globally` or `autoclosed`.
    pub status: String,
    /// On or off.
    pub enabled: bool,
    /// The end of a pin, Unix milliseconds.
    pub until: Option<i64>,
}

const KNOWN: [&str; 6] = [
    "closed",
    "archived",
    "visible",
    "pinned",
    "pinned_globally",
    "autoclosed",
];

/// Changes a status as staff.
pub fn set(
    world: &mut World,
    actor: Actor,
    topic_id: i64,
    change: &StatusChange,
) -> Result<(), Answer> {
    if !KNOWN.contains(&change.status.as_str()) {
        return Err(Answer::bad_parameter("status"));
    }
    let topic = world
        .topics
        .get(&topic_id)
        .filter(|topic| world.can_see_topic(actor, topic));
    if topic.is_none() {
        return Err(Answer::not_found());
    }
    let user_id = actor.require_staff()?;
    apply(world, user_id, topic_id, change);
    Ok(())
}

/// Changes a status without asking; the event is sent even when nothing changes (recording 544).
pub fn apply(world: &mut World, by: i64, topic_id: i64, change: &StatusChange) {
    if flip(world, topic_id, change) {
        let suffix = if change.enabled {
            "enabled"
        } else {
            "disabled"
        };
        let code = format!("{}.{suffix}", change.status);
        insert::post(world, &PostRow::small_action(topic_id, by, &code, ""));
        let reopened = matches!(change.status.as_str(), "closed" | "autoclosed") && !change.enabled;
        let now = world.now();
        if reopened && let Some(topic) = world.topics.get_mut(&topic_id) {
            topic.bumped_at = now;
        }
        recount(world, topic_id);
    }
    let event = format!("topic_{}_status_updated", change.status);
    emit::topic(world, &event, topic_id);
}

fn recount(world: &mut World, topic_id: i64) {
    if let Some(category) = world
        .topics
        .get(&topic_id)
        .and_then(|topic| topic.category_id)
    {
        insert::recount_category(world, category);
    }
}

/// Sets the field; says whether that changed anything.
fn flip(world: &mut World, topic_id: i64, change: &StatusChange) -> bool {
    let now = world.now();
    let Some(topic) = world.topics.get_mut(&topic_id) else {
        return false;
    };
    let field = match change.status.as_str() {
        "closed" | "autoclosed" => &mut topic.closed,
        "archived" => &mut topic.archived,
        "visible" => &mut topic.visible,
        _ => {
            let was = topic.pinned_at.is_some();
            let globally = change.status == "pinned_globally";
            let same_kind = topic.pinned_globally == globally;
            if was == change.enabled && (same_kind || !change.enabled) {
                return false;
            }
            topic.pinned_at = change.enabled.then_some(now);
            topic.pinned_until = change.until.filter(|_| change.enabled);
            topic.pinned_globally = globally;
            topic.updated_at = now;
            return true;
        }
    };
    if *field == change.enabled {
        return false;
    }
    *field = change.enabled;
    topic.updated_at = now;
    true
}

/// Plans the deletion of a topic whose posts were all moved away (contract section 15).
pub fn plan_stub_deletion(world: &mut World, user_id: i64, topic_id: i64) {
    let days = world.settings.int("delete_merged_stub_topics_after_days");
    if days <= 0 {
        return;
    }
    let due = world.now() + days * DAY;
    set_timer(world, user_id, topic_id, "delete", due);
}

/// Gives a topic a timer.
pub fn set_timer(world: &mut World, user_id: i64, topic_id: i64, kind: &str, due: i64) {
    let id = world.ids.next("timer");
    if let Some(topic) = world.topics.get_mut(&topic_id) {
        topic.timer = Some(crate::state::topic::Timer {
            id,
            status_type: kind.to_owned(),
            execute_at: due,
            user_id,
        });
        world.plan(due, crate::state::Job::TopicTimer(topic_id));
    }
}

#[cfg(test)]
mod tests {
    use super::{StatusChange, set};
    use crate::option::Profile;
    use crate::seed::testing::forum;

    fn change(status: &str, enabled: bool) -> StatusChange {
        StatusChange {
            status: status.to_owned(),
            enabled,
            until: None,
        }
    }

    #[test]
    fn each_real_change_leaves_a_small_action() {
        let mut forum = forum(Profile::Current);
        let admin = forum.actor("admin1");
        let id = forum.topic;
        let bumped = forum.topic().bumped_at;
        forum.pass(5);
        for (status, enabled, count) in [
            ("closed", true, 2),
            ("closed", true, 2),
            ("pinned", true, 3),
            ("pinned", false, 4),
            ("pinned_globally", true, 5),
            ("archived", true, 6),
            ("visible", false, 7),
        ] {
            set(&mut forum.world, admin, id, &change(status, enabled)).unwrap();
            assert_eq!(forum.topic().posts_count, count, "{status} {enabled}");
            assert_eq!(forum.topic().bumped_at, bumped);
        }
        set(&mut forum.world, admin, id, &change("closed", false)).unwrap();
        assert!(forum.topic().bumped_at > bumped, "reopening bumps");
    }

    #[test]
    fn only_staff_and_known_names() {
        let mut forum = forum(Profile::Current);
        let (admin, bob) = (forum.actor("admin1"), forum.actor("bob"));
        let id = forum.topic;
        let status = |answer: Result<(), crate::answer::Answer>| answer.unwrap_err().status;
        assert_eq!(
            status(set(&mut forum.world, bob, id, &change("closed", true))),
            403
        );
        assert_eq!(
            status(set(&mut forum.world, admin, id, &change("nonsense", true))),
            400
        );
        assert_eq!(
            status(set(&mut forum.world, admin, 999, &change("closed", true))),
            404
        );
    }
}
