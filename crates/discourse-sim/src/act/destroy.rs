//! Deleting and recovering posts and topics (contract section 13).

use crate::act::insert;
use crate::act::revise::{self, Edit};
use crate::answer::Answer;
use crate::auth::Actor;
use crate::clock::{DAY, HOUR, MINUTE};
use crate::hook::emit;
use crate::state::{Job, World};

const STUB: &str = "(post deleted by author)";
const TOPIC_STUB: &str = "(topic deleted by author)";

/// Deletes a post as staff or as its author.
pub fn post(world: &mut World, actor: Actor, post_id: i64) -> Result<(), Answer> {
    let user_id = actor.require()?;
    let row = world.posts.get(&post_id).ok_or_else(Answer::not_found)?;
    if !world.can_see_post(actor, row) {
        return Err(Answer::not_found());
    }
    if !world.can_delete_post(actor, row) {
        return Err(Answer::forbidden());
    }
    if actor.staff {
        soft_delete(world, user_id, post_id);
        return Ok(());
    }
    count_deletion(world, user_id)?;
    if world.settings.int("delete_removed_posts_after") == 0 {
        soft_delete(world, user_id, post_id);
        return Ok(());
    }
    stub(world, actor, post_id, STUB)
}

fn count_deletion(world: &mut World, user_id: i64) -> Result<(), Answer> {
    let now = world.now();
    let text =
        "You\u{2019}re deleting posts a bit too quickly. Please wait {left} before trying again.";
    let limits = [
        (
            "min",
            world.settings.int("max_post_deletions_per_minute"),
            MINUTE,
        ),
        ("day", world.settings.int("max_post_deletions_per_day"), DAY),
    ];
    for (name, most, window) in limits {
        world
            .limits
            .pass(&format!("deletes-{name}:{user_id}"), most, window, now)
            .map_err(|wait_s| Answer::limited(text, wait_s, None))?;
    }
    Ok(())
}

/// An author's delete: an edit to a fixed text, and a real delete a day later.
fn stub(world: &mut World, actor: Actor, post_id: i64, text: &str) -> Result<(), Answer> {
    let edit = Edit {
        raw: Some(text.to_owned()),
        unchecked: true,
        force_version: true,
        ..Edit::default()
    };
    let before = world.posts.get(&post_id).map(|post| post.raw.clone());
    revise::revise(world, actor, post_id, &edit)?;
    let now = world.now();
    if let Some(post) = world.posts.get_mut(&post_id) {
        post.before_stub = before;
        post.user_deleted = true;
        post.user_deleted_at = Some(now);
    }
    emit::post(world, "post_destroyed", post_id);
    let hours = world.settings.int("delete_removed_posts_after");
    world.plan(now + hours * HOUR, Job::ReapStub(post_id));
    Ok(())
}

/// A soft delete: `updated_at` and the text stay, likes go.
pub fn soft_delete(world: &mut World, by: i64, post_id: i64) {
    let now = world.now();
    let Some(post) = world.posts.get_mut(&post_id) else {
        return;
    };
    let was_live = post.deleted_at.is_none();
    post.deleted_at = Some(now);
    post.deleted_by = Some(by);
    if was_live {
        post.shelved_likes = std::mem::take(&mut post.likes);
        after_change(world, post_id, -1);
    }
    emit::post(world, "post_destroyed", post_id);
}

/// Counters of topic, parent, author and category after a post went or came back.
fn after_change(world: &mut World, post_id: i64, by: i64) {
    let now = world.now();
    let Some(post) = world.posts.get(&post_id) else {
        return;
    };
    let (topic_id, parent, author) = (post.topic_id, post.reply_to, post.user_id);
    let parent = parent
        .and_then(|number| world.post_by_number(topic_id, number))
        .map(|p| p.id);
    if let Some(parent) = parent {
        insert::change_reply_count(world, parent, by);
    }
    if let Some(user) = world.users.get_mut(&author) {
        user.post_count = (user.post_count + by).max(0);
    }
    if let Some(topic) = world.topics.get_mut(&topic_id) {
        topic.updated_at = now;
    }
    insert::recount(world, topic_id);
    if let Some(category) = world
        .topics
        .get(&topic_id)
        .and_then(|topic| topic.category_id)
    {
        insert::recount_category(world, category);
    }
}

