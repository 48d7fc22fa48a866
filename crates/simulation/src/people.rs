//! What people do: on both remotes and in the local database.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    Action, Body, ConflictState, Dialect, Entity, Field, Kind, OperationId, Record, RemoteId,
    System, Value,
};
use store::{Change, ConflictFilter, EntityFilter, NewOperation, OperationKind, Priority};

use crate::finding::Finding;
use crate::sim::Sim;
use crate::word::{Place, words_of, words_of_field, words_of_record};

/// More topics than this are not started: interplay is what finds faults.
const TOPICS_MAX: usize = 4;

fn body(text: &str) -> Value {
    Value::Body(Body {
        dialect: Dialect::DiscourseMarkdown,
        source: text.to_owned(),
        canonical: text.to_owned(),
    })
}

fn source(record: &Record) -> String {
    record
        .body()
        .map(|body| body.source.clone())
        .unwrap_or_default()
}

impl Sim {
    /// Somebody does something in one of the remotes.
    pub fn person_acts(&mut self) {
        self.summary.acts += 1;
        let system = if self.dice.chance(50) {
            System::Canvas
        } else {
            System::Discourse
        };
        let items = self.remote(system).memory.dump();
        let topics: Vec<RemoteId> = items
            .iter()
            .filter(|(_, kind, ..)| *kind == Kind::Topic)
            .map(|(id, ..)| id.clone())
            .collect();
        match self.dice.below(10) {
            0 | 1 if topics.len() < TOPICS_MAX => self.starts_topic(system),
            2 | 3 => self.answers(system, &topics),
            4..8 => self.edits(system, &items),
            _ => self.deletes_or_restores(system, &items),
        }
    }

    fn starts_topic(&mut self, system: System) {
        let (title, text) = (self.words.fresh(), self.words.fresh());
        let record = Record::default()
            .with(Field::Title, Value::Text(title.clone()))
            .with(Field::Body, body(&text))
            .with(Field::Locked, Value::Flag(false))
            .with(Field::Pinned, Value::Flag(false))
            .with(Field::Tags, Value::Set(BTreeSet::new()));
        let memory = self.remote(system).memory.clone();
        let id = memory.person_starts_topic(&RemoteId::from("course"), record);
        let place = Place::Remote(system, id.clone());
        self.words.wrote(&title, &place);
        self.words.wrote(&text, &place);
        self.tell(format!(
            "{system}: a person starts topic {id}: {title}, {text}"
        ));
    }

    fn answers(&mut self, system: System, topics: &[RemoteId]) {
        let remote = self.remote(system);
        let Some(topic) = self.dice.pick(topics).cloned() else {
            return;
        };
        if remote.record(&topic).is_none_or(|record| record.deleted) {
            return;
        }
        let posts = self.posts_of(system, &topic);
        let parent = if self.dice.chance(50) {
            self.dice.pick(&posts).cloned()
        } else {
            None
        };
        let text = self.words.fresh();
        let record = Record::default().with(Field::Body, body(&text));
        let id = remote.memory.person_answers(&topic, parent.clone(), record);
        remote.place(&id, topic.clone());
        self.words.wrote(&text, &Place::Remote(system, id.clone()));
        self.tell(format!(
            "{system}: a person answers topic {topic}, post {parent:?}, with {id}: {text}"
        ));
    }

    /// The live posts of a topic: those whose chain of parents a person can see are as good as any.
    fn posts_of(&self, system: System, topic: &RemoteId) -> Vec<RemoteId> {
        let remote = self.remote(system);
        remote
            .members(topic)
            .into_iter()
            .filter(|id| remote.record(id).is_some_and(|record| !record.deleted))
            .collect()
    }

    fn edits(&mut self, system: System, items: &[(RemoteId, Kind, Option<RemoteId>, Record)]) {
        let live: Vec<_> = items.iter().filter(|item| !item.3.deleted).collect();
        let Some((id, kind, _, record)) = self.dice.pick(&live).copied() else {
            return;
        };
        let place = Place::Remote(system, id.clone());
        let (field, value) = self.change_of(*kind, record, &place);
        self.tell(format!(
            "{system}: a person edits {kind} {id}: {} {value:?}",
            field.as_str()
        ));
        let remote = self.remote(system);
        remote.memory.person_edits(id, field, value);
    }

    /// A change of one field by somebody who sees `record`.
    fn change_of(&mut self, kind: Kind, record: &Record, place: &Place) -> (Field, Value) {
        let roll = self.dice.below(10);
        if kind == Kind::Topic && roll < 2 {
            let is_locked = record.flag(Field::Locked).unwrap_or(false);
            return (Field::Locked, Value::Flag(!is_locked));
        }
        if kind == Kind::Topic && roll == 2 {
            let is_pinned = record.flag(Field::Pinned).unwrap_or(false);
            return (Field::Pinned, Value::Flag(!is_pinned));
        }
        if let Some(Value::Set(tags)) = record.fields.get(&Field::Tags).filter(|_| roll == 3) {
            let mut tags = tags.clone();
            let tag = format!("tag{}", self.dice.below(4));
            if !tags.remove(&tag) {
                tags.insert(tag);
            }
            return (Field::Tags, Value::Set(tags));
        }
        let word = self.words.fresh();
        if kind == Kind::Topic && roll < 6 {
            self.words.superseded(&words_of_field(record, Field::Title));
            self.words.wrote(&word, place);
            return (Field::Title, Value::Text(word));
        }
        let text = if self.dice.chance(40) {
            format!("{}\n\n{word}", source(record))
        } else {
            word.clone()
        };
        let gone: BTreeSet<String> = words_of_field(record, Field::Body)
            .difference(&words_of(&text))
            .cloned()
            .collect();
        self.words.superseded(&gone);
        self.words.wrote(&word, place);
        (Field::Body, body(&text))
    }

