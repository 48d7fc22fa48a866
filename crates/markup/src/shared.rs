//! What is known about people and addresses, shared by everybody who translates.
//!
//! Both connectors must translate with the same knowledge, or one text would have two canonical forms.
//! It only grows, and nothing depends on it for correctness: who is not known is named and not mentioned.

use crate::context::{Context, User};
use std::sync::{Arc, PoisonError, RwLock};

/// People that are remembered at most.
const MAX_PEOPLE: usize = 200_000;
/// Pages in Discourse that are remembered before those of single posts are forgotten.
const MAX_PAGES: usize = 200_000;

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

    /// Learns pairs of a page of Discourse and a page of Canvas, both as paths, that show the same item.
    pub fn learn_pages(&self, pairs: &[(String, String)]) {
        let is_new = |known: &Context, (discourse, canvas): &(String, String)| {
            known.posts.in_canvas(discourse) != Some(canvas.as_str())
        };
        if self.says(|known| !pairs.iter().any(|pair| is_new(known, pair))) {
            return;
        }
        self.update(|context| {
            if context.posts.len() + pairs.len() > MAX_PAGES {
                // Whoever looks at a thread learns the pages that it needs; those of topics are learned at start.
                context.posts.retain(|canvas| !canvas.contains("entry_id="));
            }
            for (discourse, canvas) in pairs {
                context.posts.insert(discourse.as_str(), canvas.as_str());
            }
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

    fn pair(discourse: &str, canvas: &str) -> (String, String) {
        (discourse.to_owned(), canvas.to_owned())
    }

    #[test]
    fn pages_of_posts_are_forgotten_before_those_of_topics() {
        let shared = Shared::default();
        shared.learn_pages(&[pair("/t/1", "/courses/1/discussion_topics/1")]);
        let many: Vec<(String, String)> = (2..super::MAX_PAGES)
            .map(|number| {
                pair(
                    &format!("/t/1/{number}"),
                    &format!("/courses/1/discussion_topics/1?entry_id={number}"),
                )
            })
            .collect();
        shared.learn_pages(&many);
        shared.learn_pages(&[
            pair("/t/1", "/courses/1/discussion_topics/1"),
            pair("/t/2/2", "/courses/1/discussion_topics/2?entry_id=9"),
            pair("/t/2/3", "/courses/1/discussion_topics/2?entry_id=10"),
        ]);
        let known = shared.get();
        assert_eq!(known.posts.len(), 3);
        assert!(known.posts.in_canvas("/t/1").is_some());
    }

    #[test]
    fn learning_copies_nothing_that_nobody_holds() {
        let shared = Shared::default();
        let place = |shared: &Shared| std::sync::Arc::as_ptr(&shared.get());
        let before = place(&shared);
        shared.learn_pages(&[pair("/t/1", "/courses/1/discussion_topics/1")]);
        shared.learn("1", User::default());
        assert_eq!(place(&shared), before);
        assert_eq!(shared.get().posts.len(), 1);
    }
}
