//! The laws of reconcile, on a small world of two remotes that rewrite what they are given.

use std::collections::BTreeMap;

use model::{
    Action, Author, Body, CreateKey, Dialect, EntityId, Kind, OperationId, RemoteItem, Sighting,
    Strategy as ConflictStrategy, Value, WriteResult,
};
use proptest::prelude::*;

use super::*;
use crate::{PlannedWrite, complete, discover, edit, owed_writes};

/// A remote with one item, and the way it rewrites bodies.
struct Remote {
    system: System,
    record: Option<Record>,
    writes: u32,
}

impl Remote {
    fn stored(&self, record: &Record) -> Record {
        let mut stored = record.clone();
        if let (System::Discourse, Some(Value::Body(body))) =
            (self.system, stored.fields.get_mut(&Field::Body))
        {
            // A lossy remote: what comes back is canonically different.
            body.canonical = body.canonical.to_uppercase();
        }
        stored
    }

    fn sighting(&self) -> Option<Sighting> {
        self.record.as_ref().map(|record| {
            if record.deleted {
                Sighting::Deleted
            } else {
                Sighting::Present(record.clone())
            }
        })
    }

    fn write(&mut self, write: &PlannedWrite) -> WriteResult {
        self.writes += 1;
        let wanted = self.stored(&write.record);
        let mut record = self.record.clone().unwrap_or_else(|| wanted.clone());
        for field in &write.fields {
            record.fields.insert(*field, wanted.fields[field].clone());
        }
        record.deleted = write.action == Action::Delete;
        self.record = Some(record.clone());
        WriteResult {
            remote: RemoteId::from("1"),
            record,
            mark: None,
            is_attributed: false,
        }
    }
}

fn body(text: &str) -> Value {
    Value::Body(Body {
        dialect: Dialect::CanvasHtml,
        source: text.to_owned(),
        canonical: text.to_owned(),
    })
}

fn first_record() -> Record {
    Record {
        author: Some(Author {
            key: Some("3".to_owned()),
            remote: None,
            name: "Alice".to_owned(),
        }),
        edited_at: Some(Timestamp(0)),
        ..Record::default()
    }
    .with(Field::Title, Value::Text("title".to_owned()))
    .with(Field::Body, body("first"))
    .with(Field::Locked, Value::Flag(false))
}

struct World {
    entity: Entity,
    remotes: BTreeMap<System, Remote>,
    conflicts: Vec<Conflict>,
    policy: Policy,
    now: Timestamp,
}

impl World {
    fn new(strategy: ConflictStrategy) -> Self {
        let item = RemoteItem {
            kind: Kind::Topic,
            remote: RemoteId::from("1"),
            container: None,
            parent: None,
            key: None,
            mark: None,
            sighting: Sighting::Present(first_record()),
        };
        let place = crate::Place {
            course: EntityId::from("course"),
            container: EntityId::from("course"),
            parent: None,
        };
        let entity = discover(
            EntityId::from("e"),
            System::Canvas,
            &item,
            place,
            Timestamp(0),
        )
        .unwrap();
        let remote = |system, record| {
            (
                system,
                Remote {
                    system,
                    record,
                    writes: 0,
                },
            )
        };
        Self {
            entity,
            remotes: [
                remote(System::Canvas, Some(first_record())),
                remote(System::Discourse, None),
            ]
            .into(),
            conflicts: Vec::new(),
            policy: Policy {
                strategy,
                fallback: ConflictStrategy::PreferCanvas,
                two_looks_ms: 0,
                ..Policy::default()
            },
            now: Timestamp(1),
        }
    }

    fn decide(&self, reversed: bool) -> Decision {
        let mut observations: Vec<Observation> = self
            .remotes
            .iter()
            .filter_map(|(system, remote)| {
                let sighting = remote.sighting()?;
                Some(Observation {
                    system: *system,
                    sighting,
                    at: self.now,
                })
            })
            .collect();
        if reversed {
            observations.reverse();
        }
        reconcile(&Input {
            entity: &self.entity,
            intents: &[],
            observations: &observations,
            policy: &self.policy,
            is_asked: false,
            open_conflict: self
                .conflicts
                .iter()
                .rev()
                .find(|c| c.state == model::ConflictState::Open),
            now: self.now,
        })
    }