/// Brings a post back, as staff or as the author of a stub.
pub fn recover_post(world: &mut World, actor: Actor, post_id: i64) -> Result<(), Answer> {
    let row = world.posts.get(&post_id).ok_or_else(Answer::not_found)?;
    if !world.can_see_post(actor, row) {
        return Err(Answer::not_found());
    }
    if !World::can_recover_post(actor, row) {
        return Err(Answer::forbidden());
    }
    if row.user_deleted {
        unstub(world, actor, post_id)?;
    }
    undelete(world, post_id);
    emit::post(world, "post_recovered", post_id);
    Ok(())
}

fn unstub(world: &mut World, actor: Actor, post_id: i64) -> Result<(), Answer> {
    let Some(post) = world.posts.get_mut(&post_id) else {
        return Ok(());
    };
    post.user_deleted = false;
    post.user_deleted_at = None;
    let Some(raw) = post.before_stub.take() else {
        return Ok(());
    };
    let edit = Edit {
        raw: Some(raw),
        unchecked: true,
        force_version: true,
        ..Edit::default()
    };
    revise::revise(world, actor, post_id, &edit).map(|_| ())
}

fn undelete(world: &mut World, post_id: i64) {
    let Some(post) = world.posts.get_mut(&post_id) else {
        return;
    };
    if post.deleted_at.is_none() {
        return;
    }
    post.deleted_at = None;
    post.deleted_by = None;
    post.likes = std::mem::take(&mut post.shelved_likes);
    after_change(world, post_id, 1);
}

/// Deletes a topic: the topic and its first post get `deleted_at`, replies stay untouched.
pub fn topic(world: &mut World, actor: Actor, topic_id: i64) -> Result<(), Answer> {
    let user_id = actor.require()?;
    let row = world
        .topics
        .get(&topic_id)
        .filter(|topic| world.can_see_topic(actor, topic));
    let row = row.ok_or_else(Answer::not_found)?;
    if !World::can_delete_topic(actor, row) {
        let text =
            "There was an error deleting that topic. Please contact the site's administrator.";
        return Err(Answer::invalid_one(text));
    }
    let first = world.first_post(topic_id).map(|post| post.id);
    if !actor.staff {
        if let Some(first) = first {
            stub(world, actor, first, TOPIC_STUB)?;
        }
        if let Some(topic) = world.topics.get_mut(&topic_id) {
            topic.closed = true;
        }
        return Ok(());
    }
    delete_topic(world, user_id, topic_id);
    Ok(())
}

/// Deletes a topic without asking.
pub fn delete_topic(world: &mut World, by: i64, topic_id: i64) {
    let now = world.now();
    // Both payloads are snapshots of the moment before (recordings topic_destroyed, post_destroyed
    // of 3.1 show `deleted_at: null`); newer servers show the deletion.
    let newer = world.switches.newer_fields;
    let first = world.first_post(topic_id).map(|post| post.id);
    if !newer {
        announce_topic_end(world, topic_id, first);
    }
    if let Some(post) = first.and_then(|id| world.posts.get_mut(&id)) {
        post.deleted_at = Some(now);
        post.deleted_by = Some(by);
    }
    if let Some(topic) = world.topics.get_mut(&topic_id) {
        topic.deleted_at = Some(now);
        topic.deleted_by = Some(by);
        topic.updated_at = now;
    }
    insert::recount(world, topic_id);
    if let Some(category) = world
        .topics
        .get(&topic_id)
        .and_then(|topic| topic.category_id)
    {
        insert::recount_category(world, category);
    }
    if newer {
        announce_topic_end(world, topic_id, first);
    }
    forget_topic_key(world, topic_id);
}

fn announce_topic_end(world: &mut World, topic_id: i64, first: Option<i64>) {
    if let Some(first) = first {
        emit::post(world, "post_destroyed", first);
    }
    emit::topic(world, "topic_destroyed", topic_id);
}

/// The topic's own `embed_url` row goes with the topic; rows of replies stay (contract section 10).
/// The row is kept in the table but counts as free while the topic is deleted.
fn forget_topic_key(world: &mut World, topic_id: i64) {
    if let Some(topic) = world.topics.get_mut(&topic_id) {
        topic.timer = None;
    }
}

