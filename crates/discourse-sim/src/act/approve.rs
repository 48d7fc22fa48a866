//! Decisions on queued posts (contract section 1.18, recordings 776 to 787).

use crate::act::insert::{self, PostRow, TopicRow};
use crate::answer::Answer;
use crate::auth::Actor;
use crate::hook::emit;
use crate::state::review::ReviewStatus;
use crate::state::{Embed, World};
use crate::text::title;

/// What a decision led to.
#[derive(Debug, Clone, Copy)]
pub struct Decision {
    /// The post made, if any.
    pub post_id: Option<i64>,
}

/// Approves or rejects a queued post. `version` is the one the decider saw.
pub fn decide(
    world: &mut World,
    actor: Actor,
    id: i64,
    action: &str,
    version: i64,
) -> Result<Decision, Answer> {
    if !actor.staff {
        return Err(Answer::not_found());
    }
    let row = world.queue.get(&id).ok_or_else(Answer::not_found)?;
    if row.version != version {
        let text = "There was an edit conflict and we weren't able to do that.".to_owned();
        return Err(Answer::errors(409, &[text], None));
    }
    let status = match action {
        "approve_post" | "approve_post_closed" => ReviewStatus::Approved,
        "reject_post" => ReviewStatus::Rejected,
        "delete" => ReviewStatus::Deleted,
        _ => return Err(Answer::forbidden()),
    };
    if row.status != ReviewStatus::Pending {
        return Err(Answer::forbidden());
    }
    let post_id = if status == ReviewStatus::Approved {
        Some(publish(world, id))
    } else {
        None
    };
    if let Some(row) = world.queue.get_mut(&id) {
        row.status = status;
        row.version += 1;
    }
    emit::reviewable(world, "reviewable_transitioned_to", id);
    Ok(Decision { post_id })
}

/// Makes the post: fresh id and time, and none of the keys unless the switch says so.
fn publish(world: &mut World, id: i64) -> i64 {
    let Some(row) = world.queue.get(&id).cloned() else {
        return 0;
    };
    let keep = world.switches.approval_keeps_keys;
    let mut first = PostRow::new(row.topic_id.unwrap_or(0), row.user_id, &row.raw);
    first.reply_to = row.reply_to;
    first.created_at = row.created_at_asked.filter(|_| keep);
    let post_id = if row.topic_id.is_some() {
        insert::post(world, &first)
    } else {
        let sent = row.title.as_deref().unwrap_or("");
        let topic = TopicRow {
            title: title::clean(sent, world.settings.flag("title_prettify")),
            category_id: row.category_id,
            tags: row.tags.clone(),
            external_id: row.external_id.clone().filter(|_| keep),
            visible: true,
            allowed_users: Vec::new(),
            allowed_groups: Vec::new(),
            first,
        };
        insert::topic(world, topic)
    };
    if let Some(url) = row.embed_url.filter(|_| keep) {
        let topic_id = world.posts.get(&post_id).map_or(0, |post| post.topic_id);
        world.embeds.insert(url, Embed { topic_id, post_id });
    }
    post_id
}

#[cfg(test)]
mod tests {
    use super::decide;
    use crate::act::create::{Created, NewPost, create};
    use crate::option::Profile;
    use crate::seed::testing::forum;
    use crate::state::review::ReviewStatus;

    #[test]
    fn approval_drops_the_keys_and_happens_once() {
        let mut forum = forum(Profile::V3_1);
        let category = forum.topic().category_id.unwrap();
        forum
            .world
            .categories
            .get_mut(&category)
            .unwrap()
            .require_reply_approval = true;
        let (admin, bob) = (forum.actor("admin1"), forum.actor("bob"));
        let new = NewPost {
            raw: "A reply that waits for approval".to_owned(),
            topic_id: Some(forum.topic),
            embed_url: Some("https://sync.example.org/q/1".to_owned()),
            created_at: Some(5),
            ..NewPost::default()
        };
        let short = NewPost {
            raw: "Ok".to_owned(),
            skip_validations: true,
            ..new.clone()
        };
        let refused = create(&mut forum.world, bob, short).unwrap_err();
        assert_eq!(
            refused.value().unwrap()["errors"][0][0],
            "is too short (minimum is 20 characters)"
        );
        let Ok(Created::Queued(id)) = create(&mut forum.world, bob, new) else {
            panic!("not queued")
        };
        assert_eq!(
            decide(&mut forum.world, bob, id, "approve_post", 0)
                .unwrap_err()
                .status,
            404
        );
        assert_eq!(
            decide(&mut forum.world, admin, id, "approve_post", 7)
                .unwrap_err()
                .status,
            409
        );
        let decision = decide(&mut forum.world, admin, id, "approve_post", 0).unwrap();
        assert_eq!(forum.world.queue[&id].status, ReviewStatus::Approved);
        let post = &forum.world.posts[&decision.post_id.unwrap()];
        assert!(post.created_at > 5);
        assert!(forum.world.embeds.is_empty());
        assert_eq!(
            decide(&mut forum.world, admin, id, "approve_post", 1)
                .unwrap_err()
                .status,
            403
        );
    }
}
