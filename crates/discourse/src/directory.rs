//! Accounts and groups (contract discourse §8.2, §8.3): looking up, making, and changing members.
//!
//! People are told apart by their key and by the account's id, never by name or address. Must not know who is enrolled.

use std::collections::BTreeSet;

use ::connector::{Directory, Group, MemberChange, Result};
use api_client::Method;
use async_trait::async_trait;
use hmac::{Hmac, KeyInit, Mac};
use model::{Class, Failure, Profile, RemoteId};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};
use sha2::Sha256;

use crate::connector::Discourse;
use crate::failure::{self, Trouble};
use crate::site::Call;
use crate::wire::course::{GroupRow, MadeGroup, OneGroup};
use crate::wire::person::User;
use crate::write::number;

/// What stands before our mark in a group's description.
const MARK: &str = "antiphon:";
/// The most pages of a group: a million members.
const PAGES: usize = 1_000;
/// Who may write in a category: create, reply and see (contract discourse §8.1).
const FULL: i64 = 1;
/// Keys that name nobody (contract discourse §8.3); some servers fail on them.
const NO_KEYS: [&str; 4] = ["none", "nil", "blank", "null"];

#[async_trait]
impl Directory for Discourse {
    async fn account(&self, key: &str) -> Result<Option<String>> {
        let found = self.site.user_by_key(key).await?;
        Ok(found.map(|user| user.id.to_string()))
    }

    async fn group(&self, name: &str) -> Result<Option<Group>> {
        let path = format!(
            "/groups/{}.json",
            utf8_percent_encode(name, NON_ALPHANUMERIC)
        );
        let found: Option<OneGroup> = self.site.look(Call::get("read_group", path)).await?;
        Ok(found.map(|found| of_row(found.group)))
    }

    async fn create_group(&self, name: &str, title: &str, mark: &str) -> Result<Group> {
        let body = json!({ "group": {
            "name": name, "full_name": title, "bio_raw": format!("{MARK}{mark}"),
            // Seen by its members, its list of members by staff only (0 public, 2 members, 3 staff); mentioned and
            // written to by nobody; joined and left through us.
            "visibility_level": 2, "members_visibility_level": 3, "mentionable_level": 0, "messageable_level": 0,
            "public_admission": false, "public_exit": false, "allow_membership_requests": false,
        } });
        let call = Call::new(
            "create_group",
            Method::POST,
            "/admin/groups.json".to_owned(),
        );
        let made: MadeGroup = self
            .site
            .read(Call {
                body: Some(body),
                ..call
            })
            .await?;
        Ok(Group {
            mark: Some(mark.to_owned()),
            ..of_row(made.basic_group)
        })
    }

    async fn members(&self, group: &Group) -> Result<BTreeSet<String>> {
        Ok(self.read_members(&group.name).await?)
    }

    async fn change_members(&self, change: &MemberChange<'_>) -> Result<()> {
        Ok(self.send_members(change).await?)
    }

    async fn provision(&self, profile: &Profile) -> Result<String> {
        Ok(self.make_account(profile).await?)
    }

    async fn grant(&self, category: &RemoteId, group: &str) -> Result<bool> {
        Ok(self.let_in(number(category)?, group).await?)
    }
}

fn of_row(row: GroupRow) -> Group {
    let marked = row.bio_raw.filter(|_| !row.automatic);
    let mark = marked.and_then(|bio| bio.trim().strip_prefix(MARK).map(str::to_owned));
    Group {
        remote: row.id.to_string(),
        name: row.name,
        mark,
    }
}

impl Discourse {
    async fn read_members(&self, group: &str) -> std::result::Result<BTreeSet<String>, Trouble> {
        let mut members = BTreeSet::new();
        let mut offset = 0;
        for _ in 0..PAGES {
            let page = self.site.members(group, offset).await?;
            offset += page.members.len();
            let is_last = page.members.is_empty() || offset >= page.meta.total;
            members.extend(page.members.iter().map(|member| member.id.to_string()));
            if !is_last {
                continue;
            }
            // Somebody who came or went between two pages shifts them: what was skipped would be taken for absent.
            if members.len() < page.meta.total {
                let why = "the list of members changed while it was read";
                return Err(Failure {
                    class: Class::Transient,
                    ..failure::unexpected("list_members", false, why)
                }
                .into());
            }
            return Ok(members);
        }
        Err(failure::unexpected("list_members", false, "the list does not end").into())
    }

    async fn send_members(&self, change: &MemberChange<'_>) -> std::result::Result<(), Trouble> {
        let (name, method) = if change.is_add {
            ("add_members", Method::PUT)
        } else {
            ("remove_members", Method::DELETE)
        };
        let path = format!("/groups/{}/members.json", change.group.remote);
        let body = json!({ "user_ids": change.accounts.join(","), "notify_users": false });
        let call = Call {
            body: Some(body),
            ..Call::new(name, method, path)
        };
        match self.site.send(call).await {
            // 422 when all are members already, 400 when no account is known (contract discourse §8.2): the list tells.
            Err(trouble) if trouble.is(422) || trouble.is(400) => {
                let members = self.read_members(&change.group.name).await?;
                let mut accounts = change.accounts.iter();
                let is_done = accounts.all(|account| members.contains(account) == change.is_add);
                if is_done { Ok(()) } else { Err(trouble) }
            }
            sent => sent.map(|_| ()),
        }
    }

