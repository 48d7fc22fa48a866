//! Which topics may be mirrored (contract canvas §15): only what everyone in the course can read now.
//!
//! Pure. Each rule gives the reason that the operator sees.

use model::Timestamp;

use crate::graphql::TopicFacts;
use crate::time;
use crate::wire::Topic;

/// Why the topic must not be mirrored; `now` is the server's time.
pub(crate) fn obstacle(topic: &Topic, now: Option<Timestamp>) -> Option<&'static str> {
    let is = |flag: Option<bool>| flag == Some(true);
    if topic.anonymous_state.is_some() {
        return Some(ANONYMOUS);
    }
    if topic.group_category_id.is_some()
        || topic.root_topic_id.is_some()
        || has_any(topic.group_topic_children.as_deref())
    {
        return Some("It is a group discussion: each group sees its own part only.");
    }
    if is(topic.is_section_specific) {
        return Some("It is for some sections of the course only.");
    }
    if has_any(topic.ungraded_discussion_overrides.as_deref())
        || topic
            .assignment
            .as_ref()
            .is_some_and(|assignment| is(assignment.only_visible_to_overrides))
    {
        return Some(ASSIGNED);
    }
    if topic.published == Some(false) {
        return Some("It is not published.");
    }
    if is_delayed(topic, now) {
        return Some("It is not available to students yet.");
    }
    if is(topic.locked_for_user) && !can_view(topic) {
        return Some(
            "Canvas shows the service account an explanation of a lock instead of the text.",
        );
    }
    if is(topic.require_initial_post) {
        return Some(FIRST_POST);
    }
    if topic
        .author
        .as_ref()
        .is_some_and(|author| is(author.fake_student))
    {
        return Some(TEST_STUDENT);
    }
    None
}

/// What only GraphQL tells.
pub(crate) fn hidden_obstacle(facts: &TopicFacts) -> Option<&'static str> {
    if facts.anonymous_state.is_some() {
        return Some(ANONYMOUS);
    }
    if facts.only_visible_to_overrides == Some(true) || facts.visible_to_everyone == Some(false) {
        return Some(ASSIGNED);
    }
    if facts.require_initial_post == Some(true) {
        return Some(FIRST_POST);
    }
    None
}

pub(crate) const ANONYMOUS: &str = "It is an anonymous topic: its authors must not be told.";
pub(crate) const ANONYMOUS_ENTRY: &str = "Its author wrote anonymously.";
pub(crate) const TEST_STUDENT: &str = "The Test Student wrote it.";
const ASSIGNED: &str = "It is assigned to some people of the course only.";
const FIRST_POST: &str = "Its replies are hidden from those who have not posted.";

fn has_any<T>(list: Option<&[T]>) -> bool {
    list.is_some_and(|list| !list.is_empty())
}

/// `published` is true before its time too (contract canvas §6.1). Without the server's time the reset of `posted_at`
/// tells: it happens when the delay ends.
fn is_delayed(topic: &Topic, now: Option<Timestamp>) -> bool {
    let Some(opens) = time::read(topic.delayed_post_at.as_deref()) else {
        return false;
    };
    let known = now.or_else(|| time::read(topic.posted_at.as_deref()));
    known.is_none_or(|known| opens > known)
}

fn can_view(topic: &Topic) -> bool {
    topic
        .lock_info
        .as_ref()
        .and_then(|info| info.get("can_view"))
        .is_some_and(|value| !value.is_null() && *value != false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(more: &str, is_withheld: bool) {
        let topic: Topic = serde_json::from_str(more).unwrap();
        let now = time::read(Some("2026-06-01T00:00:00Z"));
        assert_eq!(obstacle(&topic, now).is_some(), is_withheld, "{more}");
    }

    #[test]
    fn what_not_everyone_reads_is_withheld() {
        check(
            r#"{"published":true,"require_initial_post":null,"delayed_post_at":null,"ungraded_discussion_overrides":[],"topic_children":[],"locked":true}"#,
            false,
        );
        check(r#"{"anonymous_state":"partial_anonymity"}"#, true);
        check(r#"{"group_category_id":4}"#, true);
        check(r#"{"root_topic_id":4}"#, true);
        check(r#"{"is_section_specific":true}"#, true);
        check(r#"{"ungraded_discussion_overrides":[{"id":1}]}"#, true);
        check(r#"{"assignment":{"only_visible_to_overrides":true}}"#, true);
        check(r#"{"published":false}"#, true);
        check(r#"{"require_initial_post":true}"#, true);
        check(r#"{"author":{"fake_student":true}}"#, true);
    }

    #[test]
    fn before_its_time_a_topic_is_withheld() {
        check(r#"{"delayed_post_at":"2026-06-02T00:00:00Z"}"#, true);
        check(r#"{"delayed_post_at":"2026-05-31T00:00:00Z"}"#, false);
        let topic = |text| serde_json::from_str::<Topic>(text).unwrap();
        let waiting = topic(
            r#"{"delayed_post_at":"2026-06-02T00:00:00Z","posted_at":"2026-05-01T00:00:00Z"}"#,
        );
        assert!(obstacle(&waiting, None).is_some());
        let fired = topic(
            r#"{"delayed_post_at":"2026-06-02T00:00:00Z","posted_at":"2026-06-02T00:00:01Z"}"#,
        );
        assert!(obstacle(&fired, None).is_none());
    }

    #[test]
    fn an_explanation_is_not_a_body() {
        check(
            r#"{"locked_for_user":true,"lock_info":{"unlock_at":"x"},"message":"This topic is locked"}"#,
            true,
        );
        check(r#"{"locked_for_user":true}"#, true);
        check(
            r#"{"locked_for_user":true,"lock_info":{"can_view":true}}"#,
            false,
        );
    }
}
