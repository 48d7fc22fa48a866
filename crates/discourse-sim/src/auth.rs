//! Who asks: keys, identity headers, scopes (contract section 2.1).

use http::HeaderMap;
use serde::{Deserialize, Serialize};

use crate::answer::Answer;
use crate::clock::MINUTE;
use crate::state::World;
use crate::state::user::User;

/// An API key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ApiKey {
    /// The secret itself.
    pub key: String,
    /// The one user it acts as; `None` for all users.
    #[serde(default)]
    pub user_id: Option<i64>,
    /// Granular scopes such as `topics:read`; `None` for a global key.
    #[serde(default)]
    pub scopes: Option<Vec<String>>,
    /// Withdrawn.
    #[serde(default)]
    pub revoked: bool,
}

/// The acting user, as far as rules need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Actor {
    /// `None` without a key.
    pub id: Option<i64>,
    /// Administrator.
    pub admin: bool,
    /// Administrator or moderator.
    pub staff: bool,
    /// 0 to 4.
    pub trust_level: i64,
    /// Whether the request came with an API key, which allows more parameters.
    pub is_api: bool,
}

impl Actor {
    /// Nobody.
    pub const ANONYMOUS: Self = Self {
        id: None,
        admin: false,
        staff: false,
        trust_level: 0,
        is_api: false,
    };

    /// A user acting by API key, or in the browser.
    pub fn of(user: &User, is_api: bool) -> Self {
        Self {
            id: Some(user.id),
            admin: user.admin,
            staff: user.is_staff(),
            trust_level: user.trust_level,
            is_api,
        }
    }

    /// Whether this is the user of an id.
    pub fn is(&self, id: i64) -> bool {
        self.id == Some(id)
    }

    /// The user's id, or the refusal of somebody who is not logged in.
    pub fn require(&self) -> Result<i64, Answer> {
        self.id.ok_or_else(Answer::not_logged_in)
    }

    /// Refuses everybody but staff.
    pub fn require_staff(&self) -> Result<i64, Answer> {
        if self.staff {
            self.require()
        } else {
            Err(Answer::forbidden())
        }
    }

    /// Hides an admin page from everybody else (404, as recording 650 shows).
    pub fn require_admin(&self) -> Result<i64, Answer> {
        if self.admin {
            self.require()
        } else {
            Err(Answer::not_found())
        }
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .filter(|text| !text.is_empty())
}

/// Finds the acting user, or refuses. Counts against the one admin counter of the site.
pub fn authenticate(
    world: &mut World,
    headers: &HeaderMap,
) -> Result<(Actor, Option<ApiKey>), Answer> {
    let Some(secret) = header(headers, "api-key") else {
        return Ok((Actor::ANONYMOUS, None));
    };
    let key = world
        .keys
        .get(secret)
        .filter(|key| !key.revoked)
        .cloned()
        .ok_or_else(Answer::bad_credentials)?;
    let user = named_user(world, &key, headers).ok_or_else(Answer::bad_credentials)?;
    let now = world.now();
    let refused = user.is_suspended(now) || !user.active;
    let actor = Actor::of(user, true);
    if let Some(limit) = world.admin_limit_per_minute {
        world
            .limits
            .pass("admin_api_min", i64::from(limit), MINUTE, now)
            .map_err(|wait_s| {
                let text = "You\u{2019}ve performed this action too many times. Please wait {left} \
                        before trying again.";
                Answer::limited(text, wait_s, Some("admin_api_key_rate_limit"))
            })?;
    }
    if refused {
        Err(Answer::forbidden())
    } else {
        Ok((actor, Some(key)))
    }
}

/// The user that the headers name; a bound key admits only its own.
fn named_user<'a>(world: &'a World, key: &ApiKey, headers: &HeaderMap) -> Option<&'a User> {
    let named = if let Some(name) = header(headers, "api-username") {
        Some(world.user_by_name(name)?)
    } else if let Some(id) = header(headers, "api-user-id") {
        Some(world.users.get(&id.parse().ok()?)?)
    } else if let Some(id) = header(headers, "api-user-external-id") {
        Some(world.user_by_external(id)?)
    } else {
        None
    };
    match (key.user_id, named) {
        (None, named) => named,
        (Some(bound), None) => world.users.get(&bound),
        (Some(bound), Some(user)) => (user.id == bound).then_some(user),
    }
}