    /// One step; only the writes to the systems in `reachable` get through.
    fn step(&mut self, reachable: &[System]) {
        self.now = self.now.plus_ms(1);
        let decision = self.decide(false);
        assert_eq!(
            decision,
            self.decide(true),
            "the order of observations matters"
        );
        for (system, replica) in &self.entity.replicas {
            assert!(
                decision.entity.replicas[system]
                    .vector
                    .includes(&replica.vector),
                "a vector moved back"
            );
        }
        self.entity = decision.entity;
        if let Some(mut conflict) = decision.conflict {
            if conflict.id.is_empty() {
                conflict.id = self.conflicts.len().to_string();
            }
            self.conflicts.retain(|known| known.id != conflict.id);
            self.conflicts.push(conflict);
        }
        if self.entity.status == Status::Conflict {
            return;
        }
        for write in owed_writes(&self.entity) {
            if reachable.contains(&write.system) {
                let result = self.remotes.get_mut(&write.system).unwrap().write(&write);
                self.entity = complete(self.entity.clone(), &write, &result, self.now);
            }
        }
    }

    fn settle(&mut self) {
        for _ in 0..6 {
            self.step(&System::REMOTE);
        }
    }

    fn writes(&self) -> u32 {
        self.remotes.values().map(|remote| remote.writes).sum()
    }

    fn person_edits(&mut self, system: System, field: Field, value: Value) {
        self.now = self.now.plus_ms(10_000);
        let now = self.now;
        if let Some(record) = self
            .remotes
            .get_mut(&system)
            .and_then(|remote| remote.record.as_mut())
            && !record.deleted
        {
            record.fields.insert(field, value);
            record.edited_at = Some(now);
        }
    }

    fn person_deletes(&mut self, system: System, deleted: bool) {
        if let Some(record) = self
            .remotes
            .get_mut(&system)
            .and_then(|remote| remote.record.as_mut())
        {
            record.deleted = deleted;
        }
    }

    fn local_edits(&mut self, field: Field, value: Value) {
        if let Ok(entity) = edit(self.entity.clone(), [(field, value)].into(), None, self.now) {
            self.entity = entity;
        }
    }
}

fn text(world: &World, system: System) -> String {
    world.remotes[&system]
        .record
        .as_ref()
        .unwrap()
        .body()
        .unwrap()
        .source
        .clone()
}

/// The intent that was stored before `write` left.
fn open_intent(world: &World, write: &PlannedWrite) -> Intent {
    Intent {
        id: IntentId::from("i"),
        entity: world.entity.id.clone(),
        system: write.system,
        action: write.action,
        key: CreateKey::from("ap-e"),
        record: write.record.clone(),
        fields: write.fields.clone(),
        expected: None,
        vector: write.vector.clone(),
        operation: OperationId::from("o"),
        state: IntentState::Open,
        created_at: world.now,
    }
}

/// What is decided when the target of an open intent is looked at.
fn look_with(world: &World, intent: Intent) -> Decision {
    let observations = [Observation {
        system: intent.system,
        sighting: world.remotes[&intent.system].sighting().unwrap(),
        at: world.now,
    }];
    reconcile(&Input {
        entity: &world.entity,
        intents: &[intent],
        observations: &observations,
        policy: &world.policy,
        is_asked: false,
        open_conflict: None,
        now: world.now,
    })
}

#[test]
fn a_new_item_is_created_once_and_then_left_alone() {
    let mut world = World::new(ConflictStrategy::MergePreferCanvas);
    world.settle();
    assert_eq!(world.writes(), 1);
    assert_eq!(world.entity.status, Status::InSync);
    assert_eq!(text(&world, System::Discourse), "first");
}

