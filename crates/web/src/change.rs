//! What people change in the local database, from the admin API and the command line alike: edits and decisions.

use std::collections::BTreeMap;

use engine::EditRefused;
use model::{Body, Conflict, Dialect, Entity, EntityId, Field, Kind, Record, System, Value};
use store::{AuditEntry, Change, DeskChange, HistoryEntry, Priority, Store};

use crate::recover::look;
use crate::state::Stamp;

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// No such entity or conflict.
    #[error("There is no {0}.")]
    NotFound(String),
    /// The entity cannot be changed like that.
    #[error("{0}")]
    Refused(String),
    /// The database.
    #[error("{0}")]
    Store(#[from] store::Error),
}

/// A change of the local copy; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// The title.
    pub title: Option<String>,
    /// The text, in Discourse Markdown.
    pub body: Option<String>,
    /// Closed for replies.
    pub locked: Option<bool>,
    /// Kept at the top.
    pub pinned: Option<bool>,
    /// Deleted or brought back.
    pub deleted: Option<bool>,
}

/// Whose version a person takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Take {
    /// One system's.
    Canvas,
    /// One system's.
    Discourse,
    /// One system's.
    Local,
    /// What all had before.
    Base,
}

impl Take {
    /// Reads the name that forms and commands use.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "canvas" => Self::Canvas,
            "discourse" => Self::Discourse,
            "local" => Self::Local,
            "base" => Self::Base,
            _ => return None,
        })
    }
}

/// Edits an entity in the local database and queues it; returns its new state.
pub async fn edit(
    store: &Store,
    stamp: &dyn Stamp,
    id: &EntityId,
    edit: Edit,
) -> Result<Entity, ChangeError> {
    let entity = store
        .entity(id)
        .await?
        .ok_or_else(|| ChangeError::NotFound(format!("entity {id}")))?;
    if !matches!(entity.kind, Kind::Topic | Kind::Post) {
        return Err(ChangeError::Refused(format!(
            "A {} cannot be edited yet.",
            entity.kind
        )));
    }
    let deleted = edit.deleted;
    let before = entity.clone();
    let entity = engine::edit(entity, values(edit), deleted, stamp.now()).map_err(|refused| {
        ChangeError::Refused(match refused {
            EditRefused::NotThere => {
                "It has no local copy yet; wait for its first sync.".to_owned()
            }
            EditRefused::NoSuchField(field) => {
                format!("A {} has no {}.", before.kind, field.as_str())
            }
            EditRefused::Deleted => "It is deleted; restore it first.".to_owned(),
        })
    })?;
    if entity == before {
        return Ok(entity);
    }
    let text = "Edited in the local database.".to_owned();
    store
        .commit(changes(stamp, &entity, "local_edit", text, Vec::new()))
        .await?;
    Ok(Entity {
        revision: entity.revision + 1,
        ..entity
    })
}

fn values(edit: Edit) -> BTreeMap<Field, Value> {
    let mut values = BTreeMap::new();
    if let Some(title) = edit.title {
        values.insert(Field::Title, Value::Text(title));
    }
    if let Some(source) = edit.body {
        let canonical = markup::canonical_markdown(&source, &markup::Context::default());
        let dialect = Dialect::DiscourseMarkdown;
        values.insert(
            Field::Body,
            Value::Body(Body {
                dialect,
                source,
                canonical,
            }),
        );
    }
    if let Some(locked) = edit.locked {
        values.insert(Field::Locked, Value::Flag(locked));
    }
    if let Some(pinned) = edit.pinned {
        values.insert(Field::Pinned, Value::Flag(pinned));
    }
    values
}

/// Decides a conflict, open or decided already, and queues the entity; returns the conflict as it is now.
pub async fn decide(
    store: &Store,
    stamp: &dyn Stamp,
    id: &str,
    (take, who): (Take, &str),
) -> Result<Conflict, ChangeError> {
    let (conflict, entity) = find_conflict(store, id).await?;
    let chosen = chosen(&conflict, take).ok_or_else(|| {
        ChangeError::Refused(format!("Conflict {id} has no such version to take."))
    })?;
    settle(store, stamp, (conflict, entity), (&chosen, who), None).await
}

/// A conflict with its entity.
pub(crate) async fn find_conflict(
    store: &Store,
    id: &str,
) -> Result<(Conflict, Entity), ChangeError> {
    let conflict = store
        .conflict(id)
        .await?
        .ok_or_else(|| ChangeError::NotFound(format!("conflict {id}")))?;
    let entity = store
        .entity(&conflict.entity)
        .await?
        .ok_or_else(|| ChangeError::NotFound(format!("entity {}", conflict.entity)))?;
    Ok((conflict, entity))
}

/// Makes `chosen` everybody's version, with a line for the audit log where there is one.
pub(crate) async fn settle(
    store: &Store,
    stamp: &dyn Stamp,
    (conflict, entity): (Conflict, Entity),
    (chosen, who): (&Record, &str),
    audit: Option<AuditEntry>,
) -> Result<Conflict, ChangeError> {
    let id = conflict.id.clone();
    let (entity, conflict) = engine::decide(
        entity,
        conflict,
        chosen,
        &format!("operator:{who}"),
        stamp.now(),
    );
    let text = format!("Conflict {id} was decided by operator {who}.");
    let mut more = vec![Change::SaveConflict(conflict.clone())];
    more.extend(audit.map(|entry| Change::Desk(DeskChange::Audit(entry))));
    store
        .commit(changes(stamp, &entity, "decided", text, more))
        .await?;
    Ok(conflict)
}

/// A version that a person wrote: that of a side, with another title and text where they are given.
pub(crate) fn written(side: &Record, title: Option<String>, body: Option<String>) -> Record {
    let edit = Edit {
        title,
        body,
        ..Edit::default()
    };
    let mut record = side.clone();
    record.deleted = false;
    record.fields.extend(values(edit));
    record
}

/// The version of a system. One that took no part in the conflict had what all had, the local database what was
/// decided.
pub(crate) fn chosen(conflict: &Conflict, take: Take) -> Option<Record> {
    let system = match take {
        Take::Canvas => System::Canvas,
        Take::Discourse => System::Discourse,
        Take::Local => System::Local,
        Take::Base => return conflict.base.clone(),
    };
    conflict
        .sides
        .get(&system)
        .or(conflict.base.as_ref())
        .cloned()
}

fn changes(
    stamp: &dyn Stamp,
    entity: &Entity,
    action: &str,
    text: String,
    more: Vec<Change>,
) -> Vec<Change> {
    let now = stamp.now();
    let mut changes = vec![Change::SaveEntity(entity.clone())];
    changes.extend(more);
    changes.push(Change::Log(HistoryEntry {
        id: stamp.id(),
        at: now,
        entity: Some(entity.id.clone()),
        course: Some(entity.course.clone()),
        system: Some(System::Local),
        action: action.to_owned(),
        operation: None,
        text,
        failure: None,
    }));
    changes.push(look(stamp, entity, (action, Priority::Critical)));
    changes
}
