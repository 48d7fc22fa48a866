//! Logs that are cut anywhere, and what a rollback leaves.

use model::{Class, EntityId, Field, Kind, RemoteId, Timestamp, Value, VersionVector};

use super::*;

const BOTH: [System; 2] = [System::Canvas, System::Discourse];

fn record(title: &str) -> Record {
    Record {
        fields: [(Field::Title, Value::Text(title.to_owned()))].into(),
        ..Record::default()
    }
}

fn line(number: u32, system: System, phase: Phase) -> Step {
    Step {
        number,
        system,
        action: Action::Edit,
        phase,
        before: (phase == Phase::Prepare).then(|| record("old")),
        after: match phase {
            Phase::Apply => Some(record("new")),
            Phase::Compensate => Some(record("old")),
            Phase::Prepare | Phase::Skip => None,
        },
        failure: None,
        at: Timestamp(0),
    }
}

fn failed(step: Step) -> Step {
    Step {
        failure: Some(cause()),
        after: None,
        ..step
    }
}

fn cause() -> Failure {
    Failure::new("SYNC-2001", Class::Invalid, "refused".to_owned(), "")
}

/// Both systems are written, then undone; each system's second step comes after the other's first.
fn long_log() -> Vec<Step> {
    let [canvas, discourse] = BOTH;
    vec![
        line(1, canvas, Phase::Prepare),
        line(2, discourse, Phase::Prepare),
        failed(line(1, canvas, Phase::Apply)),
        line(1, canvas, Phase::Apply),
        line(2, discourse, Phase::Apply),
        line(3, canvas, Phase::Prepare),
        line(3, canvas, Phase::Apply),
        line(3, canvas, Phase::Compensate),
        failed(line(2, discourse, Phase::Compensate)),
        line(2, discourse, Phase::Compensate),
        line(1, canvas, Phase::Compensate),
    ]
}

/// Goes on from any place where the log was cut: what is left is undone in the same order, and nothing twice.
#[test]
fn a_log_that_is_cut_anywhere_is_undone_to_the_end() {
    let log = long_log();
    for cut in 0..=log.len() {
        let mut log = log[..cut].to_vec();
        let numbers: Vec<u32> = undos(&log).iter().map(|undo| undo.number).collect();
        let mut sorted = numbers.clone();
        sorted.sort_unstable_by(|a, b| b.cmp(a));
        assert_eq!(numbers, sorted, "the last one first, cut at {cut}");
        for undo in undos(&log) {
            assert_eq!((undo.before, undo.after), (record("old"), record("new")));
            log.push(line(undo.number, undo.system, Phase::Compensate));
        }
        assert_eq!(undos(&log), [], "cut at {cut}");
        let done: BTreeSet<System> = log
            .iter()
            .filter(|line| line.phase == Phase::Apply && line.failure.is_none())
            .map(|line| line.system)
            .collect();
        let ends: BTreeSet<System> = undone(&log).into_keys().collect();
        assert_eq!(ends, done, "cut at {cut}");
    }
}

#[test]
fn a_step_that_is_tried_again_keeps_its_number() {
    let [canvas, discourse] = BOTH;
    let mut log = Vec::new();
    assert_eq!(step_number(&log, canvas, Action::Edit), 1);
    log.push(line(1, canvas, Phase::Prepare));
    log.push(failed(line(1, canvas, Phase::Apply)));
    assert_eq!(step_number(&log, canvas, Action::Edit), 1);
    assert_eq!(step_number(&log, canvas, Action::Delete), 2);
    assert_eq!(step_number(&log, discourse, Action::Edit), 2);
    log.push(line(1, canvas, Phase::Apply));
    assert_eq!(step_number(&log, canvas, Action::Edit), 2);
}

#[test]
fn what_a_person_changed_is_left_alone() {
    let undo = undos(&[
        line(1, System::Canvas, Phase::Prepare),
        line(1, System::Canvas, Phase::Apply),
    ])
    .remove(0);
    let gone = Record {
        deleted: true,
        ..record("new")
    };
    assert_eq!(standing(&undo, Some(&record("new"))), Standing::AsLeft);
    assert_eq!(standing(&undo, Some(&record("old"))), Standing::AsBefore);
    assert_eq!(standing(&undo, Some(&record("theirs"))), Standing::Changed);
    assert_eq!(standing(&undo, Some(&gone)), Standing::Changed);
    assert_eq!(standing(&undo, None), Standing::Changed);
    let create = Undo {
        action: Action::Delete,
        before: Record {
            deleted: true,
            ..Record::default()
        },
        ..undo.clone()
    };
    assert_eq!(standing(&create, None), Standing::AsBefore);
    assert_eq!(standing(&create, Some(&record("new"))), Standing::AsLeft);
    assert_eq!(
        standing(&create, Some(&record("theirs"))),
        Standing::Changed
    );
    // A person restored and edited it before our restore: to delete it again would take their words away.
    let restore = Undo {
        before: gone.clone(),
        after: record("theirs"),
        ..create
    };
    assert_eq!(
        standing(&restore, Some(&record("theirs"))),
        Standing::Changed
    );
    let delete = Undo {
        action: Action::Restore,
        ..undo
    };
    assert_eq!(standing(&delete, Some(&gone)), Standing::AsLeft);
    assert_eq!(standing(&delete, Some(&record("old"))), Standing::AsBefore);
}

