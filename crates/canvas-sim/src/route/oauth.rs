//! The OAuth routes that a client needs to keep a token alive (contract canvas §2.1).

use super::Ctx;
use crate::answer::{Answer, Fail, Outcome};
use crate::state::person::Token;
use crate::world::World;
use serde_json::{Value, json};

const HOUR_MS: i64 = 60 * 60 * 1000;

fn refused(error: &str) -> Fail {
    Fail::Json(
        400,
        json!({"error": error, "error_description": "refused by the sandbox"}),
    )
}

/// `POST /login/oauth2/token`: `refresh_token`, or `authorization_code` with a login as code.
pub(super) fn token(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    let params = &ctx.request.params;
    let refresh_text = params.text("refresh_token");
    let is_refresh = params.text("grant_type").as_deref() == Some("refresh_token");
    let user_id = if is_refresh {
        let wanted = refresh_text
            .clone()
            .ok_or_else(|| refused("invalid_request"))?;
        world
            .data
            .tokens
            .values()
            .find(|t| t.refresh.as_ref() == Some(&wanted))
            .map(|t| t.user_id)
    } else if params.text("grant_type").as_deref() == Some("authorization_code") {
        let code = params.text("code").unwrap_or_default();
        world.data.user_by(|u| u.login == code)
    } else {
        return Err(refused("unsupported_grant_type"));
    };
    let user_id = user_id.ok_or_else(|| refused("invalid_grant"))?;
    let name = world
        .data
        .users
        .get(&user_id)
        .map(|u| u.name.clone())
        .unwrap_or_default();
    let access = format!("canvas-hourly-{}", world.data.uuid());
    let refresh = refresh_text
        .filter(|_| is_refresh)
        .unwrap_or_else(|| world.data.uuid());
    let expires_at = Some(world.now().saturating_add(HOUR_MS));
    let token = Token {
        user_id,
        expires_at,
        refresh: Some(refresh.clone()),
        ..Token::default()
    };
    world.data.tokens.insert(access.clone(), token);
    let mut body = json!({"access_token": access, "token_type": "Bearer",
        "user": {"id": user_id, "name": name}, "expires_in": 3600});
    if !is_refresh && let Value::Object(map) = &mut body {
        map.insert("refresh_token".to_owned(), json!(refresh));
    }
    Ok(Answer::ok(body))
}

/// `DELETE /login/oauth2/token`.
pub(super) fn revoke(world: &mut World, ctx: &Ctx<'_>) -> Outcome {
    if ctx.caller.is_none() {
        return Err(crate::auth::no_token());
    }
    let text = ctx.request.token().unwrap_or_default();
    if let Some(token) = world.data.tokens.get_mut(&text) {
        token.is_revoked = true;
    }
    Ok(Answer::ok(json!({})))
}
