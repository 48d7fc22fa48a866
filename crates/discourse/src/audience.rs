//! Who can read a category (contract discourse §8.1, §8.2): the groups in its permissions and their members.
//!
//! Costs one call for the category, one per thousand members, and one for each person that was not asked for lately;
//! people are remembered. Must not know who reads the other side.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use model::Audience;

use crate::connector::Discourse;
use crate::failure::{self, Trouble};
use crate::wire::person::User;

/// Groups whose members read every category anyway.
const STAFF: [&str; 3] = ["admins", "moderators", "staff"];
/// Groups of everybody: the trust levels hold every account.
const EVERYBODY: [&str; 4] = [
    "everyone",
    "anonymous_users",
    "logged_in_users",
    "trust_level_0",
];
/// How many people are remembered.
const PEOPLE: usize = 50_000;
/// How often what is known of a person is used before the person is asked for again: a day at four reads an hour.
const PERSON_USES: u32 = 96;
/// The same for somebody without an account, who may get one: two hours.
const STRANGER_USES: u32 = 8;
/// The most pages of a group: a million members.
const PAGES: usize = 1_000;

/// What is known of one person.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Person {
    key: Option<String>,
    is_staff: bool,
    uses_left: u32,
}

/// The people met so far: it only spares calls and can be forgotten at any moment.
#[derive(Debug, Default)]
pub(crate) struct Readers {
    by_user: Mutex<HashMap<i64, Person>>,
    /// Whether a key's account, if there is one, is kept out of what its groups do not show.
    by_key: Mutex<HashMap<String, (bool, u32)>>,
    /// One read at a time: the next finds the people that this one met.
    turn: tokio::sync::Mutex<()>,
}

impl Readers {
    fn person(&self, user: i64) -> Option<(Option<String>, bool)> {
        let mut known = self.by_user.lock().unwrap_or_else(PoisonError::into_inner);
        let person = known.get_mut(&user)?;
        person.uses_left = person.uses_left.checked_sub(1)?;
        Some((person.key.clone(), person.is_staff))
    }

    fn learn(&self, user: i64, key: Option<String>, is_staff: bool) {
        let mut known = self.by_user.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= PEOPLE {
            known.clear();
        }
        let uses_left = if key.is_some() {
            PERSON_USES
        } else {
            STRANGER_USES
        };
        let person = Person {
            key,
            is_staff,
            uses_left,
        };
        known.insert(user, person);
    }

    fn is_kept_out(&self, key: &str) -> Option<bool> {
        let mut known = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        let (is_kept_out, uses_left) = known.get_mut(key)?;
        *uses_left = uses_left.checked_sub(1)?;
        Some(*is_kept_out)
    }

    fn learn_key(&self, key: &str, is_kept_out: bool) {
        let mut known = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= PEOPLE {
            known.clear();
        }
        known.insert(key.to_owned(), (is_kept_out, STRANGER_USES));
    }
}

impl Discourse {
    /// The category's readers; of `asked` those who have no account here or are staff.
    pub(crate) async fn read_audience(
        &self,
        number: i64,
        asked: &BTreeSet<String>,
    ) -> Result<Audience, Trouble> {
        let Some(category) = self.site.category(number).await? else {
            return Err(failure::not_found("there is no such category").into());
        };
        self.categories.learn(&category);
        let mut audience = Audience::default();
        let restricted = category.read_restricted;
        let Some(groups) = category
            .group_permissions
            .filter(|_| restricted == Some(true))
        else {
            if restricted == Some(false) {
                audience.is_open = true;
                return Ok(audience);
            }
            // Only those who may edit a category see who may read it.
            return Err(failure::not_admin(self.site.service_user()).into());
        };
        let names: BTreeSet<String> = groups.into_iter().map(|group| group.group_name).collect();
        if names.iter().any(|name| EVERYBODY.contains(&name.as_str())) {
            audience.is_open = true;
            return Ok(audience);
        }
        let _turn = self.readers.turn.lock().await;
        let mut users = BTreeSet::new();
        for name in names.iter().filter(|name| !STAFF.contains(&name.as_str())) {
            self.add_members(name, &mut users).await?;
        }
        for user in users {
            self.add_reader(user, &mut audience).await?;
        }
        for key in asked.difference(&audience.members.clone()) {
            if !self.is_kept_out(key).await? {
                audience.not_kept_out.insert(key.clone());
            }
        }
        Ok(audience)
    }

    async fn add_members(&self, group: &str, users: &mut BTreeSet<i64>) -> Result<(), Trouble> {
        let mut offset = 0;
        for _ in 0..PAGES {
            let page = self.site.members(group, offset).await?;
            offset += page.members.len();
            let is_last = page.members.is_empty() || offset >= page.meta.total;
            // Users with ids below one are the server's own.
            users.extend(
                page.members
                    .into_iter()
                    .map(|member| member.id)
                    .filter(|id| *id > 0),
            );
            if is_last {
                return Ok(());
            }
        }
        Err(failure::unexpected("list_members", false, "the list does not end").into())
    }

    async fn add_reader(&self, user: i64, audience: &mut Audience) -> Result<(), Trouble> {
        let (key, is_staff) = if let Some(known) = self.readers.person(user) {
            known
        } else {
            let found = self.site.user(user).await?;
            let is_staff = found.as_ref().is_some_and(User::is_staff);
            let key = found.and_then(|found| found.key());
            self.readers.learn(user, key.clone(), is_staff);
            (key, is_staff)
        };
        match key {
            // Staff reads every category, in a group or not.
            _ if is_staff => {}
            Some(key) => {
                audience.members.insert(key);
            }
            None => audience.unnamed += 1,
        }
        Ok(())
    }

    async fn is_kept_out(&self, key: &str) -> Result<bool, Trouble> {
        if let Some(known) = self.readers.is_kept_out(key) {
            return Ok(known);
        }
        let account = self.site.user_by_key(key).await?;
        let is_kept_out = account.is_some_and(|account| !account.is_staff());
        self.readers.learn_key(key, is_kept_out);
        Ok(is_kept_out)
    }
}
