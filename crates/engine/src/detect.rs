//! Tells what a look at a remote means: nothing new, our own echo, a person's change, or a reason to wait.

use std::collections::BTreeSet;

use model::{
    Action, Existence, Field, Intent, IntentState, Observation, Record, Replica, Sighting, System,
    Timestamp,
};

/// What one observation did to one replica.
pub(crate) struct Detected {
    pub(crate) replica: Replica,
    /// The intents that this look proves done, or proves never to have happened.
    pub(crate) intents: Vec<(model::IntentId, IntentState)>,
    pub(crate) news: News,
}

/// What an observation means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum News {
    /// As we left it.
    Nothing,
    /// A write of ours, seen without its receipt.
    Echo,
    /// A person changed it there.
    Changed,
    /// Not found for the first time: wait for the second look.
    Missing { look_again_at: Timestamp },
    /// Older than what we know by the remote's own clock: a list that lags; a later look decides.
    Older { look_again_at: Timestamp },
    /// Its words must not be mirrored.
    Withheld(String),
}

/// What an observation is judged by.
pub(crate) struct Setting<'a> {
    /// What the local database has.
    pub(crate) local: Option<&'a Record>,
    /// How far apart two looks must be that find nothing.
    pub(crate) two_looks_ms: i64,
    /// When the look is judged, which is after it was made: a step can stand still between the two. What is stored
    /// counts from here, what is due counts up to the look, so that both are on the safe side.
    pub(crate) now: Timestamp,
}

/// Applies an observation to the replica it is about.
pub(crate) fn detect(
    replica: &Replica,
    observation: &Observation,
    intents: &[&Intent],
    setting: &Setting<'_>,
) -> Detected {
    match &observation.sighting {
        Sighting::Present(record) => {
            let doubt_ms = doubt_ms(replica, record, setting.two_looks_ms);
            if observation.at.since_ms(replica.seen_at) < doubt_ms {
                return Detected {
                    replica: replica.clone(),
                    intents: Vec::new(),
                    news: News::Older {
                        look_again_at: replica.seen_at.plus_ms(doubt_ms),
                    },
                };
            }
            let seen = (observation.system, setting.now);
            let mut detected = present(replica, record, seen, intents);
            owe_newer(&mut detected, intents, setting.local);
            keep_edited(&mut detected, replica, setting.local);
            keep_returned(&mut detected, replica, setting.local);
            detected
        }
        Sighting::Deleted => deleted(replica, (observation.system, setting.now), intents),
        Sighting::Missing => missing(replica, observation, intents, setting),
        Sighting::Withheld(reason) => Detected {
            replica: replica.clone(),
            intents: Vec::new(),
            news: News::Withheld(reason.clone()),
        },
    }
}

/// How long a list can lag behind two writes that the remote dates the same, in milliseconds. Canvas counts in seconds
/// (contract canvas section 6).
const SAME_TIME_MS: i64 = 10_000;

/// For how long after our last look a record is not believed, because the remote dates it before what it showed us then:
/// its lists can lag behind its writes. Only for a while: a clock that was set back must not hide an edit for ever.
fn doubt_ms(replica: &Replica, record: &Record, two_looks_ms: i64) -> i64 {
    let known = &replica.record;
    let is_earlier = match (record.edited_at, known.edited_at) {
        (Some(shown), Some(last)) => shown < last || (shown == last && known.deleted),
        _ => false,
    };
    if is_earlier && (known.deleted || !known.same_content(record)) {
        return two_looks_ms;
    }
    let is_same_time = record.edited_at.is_some() && record.edited_at == known.edited_at;
    let differing = known.differing_fields(record);
    let is_text = differing.contains(&Field::Title) || differing.contains(&Field::Body);
    if is_same_time && is_text {
        SAME_TIME_MS.min(two_looks_ms)
    } else {
        0
    }
}

fn present(
    replica: &Replica,
    record: &Record,
    (system, now): (System, Timestamp),
    intents: &[&Intent],
) -> Detected {
    let mut next = Replica {
        seen_at: now,
        ..replica.clone()
    };
    let mut closed = Vec::new();
    let mut news = News::Nothing;
    let mut known = replica.record.clone();
    for intent in intents {
        if is_done(intent, replica, record) {
            closed.push((intent.id.clone(), IntentState::Applied));
            news = News::Echo;
            known = after(&known, intent);
            next.owed = next.owed.difference(&intent.fields).copied().collect();
            if next.owed.is_empty() {
                next.vector = next.vector.join(&intent.vector);
            }
        } else {
            closed.push((intent.id.clone(), IntentState::Abandoned));
        }
    }
    if !known.same_content(record) {
        next.base.get_or_insert_with(|| known.clone());
        next.vector = next.vector.incremented(system);
        news = News::Changed;
    }
    next.record = record.clone();
    next.existence = Existence::Present;
    Detected {
        replica: next,
        intents: closed,
        news,
    }
}

