//! What a person does to one item by hand: one side's version for everybody, leave it alone, forget what was known.
//!
//! Nothing is written here. What an act leaves to be written is owed like everything else and meets every guard on its
//! way. No act drops words: what it outweighs stays in a conflict that is decided and can be decided again.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    Action, Class, Conflict, ConflictState, Entity, Existence, Failure, Field, Kind, Phase, Record,
    Status, Step, Strategy, System, Timestamp, Value, VersionVector,
};

use crate::local::decide;

/// The code of an item that a person holds.
const HELD_CODE: &str = "SYNC-5021";
/// The code of an item that a person said to leave alone.
const SKIPPED_CODE: &str = "SYNC-5022";

/// What a person does to an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovery {
    /// What this system has becomes everybody's.
    Force(System),
    /// What the last change wrote is taken back everywhere.
    Undo,
    /// It is left alone until it is unskipped.
    Skip,
    /// It is looked at again.
    Unskip,
    /// What is known about it is forgotten, but not which items belong together; it is compared anew.
    Reset,
    /// It is watched, and nothing is decided or written until it is released.
    Hold,
    /// It goes on; a guard that stopped it lets it pass once.
    Release,
}

impl Recovery {
    /// Reads a verb as the command line and the API spell it; `from` is the side of `force`.
    pub fn parse(verb: &str, from: Option<System>) -> Option<Self> {
        Some(match verb {
            "force" => Self::Force(from?),
            "undo" => Self::Undo,
            "skip" => Self::Skip,
            "unskip" => Self::Unskip,
            "reset" => Self::Reset,
            "hold" => Self::Hold,
            "release" => Self::Release,
            _ => return None,
        })
    }

    /// The verb.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Force(_) => "force",
            Self::Undo => "undo",
            Self::Skip => "skip",
            Self::Unskip => "unskip",
            Self::Reset => "reset",
            Self::Hold => "hold",
            Self::Release => "release",
        }
    }

    /// Whether somebody must say why.
    pub fn needs_reason(self) -> bool {
        matches!(
            self,
            Self::Force(_) | Self::Undo | Self::Skip | Self::Reset | Self::Hold
        )
    }
}

/// Why an act does not fit an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecoveryRefused {
    /// Only topics and posts are kept in step this way.
    WrongKind,
    /// That system has no copy of it.
    NoCopy(System),
    /// That system does not show it at the moment: whether it is there is not known.
    NotSeen(System),
    /// Nothing was written for it yet, or its log is gone.
    NothingToUndo,
    /// It was made by that change: taking that back would delete what a person wrote.
    WasCreated,
    /// It was changed there since.
    ChangedSince(System),
    /// That change put both sides together: a conflict's sides can be taken instead.
    WasMerged,
    /// It is skipped; unskip it first.
    Skipped,
    /// A person holds it; release it first.
    Held,
    /// It is not skipped.
    NotSkipped,
    /// It is not held.
    NotHeld,
}

impl std::fmt::Display for RecoveryRefused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::WrongKind => f.write_str("only topics and posts can be recovered"),
            Self::NoCopy(system) => write!(f, "{} has no copy of it", system.title()),
            Self::NotSeen(system) => {
                write!(f, "{} does not show it at the moment", system.title())
            }
            Self::NothingToUndo => f.write_str("no change of it is in the log"),
            Self::WasCreated => {
                f.write_str("its last change created it; delete it by hand if that was wrong")
            }
            Self::ChangedSince(system) => {
                write!(f, "it was changed in {} since", system.title())
            }
            Self::WasMerged => f.write_str(
                "its last change put both sides together; take a side with `conflict resolve`",
            ),
            Self::Skipped => f.write_str("it is skipped; unskip it first"),
            Self::Held => f.write_str("somebody holds it; release it first"),
            Self::NotSkipped => f.write_str("it is not skipped"),
            Self::NotHeld => f.write_str("it is not held"),
        }
    }
}

/// Who acts, why and when, and what waits for a decision.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// Who.
    pub who: &'a str,
    /// Why.
    pub why: &'a str,
    /// The conflict of the item that waits for a person.
    pub open_conflict: Option<&'a Conflict>,
    /// The log of the last change that was written.
    pub last_change: &'a [Step],
    /// Our time.
    pub now: Timestamp,
}

/// What an act made of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// The item's next state.
    pub entity: Entity,
    /// Conflicts to store. One without an id is new: the caller gives it one.
    pub conflicts: Vec<Conflict>,
}

