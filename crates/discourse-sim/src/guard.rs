//! Who may see and do what.
//!
//! Answers questions about the state; changes nothing.

use crate::auth::Actor;
use crate::clock::MINUTE;
use crate::state::category::{Category, Permission};
use crate::state::post::{Post, PostKind};
use crate::state::topic::Topic;
use crate::state::{UNCATEGORIZED, World};

impl World {
    /// The strongest right of an actor in a category; `None` when it may not be seen.
    pub fn permission(&self, actor: Actor, category: &Category) -> Option<Permission> {
        if actor.admin || category.permissions.is_empty() {
            return Some(Permission::Full);
        }
        let user = actor.id.and_then(|id| self.users.get(&id));
        category
            .permissions
            .iter()
            .filter(|(group_id, _)| {
                *group_id == crate::state::category::EVERYONE
                    || user.is_some_and(|user| {
                        self.groups
                            .get(group_id)
                            .is_some_and(|group| group.has(user))
                    })
            })
            .map(|(_, permission)| *permission)
            .min()
    }

    /// Whether an actor may see a category.
    pub fn can_see_category(&self, actor: Actor, id: i64) -> bool {
        self.categories
            .get(&id)
            .is_some_and(|category| self.permission(actor, category).is_some())
            || id == UNCATEGORIZED
    }

    fn category_permission(&self, actor: Actor, topic: &Topic) -> Option<Permission> {
        match topic.category_id {
            Some(id) => match self.categories.get(&id) {
                Some(category) => self.permission(actor, category),
                None => Some(Permission::Full),
            },
            None => None,
        }
    }

    /// Whether an actor may read a topic.
    pub fn can_see_topic(&self, actor: Actor, topic: &Topic) -> bool {
        if topic.deleted_at.is_some() && !actor.staff {
            return false;
        }
        if topic.is_private {
            return actor.admin || self.is_party(actor, topic);
        }
        self.category_permission(actor, topic).is_some()
    }

    /// Whether an actor takes part in a private message.
    pub fn is_party(&self, actor: Actor, topic: &Topic) -> bool {
        let Some(user) = actor.id.and_then(|id| self.users.get(&id)) else {
            return false;
        };
        topic.allowed_users.contains(&user.id)
            || topic
                .allowed_groups
                .iter()
                .any(|id| self.groups.get(id).is_some_and(|group| group.has(user)))
    }

    /// Whether an actor may read a post.
    pub fn can_see_post(&self, actor: Actor, post: &Post) -> bool {
        if post.deleted_at.is_some() && !actor.staff {
            return false;
        }
        if post.kind == PostKind::Whisper && !actor.staff {
            return false;
        }
        self.topics
            .get(&post.topic_id)
            .is_some_and(|topic| self.can_see_topic(actor, topic))
    }

    /// Whether an actor may read the text of a hidden post.
    pub fn can_see_hidden_text(actor: Actor, post: &Post) -> bool {
        !post.hidden || actor.staff || actor.is(post.user_id)
    }

    /// Whether an actor may start a topic in a category.
    pub fn can_create_topic(&self, actor: Actor, category_id: i64) -> bool {
        actor.id.is_some()
            && self
                .categories
                .get(&category_id)
                .is_some_and(|category| self.permission(actor, category) == Some(Permission::Full))
    }

    /// Whether an actor may add a post to a topic.
    pub fn can_reply(&self, actor: Actor, topic: &Topic) -> bool {
        if actor.id.is_none() || !self.can_see_topic(actor, topic) || topic.deleted_at.is_some() {
            return false;
        }
        if (topic.closed || topic.archived) && !actor.staff {
            return false;
        }
        topic.is_private
            || self
                .category_permission(actor, topic)
                .is_some_and(|permission| permission <= Permission::Reply)
    }

    /// Whether an actor may edit a post, the time limit apart. The author's right does not ask
    /// whether the category can still be seen (contract section 1.25).
    pub fn can_edit_post(&self, actor: Actor, post: &Post) -> bool {
        if actor.staff {
            return true;
        }
        let Some(topic) = self.topics.get(&post.topic_id) else {
            return false;
        };
        if topic.archived || topic.deleted_at.is_some() || post.deleted_at.is_some() {
            return false;
        }
        if post.wiki && actor.trust_level >= 1 && self.can_reply(actor, topic) {
            return true;
        }
        actor.is(post.user_id)
            && post.locked_by.is_none()
            && !post.user_deleted
            && post.kind == PostKind::Regular
    }

    /// Whether an author is past the time in which own posts may be edited (contract section 12).
    pub fn is_past_edit_time(&self, actor: Actor, post: &Post) -> bool {
        if actor.staff || post.wiki {
            return false;
        }
        let name = if actor.trust_level >= 2 {
            "tl2_post_edit_time_limit"
        } else {
            "post_edit_time_limit"
        };
        let minutes = self.settings.int(name);
        minutes > 0 && self.now().saturating_sub(post.created_at) > minutes * MINUTE
    }

    /// Whether an actor may delete a post; first posts go with their topic.
    pub fn can_delete_post(&self, actor: Actor, post: &Post) -> bool {
        if post.is_first() {
            return false;
        }
        if actor.staff {
            return true;
        }
        let archived = self
            .topics
            .get(&post.topic_id)
            .is_none_or(|topic| topic.archived);
        actor.is(post.user_id)
            && !post.user_deleted
            && post.deleted_at.is_none()
            && post.locked_by.is_none()
            && !archived
    }

    /// Whether an actor may bring a post back.
    pub fn can_recover_post(actor: Actor, post: &Post) -> bool {
        if actor.staff {
            return post.deleted_at.is_some() || post.user_deleted;
        }
        actor.is(post.user_id) && post.user_deleted && post.deleted_at.is_none()
    }

    /// Whether an actor may like a post, a like given before apart.
    pub fn can_like(&self, actor: Actor, post: &Post) -> bool {
        let archived = self
            .topics
            .get(&post.topic_id)
            .is_none_or(|topic| topic.archived);
        actor.id.is_some()
            && !actor.is(post.user_id)
            && post.deleted_at.is_none()
            && !archived
            && post.kind != PostKind::SmallAction
            && self.can_see_post(actor, post)
    }

    /// Whether an actor may delete a topic: staff, or the author of one nobody answered.
    pub fn can_delete_topic(actor: Actor, topic: &Topic) -> bool {
        if topic.deleted_at.is_some() || topic.is_about {
            return false;
        }
        actor.staff || (actor.is(topic.user_id) && topic.posts_count <= 1 && !topic.archived)
    }

    /// Whether an actor may change title, category and tags of a topic.
    pub fn can_edit_topic(&self, actor: Actor, topic: &Topic) -> bool {
        if actor.staff {
            return true;
        }
        let first_editable = self
            .first_post(topic.id)
            .is_some_and(|post| !self.is_past_edit_time(actor, post) && post.locked_by.is_none());
        actor.is(topic.user_id) && !topic.archived && topic.deleted_at.is_none() && first_editable
    }
}
