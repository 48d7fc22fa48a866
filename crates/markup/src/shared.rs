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
        if self.says(|known| {
            known.users.get(canvas_id) == Some(&user) || known.users.len() >= MAX_PEOPLE
        }) {
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
        if self.says(|known| {
            let same = known
                .posts
                .get(discourse)
                .is_some_and(|page| page == canvas);
            same || known.posts.len() >= MAX_PAGES
        }) {
            return;
        }
        self.update(|context| {
            context
                .posts
                .insert(discourse.to_owned(), canvas.to_owned());
        });
    }

    /// Asks without keeping what is known: whoever keeps it makes the next change copy all of it.
    fn says(&self, ask: impl FnOnce(&Context) -> bool) -> bool {
        ask(&self.known.read().unwrap_or_else(PoisonError::into_inner))
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

    #[test]
    fn learning_copies_nothing_that_nobody_holds() {
        let shared = Shared::default();
        let place = |shared: &Shared| std::sync::Arc::as_ptr(&shared.get());
        let before = place(&shared);
        shared.learn_page("/t/1", "/courses/1/discussion_topics/1");
        shared.learn("1", User::default());
        assert_eq!(place(&shared), before);
        assert_eq!(shared.get().posts.len(), 1);
    }
}
