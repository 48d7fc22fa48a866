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
        now: Timestamp(1),
    };
    let mut held = entity(Kind::Post, Status::Held);
    held.reason = Some(Failure::new("SYNC-5003", Class::Guard, String::new(), ""));
    let released = recover(held.clone(), Recovery::Release, &setting).unwrap();
    assert_eq!(released.entity, held);
}

#[test]
fn every_verb_is_read_back() {
    for act in [
        Recovery::Force(System::Discourse),
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
