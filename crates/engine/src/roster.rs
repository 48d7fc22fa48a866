//! Which groups a course has on the forum and who belongs in them (`ux.md` section 12): Canvas is the authority.
//!
//! Pure. A look at Canvas gives the groups that are wanted; what we set before, and the members of the groups that were
//! read, give the changes. Members whom others put into a group are left alone. Must not know how either side is asked.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    Class, EntityId, Failure, GroupKind, RosterGroup, RosterMember, RosterPerson, RosterState,
    Timestamp,
};

use crate::guard::Limits;

mod wanted;

pub use wanted::{Wanted, active, wanted};

/// A person without an account is asked for again after this long, in milliseconds.
const STRANGER_MS: i64 = 86_400_000;
/// A known account is asked for again after this long, in milliseconds: keys can move to other accounts.
const ACCOUNT_MS: i64 = 30 * 86_400_000;
/// So many known accounts are asked for again in one run.
const RECHECKS: usize = 5;
/// The members of a group are read again after this long although nothing is to be changed, in milliseconds.
const READ_MS: i64 = 86_400_000;

/// How a course's people are followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// The groups that are made.
    pub kinds: BTreeSet<GroupKind>,
    /// How long somebody who is gone from the course stays in its groups, in milliseconds.
    pub grace_ms: i64,
    /// The most members of one change.
    pub batch_max: usize,
    /// The numbers of the guards.
    pub limits: Limits,
    /// A person has looked at what a guard stopped and lets it go on.
    pub is_approved: bool,
}

