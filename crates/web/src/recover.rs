//! What operators do to items by hand, one by one or by filter: the pages' API and the command line come here, and
//! what an act comes to is decided by `engine`. Each act and its line in the audit log are one commit.

use std::collections::BTreeMap;

use engine::{Recovered, Recovery, Setting};
use model::{Entity, EntityId, Kind, OperationId, Status, System, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use store::{
    Change, DeskChange, EntityFilter, HistoryEntry, NewOperation, Operation, OperationFilter,
    OperationKind, OperationState, Priority, Store,
};

use crate::access::Caller;
use crate::act::ACT_MAX;
use crate::change::ChangeError;
use crate::state::{Stamp, State};

/// How many entities are read at once.
const PAGE: usize = 1_000;
/// How many items one commit touches.
const CHUNK: usize = 50;
/// How many of the items that an act does not fit are named.
const NAMED: usize = 20;

/// Which items; everything that is given must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selection {
    /// Only of this kind.
    pub kind: Option<Kind>,
    /// Only with this status.
    pub status: Option<Status>,
    /// Only of this course.
    pub course: Option<EntityId>,
    /// Only held or failed under this error code.
    pub code: Option<String>,
    /// Only changed at or after this time, in Unix milliseconds.
    pub from_ms: Option<Timestamp>,
    /// Only changed before this time, in Unix milliseconds.
    pub until_ms: Option<Timestamp>,
}

impl Selection {
    /// Whether an item fits.
    pub fn fits(&self, entity: &Entity) -> bool {
        let code = entity.reason.as_ref().map(|reason| reason.code.as_str());
        self.kind.is_none_or(|kind| entity.kind == kind)
            && self.status.is_none_or(|status| entity.status == status)
            && self
                .course
                .as_ref()
                .is_none_or(|course| entity.course == *course)
            && self
                .code
                .as_deref()
                .is_none_or(|wanted| code == Some(wanted))
            && self.from_ms.is_none_or(|from| entity.updated_at >= from)
            && self.until_ms.is_none_or(|until| entity.updated_at < until)
    }

    /// The page of the database in which to look for them.
    pub fn page(&self, after: Option<EntityId>) -> EntityFilter {
        EntityFilter {
            kind: self.kind,
            course: self.course.clone(),
            status: self.status,
            limit: PAGE,
            after,
        }
    }
}

/// The topics and posts that fit; more than ten thousand are refused.
pub async fn select(store: &Store, selection: &Selection) -> Result<Vec<Entity>, ChangeError> {
    let mut found: Vec<Entity> = Vec::new();
    let mut after = None;
    loop {
        let page = store.entities(&selection.page(after.take())).await?;
        after = page.last().map(|entity| entity.id.clone());
        let is_last = page.len() < PAGE;
        let is_item = |entity: &Entity| matches!(entity.kind, Kind::Topic | Kind::Post);
        found.extend(
            page.into_iter()
                .filter(|entity| is_item(entity) && selection.fits(entity)),
        );
        if found.len() > ACT_MAX {
            return Err(ChangeError::Refused(format!(
                "More than {ACT_MAX} items fit. Narrow the filter."
            )));
        }
        if is_last {
            return Ok(found);
        }
    }
}

/// What an act would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preview {
    /// The items that it fits.
    pub fitting: Vec<EntityId>,
    /// The items that it does not fit, with the reason.
    pub refused: Vec<(EntityId, String)>,
    /// How many writes each system is then owed, as far as is known before a look.
    pub writes: BTreeMap<(System, &'static str), usize>,
}

impl Preview {
    /// The stable JSON form.
    pub fn json(&self) -> Value {
        let mut writes: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
        for ((system, action), count) in &self.writes {
            let of_system = writes.entry(system.as_str()).or_default();
            of_system.insert((*action).to_owned(), json!(count));
        }
        let named = self.refused.iter().take(NAMED);
        json!({
            "would_change": self.fitting.len(),
            "not_fitting": self.refused.len(),
            "writes": writes,
            "refused": named.map(|(id, why)| json!({ "id": id, "why": why })).collect::<Vec<_>>(),
        })
    }
}

/// Says what an act would do to items, and changes nothing.
pub async fn preview(
    state: &State,
    caller: &Caller,
    act: Recovery,
    items: &[Entity],
) -> Result<Preview, ChangeError> {
    let mut preview = Preview::default();
    for entity in items {
        match recovered(state, caller, (act, "preview"), entity).await? {
            Err(why) => preview.refused.push((entity.id.clone(), why)),
            Ok(done) => {
                preview.fitting.push(entity.id.clone());
                if matches!(act, Recovery::Skip | Recovery::Hold | Recovery::Reset) {
                    continue;
                }
                for write in engine::owed_writes(&done.entity) {
                    let key = (write.system, write.action.as_str());
                    *preview.writes.entry(key).or_default() += 1;
                }
            }
        }
    }
    Ok(preview)
}

