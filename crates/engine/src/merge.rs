//! Three-way merge of concurrent records, field by field; the strategy decides what is left (design section 6).

use std::collections::{BTreeMap, BTreeSet};

use crate::body;
use model::{Field, FieldType, Policy, Record, Strategy, System, Value};

/// One side of a concurrent change: what it has and what it had when all last agreed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Whose record it is.
    pub system: System,
    /// What it has now.
    pub record: Record,
    /// What it had at the last agreement.
    pub base: Option<Record>,
}

impl Head {
    /// The fields in which this side changed since the last agreement.
    pub fn changed(&self) -> BTreeSet<Field> {
        match &self.base {
            None => BTreeSet::new(),
            Some(base) => self
                .record
                .fields
                .iter()
                .filter(|(field, value)| base.fields.get(field) != Some(value))
                .map(|(field, _)| *field)
                .collect(),
        }
    }

    fn changed_existence(&self) -> bool {
        self.base
            .as_ref()
            .is_some_and(|base| base.deleted != self.record.deleted)
    }
}

/// What a merge came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// The merged record; `None` when a person must decide.
    pub record: Option<Record>,
    /// The fields that two sides changed to different values.
    pub overlaps: BTreeSet<Field>,
    /// One side deleted what another changed.
    pub is_delete_against_edit: bool,
}

impl Merged {
    /// Whether the strategy had to be asked.
    pub fn is_conflict(&self) -> bool {
        self.is_delete_against_edit || !self.overlaps.is_empty()
    }
}

/// Merges the heads over `agreed`, the record that everybody had.
pub(crate) fn merge(agreed: &Record, heads: &[Head], policy: &Policy) -> Merged {
    let mut overlaps = overlaps(heads);
    let is_delete_against_edit = meets_delete(heads);
    let text = overlaps
        .contains(&Field::Body)
        .then(|| body::merge(agreed, heads, preferred(policy.strategy)))
        .flatten();
    let is_whole = text.as_ref().is_some_and(|text| !text.overlaps);
    if is_whole {
        overlaps.remove(&Field::Body);
    }
    let mut merged = Merged {
        record: None,
        overlaps,
        is_delete_against_edit,
    };
    if !merged.is_conflict() {
        merged.record = Some(with_text(overlay(agreed, heads, None), text));
        return merged;
    }
    merged.record = decide(agreed, heads, policy, &merged);
    if preferred(policy.strategy).is_some() {
        merged.record = merged.record.map(|record| with_text(record, text));
    }
    merged
}

/// The side that a merging strategy gives what overlaps.
fn preferred(strategy: Strategy) -> Option<System> {
    match strategy {
        Strategy::MergePreferCanvas => Some(System::Canvas),
        Strategy::MergePreferDiscourse => Some(System::Discourse),
        Strategy::PreferCanvas
        | Strategy::PreferDiscourse
        | Strategy::PreferMostRecent
        | Strategy::Manual => None,
    }
}

fn with_text(mut record: Record, text: Option<body::Text>) -> Record {
    if let Some(text) = text.filter(|_| !record.deleted) {
        record.fields.insert(Field::Body, Value::Body(text.body));
    }
    record
}

fn decide(agreed: &Record, heads: &[Head], policy: &Policy, merged: &Merged) -> Option<Record> {
    let strategy = match policy.strategy {
        Strategy::PreferMostRecent => match newest(heads, policy.skew_margin_ms) {
            Some(system) => return Some(whole(agreed, heads, &[system])),
            None if policy.fallback == Strategy::PreferMostRecent => Strategy::Manual,
            None => policy.fallback,
        },
        other => other,
    };
    match strategy {
        Strategy::PreferCanvas => Some(whole(
            agreed,
            heads,
            &[System::Canvas, System::Local, System::Discourse],
        )),
        Strategy::PreferDiscourse => Some(whole(
            agreed,
            heads,
            &[System::Discourse, System::Local, System::Canvas],
        )),
        Strategy::MergePreferCanvas => Some(combined(agreed, heads, merged, System::Canvas)),
        Strategy::MergePreferDiscourse => Some(combined(agreed, heads, merged, System::Discourse)),
        Strategy::PreferMostRecent | Strategy::Manual => None,
    }
}

