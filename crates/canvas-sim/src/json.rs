//! JSON forms of objects, as one reader sees them (contract canvas §6). Changes nothing.

pub(crate) mod assignment;
pub(crate) mod course;
pub(crate) mod entry;
pub(crate) mod file;
pub(crate) mod person;
pub(crate) mod topic;
pub(crate) mod view;

use crate::act::home_path;
use crate::clock;
use crate::html::outgoing::{self, Outgoing};
use crate::policy::{Standing, standing};
use crate::state::person::{FileOwner, User};
use crate::state::thread::Home;
use crate::world::World;
use serde_json::{Map, Value, json};

/// Who reads, and under which host name.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub world: &'a World,
    pub user_id: Option<u64>,
    /// Scheme and host, without a slash at the end.
    pub base: &'a str,
    /// `no_verifiers=1` was sent.
    pub no_verifiers: bool,
}

/// A time in REST form, or null.
pub(crate) fn time(ms: Option<i64>) -> Value {
    ms.map_or(Value::Null, |ms| Value::String(clock::rest(ms)))
}

/// Merges the keys of an object into a map.
pub(crate) fn put(map: &mut Value, more: Value) {
    if let (Value::Object(map), Value::Object(more)) = (map, more) {
        map.extend(more);
    }
}

/// Sets one key of an object.
pub(crate) fn set(object: &mut Value, key: &str, value: Value) {
    if let Value::Object(map) = object {
        map.insert(key.to_owned(), value);
    }
}

fn base36(mut id: u64) -> String {
    let mut digits = Vec::new();
    loop {
        let digit = u32::try_from(id.checked_rem(36).unwrap_or(0)).unwrap_or(0);
        digits.extend(char::from_digit(digit, 36));
        id = id.checked_div(36).unwrap_or(0);
        if id == 0 {
            return digits.iter().rev().collect();
        }
    }
}

impl Reader<'_> {
    pub(crate) fn standing(&self, course_id: u64) -> Standing {
        standing(&self.world.data, self.user_id, course_id)
    }

    /// Whether file links carry a verifier for this reader.
    pub(crate) fn shows_verifiers(&self) -> bool {
        let is_refused = self.no_verifiers && self.world.switches.no_verifiers_works;
        self.world.switches.verifiers && !is_refused
    }

    /// The read form of stored HTML.
    pub(crate) fn html(&self, home: Home, html: Option<&str>) -> Value {
        self.html_with(home, html, self.shows_verifiers())
    }

    pub(crate) fn html_with(&self, home: Home, html: Option<&str>, verifiers: bool) -> Value {
        let Some(html) = html else { return Value::Null };
        let verifier = |id: u64| {
            if !verifiers {
                return None;
            }
            let file = crate::act::file::resolve(self.world, id)?;
            let course_id = match file.owner {
                FileOwner::Course(id) => id,
                FileOwner::Group(id) => self.world.data.groups.get(&id)?.course_id,
                FileOwner::User(_) => return None,
            };
            self.standing(course_id)
                .can_read_course()
                .then(|| file.uuid.clone())
        };
        let context = Outgoing {
            base: self.base,
            home_path: &home_path(home),
            verifier_of: &verifier,
            has_theme: self.world.switches.theme_tags,
        };
        Value::String(outgoing::process(html, &context))
    }

    /// The display user of contract canvas §6.5.
    pub(crate) fn display(&self, user_id: u64, home: Home) -> Value {
        let Some(user) = self.world.data.users.get(&user_id) else {
            return json!({});
        };
        self.display_user(user, home)
    }

    fn display_user(&self, user: &User, home: Home) -> Value {
        let mut map = Map::new();
        map.insert("id".to_owned(), json!(user.id));
        map.insert("display_name".to_owned(), json!(user.short_name));
        let avatar = format!("{}/images/messages/avatar-50.png", self.base);
        map.insert("avatar_image_url".to_owned(), json!(avatar));
        let url = format!("{}{}/users/{}", self.base, home_path(home), user.id);
        map.insert("html_url".to_owned(), json!(url));
        if self.world.switches.newer_topic_keys {
            map.insert("anonymous_id".to_owned(), json!(base36(user.id)));
            map.insert("pronouns".to_owned(), json!(user.pronouns));
        }
        if user.is_fake {
            map.insert("fake_student".to_owned(), json!(true));
        }
        Value::Object(map)
    }

    pub(crate) fn user_name(&self, user_id: u64) -> Value {
        self.world
            .data
            .users
            .get(&user_id)
            .map_or(Value::Null, |u| json!(u.name))
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn base36_is_reversible() {
        assert_eq!(super::base36(11), "b");
        assert_eq!(super::base36(36), "10");
        assert_eq!(super::base36(0), "0");
    }
}
