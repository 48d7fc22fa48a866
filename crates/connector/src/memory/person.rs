//! What people do in the twin, and what tests look at.

use model::{Action, Field, Kind, Record, RemoteId, Value};

use super::{Item, Memory, name, number};

impl Memory {
    /// A person starts a topic in a course.
    pub fn person_starts_topic(&self, course: &RemoteId, record: Record) -> RemoteId {
        self.person_creates(Kind::Topic, course.clone(), None, record)
    }

    /// A person answers a topic, or a post of it.
    pub fn person_answers(
        &self,
        topic: &RemoteId,
        parent: Option<RemoteId>,
        record: Record,
    ) -> RemoteId {
        self.person_creates(Kind::Post, topic.clone(), parent, record)
    }

    fn person_creates(
        &self,
        kind: Kind,
        container: RemoteId,
        parent: Option<RemoteId>,
        record: Record,
    ) -> RemoteId {
        let mut state = self.lock();
        let id = state.next_id;
        state.next_id += 1;
        state.put(
            id,
            Item {
                kind,
                container,
                parent,
                key: None,
                record,
            },
        );
        name(id)
    }

    /// A person sets one field of a live item; does nothing to a deleted one.
    pub fn person_edits(&self, remote: &RemoteId, field: Field, value: Value) {
        let mut state = self.lock();
        let found =
            number(remote).and_then(|id| state.items.get(&id).cloned().map(|item| (id, item)));
        if let Some((id, mut item)) = found
            && !item.record.deleted
        {
            item.record.fields.insert(field, value);
            state.put(id, item);
        }
    }

    /// A person deletes or restores an item.
    pub fn person_sets_existence(&self, remote: &RemoteId, action: Action) {
        let mut state = self.lock();
        let found =
            number(remote).and_then(|id| state.items.get(&id).cloned().map(|item| (id, item)));
        if let Some((id, mut item)) = found {
            item.record.deleted = action == Action::Delete;
            state.put(id, item);
        }
    }

    /// Every item with its record, deleted ones included.
    pub fn dump(&self) -> Vec<(RemoteId, Kind, Option<RemoteId>, Record)> {
        self.lock()
            .items
            .iter()
            .map(|(id, item)| {
                (
                    name(*id),
                    item.kind,
                    item.parent.clone(),
                    item.record.clone(),
                )
            })
            .collect()
    }

    /// How many writes the twin was asked for, refused ones included.
    pub fn writes(&self) -> u64 {
        self.lock().calls.get("write").copied().unwrap_or(0)
    }
}