#[test]
fn a_lossy_remote_is_not_written_back() {
    let mut world = World::new(ConflictStrategy::MergePreferCanvas);
    world.settle();
    world.person_edits(
        System::Discourse,
        Field::Title,
        Value::Text("new".to_owned()),
    );
    world.settle();
    assert_eq!(world.writes(), 2);
    let canvas = world.remotes[&System::Canvas].record.as_ref().unwrap();
    assert_eq!(canvas.text(Field::Title), Some("new"));
    assert_eq!(
        canvas.body().unwrap().canonical,
        "first",
        "only the title was written"
    );
}

#[test]
fn a_change_that_waits_is_not_forgotten_when_the_target_changes() {
    let mut world = World::new(ConflictStrategy::Manual);
    world.settle();
    world.person_edits(System::Canvas, Field::Body, body("canvas"));
    world.step(&[]);
    world.person_edits(System::Discourse, Field::Body, body("discourse"));
    world.settle();
    assert_eq!(world.entity.status, Status::Conflict);
    let sides = &world.conflicts.last().unwrap().sides;
    assert_eq!(sides[&System::Canvas].body().unwrap().source, "canvas");
    assert_eq!(
        sides[&System::Discourse].body().unwrap().source,
        "discourse"
    );
}

#[test]
fn a_person_decides_an_open_conflict_either_way() {
    for chosen in [System::Canvas, System::Discourse] {
        let mut world = World::new(ConflictStrategy::Manual);
        world.settle();
        world.person_edits(System::Canvas, Field::Body, body("canvas"));
        world.person_edits(System::Discourse, Field::Body, body("discourse"));
        world.settle();
        let open = world.conflicts.pop().unwrap();
        let record = open.sides[&chosen].clone();
        let (entity, decided) =
            crate::decide(world.entity.clone(), open, &record, "operator:x", world.now);
        world.entity = entity;
        world.conflicts.push(decided);
        world.settle();
        assert_eq!(world.entity.status, Status::InSync);
        assert_eq!(text(&world, System::Canvas), chosen.as_str());
        assert_eq!(text(&world, System::Discourse), chosen.as_str());
        // And the other way round, later.
        let other = if chosen == System::Canvas {
            System::Discourse
        } else {
            System::Canvas
        };
        let reopened = crate::reopen(world.conflicts.pop().unwrap());
        let record = reopened.sides[&other].clone();
        let (entity, _) = crate::decide(
            world.entity.clone(),
            reopened,
            &record,
            "operator:x",
            world.now,
        );
        world.entity = entity;
        world.settle();
        assert_eq!(text(&world, System::Canvas), other.as_str());
        assert_eq!(text(&world, System::Discourse), other.as_str());
    }
}

#[test]
fn an_echo_without_its_receipt_is_recognised() {
    let mut world = World::new(ConflictStrategy::MergePreferCanvas);
    world.settle();
    world.person_edits(System::Canvas, Field::Title, Value::Text("new".to_owned()));
    world.step(&[]);
    let write = owed_writes(&world.entity).pop().unwrap();
    let intent = open_intent(&world, &write);
    // The write happens, the receipt is lost.
    world.remotes.get_mut(&write.system).unwrap().write(&write);
    let decision = look_with(&world, intent);
    assert_eq!(decision.notes, vec![Note::Echo(System::Discourse)]);
    assert_eq!(decision.entity.status, Status::InSync);
    assert!(owed_writes(&decision.entity).is_empty());
}

/// The words of a record, as a lossy remote cannot change them.
fn words(record: &Record) -> (Option<String>, Option<String>) {
    (
        record.text(Field::Title).map(str::to_owned),
        record.body().map(|body| body.source.to_lowercase()),
    )
}

#[test]
fn a_local_edit_made_while_a_write_is_on_its_way_is_still_owed() {
    let mut world = World::new(ConflictStrategy::MergePreferCanvas);
    world.settle();
    world.local_edits(Field::Body, body("older"));
    let write = owed_writes(&world.entity)
        .into_iter()
        .find(|write| write.system == System::Canvas)
        .unwrap();
    let intent = open_intent(&world, &write);
    // The write happens, then somebody edits again, and the receipt is lost.
    world.remotes.get_mut(&write.system).unwrap().write(&write);
    world.local_edits(Field::Body, body("newer"));
    let decision = look_with(&world, intent);
    let owed = owed_writes(&decision.entity);
    let canvas = owed
        .iter()
        .find(|write| write.system == System::Canvas)
        .unwrap();
    assert_eq!(canvas.record.body().unwrap().source, "newer");
}

