//! Users: making, renaming, suspending, and DiscourseConnect (contract section 8.3).

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;

use crate::act::group;
use crate::act::movement::recook;
use crate::answer::Answer;
use crate::auth::Actor;
use crate::hook::emit;
use crate::param::Params;
use crate::state::World;
use crate::state::user::{SsoRecord, User};

/// `POST /users`: failure is a 200 that says so.
pub fn create(world: &mut World, actor: Actor, params: &Params) -> Result<Answer, Answer> {
    actor.require()?;
    let name = params.text("username").unwrap_or_default();
    let email = params.text("email").unwrap_or_default();
    let mut errors: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    if let Some(error) = username_error(world, &name) {
        errors.entry("username").or_default().push(error);
    }
    if !email.contains('@') {
        errors
            .entry("email")
            .or_default()
            .push("is invalid.".to_owned());
    } else if world.user_by_email(&email).is_some() {
        errors
            .entry("email")
            .or_default()
            .push("has already been taken".to_owned());
    }
    if params
        .text("password")
        .is_none_or(|password| password.chars().count() < 10)
        && !actor.admin
    {
        errors
            .entry("password")
            .or_default()
            .push("is too short (minimum is 10 characters)".to_owned());
    }
    if !errors.is_empty() {
        return Ok(Answer::json(refusal(&errors, params)));
    }
    let active = actor.admin && params.truthy("active");
    let id = world.ids.next("user");
    let mut user = User::new(
        id,
        &name,
        &params.text("name").unwrap_or_default(),
        world.now(),
    );
    user.email = email;
    user.active = active;
    user.trust_level = 0;
    world.add_user(user);
    emit::user(world, "user_created", id);
    if active {
        emit::user(world, "user_confirmed_email", id);
    }
    if let Some(external_id) = params
        .get("external_ids")
        .and_then(|ids| ids.get("discourse_connect"))
    {
        let external_id = crate::param::scalar(external_id).unwrap_or_default();
        world.set_sso(id, record(&external_id, &name, "", world.now()));
    }
    Ok(Answer::json(json!({
        "success": true, "active": active, "user_id": id,
        "message": "Your account is activated and ready to use.",
    })))
}

fn refusal(errors: &BTreeMap<&str, Vec<String>>, params: &Params) -> serde_json::Value {
    let message = errors
        .iter()
        .flat_map(|(field, texts)| {
            let label: String = field.chars().take(1).flat_map(char::to_uppercase).collect();
            let rest: String = field.chars().skip(1).collect();
            texts
                .iter()
                .map(move |text| format!("{label}{rest} {text}"))
        })
        .collect::<Vec<_>>()
        .join("\n");
    let value = |name: &str| params.text(name);
    json!({
        "success": false, "message": message, "errors": errors,
        "values": { "name": value("name"), "username": value("username"), "email": value("email") },
        "is_developer": false,
    })
}

fn username_error(world: &World, name: &str) -> Option<String> {
    let length = name.chars().count();
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | '_');
    let taken = world.user_by_name(name).is_some() || world.group_by_name(name).is_some();
    if length < world.settings.len("min_username_length") {
        return Some(format!(
            "must be at least {} characters",
            world.settings.int("min_username_length")
        ));
    }
    if length > world.settings.len("max_username_length") {
        return Some(format!(
            "must be no more than {} characters",
            world.settings.int("max_username_length")
        ));
    }
    if !name.chars().all(fits) {
        return Some(
            "must only include numbers, letters, dashes, dots, and underscores".to_owned(),
        );
    }
    taken.then(|| "must be unique".to_owned())
}

fn record(external_id: &str, username: &str, name: &str, now: i64) -> SsoRecord {
    SsoRecord {
        external_id: external_id.to_owned(),
        external_username: username.to_owned(),
        external_name: name.to_owned(),
        created_at: now,
        updated_at: now,
    }
}