fn replica(title: &str, count: u64) -> Replica {
    let vector = (0..count).fold(VersionVector::new(), |vector, _| {
        vector.incremented(System::Canvas)
    });
    Replica {
        remote: RemoteId("1".to_owned()),
        vector,
        record: record(title),
        existence: Existence::Present,
        mark: None,
        seen_at: Timestamp(0),
        generation: 1,
        base: None,
        owed: BTreeSet::new(),
    }
}

fn entity(replicas: impl IntoIterator<Item = (System, Replica)>, revision: i64) -> Entity {
    Entity {
        id: EntityId("e".to_owned()),
        kind: Kind::Post,
        course: EntityId("c".to_owned()),
        container: None,
        parent: None,
        shadow: None,
        replicas: replicas.into_iter().collect(),
        status: Status::Pending,
        reason: None,
        revision,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    }
}

#[test]
fn a_rolled_back_entity_is_as_before_and_says_why() {
    let before = entity(
        [
            (System::Canvas, replica("theirs", 2)),
            (System::Local, replica("old", 1)),
        ],
        3,
    );
    let present = entity(
        [
            (System::Canvas, replica("merged", 3)),
            (System::Discourse, replica("merged", 3)),
            (System::Local, replica("merged", 3)),
        ],
        5,
    );
    let gone = Record {
        deleted: true,
        ..record("merged")
    };
    let undone = [
        (System::Canvas, Undone::Restored(record("theirs"))),
        (System::Discourse, Undone::Restored(gone)),
    ];
    let vector = present.replica(System::Local).unwrap().vector.clone();
    let origin = Origin {
        before: &before,
        vector: &vector,
    };
    let restored = restore(origin, &present, &undone.clone().into(), &cause());
    assert_eq!(restored.status, Status::Failed);
    assert_eq!(restored.reason, Some(cause()));
    assert_eq!(restored.revision, 5, "the present revision guards the save");
    let of = |system| restored.replica(system).unwrap();
    assert_eq!(of(System::Canvas), &replica("theirs", 2));
    assert_eq!(of(System::Local), &replica("old", 1));
    assert_eq!(of(System::Discourse).existence, Existence::Deleted);
    assert_eq!(
        of(System::Discourse).vector,
        VersionVector::new(),
        "a tombstone of ours outweighs nothing"
    );
    assert_eq!(
        of(System::Discourse).owed,
        [Field::Title].into(),
        "who restores it finds the old title there"
    );
    let left = [(System::Canvas, Undone::LeftAlone)];
    let restored = restore(origin, &present, &left.into(), &cause());
    let stays = Replica {
        base: Some(record("theirs")),
        ..replica("merged", 3)
    };
    assert_eq!(
        restored.replica(System::Canvas),
        Some(&stays),
        "what a person changed stays, knows what it knew, and is news"
    );

    // Somebody edited the local copy on top of what was to be written: it stays, and the others are owed it again.
    let earlier = VersionVector::new().incremented(System::Canvas);
    let origin = Origin {
        before: &before,
        vector: &earlier,
    };
    let restored = restore(origin, &present, &undone.into(), &cause());
    let of = |system| restored.replica(system).unwrap();
    assert_eq!(of(System::Local), &replica("merged", 3));
    assert_eq!(of(System::Canvas).record, record("theirs"));
    assert_eq!(of(System::Canvas).owed, [Field::Title].into());
}

#[test]
fn an_edit_after_a_rollback_is_not_one_that_another_copy_has_seen() {
    let mut ahead = entity(
        [
            (System::Canvas, replica("theirs", 3)),
            (System::Local, replica("old", 1)),
        ],
        1,
    );
    // Canvas was left with two local changes that the local copy has forgotten.
    for replica in ahead.replicas.values_mut() {
        let seen = replica.vector.get(System::Canvas);
        replica.vector = replica.vector.clone().reached(System::Local, seen);
    }
    let values = [(Field::Title, Value::Text("newer".to_owned()))].into();
    let edited = crate::edit(ahead, values, None, Timestamp(9)).unwrap();
    let of = |system| edited.replica(system).unwrap();
    assert_eq!(
        of(System::Local).vector.compare(&of(System::Canvas).vector),
        model::Relation::Concurrent
    );
}

#[test]
fn a_tombstone_hides_what_was_put_back_before_it() {
    let restored = Step {
        action: Action::Restore,
        ..line(1, System::Canvas, Phase::Apply)
    };
    let deleted = Step {
        after: Some(Record {
            deleted: true,
            ..record("new")
        }),
        ..line(1, System::Canvas, Phase::Compensate)
    };
    let log = [
        restored,
        line(2, System::Canvas, Phase::Apply),
        line(2, System::Canvas, Phase::Compensate),
        deleted,
    ];
    let gone = Record {
        deleted: true,
        ..record("old")
    };
    assert_eq!(
        undone(&log),
        [(System::Canvas, Undone::Restored(gone.clone()))].into()
    );
    let shown = with_record(&replica("new", 1), &gone);
    assert_eq!((shown.record, shown.existence), (gone, Existence::Deleted));
}
