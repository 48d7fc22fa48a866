//! Making and removing accounts and tokens; each with its line in the audit log, in one commit.

use model::EntityId;
use store::{Account, ApiToken, Change, DeskChange, Role};

use super::{Caller, password, secret};
use crate::change::ChangeError;
use crate::state::State;

/// An account to make.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// What is typed to sign in.
    pub name: String,
    /// The password.
    pub password: String,
    /// What the person may do.
    pub role: Role,
    /// The courses of a teacher.
    pub courses: Vec<EntityId>,
}

fn check_name(what: &str, text: &str) -> Result<(), ChangeError> {
    let is_fine = !text.is_empty()
        && text.chars().count() <= 64
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || "._-@".contains(c));
    if is_fine {
        return Ok(());
    }
    Err(ChangeError::Refused(format!(
        "A {what} has 1 to 64 letters, digits and . _ - @"
    )))
}

async fn check_courses(state: &State, role: Role, courses: &[EntityId]) -> Result<(), ChangeError> {
    let is_limited = !courses.is_empty();
    if is_limited != (role == Role::Teacher) {
        let text = "A teacher needs at least one course; nobody else has courses.";
        return Err(ChangeError::Refused(text.to_owned()));
    }
    for course in courses {
        let found = state.store.entity(course).await?;
        if found.is_none_or(|entity| entity.kind != model::Kind::Course) {
            return Err(ChangeError::NotFound(format!("course {course}")));
        }
    }
    Ok(())
}

/// Makes an account, or gives an existing one a new password and role.
pub async fn save_account(
    state: &State,
    caller: &Caller,
    new: NewAccount,
    why: &str,
) -> Result<(), ChangeError> {
    check_name("name", &new.name)?;
    check_courses(state, new.role, &new.courses).await?;
    let salt = state.stamp.secret();
    let salt = salt.get(..16).unwrap_or_default();
    let hash = password::hash(&new.password, salt).map_err(ChangeError::Refused)?;
    let subject = format!("{} ({})", new.name, new.role);
    let account = Account {
        name: new.name,
        password: hash,
        role: new.role,
        courses: new.courses,
        created_at: state.stamp.now(),
    };
    let changes = vec![
        Change::Desk(DeskChange::SaveAccount(account)),
        Change::Desk(DeskChange::Audit(
            caller.audit(state, "user add", &subject, why),
        )),
    ];
    Ok(state.store.commit(changes).await?)
}

/// Removes an account; its sessions end.
pub async fn remove_account(
    state: &State,
    caller: &Caller,
    name: &str,
    why: &str,
) -> Result<(), ChangeError> {
    let changes = vec![
        Change::Desk(DeskChange::RemoveAccount(name.to_owned())),
        Change::Desk(DeskChange::Audit(caller.audit(
            state,
            "user remove",
            name,
            why,
        ))),
    ];
    match state.store.commit(changes).await {
        Err(store::Error::Stale { .. }) => Err(ChangeError::NotFound(format!("account {name}"))),
        other => Ok(other?),
    }
}

/// A token to make.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// What it is for.
    pub label: String,
    /// What it may do.
    pub role: Role,
    /// The courses of a teacher's token.
    pub courses: Vec<EntityId>,
    /// How many days it lasts; for ever without it.
    pub days: Option<u32>,
}

/// Makes a token; returns its id and the token itself, which is shown once and stored nowhere.
pub async fn create_token(
    state: &State,
    caller: &Caller,
    new: NewToken,
    why: &str,
) -> Result<(String, String), ChangeError> {
    check_name("label", &new.label)?;
    check_courses(state, new.role, &new.courses).await?;
    let token = format!("antiphon_{}", secret::hex(&state.stamp.secret()));
    let (id, now) = (state.stamp.id(), state.stamp.now());
    let subject = format!("{id} {} ({})", new.label, new.role);
    let stored = ApiToken {
        id: id.clone(),
        label: new.label,
        digest: secret::digest(&token),
        role: new.role,
        courses: new.courses,
        made_by: caller.who.clone(),
        made_at: now,
        until: new
            .days
            .map(|days| now.plus_ms(i64::from(days).saturating_mul(86_400_000))),
        revoked_at: None,
    };
    let changes = vec![
        Change::Desk(DeskChange::AddToken(stored)),
        Change::Desk(DeskChange::Audit(caller.audit(
            state,
            "token create",
            &subject,
            why,
        ))),
    ];
    state.store.commit(changes).await?;
    Ok((id, token))
}

/// Revokes a token.
pub async fn revoke_token(
    state: &State,
    caller: &Caller,
    id: &str,
    why: &str,
) -> Result<(), ChangeError> {
    let revoke = DeskChange::RevokeToken {
        id: id.to_owned(),
        at: state.stamp.now(),
    };
    let changes = vec![
        Change::Desk(revoke),
        Change::Desk(DeskChange::Audit(caller.audit(
            state,
            "token revoke",
            id,
            why,
        ))),
    ];
    match state.store.commit(changes).await {
        Err(store::Error::Stale { .. }) => Err(ChangeError::NotFound(format!("open token {id}"))),
        other => Ok(other?),
    }
}
