//! What is known about people and addresses, shared by everybody who translates.
//!
//! Both connectors must translate with the same knowledge, or one text would have two canonical forms.
//! It only grows, and nothing depends on it for correctness: who is not known is named and not mentioned.

use crate::context::{Context, User};
use std::sync::{Arc, PoisonError, RwLock};

/// People that are remembered at most.
const MAX_PEOPLE: usize = 200_000;
/// Pages that are remembered at most.
const MAX_PAGES: usize = 50_000;

/// A [`Context`] that can learn.
#[derive(Debug, Default)]
pub struct Shared {
    known: RwLock<Arc<Context>>,
}

impl Shared {
    /// Starts with what is known.
    pub fn new(context: Context) -> Self {
        Shared {
            known: RwLock::new(Arc::new(context)),
        }
    }

    /// What is known now.
    pub fn get(&self) -> Arc<Context> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&known)
    }

    /// Learns that the person with this Canvas user id has this account in Discourse.
    pub fn learn(&self, canvas_id: &str, user: User) {
        let known = self.get();
        if known.users.get(canvas_id) == Some(&user) || known.users.len() >= MAX_PEOPLE {
            return;
        }
        self.update(|context| {
            // A username belongs to one person; a renamed account must not leave two.
            context
                .users
                .retain(|id, other| id == canvas_id || other.username != user.username);
            context.users.insert(canvas_id.to_owned(), user);
        });
    }

    /// Learns that a page of Discourse and a page of Canvas, both as paths, show the same item.
    pub fn learn_page(&self, discourse: &str, canvas: &str) {
        let known = self.get();
        let same = known
            .posts
            .get(discourse)
            .is_some_and(|known| known == canvas);
        if same || known.posts.len() >= MAX_PAGES {
            return;
        }
        self.update(|context| {
            context
                .posts
                .insert(discourse.to_owned(), canvas.to_owned());
        });
    }

    /// Changes what is known.
    pub fn update(&self, change: impl FnOnce(&mut Context)) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut known));
    }
}

#[cfg(test)]
mod tests {
    use super::Shared;
    use crate::context::User;

    #[test]
    fn a_name_belongs_to_one_person() {
        let shared = Shared::default();
        let user = |name: &str| User {
            username: name.to_owned(),
            name: String::new(),
        };
        shared.learn("1", user("ann"));
        let before = shared.get();
        shared.learn("2", user("ann"));
        assert_eq!(before.users.keys().collect::<Vec<_>>(), ["1"]);
        assert_eq!(shared.get().users.keys().collect::<Vec<_>>(), ["2"]);
        shared.learn("2", user("bob"));
        assert_eq!(shared.get().users.get("2"), Some(&user("bob")));
    }
}
