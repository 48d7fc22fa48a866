//! The stable JSON forms of the admin API and of every `--json` command.

use model::{Conflict, Entity, Record, System, Value as FieldValue};
use serde_json::{Map, Value, json};
use store::{HistoryEntry, Operation};

/// An entity: `{"id","kind","course","title","status","systems":{"canvas":{"id","state","vector"},…}}`, and the
/// reason
/// of a state that needs someone.
pub fn entity_json(entity: &Entity) -> Value {
    let systems: Map<String, Value> = System::ALL
        .into_iter()
        .filter_map(|system| {
            let replica = entity.replica(system)?;
            let state = json!({
                "id": replica.remote,
                "state": replica.existence.as_str(),
                "vector": replica.vector,
            });
            Some((system.as_str().to_owned(), state))
        })
        .collect();
    json!({
        "id": entity.id,
        "kind": entity.kind,
        "course": entity.course,
        "container": entity.container,
        "parent": entity.parent,
        "title": entity.title(),
        "status": entity.status,
        "reason": entity.reason,
        "systems": systems,
    })
}

/// A conflict; with `with_texts` also every side's whole record.
pub fn conflict_json(conflict: &Conflict, with_texts: bool) -> Value {
    let mut value = json!({
        "id": conflict.id,
        "entity": conflict.entity,
        "state": conflict.state,
        "strategy": conflict.strategy,
        "decided_by": conflict.decided_by,
        "fields": conflict.fields,
        "systems": conflict.sides.keys().collect::<Vec<_>>(),
        "opened_at_ms": conflict.opened_at,
        "resolved_at_ms": conflict.resolved_at,
    });
    if let (true, Some(object)) = (with_texts, value.as_object_mut()) {
        let sides: Map<String, Value> = conflict
            .sides
            .iter()
            .map(|(system, record)| (system.as_str().to_owned(), record_json(record)))
            .collect();
        object.insert("sides".to_owned(), Value::Object(sides));
        object.insert(
            "base".to_owned(),
            conflict.base.as_ref().map_or(Value::Null, record_json),
        );
        object.insert(
            "result".to_owned(),
            conflict.result.as_ref().map_or(Value::Null, record_json),
        );
    }
    value
}

/// A record with its fields by name; a body is its source.
pub(crate) fn record_json(record: &Record) -> Value {
    let mut fields: Map<String, Value> = record
        .fields
        .iter()
        .map(|(field, value)| {
            let value = match value {
                FieldValue::Text(text) => json!(text),
                FieldValue::Flag(flag) => json!(flag),
                FieldValue::Body(body) => json!(body.source),
                FieldValue::Set(names) => json!(names),
            };
            (field.as_str().to_owned(), value)
        })
        .collect();
    fields.insert("deleted".to_owned(), json!(record.deleted));
    fields.insert(
        "author".to_owned(),
        json!(record.author.as_ref().map(|author| &author.name)),
    );
    fields.insert("edited_at_ms".to_owned(), json!(record.edited_at));
    Value::Object(fields)
}

/// One line of history.
pub fn history_json(entry: &HistoryEntry) -> Value {
    json!({
        "id": entry.id,
        "at_ms": entry.at,
        "entity": entry.entity,
        "course": entry.course,
        "system": entry.system,
        "action": entry.action,
        "operation": entry.operation,
        "text": entry.text,
        "failure": entry.failure,
    })
}

/// One operation of the sync queue.
pub fn operation_json(operation: &Operation) -> Value {
    json!({
        "id": operation.id,
        "kind": operation.kind.as_str(),
        "subject": operation.subject,
        "entity": operation.entity,
        "course": operation.course,
        "reason": operation.reason,
        "priority": operation.priority.as_str(),
        "state": operation.state.as_str(),
        "attempts": operation.attempt_count,
        "not_before_ms": operation.not_before,
        "failure": operation.failure,
        "created_at_ms": operation.created_at,
        "updated_at_ms": operation.updated_at,
    })
}

/// A token, without its secret.
pub fn token_json(token: &store::ApiToken) -> Value {
    json!({
        "id": token.id,
        "label": token.label,
        "role": token.role.as_str(),
        "courses": token.courses,
        "made_by": token.made_by,
        "made_at_ms": token.made_at,
        "until_ms": token.until,
        "revoked_at_ms": token.revoked_at,
    })
}

/// An account, without its password.
pub fn account_json(account: &store::Account) -> Value {
    json!({
        "name": account.name,
        "role": account.role.as_str(),
        "courses": account.courses,
        "created_at_ms": account.created_at,
    })
}

/// A message of the outbox.
pub fn message_json(line: &store::OutboxLine) -> Value {
    let about: Value = serde_json::from_str(&line.body).unwrap_or(Value::Null);
    json!({
        "id": line.id, "channel": line.channel, "state": line.state.as_str(), "attempts": line.attempts,
        "failure": line.failure, "created_ms": line.created_at, "next_ms": line.next_at, "ended_ms": line.ended_at,
        "about": about,
    })
}