    fn deletes_or_restores(
        &mut self,
        system: System,
        items: &[(RemoteId, Kind, Option<RemoteId>, Record)],
    ) {
        let Some((id, kind, _, record)) = self.dice.pick(items) else {
            return;
        };
        let action = if record.deleted {
            Action::Restore
        } else {
            Action::Delete
        };
        // Topics with all their answers are deleted rarely.
        if action == Action::Delete && *kind == Kind::Topic && self.dice.chance(70) {
            return;
        }
        if action == Action::Delete {
            self.condemned.insert((system, id.clone()));
            self.words.superseded(&words_of_record(record));
        }
        self.tell(format!(
            "{system}: a person {}s {kind} {id}",
            action.as_str()
        ));
        self.remote(system).memory.person_sets_existence(id, action);
    }

    /// Somebody edits, deletes or restores in the local database, as the admin API does.
    pub fn person_edits_locally(&mut self) -> Result<(), Finding> {
        self.summary.acts += 1;
        let mut items = self.items()?;
        items.retain(|entity| entity.replica(System::Local).is_some());
        let Some(entity) = self.dice.pick(&items).cloned() else {
            return Ok(());
        };
        let Some(local) = entity
            .replica(System::Local)
            .map(|local| local.record.clone())
        else {
            return Ok(());
        };
        let place = Place::Local(entity.id.clone());
        let (values, existence) = if local.deleted {
            (BTreeMap::new(), Some(false))
        } else if entity.kind == Kind::Post && self.dice.chance(15) {
            self.condemned
                .insert((System::Local, RemoteId(entity.id.0.clone())));
            self.words.superseded(&words_of_record(&local));
            (BTreeMap::new(), Some(true))
        } else {
            let (field, value) = self.change_of(entity.kind, &local, &place);
            (BTreeMap::from([(field, value)]), None)
        };
        self.tell(format!(
            "local: a person edits {} {}: {values:?}, deleted {existence:?}",
            entity.kind, entity.id
        ));
        let now = self.world.now();
        let edited = engine::edit(entity.clone(), values, existence, now)
            .map_err(|refused| self.finding(format!("a local edit is refused: {refused:?}")))?;
        if edited != entity {
            let changes = vec![Change::SaveEntity(edited.clone()), self.asked(&edited)];
            self.call(self.world.store.commit(changes))?;
        }
        self.check_store()
    }

    /// An operator decides an open conflict, or decides an older one differently.
    pub fn operator_decides(&mut self) -> Result<(), Finding> {
        let is_open = self.dice.chance(70);
        let filter = ConflictFilter {
            state: is_open.then_some(ConflictState::Open),
            entity: None,
            before: None,
            limit: 100,
        };
        let conflicts = self.call(self.world.store.conflicts(&filter))?;
        let Some(conflict) = self.dice.pick(&conflicts).cloned() else {
            return Ok(());
        };
        let Some(entity) = self.call(self.world.store.entity(&conflict.entity))? else {
            return Ok(());
        };
        // The screen shows the present text beside the versions: who decides has seen it.
        if let Some(local) = entity.replica(System::Local) {
            self.words.superseded(&words_of_record(&local.record));
        }
        let mut choices: Vec<Record> = conflict.sides.values().cloned().collect();
        choices.extend(conflict.base.clone());
        let Some(chosen) = self.dice.pick(&choices).cloned() else {
            return Ok(());
        };
        self.summary.acts += 1;
        self.count(if is_open {
            "operator: decides"
        } else {
            "operator: decides again"
        });
        self.tell(format!(
            "an operator decides conflict {} of {}",
            conflict.id, entity.id
        ));
        let now = self.world.now();
        let (entity, conflict) = engine::decide(entity, conflict, &chosen, "operator", now);
        let changes = vec![
            Change::SaveEntity(entity.clone()),
            Change::SaveConflict(conflict),
            self.asked(&entity),
        ];
        self.call(self.world.store.commit(changes))?;
        self.check_store()
    }

    fn asked(&self, entity: &Entity) -> Change {
        let id = OperationId(self.world.id());
        let subject = engine::entity_key(&entity.id);
        Change::Enqueue(NewOperation {
            entity: Some(entity.id.clone()),
            course: Some(entity.course.clone()),
            batch_key: engine::thread_key(entity.topic()),
            reason: "local_edit".to_owned(),
            priority: Priority::Critical,
            ..NewOperation::due(id, OperationKind::Entity, subject, self.world.now())
        })
    }

    /// All topics and posts of the database.
    pub fn items(&self) -> Result<Vec<Entity>, Finding> {
        let filter = EntityFilter {
            limit: 10_000,
            ..EntityFilter::default()
        };
        let mut entities = self.call(self.world.store.entities(&filter))?;
        entities.retain(|entity| matches!(entity.kind, Kind::Topic | Kind::Post));
        Ok(entities)
    }
}
