//! `[notify]`: who is told of failures, how, and when.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use engine::{AlertRules, Rest};
use model::Class;
use notice::{Channel, Email, Encryption, Way, Webhook};
use serde::Deserialize;

use super::Invalid;
use super::check::{duration, missing, secret};

/// The shape of the section.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Section {
    update_interval: Option<String>,
    resolved_after: Option<String>,
    quiet_hours: Option<String>,
    time_zone: Option<String>,
    #[serde(default)]
    threshold: BTreeMap<String, u64>,
    #[serde(default)]
    email: Vec<EmailShape>,
    #[serde(default)]
    webhook: Vec<HookShape>,
    #[serde(default)]
    chat: Vec<HookShape>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EmailShape {
    name: Option<String>,
    host: String,
    port: Option<u16>,
    #[serde(default)]
    encryption: EncryptionShape,
    username: Option<String>,
    password: Option<String>,
    password_file: Option<PathBuf>,
    from: String,
    to: Vec<String>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum EncryptionShape {
    #[default]
    Starttls,
    Tls,
    None,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HookShape {
    name: Option<String>,
    url: Option<String>,
    url_file: Option<PathBuf>,
    secret: Option<String>,
    secret_file: Option<PathBuf>,
    #[serde(default)]
    allow_private: bool,
}

/// Who is told, checked.
#[derive(Debug, Clone)]
pub(crate) struct Notify {
    pub(crate) channels: Vec<Channel>,
    pub(crate) rules: AlertRules,
    pub(crate) zone: String,
}

/// Checks the section; paths in it are relative to `folder`.
pub(super) fn check(section: Section, folder: &Path) -> Result<Notify, Invalid> {
    let defaults = AlertRules::default();
    let zone = section.time_zone.unwrap_or_else(|| "UTC".to_owned());
    if jiff::tz::TimeZone::get(&zone).is_err() {
        return Err(Invalid(format!(
            "notify.time_zone: there is no time zone `{zone}`; use a name like Europe/Berlin."
        )));
    }
    let rules = AlertRules {
        thresholds: thresholds(section.threshold)?,
        update_ms: duration(
            "notify.update_interval",
            section.update_interval,
            defaults.update_ms,
        )?
        .max(60_000),
        // A feed that fails is told every five minutes: less silence would not say that it is over.
        quiet_ms: duration(
            "notify.resolved_after",
            section.resolved_after,
            defaults.quiet_ms,
        )?
        .max(600_000),
        rest: section.quiet_hours.as_deref().map(rest).transpose()?,
    };
    let mut channels = Vec::new();
    for shape in section.email {
        channels.push(email(shape, folder)?);
    }
    for shape in section.webhook {
        channels.push(webhook(shape, folder)?);
    }
    for shape in section.chat {
        channels.push(chat(shape, folder)?);
    }
    let names: BTreeSet<&str> = channels
        .iter()
        .map(|channel| channel.name.as_str())
        .collect();
    if names.len() < channels.len() {
        return Err(Invalid(
            "notify: two channels have one name; give each a `name` of its own.".to_owned(),
        ));
    }
    Ok(Notify {
        channels,
        rules,
        zone,
    })
}

fn thresholds(given: BTreeMap<String, u64>) -> Result<BTreeMap<Class, u64>, Invalid> {
    given
        .into_iter()
        .map(|(name, count)| {
            let class = Class::parse(&name).ok_or_else(|| {
                let names: Vec<&str> = Class::ALL.iter().map(|class| class.as_str()).collect();
                Invalid(format!(
                    "notify.threshold: there is no class `{name}`; use one of {}.",
                    names.join(", ")
                ))
            })?;
            Ok((class, count))
        })
        .collect()
}

/// Quiet hours, `22:00-07:00`.
fn rest(text: &str) -> Result<Rest, Invalid> {
    let minute = |text: &str| {
        let (hour, minute) = text.trim().split_once(':')?;
        let (hour, minute) = (hour.parse::<u16>().ok()?, minute.parse::<u16>().ok()?);
        (hour < 24 && minute < 60).then_some(hour * 60 + minute)
    };
    let read = text
        .split_once('-')
        .and_then(|(from, until)| Some((minute(from)?, minute(until)?)))
        .filter(|(from, until)| from != until);
    read.map(|(from, until)| Rest { from, until })
        .ok_or_else(|| {
            Invalid(format!(
                "notify.quiet_hours: expected two times like `22:00-07:00`, found `{text}`."
            ))
        })
}

fn email(shape: EmailShape, folder: &Path) -> Result<Channel, Invalid> {
    let (encryption, port) = match shape.encryption {
        EncryptionShape::Starttls => (Encryption::Starttls, 587),
        EncryptionShape::Tls => (Encryption::Tls, 465),
        EncryptionShape::None => (Encryption::None, 25),
    };
    let password = secret(
        folder,
        "notify.email.password",
        shape.password,
        shape.password_file,
    )?;
    let login = match (shape.username, password) {
        (Some(user), Some(password)) => Some((user, api_client::Secret::new(password.reveal()))),
        (None, None) => None,
        _ => {
            return Err(Invalid(
                "notify.email: give both username and password, or none.".to_owned(),
            ));
        }
    };
    let server = (shape.host, shape.port.unwrap_or(port));
    let email = Email::new(server, encryption, login, &shape.from, &shape.to)
        .map_err(|error| Invalid(format!("notify.email: {error}.")))?;
    Ok(Channel {
        name: shape.name.unwrap_or_else(|| "email".to_owned()),
        way: Way::Email(email),
    })
}

fn hook(key: &str, shape: &mut HookShape, folder: &Path) -> Result<api_client::Hook, Invalid> {
    let name = format!("{key}.url");
    let url = secret(folder, &name, shape.url.take(), shape.url_file.take())?
        .ok_or_else(|| missing(&name))?;
    notice::hook(url.reveal(), shape.allow_private)
        .map_err(|error| Invalid(format!("{name}: {error}.")))
}

fn webhook(mut shape: HookShape, folder: &Path) -> Result<Channel, Invalid> {
    let hook = hook("notify.webhook", &mut shape, folder)?;
    let key = "notify.webhook.secret";
    let secret =
        secret(folder, key, shape.secret, shape.secret_file)?.ok_or_else(|| missing(key))?;
    Ok(Channel {
        name: shape.name.unwrap_or_else(|| "webhook".to_owned()),
        way: Way::Webhook(Webhook {
            hook,
            secret: api_client::Secret::new(secret.reveal()),
        }),
    })
}

fn chat(mut shape: HookShape, folder: &Path) -> Result<Channel, Invalid> {
    if shape.secret.is_some() || shape.secret_file.is_some() {
        return Err(Invalid(
            "notify.chat: there is no secret; its address is one.".to_owned(),
        ));
    }
    let hook = hook("notify.chat", &mut shape, folder)?;
    Ok(Channel {
        name: shape.name.unwrap_or_else(|| "chat".to_owned()),
        way: Way::Chat(hook),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Notify, Invalid> {
        check(toml::from_str(text).unwrap(), Path::new("."))
    }

    fn refused(text: &str) -> String {
        read(text).unwrap_err().to_string()
    }

    #[test]
    fn a_whole_section_is_read() {
        let notify = read(
            "quiet_hours = \"22:00-07:00\"\ntime_zone = \"Europe/Berlin\"\n[threshold]\ntransient = 9\n\
             [[email]]\nhost = \"mail.example.edu\"\nfrom = \"a@example.edu\"\nto = [\"b@example.edu\"]\n\
             [[webhook]]\nurl = \"https://ops.example.edu/x\"\nsecret = \"s\"\n\
             [[chat]]\nurl = \"https://chat.example.edu/x\"\n",
        )
        .unwrap();
        let names: Vec<&str> = notify
            .channels
            .iter()
            .map(|one| one.name.as_str())
            .collect();
        assert_eq!(names, ["email", "webhook", "chat"]);
        assert_eq!(notify.rules.thresholds.get(&Class::Transient), Some(&9));
        assert_eq!(
            notify.rules.rest,
            Some(Rest {
                from: 1_320,
                until: 420
            })
        );
        assert!(
            !format!("{notify:?}").contains("chat.example.edu"),
            "an address is a secret"
        );
    }

    #[test]
    fn what_cannot_work_is_refused_with_its_key() {
        for (text, key) in [
            ("quiet_hours = \"22-7\"", "notify.quiet_hours"),
            ("time_zone = \"Mars/Base\"", "notify.time_zone"),
            ("[threshold]\nsad = 1", "notify.threshold"),
            ("[[chat]]\nurl = \"http://127.0.0.1/x\"", "notify.chat.url"),
            (
                "[[chat]]\nurl = \"http://169.254.169.254/x\"",
                "allow_private",
            ),
            (
                "[[webhook]]\nurl = \"https://a.example/x\"",
                "notify.webhook.secret",
            ),
            (
                "[[chat]]\nurl = \"https://a.example\"\n[[chat]]\nurl = \"https://b.example\"",
                "one name",
            ),
            (
                "[[email]]\nhost = \"h\"\nfrom = \"x\"\nto = []",
                "notify.email",
            ),
        ] {
            let told = refused(text);
            assert!(told.contains(key), "{text}: {told}");
        }
    }
}
