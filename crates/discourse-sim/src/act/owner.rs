//! Change of owner, times, hiding, wiki and locks: staff work on posts (contract sections 6.4, 7.4).

use crate::act::revise::{self, Also, Edit};
use crate::answer::Answer;
use crate::auth::Actor;
use crate::hook::emit;
use crate::state::World;
use crate::state::post::PostKind;

/// Gives posts of a topic to another user; one version and one event each.
pub fn change_owner(
    world: &mut World,
    actor: Actor,
    topic_id: i64,
    username: &str,
    post_ids: &[i64],
) -> Result<(), Answer> {
    actor.require_staff()?;
    let new = world.user_by_name(username).map(|user| user.id);
    let new = new.ok_or_else(|| Answer::bad_parameter("username"))?;
    let known = |id: &i64| {
        world
            .posts
            .get(id)
            .is_some_and(|post| post.topic_id == topic_id)
    };
    if post_ids.is_empty() || !post_ids.iter().all(known) {
        return Err(Answer::bad_parameter("post_ids"));
    }
    for id in post_ids {
        let old = world.posts.get(id).map_or(new, |post| post.user_id);
        if old == new {
            continue;
        }
        if let Some(post) = world.posts.get_mut(id) {
            post.user_id = new;
        }
        let first = world
            .posts
            .get(id)
            .is_some_and(super::super::state::post::Post::is_first);
        if let Some(topic) = world.topics.get_mut(&topic_id).filter(|_| first) {
            topic.user_id = new;
        }
        let edit = Edit {
            edit_reason: Some("Ownership transferred".to_owned()),
            unchecked: true,
            force_version: true,
            bypass_bump: true,
            with: Also {
                owner: Some((old, new)),
                ..Also::default()
            },
            ..Edit::default()
        };
        revise::revise(world, actor, *id, &edit)?;
    }
    Ok(())
}

/// Moves a topic to another time: all posts shift by the same span, `updated_at` too.
pub fn change_timestamp(
    world: &mut World,
    actor: Actor,
    topic_id: i64,
    to_ms: i64,
) -> Result<(), Answer> {
    actor.require_staff()?;
    let topic = world.topics.get(&topic_id).ok_or_else(Answer::not_found)?;
    if to_ms > world.now() {
        return Err(Answer::bad_parameter("timestamp"));
    }
    let by = to_ms.saturating_sub(topic.created_at);
    let ids = topic.posts.clone();
    for id in ids {
        if let Some(post) = world.posts.get_mut(&id) {
            post.created_at = post.created_at.saturating_add(by);
            post.updated_at = post.updated_at.saturating_add(by);
            post.last_version_at = post.last_version_at.saturating_add(by);
        }
    }
    if let Some(topic) = world.topics.get_mut(&topic_id) {
        topic.created_at = to_ms;
        topic.last_posted_at = topic.last_posted_at.map(|at| at.saturating_add(by));
    }
    reset_bump(world, actor, topic_id)
}

/// Sets `bumped_at` to the last regular post's time.
pub fn reset_bump(world: &mut World, actor: Actor, topic_id: i64) -> Result<(), Answer> {
    actor.require_staff()?;
    let topic = world.topics.get(&topic_id).ok_or_else(Answer::not_found)?;
    let at = world
        .posts_of(topic)
        .filter(|post| post.is_live() && post.kind == PostKind::Regular)
        .last()
        .map(|post| post.created_at);
    if let (Some(at), Some(topic)) = (at, world.topics.get_mut(&topic_id)) {
        topic.bumped_at = at;
    }
    Ok(())
}

/// Hides a post as flags do, or shows it again; no event (contract section 11).
pub fn set_hidden(world: &mut World, post_id: i64, hidden: bool) {
    let now = world.now();
    if let Some(post) = world.posts.get_mut(&post_id) {
        post.hidden = hidden;
        post.hidden_reason_id = hidden.then_some(3);
        if hidden {
            post.updated_at = now;
        }
    }
}

/// Makes a post a wiki or not; announced as an edit.
pub fn set_wiki(world: &mut World, actor: Actor, post_id: i64, wiki: bool) -> Result<(), Answer> {
    actor.require_staff()?;
    let now = world.now();
    let post = world
        .posts
        .get_mut(&post_id)
        .ok_or_else(Answer::not_found)?;
    if post.wiki != wiki {
        post.wiki = wiki;
        post.updated_at = now;
        post.version += 1;
        post.public_version += 1;
        post.last_version_at = now;
        emit::post(world, "post_edited", post_id);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{change_owner, change_timestamp, set_wiki};
    use crate::option::Profile;
    use crate::seed::testing::forum;

    #[test]
    fn owners_change_with_a_version() {
        let mut forum = forum(Profile::Current);
        let id = forum.reply_by("bob", "A reply that gets a new owner");
        let (admin, bob) = (forum.actor("admin1"), forum.actor("bob"));
        let topic = forum.topic;
        assert_eq!(
            change_owner(&mut forum.world, bob, topic, "alice", &[id])
                .unwrap_err()
                .status,
            403
        );
        assert_eq!(
            change_owner(&mut forum.world, admin, topic, "no", &[id])
                .unwrap_err()
                .status,
            400
        );
        change_owner(&mut forum.world, admin, topic, "alice", &[id]).unwrap();
        let post = &forum.world.posts[&id];
        assert_eq!(post.version, 2);
        assert_eq!(post.edit_reason.as_deref(), Some("Ownership transferred"));
        assert_eq!(post.user_id, forum.actor("alice").id.unwrap());
    }

    #[test]
    fn times_shift_together() {
        let mut forum = forum(Profile::Current);
        forum.pass(60);
        let id = forum.reply_by("bob", "A reply a minute after the topic");
        let admin = forum.actor("admin1");
        let topic = forum.topic;
        let gap = forum.world.posts[&id].created_at - forum.topic().created_at;
        change_timestamp(&mut forum.world, admin, topic, 1_000_000).unwrap();
        assert_eq!(forum.topic().created_at, 1_000_000);
        assert_eq!(forum.topic().bumped_at, 1_000_000 + gap);
        assert_eq!(forum.world.posts[&id].updated_at, 1_000_000 + gap);
    }

    #[test]
    fn wikis_are_staff_work() {
        let mut forum = forum(Profile::Current);
        let id = forum.reply_by("bob", "A reply that becomes a wiki");
        let (admin, bob) = (forum.actor("admin1"), forum.actor("bob"));
        assert_eq!(
            set_wiki(&mut forum.world, bob, id, true)
                .unwrap_err()
                .status,
            403
        );
        set_wiki(&mut forum.world, admin, id, true).unwrap();
        assert!(forum.world.posts[&id].wiki);
    }
}
