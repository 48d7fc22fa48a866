//! Names and numbers of web hook events (contract section 14.1).

/// Event type ids of the one-per-event numbering (2024) with their names.
pub const EVENTS: &[(i64, &str)] = &[
    (101, "topic_created"),
    (102, "topic_revised"),
    (103, "topic_edited"),
    (104, "topic_destroyed"),
    (105, "topic_recovered"),
    (201, "post_created"),
    (202, "post_edited"),
    (203, "post_destroyed"),
    (204, "post_recovered"),
    (301, "user_logged_in"),
    (302, "user_logged_out"),
    (303, "user_confirmed_email"),
    (304, "user_created"),
    (305, "user_approved"),
    (306, "user_updated"),
    (307, "user_destroyed"),
    (308, "user_suspended"),
    (309, "user_unsuspended"),
    (401, "group_created"),
    (402, "group_updated"),
    (403, "group_destroyed"),
    (501, "category_created"),
    (502, "category_updated"),
    (503, "category_destroyed"),
    (601, "tag_created"),
    (602, "tag_updated"),
    (603, "tag_destroyed"),
    (901, "reviewable_created"),
    (902, "reviewable_updated"),
    (1001, "notification_created"),
    (1401, "user_added_to_group"),
    (1402, "user_removed_from_group"),
    (1501, "post_liked"),
];

/// Event type ids of the one-per-noun numbering (before 2024) with their names.
pub const NOUNS: &[(i64, &str)] = &[
    (1, "topic"),
    (2, "post"),
    (3, "user"),
    (4, "group"),
    (5, "category"),
    (6, "tag"),
    (9, "reviewable"),
    (10, "notification"),
    (13, "user_badge"),
    (14, "group_user"),
    (15, "like"),
    (16, "user_promoted"),
];

/// The event type in the header and the body's root, from the event's name.
pub fn noun(event: &str) -> &'static str {
    match event {
        "post_liked" => "like",
        "user_added_to_group" | "user_removed_from_group" => "group_user",
        _ => [
            "reviewable",
            "notification",
            "category",
            "group",
            "topic",
            "post",
            "user",
            "tag",
        ]
        .into_iter()
        .find(|noun| event.starts_with(noun))
        .unwrap_or("ping"),
    }
}

/// The subscription that an event falls under, in the numbering asked for.
pub fn subscription(event: &str, per_event: bool) -> Option<i64> {
    if !per_event {
        let noun = noun(event);
        return NOUNS
            .iter()
            .find(|(_, name)| *name == noun)
            .map(|(id, _)| *id);
    }
    let name = match event {
        // Status changes belong to the edits of a topic.
        _ if event.ends_with("_status_updated") => "topic_edited",
        _ if event.starts_with("reviewable_") && event != "reviewable_created" => {
            "reviewable_updated"
        }
        other => other,
    };
    EVENTS
        .iter()
        .find(|(_, known)| *known == name)
        .map(|(id, _)| *id)
}

#[cfg(test)]
mod tests {
    use super::{EVENTS, noun, subscription};

    #[test]
    fn each_event_has_a_noun_and_a_number() {
        assert_eq!(noun("topic_closed_status_updated"), "topic");
        assert_eq!(noun("user_added_to_group"), "group_user");
        assert_eq!(noun("post_liked"), "like");
        assert_eq!(
            subscription("topic_pinned_globally_status_updated", true),
            Some(103)
        );
        assert_eq!(
            subscription("topic_pinned_globally_status_updated", false),
            Some(1)
        );
        assert_eq!(subscription("reviewable_transitioned_to", true), Some(902));
        for (id, name) in EVENTS {
            assert_eq!(subscription(name, true), Some(*id));
            assert!(subscription(name, false).is_some(), "{name}");
        }
    }
}