#[test]
fn a_text_that_changed_under_a_write_of_another_field_goes_to_the_others() {
    let mut world = World::new(ConflictStrategy::MergePreferCanvas);
    world.settle();
    world.local_edits(Field::Locked, Value::Flag(true));
    // Canvas has no guard: the edit comes between the look and the write, and the answer shows it.
    let writes = owed_writes(&world.entity);
    world.person_edits(System::Canvas, Field::Body, body("late"));
    let write = writes
        .iter()
        .find(|write| write.system == System::Canvas)
        .unwrap();
    let result = world.remotes.get_mut(&System::Canvas).unwrap().write(write);
    world.entity = complete(world.entity.clone(), write, &result, world.now);
    assert!(crate::has_unseen_change(&world.entity));
    assert_ne!(world.entity.status, Status::InSync);
    world.settle();
    assert_eq!(text(&world, System::Discourse), "late");
    assert_eq!(world.entity.status, Status::InSync);
}

#[test]
fn a_restored_tombstone_gets_the_text_it_was_owed() {
    let mut world = World::new(ConflictStrategy::PreferCanvas);
    world.settle();
    world.person_edits(System::Discourse, Field::Body, body("OTHER"));
    world.person_deletes(System::Canvas, true);
    world.step(&[System::Canvas]);
    let write = owed_writes(&world.entity).remove(0);
    assert_eq!(write.action, Action::Delete);
    // The deletion is done, its receipt is lost, and then somebody restores the item.
    let intent = open_intent(&world, &write);
    world
        .remotes
        .get_mut(&System::Discourse)
        .unwrap()
        .write(&write);
    let decision = reconcile(&Input {
        entity: &world.entity,
        intents: &[intent],
        observations: &[Observation {
            system: System::Discourse,
            sighting: Sighting::Deleted,
            at: world.now,
        }],
        policy: &world.policy,
        is_asked: false,
        open_conflict: None,
        now: world.now,
    });
    world.entity = decision.entity;
    world.person_deletes(System::Canvas, false);
    world.settle();
    let shown = |system| text(&world, system).to_lowercase();
    assert_eq!(shown(System::Discourse), shown(System::Canvas));
}

#[test]
fn what_was_edited_just_before_our_delete_is_news_when_it_is_restored() {
    let mut world = World::new(ConflictStrategy::PreferDiscourse);
    world.settle();
    world.person_deletes(System::Discourse, true);
    world.step(&[System::Discourse]);
    let write = owed_writes(&world.entity).remove(0);
    assert_eq!(write.action, Action::Delete);
    world.person_edits(System::Canvas, Field::Body, body("late"));
    let canvas = world.remotes.get_mut(&System::Canvas).unwrap();
    let result = canvas.write(&write);
    world.entity = complete(world.entity.clone(), &write, &result, world.now);
    world.person_deletes(System::Canvas, false);
    world.settle();
    assert_eq!(text(&world, System::Discourse), "late");
}

