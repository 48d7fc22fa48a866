//! `user add|list|remove` and `token create|list|revoke`: who may sign in and which programs may call.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use model::{EntityId, RemoteId, System};
use store::{Role, Store};
use web::{Caller, ChangeError, NewAccount, NewToken};

use crate::arguments::{Access, Token, User, UserAdd};
use crate::config;
use crate::exit::Usage;
use crate::show::{line, object};
use crate::wiring;

/// `user …`.
pub(crate) async fn user(path: &Path, verb: User) -> anyhow::Result<ExitCode> {
    let config = config::load(path)?;
    let state = wiring::web_state(&config, wiring::open(&config).await?);
    let caller = Caller::command_line();
    match verb {
        User::Add(options) => add(&state, options).await?,
        User::List(output) => {
            let found = state.store.accounts().await.map_err(stored)?;
            for account in &found {
                if output.json {
                    object(&web::account_json(account));
                } else {
                    line(&format!(
                        "{:<24} {:<9} {}",
                        account.name,
                        account.role.as_str(),
                        names(&account.courses)
                    ));
                }
            }
            if found.is_empty() && !output.json {
                line("Nobody may sign in yet. Start with `antiphon user add NAME --role admin`.");
            }
        }
        User::Remove(options) => {
            web::remove_account(&state, &caller, &options.name, &options.reason)
                .await
                .map_err(refused)?;
            line(&format!("{} may not sign in any more.", options.name));
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn add(state: &web::State, options: UserAdd) -> anyhow::Result<()> {
    let (role, courses) = access(&state.store, options.access).await?;
    let given = password(options.password_file)?;
    let made = given.is_none().then(wiring::readable_secret);
    let new = NewAccount {
        name: options.name.clone(),
        password: given.or_else(|| made.clone()).unwrap_or_default(),
        role,
        courses,
    };
    web::save_account(state, &Caller::command_line(), new, &options.reason)
        .await
        .map_err(refused)?;
    line(&format!("{} may sign in as {}.", options.name, role));
    if let Some(made) = made {
        line(&format!("Password: {made}"));
        line(
            "It is shown once. Give --password-file FILE (or - for standard input) to choose one.",
        );
    }
    Ok(())
}

/// A password from a file or standard input; never from a flag, which every process could read.
fn password(path: Option<PathBuf>) -> anyhow::Result<Option<String>> {
    let Some(path) = path else {
        return Ok(None);
    };
    let mut text = String::new();
    if path == Path::new("-") {
        std::io::stdin()
            .read_to_string(&mut text)
            .context("Standard input cannot be read")?;
    } else {
        text = std::fs::read_to_string(&path)
            .with_context(|| format!("{} cannot be read", path.display()))?;
    }
    Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
}

async fn access(store: &Store, options: Access) -> anyhow::Result<(Role, Vec<EntityId>)> {
    let role = Role::parse(&options.role).ok_or_else(|| {
        Usage(format!(
            "There is no role `{}`; use viewer, operator, admin or teacher.",
            options.role
        ))
    })?;
    let mut courses = Vec::new();
    for name in options.course {
        let remote = System::REMOTE.into_iter().find_map(|system| {
            Some((
                system,
                name.strip_prefix(system.as_str())?.strip_prefix(':')?,
            ))
        });
        let id = match remote {
            Some((system, id)) => {
                let found = store
                    .course_by_remote(system, &RemoteId::from(id))
                    .await
                    .map_err(stored)?;
                found
                    .ok_or_else(|| Usage(format!("There is no course `{name}`.")))?
                    .id
            }
            None => EntityId(name),
        };
        courses.push(id);
    }
    Ok((role, courses))
}

/// `token …`.
pub(crate) async fn token(path: &Path, verb: Token) -> anyhow::Result<ExitCode> {
    let config = config::load(path)?;
    let state = wiring::web_state(&config, wiring::open(&config).await?);
    let caller = Caller::command_line();
    match verb {
        Token::Create(options) => {
            let (role, courses) = access(&state.store, options.access).await?;
            let new = NewToken {
                label: options.label,
                role,
                courses,
                days: options.days,
            };
            let made = web::create_token(&state, &caller, new, &options.reason).await;
            let (id, token) = made.map_err(refused)?;
            if options.output.json {
                object(&serde_json::json!({ "id": id, "token": token }));
            } else {
                line(&format!("Token {id} ({role}), shown once:"));
                line(&token);
            }
        }
        Token::List(output) => {
            for token in &state.store.api_tokens().await.map_err(stored)? {
                if output.json {
                    object(&web::token_json(token));
                } else {
                    let standing = if token.revoked_at.is_some() {
                        "revoked"
                    } else {
                        "open"
                    };
                    line(&format!(
                        "{}  {:<20} {:<9} {standing}  {}",
                        token.id,
                        token.label,
                        token.role.as_str(),
                        names(&token.courses)
                    ));
                }
            }
        }
        Token::Revoke(options) => {
            web::revoke_token(&state, &caller, &options.id, &options.reason)
                .await
                .map_err(refused)?;
            line(&format!("Token {} is revoked.", options.id));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// `widget link`: the signed paths of a course's widgets.
pub(crate) async fn widget(path: &Path, course: &str) -> anyhow::Result<ExitCode> {
    let config = config::load(path)?;
    let Some(key) = &config.widget_secret else {
        return Err(
            Usage("Widgets need web.widget_secret in the configuration.".to_owned()).into(),
        );
    };
    let store = wiring::open(&config).await?;
    let options = Access {
        role: "teacher".to_owned(),
        course: vec![course.to_owned()],
    };
    let (_, courses) = access(&store, options).await?;
    for course in &courses {
        for name in ["status", "history"] {
            line(&web::widget_path(key.reveal(), name, course));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn names(courses: &[EntityId]) -> String {
    courses
        .iter()
        .map(EntityId::as_str)
        .collect::<Vec<_>>()
        .join(", ")
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to `map_err`")]
fn stored(error: store::Error) -> anyhow::Error {
    wiring::failed(error.failure())
}

fn refused(error: ChangeError) -> anyhow::Error {
    match error {
        ChangeError::Store(error) => stored(error),
        other => Usage(other.to_string()).into(),
    }
}