/// The fields in which two heads changed to different values. Sets never overlap: their adds and removes all apply.
fn overlaps(heads: &[Head]) -> BTreeSet<Field> {
    let mut values: BTreeMap<Field, Vec<&Value>> = BTreeMap::new();
    for head in heads.iter().filter(|head| !head.record.deleted) {
        for field in head.changed() {
            if let Some(value) = head.record.fields.get(&field) {
                values.entry(field).or_default().push(value);
            }
        }
    }
    values
        .into_iter()
        .filter(|(field, _)| field.field_type() != FieldType::Set)
        .filter(|(_, values)| values.iter().any(|value| Some(value) != values.first()))
        .map(|(field, _)| field)
        .collect()
}

fn meets_delete(heads: &[Head]) -> bool {
    let is_deleted_by_one = heads
        .iter()
        .any(|head| head.record.deleted && head.changed_existence());
    let is_changed_by_other = heads.iter().any(|head| {
        !head.record.deleted && (!head.changed().is_empty() || head.changed_existence())
    });
    is_deleted_by_one && is_changed_by_other
}

/// The agreed record with every head's changes; `winner`'s value where two overlap.
fn overlay(agreed: &Record, heads: &[Head], winner: Option<System>) -> Record {
    let mut result = agreed.clone();
    // The winner last, so that its values stand.
    let ordered = heads
        .iter()
        .filter(|head| Some(head.system) != winner)
        .chain(heads.iter().filter(|head| Some(head.system) == winner));
    for head in ordered {
        apply(&mut result, head);
    }
    result
}

/// Applies one head's changes to a record.
pub(crate) fn apply(result: &mut Record, head: &Head) {
    for field in head.changed() {
        let Some(value) = head.record.fields.get(&field) else {
            continue;
        };
        let value = match (result.fields.get(&field), value) {
            (Some(Value::Set(present)), Value::Set(theirs)) => {
                Value::Set(merge_set(present, theirs, &base_set(head, field)))
            }
            _ => value.clone(),
        };
        result.fields.insert(field, value);
    }
    if head.changed_existence() {
        result.deleted = head.record.deleted;
    }
    if head.record.edited_at > result.edited_at {
        result.edited_at = head.record.edited_at;
    }
}

fn base_set(head: &Head, field: Field) -> BTreeSet<String> {
    match head.base.as_ref().and_then(|base| base.fields.get(&field)) {
        Some(Value::Set(names)) => names.clone(),
        _ => BTreeSet::new(),
    }
}

/// What is there, plus what they added, minus what they removed.
fn merge_set(
    present: &BTreeSet<String>,
    theirs: &BTreeSet<String>,
    base: &BTreeSet<String>,
) -> BTreeSet<String> {
    let removed: BTreeSet<&String> = base.difference(theirs).collect();
    present
        .iter()
        .chain(theirs.difference(base))
        .filter(|name| !removed.contains(name))
        .cloned()
        .collect()
}

/// The record of the first of `order` that is a head: it wins whole, the others' changes are undone.
fn whole(agreed: &Record, heads: &[Head], order: &[System]) -> Record {
    let mut result = agreed.clone();
    if let Some(head) = order
        .iter()
        .find_map(|system| heads.iter().find(|head| head.system == *system))
    {
        apply(&mut result, head);
    }
    result
}

/// All changes, overlaps to the preferred side; an edited item outlives its deletion.
fn combined(agreed: &Record, heads: &[Head], merged: &Merged, preferred: System) -> Record {
    // Without the preferred system among the heads, the local database stands for it.
    let winner = [preferred, System::Local].into_iter().find(|system| {
        heads
            .iter()
            .any(|head| head.system == *system && !head.record.deleted)
    });
    let mut result = overlay(agreed, heads, winner);
    if merged.is_delete_against_edit {
        result.deleted = false;
    }
    result
}

/// The head that was edited last by the systems' own clocks, when the margin leaves no doubt.
fn newest(heads: &[Head], margin_ms: i64) -> Option<System> {
    let mut times = Vec::new();
    for head in heads {
        // A deletion has no time of its own: it cannot be ordered.
        if head.record.deleted {
            return None;
        }
        times.push((head.record.edited_at?, head.system));
    }
    times.sort_by(|left, right| right.cmp(left));
    match (times.first(), times.get(1)) {
        (Some((newest, system)), Some((second, _))) if newest.since_ms(*second) > margin_ms => {
            Some(*system)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