#[test]
fn a_list_that_lags_is_not_news_unless_it_stays_so() {
    let mut world = World::new(ConflictStrategy::MergePreferCanvas);
    world.policy.two_looks_ms = 600_000;
    world.settle();
    let look = |world: &World, edited_at: i64, wait_ms: i64| {
        let mut record = first_record().with(Field::Body, body("older"));
        record.edited_at = Some(Timestamp(edited_at));
        let seen_at = world.entity.replica(System::Canvas).unwrap().seen_at;
        reconcile(&Input {
            entity: &world.entity,
            intents: &[],
            observations: &[Observation {
                system: System::Canvas,
                sighting: Sighting::Present(record),
                at: seen_at.plus_ms(wait_ms),
            }],
            policy: &world.policy,
            is_asked: false,
            open_conflict: None,
            now: seen_at.plus_ms(wait_ms),
        })
    };
    let lagging = look(&world, -5, 1_000);
    assert_eq!(lagging.entity, world.entity);
    assert!(lagging.look_again_at.is_some());
    // A clock that was set back must not hide an edit for ever, and a newer time is news at once.
    assert_ne!(look(&world, -5, 600_001).entity, world.entity);
    assert_ne!(look(&world, 5_000_000, 1_000).entity, world.entity);
    // Of two texts with one time nobody can tell which is newer: a moment later the list has caught up.
    let known = world.entity.replica(System::Canvas).unwrap();
    let time = known.record.edited_at.unwrap().0;
    let doubtful = look(&world, time, 1_000);
    assert_eq!(doubtful.entity, world.entity);
    let again = doubtful.look_again_at.unwrap();
    assert_eq!(again, known.seen_at.plus_ms(10_000));
    assert_ne!(look(&world, time, 10_001).entity, world.entity);
}

#[derive(Debug, Clone)]
enum Event {
    Edit(System, u8),
    Retitle(System, u8),
    Exists(System, bool),
    LocalEdit(u8),
    Step(Vec<System>),
}

fn any_event() -> impl Strategy<Value = Event> {
    let remote = prop_oneof![Just(System::Canvas), Just(System::Discourse)];
    prop_oneof![
        (remote.clone(), 0u8..4).prop_map(|(system, text)| Event::Edit(system, text)),
        (remote.clone(), 0u8..4).prop_map(|(system, text)| Event::Retitle(system, text)),
        (remote.clone(), any::<bool>())
            .prop_map(|(system, deleted)| Event::Exists(system, deleted)),
        (0u8..4).prop_map(Event::LocalEdit),
        proptest::collection::vec(remote, 0..3).prop_map(Event::Step),
    ]
}

fn any_strategy() -> impl Strategy<Value = ConflictStrategy> {
    proptest::sample::select(ConflictStrategy::ALL.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig::default())]
    #[test]
    fn people_stop_and_all_agree(events in proptest::collection::vec(any_event(), 0..24), strategy in any_strategy()) {
        let mut world = World::new(strategy);
        world.settle();
        for event in events {
            match event {
                Event::Edit(system, text) => world.person_edits(system, Field::Body, body(&format!("b{text}"))),
                Event::Retitle(system, text) => world.person_edits(system, Field::Title, Value::Text(format!("t{text}"))),
                Event::Exists(system, deleted) => world.person_deletes(system, deleted),
                Event::LocalEdit(text) => world.local_edits(Field::Body, body(&format!("l{text}"))),
                Event::Step(reachable) => world.step(&reachable),
            }
        }
        world.settle();
        if strategy == ConflictStrategy::Manual && world.entity.status == Status::Conflict {
            // Everything is kept: each side's present record is in the open conflict.
            let open = world.conflicts.iter().find(|c| c.state == model::ConflictState::Open).unwrap();
            for (system, side) in &open.sides {
                if let Some(record) = world.remotes.get(system).and_then(|remote| remote.record.as_ref()) {
                    prop_assert_eq!(record.deleted, side.deleted);
                    // A tombstone hides its words.
                    prop_assert!(side.deleted || words(record) == words(side));
                }
            }
            return Ok(());
        }
        prop_assert_eq!(world.entity.status, Status::InSync);
        let local = &world.entity.replicas[&System::Local].record;
        for remote in world.remotes.values() {
            let record = remote.record.as_ref().unwrap();
            prop_assert_eq!(record.deleted, local.deleted);
            if !local.deleted {
                prop_assert_eq!(record.text(Field::Title), local.text(Field::Title));
                prop_assert_eq!(
                    record.body().unwrap().source.to_lowercase(),
                    local.body().unwrap().source.to_lowercase()
                );
            }
        }
        let writes = world.writes();
        world.settle();
        prop_assert_eq!(world.writes(), writes, "a quiet world was written to");
    }
}

mod recovery;