/// Whether a scoped key may use an endpoint (contract section 2.1: no scope covers deletes of
/// posts, groups or web hooks).
pub fn scope_allows(scopes: &[String], method: &str, template: &str) -> bool {
    let reading = method == "GET" || method == "HEAD";
    scopes.iter().any(|scope| match scope.as_str() {
        "global:read" => reading,
        "topics:write" => method == "POST" && template == "/posts",
        "topics:update" => {
            method == "PUT" && (template.starts_with("/t/{id}") || template == "/t/-/{id}")
        }
        "topics:read" => {
            reading
                && (template.starts_with("/t/")
                    || template == "/latest"
                    || template.starts_with("/c/"))
        }
        "topics:read_lists" => reading && (template == "/latest" || template.starts_with("/c/")),
        "posts:edit" => method == "PUT" && template == "/posts/{id}",
        "categories:list" => reading && template == "/categories",
        "categories:show" => reading && template == "/c/{id}/show",
        "uploads:create" => method == "POST" && template == "/uploads",
        "users:show" => {
            reading && (template.starts_with("/u/") || template.starts_with("/admin/users"))
        }
        "users:sync_sso" => template == "/admin/users/sync_sso",
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::{ApiKey, authenticate, scope_allows};
    use crate::option::Options;
    use crate::state::World;
    use crate::state::user::{SsoRecord, User};
    use http::HeaderMap;

    fn world() -> World {
        let mut world = World::new(&Options::default());
        for (id, name) in [(1, "admin1"), (2, "Alice"), (3, "bob")] {
            world.add_user(User::new(id, name, name, 0));
        }
        let sso = SsoRecord {
            external_id: "ext-3".to_owned(),
            external_username: String::new(),
            external_name: String::new(),
            created_at: 0,
            updated_at: 0,
        };
        world.set_sso(3, sso);
        for (key, user_id) in [("all", None), ("bobs", Some(3))] {
            let row = ApiKey {
                key: key.to_owned(),
                user_id,
                scopes: None,
                revoked: false,
            };
            world.keys.insert(key.to_owned(), row);
        }
        world
    }

    fn who(world: &mut World, pairs: &[(&'static str, &str)]) -> Result<Option<i64>, u16> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, value.parse().unwrap());
        }
        authenticate(world, &headers)
            .map(|(actor, _)| actor.id)
            .map_err(|answer| answer.status)
    }

    #[test]
    fn identity_headers_have_an_order() {
        let w = &mut world();
        assert_eq!(who(w, &[]), Ok(None));
        assert_eq!(who(w, &[("api-username", "bob")]), Ok(None));
        assert_eq!(
            who(w, &[("api-key", "all"), ("api-username", "ALICE")]),
            Ok(Some(2))
        );
        assert_eq!(
            who(w, &[("api-key", "all"), ("api-user-id", "1")]),
            Ok(Some(1))
        );
        assert_eq!(
            who(w, &[("api-key", "all"), ("api-user-external-id", "ext-3")]),
            Ok(Some(3))
        );
        let both = [
            ("api-key", "all"),
            ("api-username", "alice"),
            ("api-user-external-id", "ext-3"),
        ];
        assert_eq!(who(w, &both), Ok(Some(2)));
        assert_eq!(who(w, &[("api-key", "all")]), Err(403));
        assert_eq!(
            who(w, &[("api-key", "wrong"), ("api-username", "bob")]),
            Err(403)
        );
        assert_eq!(
            who(w, &[("api-key", "all"), ("api-user-external-id", "no")]),
            Err(403)
        );
    }

    #[test]
    fn bound_keys_and_barred_users_are_refused() {
        let w = &mut world();
        assert_eq!(who(w, &[("api-key", "bobs")]), Ok(Some(3)));
        assert_eq!(
            who(w, &[("api-key", "bobs"), ("api-username", "alice")]),
            Err(403)
        );
        w.users.get_mut(&3).unwrap().suspended_till = Some(i64::MAX);
        assert_eq!(who(w, &[("api-key", "bobs")]), Err(403));
        w.users.get_mut(&2).unwrap().active = false;
        assert_eq!(
            who(w, &[("api-key", "all"), ("api-username", "alice")]),
            Err(403)
        );
    }

    #[test]
    fn the_admin_limit_counts_all_keys_together() {
        let w = &mut world();
        w.admin_limit_per_minute = Some(2);
        assert_eq!(who(w, &[("api-key", "bobs")]), Ok(Some(3)));
        assert_eq!(
            who(w, &[("api-key", "all"), ("api-user-id", "1")]),
            Ok(Some(1))
        );
        assert_eq!(
            who(w, &[("api-key", "all"), ("api-user-id", "1")]),
            Err(429)
        );
    }

    #[test]
    fn scopes_cover_what_they_name() {
        let scopes = ["topics:write".to_owned(), "posts:edit".to_owned()];
        assert!(scope_allows(&scopes, "POST", "/posts"));
        assert!(scope_allows(&scopes, "PUT", "/posts/{id}"));
        assert!(!scope_allows(&scopes, "DELETE", "/posts/{id}"));
        assert!(!scope_allows(&scopes, "GET", "/posts/{id}"));
        assert!(scope_allows(
            &["global:read".to_owned()],
            "GET",
            "/groups/{name}"
        ));
    }
}
