//! Likes (contract section 8.5).

use crate::answer::Answer;
use crate::auth::Actor;
use crate::clock::{DAY, MINUTE};
use crate::hook::emit;
use crate::state::World;
use crate::state::post::Like;

/// 403 without a type, as this endpoint answers it.
fn refused() -> Answer {
    let text = "You are not permitted to view the requested resource.".to_owned();
    Answer::errors(403, &[text], None)
}

/// Gives a like.
pub fn give(world: &mut World, actor: Actor, post_id: i64) -> Result<(), Answer> {
    let user_id = actor.require()?;
    let post = world.posts.get(&post_id).ok_or_else(Answer::not_found)?;
    let given = post.likes.iter().any(|like| like.user_id == user_id);
    if given || !world.can_like(actor, post) {
        return Err(refused());
    }
    let now = world.now();
    if !actor.staff {
        let most = world.settings.int("max_likes_per_day");
        world.limits.pass(&format!("likes:{user_id}"), most, DAY, now).map_err(|wait_s| {
            let text = "You\u{2019}ve shared a lot of love! Please wait {left} before liking more posts.";
            Answer::limited(text, wait_s, None)
        })?;
    }
    if let Some(post) = world.posts.get_mut(&post_id) {
        post.likes.push(Like { user_id, at: now });
    }
    emit::like(world, post_id, user_id);
    Ok(())
}

/// Takes a like back, within ten minutes, without any event.
pub fn withdraw(world: &mut World, actor: Actor, post_id: i64) -> Result<(), Answer> {
    let user_id = actor.require()?;
    let now = world.now();
    let window = world.settings.int("post_undo_action_window_mins") * MINUTE;
    let post = world
        .posts
        .get_mut(&post_id)
        .ok_or_else(Answer::not_found)?;
    let at = post
        .likes
        .iter()
        .find(|like| like.user_id == user_id)
        .map(|like| like.at);
    let Some(at) = at else {
        let text = "The requested URL or resource could not be found.".to_owned();
        return Err(Answer::errors(404, &[text], None));
    };
    if now.saturating_sub(at) > window {
        return Err(refused());
    }
    post.likes.retain(|like| like.user_id != user_id);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{give, withdraw};
    use crate::option::Profile;
    use crate::seed::testing::forum;

    #[test]
    fn likes_come_once_and_go_for_ten_minutes() {
        let mut forum = forum(Profile::Current);
        let id = forum.reply_by("bob", "A reply to be liked by alice");
        let (alice, bob) = (forum.actor("alice"), forum.actor("bob"));
        let updated = forum.world.posts[&id].updated_at;
        give(&mut forum.world, alice, id).unwrap();
        assert_eq!(give(&mut forum.world, alice, id).unwrap_err().status, 403);
        assert_eq!(give(&mut forum.world, bob, id).unwrap_err().status, 403);
        withdraw(&mut forum.world, alice, id).unwrap();
        assert_eq!(
            withdraw(&mut forum.world, alice, id).unwrap_err().status,
            404
        );
        give(&mut forum.world, alice, id).unwrap();
        forum.pass(601);
        assert_eq!(
            withdraw(&mut forum.world, alice, id).unwrap_err().status,
            403
        );
        assert_eq!(forum.world.posts[&id].updated_at, updated);
        assert_eq!(
            give(&mut forum.world, alice, 99_999).unwrap_err().status,
            404
        );
    }
}