/// Brings a topic and its first post back.
pub fn recover_topic(world: &mut World, actor: Actor, topic_id: i64) -> Result<(), Answer> {
    let row = world
        .topics
        .get(&topic_id)
        .filter(|topic| world.can_see_topic(actor, topic));
    let row = row.ok_or_else(Answer::not_found)?;
    if !actor.staff || row.deleted_at.is_none() {
        return Err(Answer::forbidden());
    }
    if let Some(topic) = world.topics.get_mut(&topic_id) {
        topic.deleted_at = None;
        topic.deleted_by = None;
    }
    let first = world.first_post(topic_id).map(|post| post.id);
    if let Some(post) = first.and_then(|id| world.posts.get_mut(&id)) {
        post.deleted_at = None;
        post.deleted_by = None;
    }
    insert::recount(world, topic_id);
    if let Some(category) = world
        .topics
        .get(&topic_id)
        .and_then(|topic| topic.category_id)
    {
        insert::recount_category(world, category);
    }
    if let Some(first) = first {
        emit::post(world, "post_recovered", first);
    }
    let times = if world.switches.topic_recovered_twice {
        2
    } else {
        1
    };
    for _ in 0..times {
        emit::topic(world, "topic_recovered", topic_id);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{STUB, post, recover_post, recover_topic, topic};
    use crate::act::reap;
    use crate::option::Profile;
    use crate::seed::testing::forum;

    #[test]
    fn staff_deletes_softly_and_leaves_updated_at() {
        let mut forum = forum(Profile::Current);
        let id = forum.reply_by("bob", "A reply that staff will delete");
        let before = forum.world.posts[&id].clone();
        let count = forum.topic().posts_count;
        forum.pass(10);
        let admin = forum.actor("admin1");
        post(&mut forum.world, admin, id).unwrap();
        let after = &forum.world.posts[&id];
        assert!(after.deleted_at.is_some());
        assert_eq!(
            (after.updated_at, &after.raw),
            (before.updated_at, &before.raw)
        );
        assert_eq!(forum.topic().posts_count, count - 1);
        post(&mut forum.world, admin, id).unwrap();
        recover_post(&mut forum.world, admin, id).unwrap();
        assert_eq!(forum.topic().posts_count, count);
        assert_eq!(
            recover_post(&mut forum.world, admin, id)
                .unwrap_err()
                .status,
            403
        );
    }

    #[test]
    fn an_author_leaves_a_stub_that_is_reaped() {
        let mut forum = forum(Profile::Current);
        let id = forum.reply_by("bob", "A reply that bob will delete");
        let bob = forum.actor("bob");
        post(&mut forum.world, bob, id).unwrap();
        let stub = &forum.world.posts[&id];
        assert_eq!(
            (stub.raw.as_str(), stub.version, stub.user_deleted),
            (STUB, 2, true)
        );
        assert!(stub.deleted_at.is_none());
        recover_post(&mut forum.world, bob, id).unwrap();
        assert_eq!(forum.world.posts[&id].raw, "A reply that bob will delete");
        assert_eq!(forum.world.posts[&id].version, 3);
        post(&mut forum.world, bob, id).unwrap();
        forum.pass(24 * 3_600 - 1);
        reap::run(&mut forum.world);
        assert!(forum.world.posts[&id].deleted_at.is_none());
        forum.pass(2);
        reap::run(&mut forum.world);
        assert_eq!(forum.world.posts[&id].deleted_by, Some(-1));
    }

    #[test]
    fn a_recovered_stub_is_not_reaped_later() {
        let mut forum = forum(Profile::Current);
        let id = forum.reply_by("bob", "A reply that comes back in time");
        let bob = forum.actor("bob");
        post(&mut forum.world, bob, id).unwrap();
        recover_post(&mut forum.world, bob, id).unwrap();
        forum.pass(30 * 3_600);
        reap::run(&mut forum.world);
        assert!(forum.world.posts[&id].is_live());
    }

    #[test]
    fn topics_take_only_their_first_post_along() {
        let mut forum = forum(Profile::Current);
        let id = forum.reply_by("bob", "A reply in a topic to be deleted");
        let (admin, bob) = (forum.actor("admin1"), forum.actor("bob"));
        let topic_id = forum.topic;
        let first = forum.world.first_post(topic_id).unwrap().id;
        assert_eq!(
            post(&mut forum.world, admin, first).unwrap_err().status,
            403
        );
        assert_eq!(
            topic(&mut forum.world, bob, topic_id).unwrap_err().status,
            422
        );
        topic(&mut forum.world, admin, topic_id).unwrap();
        assert!(forum.world.posts[&first].deleted_at.is_some());
        assert!(forum.world.posts[&id].is_live());
        assert_eq!(
            topic(&mut forum.world, admin, topic_id).unwrap_err().status,
            422
        );
        recover_topic(&mut forum.world, admin, topic_id).unwrap();
        assert!(forum.world.posts[&first].is_live());
        assert_eq!(
            recover_topic(&mut forum.world, admin, topic_id)
                .unwrap_err()
                .status,
            403
        );
    }
}
