//! Tokens, scopes and masquerading (contract canvas §2).

use crate::answer::Fail;
use crate::clock;
use crate::id;
use crate::request::Request;
use crate::world::World;
use serde_json::{Value, json};

/// As whom a request runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub user_id: u64,
    /// The owner of the token when masquerading.
    pub real_user_id: Option<u64>,
    /// The developer key enforces scopes: `include[]` is dropped, GraphQL refused.
    pub is_scoped: bool,
}

fn token_fail(message: &str) -> Fail {
    Fail::Token(json!({"errors": [{"message": message}]}), true)
}

/// The answer to an API request without a token.
pub(crate) fn no_token() -> Fail {
    let body = json!({"status": "unauthenticated",
                      "errors": [{"message": "user authorization required"}]});
    Fail::Token(body, true)
}

fn expired(at: i64) -> Fail {
    let body = json!({"errors": [{"message": "Expired access token.",
                                  "expired_at": clock::rest(at)}]});
    Fail::Token(body, true)
}

fn bad_as_user(merged_into: Option<u64>) -> Fail {
    let mut body = json!({"errors": "Invalid as_user_id"});
    if let (Value::Object(map), Some(id)) = (&mut body, merged_into) {
        map.insert("merged_into_user_id".to_owned(), json!(id));
    }
    Fail::Token(body, false)
}

/// `url:GET|/api/v1/courses/:id/...` against a method and path.
fn scope_covers(scope: &str, method: &str, path: &str) -> bool {
    let Some((wanted_method, wanted_path)) =
        scope.strip_prefix("url:").and_then(|s| s.split_once('|'))
    else {
        return false;
    };
    let same_length = wanted_path.split('/').count() == path.split('/').count();
    wanted_method == method
        && same_length
        && wanted_path
            .split('/')
            .zip(path.split('/'))
            .all(|(w, p)| w.starts_with(':') || w == p)
}

fn masquerade(world: &World, wanted: &str, caller: Caller, has_real: bool) -> Result<Caller, Fail> {
    let target = id::user(&world.data, wanted, Some(caller.user_id));
    if target == Some(caller.user_id) {
        return Ok(caller);
    }
    if has_real {
        return Err(Fail::Token(
            json!({"errors": "Cannot change masquerade"}),
            false,
        ));
    }
    let may = world
        .data
        .users
        .get(&caller.user_id)
        .is_some_and(|u| u.may_masquerade);
    let user = target.and_then(|id| world.data.users.get(&id));
    match user {
        Some(user) if user.is_deleted => Err(bad_as_user(user.merged_into.filter(|_| may))),
        Some(user) if may && (!user.is_admin || user.may_masquerade) => Ok(Caller {
            user_id: user.id,
            real_user_id: Some(caller.user_id),
            is_scoped: caller.is_scoped,
        }),
        _ => Err(bad_as_user(None)),
    }
}

/// Works out the caller; `None` without a token.
pub(crate) fn authenticate(
    world: &World,
    request: &Request,
    is_expired: bool,
) -> Result<Option<Caller>, Fail> {
    let Some(text) = request.token() else {
        return Ok(None);
    };
    let now = world.now();
    let token = world
        .data
        .tokens
        .get(&text)
        .ok_or_else(|| token_fail("Invalid access token."))?;
    if token.is_revoked {
        return Err(token_fail("Revoked access token."));
    }
    if is_expired {
        return Err(expired(now));
    }
    if let Some(at) = token.expires_at.filter(|at| *at <= now) {
        return Err(expired(at));
    }
    let is_active = world
        .data
        .users
        .get(&token.user_id)
        .is_some_and(|u| !u.is_deleted);
    if !is_active {
        return Err(token_fail("Invalid access token."));
    }
    if let Some(scopes) = &token.scopes {
        let is_graphql = request.path == "/api/graphql";
        let is_covered = scopes
            .iter()
            .any(|s| scope_covers(s, request.method.as_str(), &request.path));
        if !is_covered && !is_graphql {
            let body = json!({"errors": [{"message": "Insufficient scopes on access token."}]});
            return Err(Fail::Token(body, false));
        }
    }
    let caller = Caller {
        user_id: token.user_id,
        real_user_id: token.real_user_id,
        is_scoped: token.scopes.is_some(),
    };
    match request.params.text("as_user_id").filter(|t| !t.is_empty()) {
        Some(wanted) => {
            let has_real = token.real_user_id.is_some();
            masquerade(world, &wanted, caller, has_real).map(Some)
        }
        None => Ok(Some(caller)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_match_by_shape() {
        let scope = "url:GET|/api/v1/courses/:course_id/discussion_topics";
        assert!(scope_covers(
            scope,
            "GET",
            "/api/v1/courses/1/discussion_topics"
        ));
        assert!(!scope_covers(
            scope,
            "POST",
            "/api/v1/courses/1/discussion_topics"
        ));
        assert!(!scope_covers(
            scope,
            "GET",
            "/api/v1/courses/1/discussion_topics/2"
        ));
        assert!(!scope_covers("nonsense", "GET", "/"));
    }
}
