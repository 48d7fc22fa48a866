//! What the forum does by itself when its time has come.

use crate::act::destroy;
use crate::act::revise::{self, Edit};
use crate::act::status::{self, StatusChange};
use crate::auth::Actor;
use crate::state::{Job, SYSTEM, World};

/// Runs every job that is due. Called before each request and when the clock is moved.
pub fn run(world: &mut World) {
    let now = world.now();
    while let Some(entry) = world.jobs.first_entry() {
        if entry.key().0 > now {
            break;
        }
        match entry.remove() {
            Job::ReapStub(post_id) => reap_stub(world, post_id),
            Job::TopicTimer(topic_id) => run_timer(world, topic_id),
            Job::RemoveFullQuote(post_id) => remove_full_quote(world, post_id),
        }
    }
}

fn reap_stub(world: &mut World, post_id: i64) {
    let now = world.now();
    let hours = world.settings.int("delete_removed_posts_after");
    let due = world.posts.get(&post_id).is_some_and(|post| {
        post.user_deleted
            && post.deleted_at.is_none()
            && post
                .user_deleted_at
                .is_some_and(|at| now - at >= hours * crate::clock::HOUR)
    });
    if !due {
        return;
    }
    let first_of = world
        .posts
        .get(&post_id)
        .filter(|post| post.is_first())
        .map(|post| post.topic_id);
    match first_of {
        Some(topic_id) => destroy::delete_topic(world, SYSTEM, topic_id),
        None => destroy::soft_delete(world, SYSTEM, post_id),
    }
}

fn run_timer(world: &mut World, topic_id: i64) {
    let now = world.now();
    let Some(topic) = world.topics.get_mut(&topic_id) else {
        return;
    };
    let Some(timer) = topic.timer.take_if(|timer| timer.execute_at <= now) else {
        return;
    };
    let live = topic.deleted_at.is_none();
    match timer.status_type.as_str() {
        "delete" if live => destroy::delete_topic(world, SYSTEM, topic_id),
        "close" | "open" => {
            let change = StatusChange {
                status: "autoclosed".to_owned(),
                enabled: timer.status_type == "close",
                until: None,
            };
            status::apply(world, SYSTEM, topic_id, &change);
        }
        _ => {}
    }
}

/// A reply whose only quote is the whole post just before it loses the quote by an edit of the
/// system (contract section 17, recordings 702 and 703).
fn remove_full_quote(world: &mut World, post_id: i64) {
    let Some(post) = world.posts.get(&post_id).filter(|post| post.is_live()) else {
        return;
    };
    if post.quote_count() != 1 {
        return;
    }
    let Some((head, rest)) = post.raw.split_once("[/quote]") else {
        return;
    };
    let Some((_, quoted)) = head.split_once("]\n") else {
        return;
    };
    let answer = rest.trim().to_owned();
    let previous = world.post_by_number(post.topic_id, post.number - 1);
    let whole = previous.is_some_and(|previous| previous.raw.trim() == quoted.trim());
    if !whole || answer.is_empty() {
        return;
    }
    let Some(system) = world.users.get(&SYSTEM).map(|user| Actor::of(user, false)) else {
        return;
    };
    let edit = Edit {
        raw: Some(answer),
        edit_reason: Some("Automatically removed quote of whole previous post.".to_owned()),
        unchecked: true,
        bypass_bump: true,
        ..Edit::default()
    };
    // Nothing can refuse an unchecked edit by the system.
    revise::revise(world, system, post_id, &edit).unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use super::run;
    use crate::act::create::{Created, NewPost, create};
    use crate::option::Profile;
    use crate::seed::testing::forum;

    #[test]
    fn a_quote_of_the_whole_previous_post_is_removed() {
        let mut forum = forum(Profile::V3_1);
        forum.reply_by("alice", "A short post that will be quoted in full");
        let raw = "[quote=\"alice, post:2, topic:1, full:true\"]\nA short post that will be quoted \
                   in full\n[/quote]\n\nMy answer to the full quote";
        let bob = forum.actor("bob");
        let new = NewPost {
            raw: raw.to_owned(),
            topic_id: Some(forum.topic),
            unlimited: true,
            ..NewPost::default()
        };
        let Ok(Created::Post(id)) = create(&mut forum.world, bob, new) else {
            panic!("no post")
        };
        run(&mut forum.world);
        assert_eq!(forum.world.posts[&id].version, 1);
        forum.pass(1);
        run(&mut forum.world);
        let post = &forum.world.posts[&id];
        assert_eq!(
            (post.raw.as_str(), post.version),
            ("My answer to the full quote", 2)
        );
    }
}