/// Does to an item what a person asks, or says why that does not fit.
pub fn recover(
    entity: Entity,
    act: Recovery,
    setting: &Setting<'_>,
) -> Result<Recovered, RecoveryRefused> {
    if !matches!(entity.kind, Kind::Topic | Kind::Post) {
        return Err(RecoveryRefused::WrongKind);
    }
    match (act, entity.status) {
        (
            Recovery::Force(_) | Recovery::Undo | Recovery::Reset | Recovery::Hold | Recovery::Skip,
            Status::Skipped,
        ) => {
            return Err(RecoveryRefused::Skipped);
        }
        (Recovery::Force(_) | Recovery::Undo | Recovery::Reset | Recovery::Hold, _)
            if is_held_by_hand(&entity) =>
        {
            return Err(RecoveryRefused::Held);
        }
        (Recovery::Unskip, status) if status != Status::Skipped => {
            return Err(RecoveryRefused::NotSkipped);
        }
        (Recovery::Release, status) if status != Status::Held => {
            return Err(RecoveryRefused::NotHeld);
        }
        _ => {}
    }
    match act {
        Recovery::Force(system) => force(entity, system, setting),
        Recovery::Undo => {
            let chosen = undone(&entity, setting.last_change)?;
            Ok(take(entity, &chosen, setting))
        }
        Recovery::Reset => Ok(reset(entity, setting)),
        Recovery::Skip => Ok(stopped(entity, Status::Skipped, setting)),
        Recovery::Hold => Ok(stopped(entity, Status::Held, setting)),
        // A guard's hold ends when its operation runs again: it must not pass without being asked.
        Recovery::Release if !is_held_by_hand(&entity) => Ok(unchanged(entity)),
        Recovery::Unskip | Recovery::Release => Ok(going(entity, setting)),
    }
}

/// Whether a person holds the item: then nothing is decided or written, whatever is seen.
pub fn is_held_by_hand(entity: &Entity) -> bool {
    let reason = entity.reason.as_ref();
    entity.status == Status::Held && reason.is_some_and(|reason| reason.code == HELD_CODE)
}

fn unchanged(entity: Entity) -> Recovered {
    Recovered {
        entity,
        conflicts: Vec::new(),
    }
}

fn stopped(mut entity: Entity, status: Status, setting: &Setting<'_>) -> Recovered {
    let (code, what, remedy) = if status == Status::Held {
        (HELD_CODE, "Held", "Release it to let it go on.")
    } else {
        (SKIPPED_CODE, "Skipped", "Unskip it to let it be looked at.")
    };
    let message = format!("{what} by {}: {}.", setting.who, setting.why);
    entity.status = status;
    entity.reason = Some(Failure::new(code, Class::Guard, message, remedy));
    entity.updated_at = setting.now;
    unchanged(entity)
}

fn going(mut entity: Entity, setting: &Setting<'_>) -> Recovered {
    entity.status = if setting.open_conflict.is_some() {
        Status::Conflict
    } else {
        Status::Pending
    };
    entity.reason = None;
    entity.updated_at = setting.now;
    unchanged(entity)
}

fn force(
    entity: Entity,
    from: System,
    setting: &Setting<'_>,
) -> Result<Recovered, RecoveryRefused> {
    if entity.replica(System::Local).is_none() {
        return Err(RecoveryRefused::NoCopy(System::Local));
    }
    let source = entity.replica(from).ok_or(RecoveryRefused::NoCopy(from))?;
    if matches!(source.existence, Existence::Missing { .. }) {
        return Err(RecoveryRefused::NotSeen(from));
    }
    let chosen = source.record.clone();
    Ok(take(entity, &chosen, setting))
}

/// The record as it was before the last change that was written, when nothing else was changed since.
fn undone(entity: &Entity, log: &[Step]) -> Result<Record, RecoveryRefused> {
    let local = entity
        .replica(System::Local)
        .ok_or(RecoveryRefused::NoCopy(System::Local))?;
    let mut chosen = local.record.clone();
    let mut before: BTreeMap<Field, Value> = BTreeMap::new();
    let mut applied = log
        .iter()
        .filter(|step| step.phase == Phase::Apply)
        .peekable();
    if applied.peek().is_none() {
        return Err(RecoveryRefused::NothingToUndo);
    }
    for step in applied {
        let system = step.system;
        let replica = entity
            .replica(system)
            .ok_or(RecoveryRefused::NoCopy(system))?;
        let left = step.after.as_ref();
        if !left.is_some_and(|left| left.same_content(&replica.record)) {
            return Err(RecoveryRefused::ChangedSince(system));
        }
        match step.action {
            Action::Create => return Err(RecoveryRefused::WasCreated),
            Action::Delete => chosen.deleted = false,
            Action::Restore => chosen.deleted = true,
            Action::Edit => {
                for (field, value) in written_over(log, step) {
                    let other = before.insert(field, value.clone());
                    if other.is_some_and(|other| other != value) {
                        return Err(RecoveryRefused::WasMerged);
                    }
                }
            }
        }
    }
    chosen.fields.extend(before);
    Ok(chosen)
}

/// What an edit wrote over.
fn written_over(log: &[Step], step: &Step) -> Vec<(Field, Value)> {
    let prepared = log
        .iter()
        .find(|other| other.number == step.number && other.phase == Phase::Prepare);
    let Some((before, wanted)) =
        prepared.and_then(|step| Some((step.before.as_ref()?, step.after.as_ref()?)))
    else {
        return Vec::new();
    };
    let fields = wanted.fields.keys();
    fields
        .filter_map(|field| Some((*field, before.fields.get(field)?.clone())))
        .collect()
}

