//! Drift: whether both sides of a course say the same, by the records last seen there.

use std::collections::BTreeSet;

use model::{Digest, Entity, EntityId, Existence, Kind, Record, Status, System};
use store::{Drift, EntityFilter, SideHash};

use super::job::{Run, look};

/// How many entities one step reads.
const PAGE: usize = 500;
/// How many drifting items a report names.
const NAMED: usize = 100;

/// Compares every course, stores a report for each, and has drifting threads looked at.
pub(super) async fn compare(run: &mut Run<'_>) -> store::Result<()> {
    let mut explained = 0;
    for course in run.world.store.courses().await? {
        let (drift, threads) = course_drift(run, &course.id).await?;
        run.report.found += drift.drifting;
        explained += drift.explained;
        run.world.store.keep_drift(&drift).await?;
        if !run.is_dry() && !threads.is_empty() {
            let looks = threads
                .iter()
                .map(|topic| look(run.world, (topic, &course.id), "drift"));
            let looks: Vec<store::Change> = looks.collect();
            run.report.done += u64::try_from(looks.len()).unwrap_or(u64::MAX);
            run.world.store.commit(looks).await?;
        }
    }
    run.report.note = format!("{explained} more items differ for a reason that is known.");
    Ok(())
}

async fn course_drift(
    run: &mut Run<'_>,
    course: &EntityId,
) -> store::Result<(Drift, BTreeSet<EntityId>)> {
    let mut sides = System::REMOTE.map(|system| Side {
        system,
        items: 0,
        hash: Digest::of(b""),
    });
    let mut threads = BTreeSet::new();
    let mut drift = Drift {
        course: course.to_string(),
        at_ms: run.report.began_ms,
        sides: Vec::new(),
        drifting: 0,
        explained: 0,
        items: Vec::new(),
    };
    for kind in [Kind::Topic, Kind::Post] {
        let mut after = None;
        while run.goes_on().await? {
            let filter = EntityFilter {
                kind: Some(kind),
                course: Some(course.clone()),
                after: after.take(),
                limit: PAGE,
                ..EntityFilter::default()
            };
            let page = run.world.store.entities(&filter).await?;
            for entity in &page {
                for side in &mut sides {
                    side.take(entity);
                }
                note(entity, &mut drift, &mut threads);
            }
            match page.last() {
                Some(last) if page.len() == PAGE => after = Some(last.id.clone()),
                _ => break,
            }
        }
    }
    drift.sides = sides.into_iter().map(Side::end).collect();
    Ok((drift, threads))
}

fn note(entity: &Entity, drift: &mut Drift, threads: &mut BTreeSet<EntityId>) {
    let Some(what) = difference(entity) else {
        return;
    };
    if entity.status != Status::InSync {
        drift.explained += 1;
        return;
    }
    drift.drifting += 1;
    if drift.items.len() < NAMED {
        drift.items.push((entity.id.to_string(), what));
    }
    threads.insert(
        entity
            .container
            .clone()
            .unwrap_or_else(|| entity.id.clone()),
    );
}

/// In what the two sides of an entity differ; `None` when they say the same.
fn difference(entity: &Entity) -> Option<String> {
    let [one, other] = System::REMOTE.map(|system| seen(entity, system));
    match (one, other) {
        (None, None) => None,
        (Some(one), Some(other)) => {
            let fields = one.differing_fields(other);
            let names: Vec<&str> = fields.iter().map(|field| field.as_str()).collect();
            (!names.is_empty()).then(|| names.join(", "))
        }
        (Some(_), None) => Some(format!("only in {}", System::Canvas.title())),
        (None, Some(_)) => Some(format!("only in {}", System::Discourse.title())),
    }
}

/// What a system has of an entity, as last seen; `None` when it is not there.
fn seen(entity: &Entity, system: System) -> Option<&Record> {
    let replica = entity.replica(system)?;
    let is_there = replica.existence == Existence::Present && !replica.record.deleted;
    is_there.then_some(&replica.record)
}

struct Side {
    system: System,
    items: u64,
    hash: Digest,
}

impl Side {
    /// Adds an entity's part. Only fields that both sides have count: a system is not blamed for what it cannot store.
    fn take(&mut self, entity: &Entity) {
        let Some(record) = seen(entity, self.system) else {
            return;
        };
        self.items += 1;
        let mut common = record.clone();
        for system in System::REMOTE {
            if let Some(other) = seen(entity, system) {
                common
                    .fields
                    .retain(|field, _| other.fields.contains_key(field));
            }
        }
        let text = format!("{} {} {}", self.hash, entity.id, common.digest());
        self.hash = Digest::of(text.as_bytes());
    }

    fn end(self) -> SideHash {
        SideHash {
            system: self.system.to_string(),
            items: self.items,
            hash: self.hash.to_string(),
        }
    }
}