async fn recovered(
    state: &State,
    caller: &Caller,
    (act, why): (Recovery, &str),
    entity: &Entity,
) -> Result<Result<Recovered, String>, ChangeError> {
    let open_conflict = state.store.open_conflict(&entity.id).await?;
    let log = match act {
        Recovery::Undo => last_change(&state.store, &entity.id).await?,
        _ => Vec::new(),
    };
    let setting = Setting {
        last_change: &log,
        who: &caller.who,
        why,
        open_conflict: open_conflict.as_ref(),
        now: state.stamp.now(),
    };
    let done = engine::recover(entity.clone(), act, &setting);
    Ok(done.map_err(|refused| refused.to_string()))
}

/// The log of the newest change of an item that was written to its end.
async fn last_change(store: &Store, id: &EntityId) -> Result<Vec<model::Step>, ChangeError> {
    let is_done = |end: &Option<(Timestamp, store::TransactionResult)>| {
        end.is_some_and(|(_, result)| result == store::TransactionResult::Committed)
    };
    let all = store.transactions(id).await?;
    let newest = all.into_iter().rev().find(|it| is_done(&it.ended));
    Ok(newest.map(|it| it.steps).unwrap_or_default())
}

/// What came of an act.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecoveryReport {
    /// So many items were changed.
    pub changed: usize,
    /// So many had moved on in between, or the act did not fit them any more.
    pub skipped: usize,
}

impl RecoveryReport {
    /// The stable JSON form.
    pub fn json(&self) -> Value {
        json!({ "changed": self.changed, "skipped": self.skipped })
    }
}