/// What was decided anew while a write was on its way is still owed: the echo shows only the older value.
fn owe_newer(detected: &mut Detected, intents: &[&Intent], local: Option<&Record>) {
    let Some(local) = local else { return };
    for intent in intents {
        let is_applied = detected
            .intents
            .iter()
            .any(|(id, state)| *id == intent.id && *state == IntentState::Applied);
        if is_applied {
            let newer = intent.record.differing_fields(local);
            detected
                .replica
                .owed
                .extend(newer.intersection(&intent.fields).copied());
        }
    }
}

/// Somebody who sets a field back to what it was before an older change, and away from what the local database has, has
/// changed it all the same.
fn keep_returned(detected: &mut Detected, before: &Replica, local: Option<&Record>) {
    let (Some(base), Some(local)) = (detected.replica.base.as_mut(), local) else {
        return;
    };
    for field in before.record.differing_fields(&detected.replica.record) {
        let known = before.record.fields.get(&field);
        let is_back = base.fields.get(&field) == detected.replica.record.fields.get(&field);
        if let Some(known) = known.filter(|_| is_back && known == local.fields.get(&field)) {
            base.fields.insert(field, known.clone());
        }
    }
}

/// Somebody who edits an item that came back, by whoever's restore, wants it: that outlives an older decision to
/// delete it.
fn keep_edited(detected: &mut Detected, before: &Replica, local: Option<&Record>) {
    let is_deleted_here = local.is_some_and(|local| local.deleted);
    if detected.news != News::Changed || !before.record.deleted || !is_deleted_here {
        return;
    }
    if let Some(base) = detected.replica.base.as_mut() {
        base.deleted = true;
    }
}

/// Whether the record shows that the intent's write happened.
fn is_done(intent: &Intent, replica: &Replica, record: &Record) -> bool {
    match intent.action {
        Action::Create => true,
        Action::Restore => replica.record.deleted,
        Action::Delete => false,
        Action::Edit => {
            let wanted = changed_by(intent, &replica.record);
            !wanted.is_empty()
                && wanted
                    .iter()
                    .all(|field| record.fields.get(field) == intent.record.fields.get(field))
        }
    }
}

/// The fields that the intent would really change.
fn changed_by(intent: &Intent, before: &Record) -> BTreeSet<Field> {
    intent
        .fields
        .iter()
        .filter(|field| intent.record.fields.get(field) != before.fields.get(field))
        .copied()
        .collect()
}

/// The record as the intent's write leaves it.
fn after(before: &Record, intent: &Intent) -> Record {
    let mut record = before.clone();
    record.deleted = intent.action == Action::Delete;
    if matches!(intent.action, Action::Edit | Action::Create) {
        for field in &intent.fields {
            if let Some(value) = intent.record.fields.get(field) {
                record.fields.insert(*field, value.clone());
            }
        }
    }
    record
}

fn deleted(replica: &Replica, (system, now): (System, Timestamp), intents: &[&Intent]) -> Detected {
    let mut next = Replica {
        seen_at: now,
        ..replica.clone()
    };
    let mut closed = Vec::new();
    let mut news = News::Nothing;
    for intent in intents {
        let state = if intent.action == Action::Delete {
            news = News::Echo;
            // What it is owed stays noted: a tombstone that is restored shows its old text.
            next.vector = next.vector.join(&intent.vector);
            IntentState::Applied
        } else {
            IntentState::Abandoned
        };
        closed.push((intent.id.clone(), state));
    }
    if !replica.record.deleted && news != News::Echo {
        next.base.get_or_insert_with(|| replica.record.clone());
        next.vector = next.vector.incremented(system);
        news = News::Changed;
    }
    next.record.deleted = true;
    next.existence = Existence::Deleted;
    Detected {
        replica: next,
        intents: closed,
        news,
    }
}

fn missing(
    replica: &Replica,
    observation: &Observation,
    intents: &[&Intent],
    setting: &Setting<'_>,
) -> Detected {
    let Setting {
        two_looks_ms, now, ..
    } = *setting;
    let seen = (observation.system, now);
    let unchanged = |existence: Existence, news: News| Detected {
        replica: Replica {
            existence,
            ..replica.clone()
        },
        intents: Vec::new(),
        news,
    };
    match replica.existence {
        Existence::Deleted => unchanged(Existence::Deleted, News::Nothing),
        Existence::Missing { since } if observation.at.since_ms(since) >= two_looks_ms => {
            deleted(replica, seen, intents)
        }
        Existence::Missing { since } => unchanged(
            replica.existence,
            News::Missing {
                look_again_at: since.plus_ms(two_looks_ms),
            },
        ),
        Existence::Present if two_looks_ms == 0 => deleted(replica, seen, intents),
        Existence::Present => unchanged(
            Existence::Missing { since: now },
            News::Missing {
                look_again_at: now.plus_ms(two_looks_ms),
            },
        ),
    }
}

/// The open intents that write to `system`.
pub(crate) fn intents_for(intents: &[Intent], system: System) -> Vec<&Intent> {
    intents
        .iter()
        .filter(|intent| intent.system == system && intent.state == IntentState::Open)
        .collect()
}