    /// Makes an account under the person's key. An account that has the address under another key is refused by the
    /// server itself: with `require_activation` it never looks for one (contract discourse §8.3), so there is no moment
    /// between looking and making. A second call without that, found by its key, makes the new account usable.
    async fn make_account(&self, profile: &Profile) -> std::result::Result<String, Trouble> {
        let Some(secret) = self.site.connect_secret() else {
            return Err(failure::misconfigured("no secret of DiscourseConnect is given").into());
        };
        let key = profile.key.trim();
        let email = profile.email.as_deref().map(str::trim).unwrap_or_default();
        if key.is_empty() || email.is_empty() || NO_KEYS.contains(&key.to_lowercase().as_str()) {
            return Err(incomplete(&profile.key).into());
        }
        let made = self.sync_sso(secret, profile, true).await;
        let made = made.map_err(|trouble| {
            if trouble.is(403) {
                foreign(&profile.key, &trouble)
            } else {
                trouble
            }
        })?;
        let again = self.sync_sso(secret, profile, false).await?;
        if again.id != made.id || again.key().as_deref() != Some(key) {
            return Err(
                failure::unexpected("sync_sso", true, "the account has another key").into(),
            );
        }
        Ok(again.id.to_string())
    }

    async fn sync_sso(
        &self,
        secret: &str,
        profile: &Profile,
        is_cautious: bool,
    ) -> std::result::Result<User, Trouble> {
        let text = |value: &str| utf8_percent_encode(value, NON_ALPHANUMERIC).to_string();
        let mut fields = vec![
            format!("external_id={}", text(profile.key.trim())),
            format!(
                "email={}",
                text(profile.email.as_deref().unwrap_or_default().trim())
            ),
            format!("name={}", text(&profile.name)),
            format!("require_activation={is_cautious}"),
            "suppress_welcome_message=true".to_owned(),
        ];
        if let Some(login) = &profile.login {
            let name = login.split('@').next().unwrap_or_default();
            fields.push(format!("username={}", text(name)));
        }
        let payload = base64(fields.join("&").as_bytes());
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
            .map_err(|_| failure::misconfigured("the secret of DiscourseConnect cannot be used"))?;
        mac.update(payload.as_bytes());
        let sign = hex(&mac.finalize().into_bytes());
        let call = Call::new(
            "sync_sso",
            Method::POST,
            "/admin/users/sync_sso.json".to_owned(),
        );
        self.site
            .read(Call {
                body: Some(json!({ "sso": payload, "sig": sign })),
                ..call
            })
            .await
    }

    async fn let_in(&self, number: i64, group: &str) -> std::result::Result<bool, Trouble> {
        let Some(category) = self.site.category(number).await? else {
            return Err(failure::not_found("there is no such category").into());
        };
        let Some(groups) = &category.group_permissions else {
            return Err(failure::not_admin(self.site.service_user()).into());
        };
        // An open category is nobody's to close but its owner's.
        let is_in = groups.iter().any(|row| row.group_name == group);
        if category.read_restricted != Some(true) || is_in {
            return Ok(false);
        }
        let rows = groups
            .iter()
            .map(|row| (row.group_name.clone(), Value::from(row.permission_type)));
        let mut permissions: Map<String, Value> = rows.collect();
        permissions.insert(group.to_owned(), Value::from(FULL));
        let body = json!({
            "name": category.name, "color": category.color, "text_color": category.text_color,
            "permissions": permissions,
        });
        let path = format!("/categories/{number}.json");
        let call = Call::new("update_category", Method::PUT, path);
        self.site
            .send(Call {
                body: Some(body),
                ..call
            })
            .await?;
        Ok(true)
    }
}

/// SYNC-2331: the address belongs to somebody else's account.
fn foreign(key: &str, trouble: &Trouble) -> Trouble {
    Trouble {
        failure: Box::new(Failure::new(
            "SYNC-2331",
            Class::Permission,
            // The server's own words can hold the address.
            format!(
                "Discourse made no account for person {key}: another account has the person's address, or the record is refused."
            ),
            "Let the person connect that account through DiscourseConnect, or change its address; it is never taken over.",
        )),
        ..trouble.clone()
    }
}

/// SYNC-2332: Canvas does not tell enough.
fn incomplete(key: &str) -> Failure {
    Failure::new(
        "SYNC-2332",
        Class::Permission,
        format!(
            "No account can be made for person {key}: Canvas shows no address, or the key names nobody."
        ),
        "Give the Canvas token the right to read addresses, or let the person sign in to Discourse once.",
    )
}

/// Lower-case hexadecimal digits, the form of a DiscourseConnect signature.
fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

/// Standard base64 (RFC 4648 §4), the form of a DiscourseConnect payload.
fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_group_with_our_mark_is_ours() {
        let row = |json: &str| of_row(serde_json::from_str(json).unwrap()).mark;
        assert_eq!(
            row(r#"{"id":50,"name":"a","bio_raw":"antiphon:course:1"}"#).as_deref(),
            Some("course:1")
        );
        assert_eq!(
            row(r#"{"id":50,"name":"a","bio_raw":"We love antiphon:x"}"#),
            None
        );
        assert_eq!(row(r#"{"id":50,"name":"a","bio_raw":null}"#), None);
        assert_eq!(
            row(r#"{"id":3,"name":"staff","automatic":true,"bio_raw":"antiphon:x"}"#),
            None
        );
    }
}