/// Does an act to items. Those that moved on in between are left alone and counted.
pub async fn recover(
    state: &State,
    caller: &Caller,
    act: Recovery,
    (ids, why): (&[EntityId], &str),
) -> Result<RecoveryReport, ChangeError> {
    if why.trim().is_empty() && act.needs_reason() {
        return Err(ChangeError::Refused(
            "Say why: a reason is needed.".to_owned(),
        ));
    }
    let mut report = RecoveryReport::default();
    let priority = if ids.len() == 1 {
        Priority::Critical
    } else {
        Priority::Normal
    };
    let wish = Wish {
        state,
        caller,
        act,
        why,
        priority,
    };
    for chunk in ids.chunks(CHUNK) {
        match wish.some(chunk).await {
            Ok(done) => report.add(done, chunk.len()),
            // One of them moved on: find out which.
            Err(ChangeError::Store(store::Error::Stale { .. })) => {
                for id in chunk {
                    match wish.some(std::slice::from_ref(id)).await {
                        Ok(done) => report.add(done, 1),
                        Err(ChangeError::Store(store::Error::Stale { .. })) => report.skipped += 1,
                        Err(error) => return Err(error),
                    }
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(report)
}

impl RecoveryReport {
    fn add(&mut self, done: usize, of: usize) {
        self.changed += done;
        self.skipped += of.saturating_sub(done);
    }
}

/// An act with whose it is and why.
struct Wish<'a> {
    state: &'a State,
    caller: &'a Caller,
    act: Recovery,
    why: &'a str,
    priority: Priority,
}

impl Wish<'_> {
    /// Does it to some items in one commit; returns to how many.
    async fn some(&self, ids: &[EntityId]) -> Result<usize, ChangeError> {
        let mut changes = Vec::new();
        let mut done = 0;
        for id in ids {
            let Some(entity) = self.state.store.entity(id).await? else {
                continue;
            };
            let recovered =
                recovered(self.state, self.caller, (self.act, self.why), &entity).await?;
            if let Ok(recovered) = recovered {
                changes.extend(self.changes(&entity, recovered).await?);
                done += 1;
            }
        }
        let subject = match ids {
            [one] => one.to_string(),
            [first, ..] => format!("{done} items from {first}"),
            [] => return Ok(0),
        };
        if done == 0 {
            return Ok(0);
        }
        let act = match self.act {
            Recovery::Force(system) => format!("entity force from {}", system.as_str()),
            act => format!("entity {}", act.as_str()),
        };
        let entry = self.caller.audit(self.state, &act, &subject, self.why);
        changes.push(Change::Desk(DeskChange::Audit(entry)));
        self.state.store.commit(changes).await?;
        Ok(done)
    }

    async fn changes(
        &self,
        before: &Entity,
        recovered: Recovered,
    ) -> Result<Vec<Change>, ChangeError> {
        let stamp = self.state.stamp.as_ref();
        let entity = recovered.entity;
        let mut changes = Vec::new();
        if entity != *before {
            changes.push(Change::SaveEntity(entity.clone()));
        }
        for mut conflict in recovered.conflicts {
            if conflict.id.is_empty() {
                conflict.id = stamp.id();
            }
            changes.push(Change::SaveConflict(conflict));
        }
        changes.push(self.line(&entity));
        let idle = idle(&self.state.store, &entity.id).await?;
        changes.extend(self.for_operations(&entity, &idle));
        if self.act == Recovery::Reset {
            changes.extend(unstick(&self.state.store, &entity.id, stamp.now()).await?);
        }
        Ok(changes)
    }

    fn line(&self, entity: &Entity) -> Change {
        let who = &self.caller.who;
        let (action, text) = match self.act {
            Recovery::Force(system) => (
                "forced",
                format!(
                    "Operator {who} made what {} has everybody's.",
                    system.title()
                ),
            ),
            Recovery::Undo => (
                "undone",
                format!("Operator {who} took the last change back."),
            ),
            Recovery::Skip => ("skipped", format!("Operator {who} said to leave it alone.")),
            Recovery::Unskip => ("unskipped", format!("Operator {who} lets it be looked at.")),
            Recovery::Reset => (
                "reset",
                format!("Operator {who} had what was known about it forgotten."),
            ),
            Recovery::Hold => ("hold", format!("Operator {who} holds it.")),
            Recovery::Release => ("release", format!("Operator {who} released it.")),
        };
        Change::Log(HistoryEntry {
            id: self.state.stamp.id(),
            at: self.state.stamp.now(),
            entity: Some(entity.id.clone()),
            course: Some(entity.course.clone()),
            system: None,
            action: action.to_owned(),
            operation: None,
            text,
            failure: None,
        })
    }

    /// What becomes of the item's operations: those that wait are replaced, so that no earlier release lets a guard be
    /// passed; the release of a guard's hold is theirs.
    fn for_operations(&self, entity: &Entity, idle: &[Operation]) -> Vec<Change> {
        let at = self.state.stamp.now();
        let mut changes = Vec::new();
        let is_guards = self.act == Recovery::Release && entity.status == Status::Held;
        let held: Vec<&Operation> = idle
            .iter()
            .filter(|operation| is_guards && operation.state == OperationState::Held)
            .collect();
        if is_guards && !held.is_empty() {
            let release = |operation: &&Operation| Change::Release {
                operation: operation.id.clone(),
                at,
            };
            return held.iter().map(release).collect();
        }
        if !matches!(
            self.act,
            Recovery::Release | Recovery::Unskip | Recovery::Hold
        ) {
            changes.extend(idle.iter().map(|operation| Change::Cancel {
                operation: operation.id.clone(),
                who: self.caller.who.clone(),
                why: format!("the item was given another order: {}", self.act.as_str()),
                at,
            }));
        }
        if !matches!(self.act, Recovery::Skip | Recovery::Hold) {
            changes.push(look(
                self.state.stamp.as_ref(),
                entity,
                (self.act.as_str(), self.priority),
            ));
        }
        changes
    }
}

/// The operations about an item that nobody runs.
async fn idle(store: &Store, id: &EntityId) -> Result<Vec<Operation>, ChangeError> {
    let mut idle = Vec::new();
    for state in [OperationState::Pending, OperationState::Held] {
        let filter = OperationFilter {
            state: Some(state),
            entity: Some(id.clone()),
            limit: 10,
            ..OperationFilter::default()
        };
        idle.extend(store.operations(&filter).await?);
    }
    let subject = engine::entity_key(id);
    idle.retain(|operation| operation.subject == subject);
    Ok(idle)
}

/// Ends a sync transaction that could not be taken back: its log stays, the next look compares anew.
async fn unstick(store: &Store, id: &EntityId, at: Timestamp) -> Result<Vec<Change>, ChangeError> {
    let open = store.prepared(std::slice::from_ref(id)).await?;
    let stuck = open.into_iter().filter(|prepared| prepared.stuck.is_some());
    let end = |prepared: store::Prepared| Change::EndTransaction {
        id: prepared.transaction.id,
        result: store::TransactionResult::RolledBack,
        at,
    };
    Ok(stuck.map(end).collect())
}

/// The wish to look at one item.
pub(crate) fn look(
    stamp: &dyn Stamp,
    entity: &Entity,
    (why, priority): (&str, Priority),
) -> Change {
    let (id, key) = (OperationId(stamp.id()), engine::entity_key(&entity.id));
    Change::Enqueue(NewOperation {
        entity: Some(entity.id.clone()),
        course: Some(entity.course.clone()),
        batch_key: engine::thread_key(entity.topic()),
        reason: why.to_owned(),
        priority,
        ..NewOperation::due(id, OperationKind::Entity, key, stamp.now())
    })
}