/// Gives a user another name and rewrites mentions, without any version or event for the posts.
pub fn rename(world: &mut World, actor: Actor, id: i64, new: &str) -> Result<(), Answer> {
    let user = world.users.get(&id).ok_or_else(Answer::not_found)?;
    let old = user.username.clone();
    if !(actor.staff || actor.is(id)) {
        return Err(Answer::forbidden());
    }
    let same = old.eq_ignore_ascii_case(new);
    if let Some(error) = username_error(world, new).filter(|_| !same) {
        return Err(Answer::invalid_one(&format!("Username {error}")));
    }
    world.rename_user(id, new);
    let mention = format!("@{old}");
    let quote = format!("[quote=\"{old},");
    let ids: Vec<i64> = world
        .posts
        .values()
        .filter(|post| post.raw.contains(&mention) || post.raw.contains(&quote))
        .map(|post| post.id)
        .collect();
    for post_id in ids {
        if let Some(post) = world.posts.get_mut(&post_id) {
            post.raw =
                replace_mention(&post.raw, &old, new).replace(&quote, &format!("[quote=\"{new},"));
        }
        recook(world, post_id);
    }
    emit::user(world, "user_updated", id);
    Ok(())
}

fn replace_mention(raw: &str, old: &str, new: &str) -> String {
    let mention = format!("@{old}");
    let mut out = String::new();
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once(&mention) {
        out.push_str(before);
        let longer = after
            .chars()
            .next()
            .is_some_and(|c| c.is_alphanumeric() || c == '_');
        out.push_str(if longer { &mention } else { "@" });
        if !longer {
            out.push_str(new);
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Suspends a user until a time.
pub fn suspend(
    world: &mut World,
    actor: Actor,
    id: i64,
    until: i64,
    reason: &str,
) -> Result<(), Answer> {
    actor.require_admin()?;
    let now = world.now();
    let user = world.users.get_mut(&id).ok_or_else(Answer::not_found)?;
    if user.is_staff() {
        return Err(Answer::forbidden());
    }
    if user.is_suspended(now) {
        let text = format!("User was already suspended: {}", user.username);
        return Err(Answer::errors(409, &[text], None));
    }
    user.suspended_at = Some(now);
    user.suspended_till = Some(until);
    user.suspend_reason = Some(reason.to_owned());
    emit::user(world, "user_suspended", id);
    Ok(())
}

/// Ends a suspension.
pub fn unsuspend(world: &mut World, actor: Actor, id: i64) -> Result<(), Answer> {
    actor.require_admin()?;
    let user = world.users.get_mut(&id).ok_or_else(Answer::not_found)?;
    user.suspended_at = None;
    user.suspended_till = None;
    user.suspend_reason = None;
    emit::user(world, "user_unsuspended", id);
    Ok(())
}

/// The hex HMAC-SHA256 of a text.
pub fn hmac_hex(secret: &str, data: &[u8]) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(data);
    crate::text::hex(&mac.finalize().into_bytes())
}

fn failed(status: u16, text: &str) -> Answer {
    Answer::json_status(status, json!({ "failed": "FAILED", "message": text }))
}

/// `POST /admin/users/sync_sso`; returns the user's id.
pub fn sync_sso(world: &mut World, actor: Actor, params: &Params) -> Result<i64, Answer> {
    actor.require_admin()?;
    if !world.settings.flag("enable_discourse_connect") {
        return Err(Answer::bare(404));
    }
    let sso = params.text("sso").unwrap_or_default();
    let sig = params.text("sig").unwrap_or_default();
    if hmac_hex(
        world.settings.text("discourse_connect_secret"),
        sso.as_bytes(),
    ) != sig
    {
        return Err(failed(422, "Login Error"));
    }
    let compact: String = sso.split_whitespace().collect();
    let query = STANDARD
        .decode(compact)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let fields: BTreeMap<String, String> = query
        .and_then(|query| serde_urlencoded::from_str(&query).ok())
        .ok_or_else(|| failed(422, "Login Error"))?;
    let get = |name: &str| fields.get(name).map_or("", |text| text.trim());
    let external_id = get("external_id").to_owned();
    if external_id.is_empty() {
        return Err(failed(422, "The `external_id` is required but was blank"));
    }
    if ["none", "nil", "blank", "null"].contains(&external_id.to_lowercase().as_str()) {
        // 3.1 fails on these (recording 648); the source since then answers 422.
        let old = world.profile == crate::option::Profile::V3_1;
        let text = format!("The `external_id` \"{external_id}\" is not allowed");
        return Err(if old {
            Answer::framework(500)
        } else {
            failed(422, &text)
        });
    }
    let id = find_or_make(world, &external_id, &fields)?;
    finish_sso(world, id, &external_id, &fields);
    Ok(id)
}

fn find_or_make(
    world: &mut World,
    external_id: &str,
    fields: &BTreeMap<String, String>,
) -> Result<i64, Answer> {
    if let Some(user) = world.user_by_external(external_id) {
        return Ok(user.id);
    }
    let get = |name: &str| fields.get(name).map_or("", String::as_str);
    let email = get("email");
    let must_activate = get("require_activation") == "true";
    if let Some(user) = world.user_by_email(email) {
        if must_activate {
            return Err(failed(
                403,
                "Validation failed: Primary email has already been taken",
            ));
        }
        return Ok(user.id);
    }
    if email.trim().is_empty() {
        return Err(failed(
            403,
            "Validation failed: Primary email can't be blank",
        ));
    }
    let wanted = [
        get("username"),
        get("name"),
        email.split('@').next().unwrap_or(""),
    ]
    .into_iter()
    .find(|text| !text.trim().is_empty())
    .unwrap_or("user");
    let username = suggest(world, wanted);
    let id = world.ids.next("user");
    let mut user = User::new(id, &username, get("name"), world.now());
    email.clone_into(&mut user.email);
    user.active = !must_activate;
    user.trust_level = 0;
    world.add_user(user);
    emit::user(world, "user_created", id);
    Ok(id)
}

/// A free username close to the wanted one.
pub fn suggest(world: &World, wanted: &str) -> String {
    let most = world.settings.len("max_username_length");
    let mapped: String = wanted
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') {
                c
            } else {
                '_'
            }
        })
        .take(most)
        .collect();
    let mut base = mapped.trim_matches(['_', '-', '.']).to_owned();
    while base.chars().count() < world.settings.len("min_username_length") {
        base.push('1');
    }
    let mut name = base.clone();
    let mut number = 0;
    while username_error(world, &name).is_some() && number < 100_000 {
        number += 1;
        let tail = number.to_string();
        let room = most.saturating_sub(tail.len());
        name = base.chars().take(room).collect::<String>() + &tail;
    }
    name
}