/// Makes a record everybody's, and keeps what each system has now as a conflict that is decided.
fn take(entity: Entity, chosen: &Record, setting: &Setting<'_>) -> Recovered {
    let sides = sides(&entity);
    let differs = sides.values().any(|side| !side.same_content(chosen));
    let decided_by = format!("operator:{}", setting.who);
    let conflict = shown(&entity, sides, setting);
    let before = entity
        .replica(System::Local)
        .map(|local| local.record.clone());
    let (mut entity, conflict) = decide(entity, conflict, chosen, &decided_by, setting.now);
    for (system, replica) in &mut entity.replicas {
        if *system != System::Local {
            // What it had was seen: its next change starts here.
            replica.base = None;
        } else if before
            .as_ref()
            .is_some_and(|before| !before.same_content(&replica.record))
        {
            // Also a step back to an older text is a change, for whoever changes something meanwhile.
            replica.base.clone_from(&before);
        }
    }
    let mut conflicts = closed(&entity, &decided_by, setting);
    if differs {
        conflicts.push(conflict);
    }
    Recovered { entity, conflicts }
}

/// Forgets what the systems last agreed on and who has seen what. Which remote items belong together stays, and so do
/// the intents of what may have been created: no item is made twice.
fn reset(mut entity: Entity, setting: &Setting<'_>) -> Recovered {
    let decided_by = format!("reset:{}", setting.who);
    let mut conflicts = closed(&entity, &decided_by, setting);
    conflicts.extend(kept(&entity, &decided_by, setting));
    let count = |entity: &Entity, system| {
        entity
            .replica(system)
            .map_or(0, |replica| replica.vector.get(system))
    };
    let local = count(&entity, System::Local);
    let counts: Vec<(System, u64)> = System::REMOTE
        .into_iter()
        .map(|system| (system, count(&entity, system).saturating_add(1)))
        .collect();
    for (system, replica) in &mut entity.replicas {
        replica.owed.clear();
        if *system == System::Local {
            replica.vector = [(System::Local, local)].into_iter().collect();
            replica.base = None;
            continue;
        }
        // After the local database, beside each other: the next look compares the remotes and nothing else.
        let own = counts.iter().filter(|(counted, _)| counted == system);
        replica.vector = own
            .copied()
            .chain([(System::Local, local)])
            .collect::<VersionVector>();
        replica.base = Some(Record::default());
        if matches!(replica.existence, Existence::Missing { .. }) {
            replica.existence = Existence::Present;
        }
    }
    entity.shadow = None;
    entity.status = Status::Pending;
    entity.reason = None;
    entity.updated_at = setting.now;
    Recovered { entity, conflicts }
}

/// What only the local database has, as a conflict that is decided: a comparison of the remotes would not see it.
fn kept(entity: &Entity, decided_by: &str, setting: &Setting<'_>) -> Option<Conflict> {
    let local = &entity.replica(System::Local)?.record;
    let is_elsewhere = |system| {
        let replica = entity.replica(system);
        replica.is_some_and(|replica| replica.record.same_content(local))
    };
    if System::REMOTE.into_iter().any(is_elsewhere) {
        return None;
    }
    let sides = sides(entity);
    let conflict = shown(entity, sides, setting);
    Some(Conflict {
        state: ConflictState::Resolved,
        decided_by: decided_by.to_owned(),
        resolved_at: Some(setting.now),
        ..conflict
    })
}

/// What every system has.
fn sides(entity: &Entity) -> BTreeMap<System, Record> {
    let replicas = entity.replicas.iter();
    replicas
        .map(|(system, replica)| (*system, replica.record.clone()))
        .collect()
}

fn differing(sides: &BTreeMap<System, Record>) -> BTreeSet<Field> {
    let pairs = sides
        .values()
        .flat_map(|one| sides.values().map(move |other| (one, other)));
    pairs
        .flat_map(|(one, other)| one.differing_fields(other))
        .collect()
}

/// A new conflict with what every system has now.
fn shown(entity: &Entity, sides: BTreeMap<System, Record>, setting: &Setting<'_>) -> Conflict {
    Conflict {
        id: String::new(),
        entity: entity.id.clone(),
        state: ConflictState::Open,
        strategy: Strategy::Manual,
        decided_by: String::new(),
        base: entity.shadow.clone(),
        fields: differing(&sides),
        sides,
        result: None,
        opened_at: setting.now,
        resolved_at: None,
    }
}

/// The conflict that waited: it is decided by the act, with the sides that it showed.
fn closed(entity: &Entity, decided_by: &str, setting: &Setting<'_>) -> Vec<Conflict> {
    let close = |open: &Conflict| Conflict {
        state: ConflictState::Resolved,
        decided_by: decided_by.to_owned(),
        result: entity
            .replica(System::Local)
            .map(|local| local.record.clone()),
        resolved_at: Some(setting.now),
        ..open.clone()
    };
    setting.open_conflict.map(close).into_iter().collect()
}

#[cfg(test)]
mod tests;
