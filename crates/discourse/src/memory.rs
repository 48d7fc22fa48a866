//! What the connector remembers to spare calls: who has which key, and where a post stands.
//!
//! Never needed for correctness: everything here can be forgotten at any moment. It is bounded by forgetting all.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::wire::course::Category;

/// How many users are remembered.
const PEOPLE: usize = 20_000;
/// How many posts are remembered.
const POSTS: usize = 50_000;
/// How many categories are remembered.
const CATEGORIES: usize = 1_000;
/// How often a user is taken to have no key before it is asked for again.
const NO_KEY_USES: u32 = 50;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The stable keys of users, both ways: a key that moved to another account is forgotten for the first
/// (`sync_sso` moves keys, contract discourse §8.3).
#[derive(Debug, Default)]
pub(crate) struct People {
    state: Mutex<Keys>,
}

#[derive(Debug, Default)]
struct Keys {
    by_user: HashMap<i64, Known>,
    by_key: HashMap<String, i64>,
}

#[derive(Debug)]
enum Known {
    Key(String),
    NoKey { uses_left: u32 },
}

impl People {
    /// Whether a user must be asked for. Users with ids below one are the server's own and have no key.
    /// Each time the answer is no for a user without a key counts as one use of that knowledge.
    pub(crate) fn is_unknown(&self, user: i64) -> bool {
        if user < 1 {
            return false;
        }
        match lock(&self.state).by_user.get_mut(&user) {
            None | Some(Known::NoKey { uses_left: 0 }) => true,
            Some(Known::Key(_)) => false,
            Some(Known::NoKey { uses_left }) => {
                *uses_left = uses_left.saturating_sub(1);
                false
            }
        }
    }

    /// The key of a user, where it is known.
    pub(crate) fn key(&self, user: i64) -> Option<String> {
        match lock(&self.state).by_user.get(&user) {
            Some(Known::Key(key)) => Some(key.clone()),
            Some(Known::NoKey { .. }) | None => None,
        }
    }

    /// Remembers a user's key, or that there is none.
    pub(crate) fn learn(&self, user: i64, key: Option<&str>) {
        let mut keys = lock(&self.state);
        if keys.by_user.len() >= PEOPLE {
            *keys = Keys::default();
        }
        if let Some(Known::Key(old)) = keys.by_user.remove(&user) {
            keys.by_key.remove(&old);
        }
        let known = match key {
            None => Known::NoKey {
                uses_left: NO_KEY_USES,
            },
            Some(key) => {
                if let Some(former) = keys.by_key.insert(key.to_owned(), user) {
                    keys.by_user.remove(&former);
                }
                Known::Key(key.to_owned())
            }
        };
        keys.by_user.insert(user, known);
    }
}

/// Keys that no account has; asked for again after some uses.
#[derive(Debug, Default)]
pub(crate) struct Strangers {
    uses_left: Mutex<HashMap<String, u32>>,
}

impl Strangers {
    /// Whether the key was without an account when it was asked for last; counts as one use of that knowledge.
    pub(crate) fn has(&self, key: &str) -> bool {
        let mut known = lock(&self.uses_left);
        match known.get_mut(key) {
            Some(0) => {
                known.remove(key);
                false
            }
            Some(uses) => {
                *uses -= 1;
                true
            }
            None => false,
        }
    }

    /// Remembers that no account has the key.
    pub(crate) fn learn(&self, key: &str) {
        let mut known = lock(&self.uses_left);
        if known.len() >= PEOPLE {
            known.clear();
        }
        known.insert(key.to_owned(), NO_KEY_USES);
    }
}

/// Where a post stands: the topic, and its number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub topic: i64,
    pub number: i64,
}

/// Posts by id and by place.
#[derive(Debug, Default)]
pub(crate) struct Places {
    state: Mutex<PlaceState>,
}

#[derive(Debug, Default)]
struct PlaceState {
    by_post: HashMap<i64, Place>,
    by_place: HashMap<Place, i64>,
}

impl Places {
    /// Where a post was seen last.
    pub(crate) fn of_post(&self, post: i64) -> Option<Place> {
        lock(&self.state).by_post.get(&post).copied()
    }

    /// Which post was seen last at a place.
    pub(crate) fn post_at(&self, place: Place) -> Option<i64> {
        lock(&self.state).by_place.get(&place).copied()
    }

    /// Remembers where a post stands; posts move (contract discourse §15).
    pub(crate) fn learn(&self, post: i64, place: Place) {
        let mut state = lock(&self.state);
        if state.by_post.len() >= POSTS {
            *state = PlaceState::default();
        }
        if let Some(old) = state.by_post.insert(post, place)
            && old != place
            && state.by_place.get(&old) == Some(&post)
        {
            state.by_place.remove(&old);
        }
        state.by_place.insert(place, post);
    }
}

/// Categories by id.
#[derive(Debug, Default)]
pub(crate) struct Categories {
    state: Mutex<HashMap<i64, Category>>,
}

impl Categories {
    /// The category as it was seen last.
    pub(crate) fn get(&self, id: i64) -> Option<Category> {
        lock(&self.state).get(&id).cloned()
    }

    /// Remembers a category.
    pub(crate) fn learn(&self, category: &Category) {
        let mut state = lock(&self.state);
        if state.len() >= CATEGORIES {
            state.clear();
        }
        state.insert(category.id, category.clone());
    }

    /// Forgets a category that was not where it used to be.
    pub(crate) fn forget(&self, id: i64) {
        lock(&self.state).remove(&id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_key_is_asked_for_again_after_a_while() {
        let people = People::default();
        assert!(people.is_unknown(5));
        people.learn(5, None);
        for _ in 0..NO_KEY_USES {
            assert!(!people.is_unknown(5));
        }
        assert!(people.is_unknown(5));
        assert!(!people.is_unknown(-1), "the system user is never asked for");
    }

    #[test]
    fn a_key_that_moved_is_forgotten_for_the_first_account() {
        let people = People::default();
        people.learn(5, Some("c1"));
        people.learn(6, Some("c1"));
        assert!(people.is_unknown(5));
        assert_eq!(people.key(6).as_deref(), Some("c1"));
    }

    #[test]
    fn a_post_that_moved_leaves_its_old_place() {
        let places = Places::default();
        let old = Place {
            topic: 1,
            number: 2,
        };
        let new = Place {
            topic: 9,
            number: 4,
        };
        places.learn(35, old);
        places.learn(35, new);
        assert_eq!(places.post_at(old), None);
        assert_eq!(places.post_at(new), Some(35));
        assert_eq!(places.of_post(35), Some(new));
    }

    #[test]
    fn memory_is_bounded() {
        let places = Places::default();
        for post in 0..60_000 {
            places.learn(
                post,
                Place {
                    topic: 1,
                    number: post,
                },
            );
        }
        assert!(lock(&places.state).by_post.len() <= POSTS);
    }
}
