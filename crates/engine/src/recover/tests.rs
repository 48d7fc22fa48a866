//! Which act fits which item. What an act comes to is tested beside `reconcile`.

use std::collections::BTreeMap;

use model::EntityId;

use super::*;

fn entity(kind: Kind, status: Status) -> Entity {
    let id = EntityId::from("e");
    Entity {
        kind,
        course: id.clone(),
        container: None,
        parent: None,
        shadow: None,
        replicas: BTreeMap::new(),
        status,
        reason: None,
        revision: 1,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
        id,
    }
}

fn refusal(entity: Entity, act: Recovery) -> Option<RecoveryRefused> {
    let setting = Setting {
        who: "ada",
        why: "test",
        open_conflict: None,
        last_change: &[],
        now: Timestamp(1),
    };
    recover(entity, act, &setting).err()
}

#[test]
fn an_act_that_does_not_fit_is_refused() {
    let topic = |status| entity(Kind::Topic, status);
    let force = Recovery::Force(System::Canvas);
    for (item, act, refused) in [
        (
            entity(Kind::Course, Status::InSync),
            Recovery::Skip,
            Some(RecoveryRefused::WrongKind),
        ),
        (
            topic(Status::Skipped),
            force,
            Some(RecoveryRefused::Skipped),
        ),
        (
            topic(Status::Skipped),
            Recovery::Skip,
            Some(RecoveryRefused::Skipped),
        ),
        (
            topic(Status::InSync),
            Recovery::Unskip,
            Some(RecoveryRefused::NotSkipped),
        ),
        (
            topic(Status::Failed),
            Recovery::Release,
            Some(RecoveryRefused::NotHeld),
        ),
        (
            topic(Status::Pending),
            force,
            Some(RecoveryRefused::NoCopy(System::Local)),
        ),
        (topic(Status::Skipped), Recovery::Unskip, None),
        (topic(Status::Held), Recovery::Release, None),
        (topic(Status::Failed), Recovery::Reset, None),
    ] {
        assert_eq!(refusal(item, act), refused, "{act:?}");
    }
}

#[test]
fn a_guards_hold_is_not_lifted_without_its_operation() {
    let setting = Setting {
        who: "ada",
        why: "test",
        open_conflict: None,
        last_change: &[],
        now: Timestamp(1),
    };
    let mut held = entity(Kind::Post, Status::Held);
    held.reason = Some(Failure::new("SYNC-5003", Class::Guard, String::new(), ""));
    let released = recover(held.clone(), Recovery::Release, &setting).unwrap();
    assert_eq!(released.entity, held);
}

fn words(text: &str) -> Record {
    Record::default().with(Field::Title, Value::Text(text.to_owned()))
}

fn kept(text: &str) -> model::Replica {
    model::Replica {
        remote: model::RemoteId::from("1"),
        vector: VersionVector::new(),
        record: words(text),
        existence: Existence::Present,
        mark: None,
        seen_at: Timestamp(0),
        generation: 1,
        base: None,
        owed: BTreeSet::new(),
    }
}

fn step(phase: Phase, action: Action, (before, after): (&str, &str)) -> Step {
    Step {
        number: 1,
        system: System::Discourse,
        action,
        phase,
        before: (phase == Phase::Prepare).then(|| words(before)),
        after: Some(words(after)),
        failure: None,
        at: Timestamp(0),
    }
}

fn undo(entity: Entity, log: &[Step]) -> Result<Recovered, RecoveryRefused> {
    let setting = Setting {
        who: "ada",
        why: "test",
        open_conflict: None,
        last_change: log,
        now: Timestamp(1),
    };
    recover(entity, Recovery::Undo, &setting)
}

#[test]
fn the_last_change_is_taken_back_unless_somebody_changed_it_since() {
    let mut topic = entity(Kind::Topic, Status::InSync);
    for system in System::ALL {
        topic.replicas.insert(system, kept("new"));
    }
    let log = |action| {
        [
            step(Phase::Prepare, action, ("old", "new")),
            step(Phase::Apply, action, ("old", "new")),
        ]
    };
    let done = undo(topic.clone(), &log(Action::Edit)).unwrap();
    let writes = crate::owed_writes(&done.entity);
    let written: Vec<System> = writes.iter().map(|write| write.system).collect();
    assert_eq!(written, System::REMOTE, "the change goes on both sides");
    assert!(
        writes
            .iter()
            .all(|write| write.record.text(Field::Title) == Some("old"))
    );
    let [conflict] = &done.conflicts[..] else {
        panic!("what was there is kept")
    };
    let kept_words = |system| conflict.sides[&system].text(Field::Title);
    assert!(
        System::ALL
            .iter()
            .all(|system| kept_words(*system) == Some("new"))
    );
    let refused = |topic: &Entity, log: &[Step]| undo(topic.clone(), log).err();
    assert_eq!(refused(&topic, &[]), Some(RecoveryRefused::NothingToUndo));
    assert_eq!(
        refused(&topic, &log(Action::Create)),
        Some(RecoveryRefused::WasCreated)
    );
    topic.replicas.insert(System::Discourse, kept("newer"));
    let changed = RecoveryRefused::ChangedSince(System::Discourse);
    assert_eq!(refused(&topic, &log(Action::Edit)), Some(changed));
}

#[test]
fn every_verb_is_read_back() {
    for act in [
        Recovery::Force(System::Discourse),
        Recovery::Undo,
        Recovery::Skip,
        Recovery::Unskip,
        Recovery::Reset,
        Recovery::Hold,
        Recovery::Release,
    ] {
        assert_eq!(
            Recovery::parse(act.as_str(), Some(System::Discourse)),
            Some(act)
        );
    }
    assert_eq!(Recovery::parse("force", None), None);
    assert_eq!(Recovery::parse("retry", None), None);
}