fn finish_sso(world: &mut World, id: i64, external_id: &str, fields: &BTreeMap<String, String>) {
    let now = world.now();
    let get = |name: &str| fields.get(name).map(String::as_str);
    let old = world.users.get(&id).and_then(|user| user.sso.clone());
    let mut row = record(
        external_id,
        get("username").unwrap_or(""),
        get("name").unwrap_or(""),
        now,
    );
    if let Some(old) = old.filter(|old| old.external_id == external_id) {
        row.created_at = old.created_at;
    }
    world.set_sso(id, row);
    if world.settings.flag("auth_overrides_username")
        && let Some(name) = get("username")
    {
        let name = suggest(world, name);
        world.rename_user(id, &name);
    }
    let overrides = (
        world.settings.flag("auth_overrides_email"),
        world.settings.flag("auth_overrides_name"),
    );
    if let Some(user) = world.users.get_mut(&id) {
        user.staged = false;
        if let Some(email) = get("email").filter(|_| overrides.0) {
            email.clone_into(&mut user.email);
        }
        if let Some(name) = get("name").filter(|_| overrides.1) {
            user.name = Some(name.to_owned());
        }
        if let Some(flag) = get("admin") {
            user.admin = flag == "true";
        }
        if let Some(flag) = get("moderator") {
            user.moderator = flag == "true";
        }
        if let Some(title) = get("title") {
            user.title = Some(title.to_owned());
        }
        if let Some(bio) = get("bio") {
            user.bio = Some(bio.to_owned());
        }
    }
    let ids = |list: Option<&str>| -> Vec<i64> {
        list.unwrap_or("")
            .split(',')
            .filter_map(|name| world.group_by_name(name.trim()))
            .filter(|group| !group.automatic)
            .map(|group| group.id)
            .collect()
    };
    let (add, remove) = (ids(get("add_groups")), ids(get("remove_groups")));
    for group_id in add {
        group::add(world, group_id, id);
    }
    for group_id in remove {
        let member = world
            .groups
            .get_mut(&group_id)
            .and_then(|group| group.members.remove(&id));
        if let Some(member) = member {
            emit::group_user(world, "user_removed_from_group", group_id, id, &member);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{STANDARD, hmac_hex, rename, replace_mention, suggest, sync_sso};
    use crate::answer::Answer;
    use crate::option::Profile;
    use crate::param::Params;
    use crate::seed::testing::{Forum, forum};
    use base64::Engine;
    use serde_json::json;

    fn sync(forum: &mut Forum, who: &str, query: &str) -> Result<i64, Answer> {
        let sso = STANDARD.encode(query);
        let sig = hmac_hex("sso-secret-123456", sso.as_bytes());
        let mut params = Params::default();
        params.add_json(json!({ "sso": sso, "sig": sig }));
        let actor = forum.actor(who);
        sync_sso(&mut forum.world, actor, &params)
    }

    /// Recordings 640 to 650.
    #[test]
    fn accounts_are_matched_by_external_id_then_by_mail() {
        let mut f = forum(Profile::V3_1);
        let status = |answer: Result<i64, Answer>| answer.unwrap_err().status;
        let new =
            "external_id=cnv-1&email=new%40example.com&username=new.user+365522&name=New+User";
        let id = sync(&mut f, "admin1", new).unwrap();
        assert_eq!(f.world.users[&id].username, "new.user_365522");
        assert_eq!(sync(&mut f, "admin1", new), Ok(id));
        let other = "external_id=cnv-1&email=else%40example.com&username=renamed";
        assert_eq!(sync(&mut f, "admin1", other), Ok(id));
        assert_eq!(f.world.users[&id].username, "new.user_365522");
        let alice = f.actor("alice").id.unwrap();
        assert_eq!(
            sync(&mut f, "admin1", "external_id=a1&email=alice%40example.com"),
            Ok(alice)
        );
        assert_eq!(
            sync(&mut f, "admin1", "external_id=a2&email=alice%40example.com"),
            Ok(alice)
        );
        assert!(f.world.user_by_external("a1").is_none());
        let refused = "external_id=b1&email=bob%40example.com&require_activation=true";
        assert_eq!(status(sync(&mut f, "admin1", refused)), 403);
        assert_eq!(
            status(sync(&mut f, "admin1", "external_id=&email=x%40example.com")),
            422
        );
        assert_eq!(
            status(sync(
                &mut f,
                "admin1",
                "external_id=null&email=x%40example.com"
            )),
            500
        );
        assert_eq!(status(sync(&mut f, "admin1", "external_id=y")), 403);
        assert_eq!(status(sync(&mut f, "bob", new)), 404);
        f.world
            .settings
            .set("enable_discourse_connect", &json!(false))
            .unwrap();
        assert_eq!(status(sync(&mut f, "admin1", new)), 404);
    }

    #[test]
    fn a_bad_signature_is_a_login_error() {
        let mut f = forum(Profile::Current);
        let admin = f.actor("admin1");
        let mut params = Params::default();
        params.add_json(json!({ "sso": "abc", "sig": "00" }));
        let answer = sync_sso(&mut f.world, admin, &params).unwrap_err();
        assert_eq!(answer.value().unwrap()["message"], "Login Error");
    }

    #[test]
    fn renames_follow_mentions_silently() {
        let mut f = forum(Profile::Current);
        let id = f.reply_by("bob", "Hello @alice and @alice2, how are you?");
        let before = f.world.posts[&id].clone();
        let admin = f.actor("admin1");
        let alice = f.actor("alice").id.unwrap();
        rename(&mut f.world, admin, alice, "nelly").unwrap();
        let post = &f.world.posts[&id];
        assert_eq!(post.raw, "Hello @nelly and @alice2, how are you?");
        assert!(post.cooked.contains("/u/nelly"));
        assert_eq!(
            (post.version, post.updated_at),
            (before.version, before.updated_at)
        );
        assert_eq!(
            rename(&mut f.world, admin, alice, "bob")
                .unwrap_err()
                .status,
            422
        );
        assert_eq!(replace_mention("@ab @abc", "ab", "x"), "@x @abc");
        assert_eq!(suggest(&f.world, "b"), "b11");
        assert_eq!(suggest(&f.world, "bob"), "bob1");
    }
}