/// Whether people are put in or taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Turn {
    /// Out.
    Remove,
    /// In.
    Add,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberStep {
    /// Our key of the group.
    pub group: String,
    /// In or out.
    pub turn: Turn,
    /// The accounts.
    pub accounts: Vec<String>,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RosterPlan {
    /// What to remember before anything is done: it names every member that is put in.
    pub state: RosterState,
    /// The calls, those that take people out first.
    pub steps: Vec<MemberStep>,
    /// Why some of it was left.
    pub failure: Option<Failure>,
}

/// The name of what is remembered of a course's people, and the subject of the operations that look at them.
pub fn key(course: &EntityId) -> String {
    format!("roster:{course}")
}

/// The people to ask the forum for, at most `max`, those first who were never asked for.
pub fn to_ask(
    state: &RosterState,
    wanted: &BTreeMap<String, Wanted>,
    (now, max): (Timestamp, usize),
) -> Vec<String> {
    let people: BTreeSet<&String> = wanted.values().flat_map(|group| &group.members).collect();
    let age_ms = |person: &RosterPerson| now.since_ms(Timestamp(person.asked_ms));
    let mut new = Vec::new();
    let mut strangers = Vec::new();
    let mut old = Vec::new();
    for key in people {
        match state.people.get(key) {
            None => new.push(key.clone()),
            Some(person) if person.account.is_none() && age_ms(person) >= STRANGER_MS => {
                strangers.push(key.clone());
            }
            Some(person) if person.account.is_some() && age_ms(person) >= ACCOUNT_MS => {
                old.push((person.asked_ms, key.clone()));
            }
            Some(_) => {}
        }
    }
    old.sort();
    let again = old.into_iter().take(RECHECKS).map(|(_, key)| key);
    new.into_iter()
        .chain(strangers)
        .chain(again)
        .take(max)
        .collect()
}

/// The groups whose members must be read before anything is decided about them.
pub fn to_read(
    state: &RosterState,
    wanted: &BTreeMap<String, Wanted>,
    now: Timestamp,
) -> Vec<String> {
    let is_due = |group: &RosterGroup, members: &BTreeSet<String>| {
        let is_old = group
            .read_ms
            .is_none_or(|at| now.since_ms(Timestamp(at)) >= READ_MS);
        let is_new =
            |account: &String| !group.set.contains_key(account) && !group.by_hand.contains(account);
        group.is_open || is_old || accounts(state, members).keys().any(is_new)
    };
    let keys = wanted.iter().filter(|(key, wanted)| {
        let group = state.groups.get(*key);
        group.is_some_and(|group| is_due(group, &wanted.members))
    });
    keys.map(|(key, _)| key.clone()).collect()
}

/// The known accounts of people, with the person's key.
fn accounts(state: &RosterState, people: &BTreeSet<String>) -> BTreeMap<String, String> {
    let known = people.iter().filter_map(|key| {
        let account = state.people.get(key)?.account.clone()?;
        Some((account, key.clone()))
    });
    known.collect()
}

/// Decides what to change. `seen` has the accounts in each group that was read; a group that was not read gets nobody.
pub fn plan_roster(
    state: &RosterState,
    wanted: &BTreeMap<String, Wanted>,
    seen: &BTreeMap<String, BTreeSet<String>>,
    (rules, now): (&Rules, Timestamp),
) -> RosterPlan {
    let mut next = state.clone();
    let mut steps = Vec::new();
    let nobody = Wanted::default();
    let kept: Vec<&String> = state
        .groups
        .keys()
        .filter(|key| is_kept(key, &rules.kinds))
        .collect();
    for key in &kept {
        let belong = accounts(state, &wanted.get(*key).unwrap_or(&nobody).members);
        let added = take_in(&mut next, key, (&belong, seen.get(*key)), now);
        push_batches(&mut steps, (key, Turn::Add), &added, rules.batch_max);
    }
    // Newcomers count among those who are there, or the same reading would be judged otherwise the next time.
    let short = check_reading(&next, wanted, rules).err();
    let mut due: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut moves: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for key in kept.iter().filter(|_| short.is_none()) {
        let group = wanted.get(*key).unwrap_or(&nobody);
        let belong = accounts(state, &group.members);
        let gone = let_go(&mut next, key, (group, &belong), (rules, now));
        due.insert((*key).clone(), gone.due);
        moves.insert((*key).clone(), gone.moved);
    }
    let budget = check_drops(&next, &due, rules).err();
    for (key, moved) in &moves {
        let none = BTreeSet::new();
        let dropped = due.get(key).filter(|_| budget.is_none()).unwrap_or(&none);
        let out: Vec<String> = moved.union(dropped).cloned().collect();
        push_batches(&mut steps, (key, Turn::Remove), &out, rules.batch_max);
    }
    steps.sort_by_key(|step| step.turn);
    for step in &steps {
        if let Some(group) = next.groups.get_mut(&step.group) {
            group.is_open = true;
        }
    }
    let failure = short.or(budget);
    next.failure.clone_from(&failure);
    RosterPlan {
        state: next,
        steps,
        failure,
    }
}

fn is_kept(key: &str, kinds: &BTreeSet<GroupKind>) -> bool {
    let kind = key.split(':').next().and_then(GroupKind::parse);
    kind.is_some_and(|kind| kinds.contains(&kind))
}

/// Notes what a reading showed, and whom to put in; they are ours from now on.
fn take_in(
    next: &mut RosterState,
    key: &str,
    (belong, seen): (&BTreeMap<String, String>, Option<&BTreeSet<String>>),
    now: Timestamp,
) -> Vec<String> {
    let (Some(seen), Some(group)) = (seen, next.groups.get_mut(key)) else {
        return Vec::new();
    };
    group.read_ms = Some(now.0);
    group.is_open = false;
    // Whoever is gone already and should be is nobody's business any more.
    group
        .set
        .retain(|account, _| seen.contains(account) || belong.contains_key(account));
    group.by_hand = belong
        .keys()
        .filter(|account| seen.contains(*account) && !group.set.contains_key(*account))
        .cloned()
        .collect();
    let mut added = Vec::new();
    for (account, person) in belong
        .iter()
        .filter(|(account, _)| !seen.contains(*account))
    {
        let member = RosterMember {
            person: person.clone(),
            gone_ms: None,
        };
        if group.set.insert(account.clone(), member).is_some() {
            // It was there: taken out by hand, or the account is another's now. The next run asks who it is.
            if let Some(known) = next.people.get_mut(person) {
                known.asked_ms = known.asked_ms.min(now.0.saturating_sub(ACCOUNT_MS));
            }
        }
        added.push(account.clone());
    }
    added
}

struct Gone {
    /// Out of the course for longer than the grace period.
    due: BTreeSet<String>,
    /// Still in the course, in another place of it; or somebody else's account by now.
    moved: BTreeSet<String>,
}

/// Starts and stops the clocks of those we set; says whose time is over.
fn let_go(
    next: &mut RosterState,
    key: &str,
    (wanted, belong): (&Wanted, &BTreeMap<String, String>),
    (rules, now): (&Rules, Timestamp),
) -> Gone {
    let mut gone = Gone {
        due: BTreeSet::new(),
        moved: BTreeSet::new(),
    };
    let Some(group) = next.groups.get_mut(key) else {
        return gone;
    };
    for (account, member) in &mut group.set {
        if belong.contains_key(account) {
            member.gone_ms = None;
            continue;
        }
        let has_other_account = wanted.members.contains(&member.person);
        if has_other_account || wanted.moved.contains(&member.person) {
            gone.moved.insert(account.clone());
            continue;
        }
        let is_first = member.gone_ms.is_none();
        let since = *member.gone_ms.get_or_insert(now.0);
        let is_proved = wanted.ended.contains(&member.person);
        let is_over = now.since_ms(Timestamp(since)) >= rules.grace_ms;
        // Who is only missing is never taken out by the look that missed them.
        if is_over && (is_proved || !is_first) {
            gone.due.insert(account.clone());
        }
    }
    gone
}

fn push_batches(
    steps: &mut Vec<MemberStep>,
    (key, turn): (&String, Turn),
    accounts: &[String],
    max: usize,
) {
    let batches = accounts.chunks(max.max(1)).map(|accounts| MemberStep {
        group: key.clone(),
        turn,
        accounts: accounts.to_vec(),
    });
    steps.extend(batches);
}

/// Refuses a reading in which many people are missing of whom it does not say that they left.
fn check_reading(
    state: &RosterState,
    wanted: &BTreeMap<String, Wanted>,
    rules: &Rules,
) -> Result<(), Failure> {
    let mut set = BTreeSet::new();
    let mut missing = BTreeSet::new();
    let mut active = BTreeSet::new();
    let nobody = Wanted::default();
    for (key, group) in state
        .groups
        .iter()
        .filter(|(key, _)| is_kept(key, &rules.kinds))
    {
        let wanted = wanted.get(key).unwrap_or(&nobody);
        active.extend(&wanted.members);
        for member in group.set.values() {
            set.insert(&member.person);
            let is_told = wanted.members.contains(&member.person)
                || wanted.ended.contains(&member.person)
                || member.gone_ms.is_some();
            if !is_told {
                missing.insert(&member.person);
            }
        }
    }
    let (gone, all) = (count(missing.len()), count(set.len()));
    let is_empty = active.is_empty() && gone > 0;
    let is_half = gone >= rules.limits.empty_min && gone.saturating_mul(2) > all;
    if rules.is_approved || !(is_empty || is_half || gone > budget(rules, all)) {
        return Ok(());
    }
    Err(Failure::new(
        "SYNC-5030",
        Class::Guard,
        format!(
            "{gone} of {all} people are missing from Canvas's roster, and it does not say that they left."
        ),
        "Look at the course's people in Canvas; release the operation to believe it. Nobody was taken out of a group.",
    ))
}

/// Refuses to take out more people at once than the course's budget.
fn check_drops(
    state: &RosterState,
    due: &BTreeMap<String, BTreeSet<String>>,
    rules: &Rules,
) -> Result<(), Failure> {
    let dropped: BTreeSet<&String> = due.values().flatten().collect();
    let sets = state.groups.values().flat_map(|group| group.set.keys());
    let (gone, all) = (
        count(dropped.len()),
        count(sets.collect::<BTreeSet<_>>().len()),
    );
    let budget = budget(rules, all);
    if rules.is_approved || gone <= budget {
        return Ok(());
    }
    Err(Failure::new(
        "SYNC-5031",
        Class::Guard,
        format!(
            "{gone} people would be taken out of the course's groups at once; its budget is {budget}."
        ),
        "Look at `antiphon roster show`; release the operation to take them out.",
    ))
}

fn budget(rules: &Rules, all: u64) -> u64 {
    let share = all.saturating_mul(rules.limits.deletes_percent) / 100;
    rules.limits.deletes_min.max(share)
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// What to remember when the steps were done: those who were taken out are forgotten.
pub fn settle_roster(state: &RosterState, steps: &[MemberStep]) -> RosterState {
    let mut next = state.clone();
    for step in steps {
        let Some(group) = next.groups.get_mut(&step.group) else {
            continue;
        };
        group.is_open = false;
        if step.turn == Turn::Remove {
            for account in &step.accounts {
                group.set.remove(account);
            }
        }
    }
    next
}

/// The people who left the course and whose grace period is not over, by what was last remembered.
pub fn leaving(state: &RosterState) -> BTreeSet<String> {
    let members = state.groups.values().flat_map(|group| group.set.values());
    members
        .filter(|member| member.gone_ms.is_some())
        .map(|member| member.person.clone())
        .collect()
}

#[cfg(test)]
mod tests;
