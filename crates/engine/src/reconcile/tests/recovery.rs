//! What a person's act comes to, on the same small world.

use super::*;

fn does(world: &mut World, act: crate::Recovery) -> crate::Recovered {
    let open = world.conflicts.iter().rev();
    let open = open
        .clone()
        .find(|known| known.state == model::ConflictState::Open);
    let setting = crate::Setting {
        who: "ada",
        why: "test",
        open_conflict: open,
        last_change: &[],
        now: world.now,
    };
    let done = crate::recover(world.entity.clone(), act, &setting).unwrap();
    world.entity = done.entity.clone();
    for conflict in &done.conflicts {
        let mut conflict = conflict.clone();
        if conflict.id.is_empty() {
            conflict.id = format!("forced {}", world.conflicts.len());
        }
        world.conflicts.retain(|known| known.id != conflict.id);
        world.conflicts.push(conflict);
    }
    done
}

fn is_kept(world: &World, words: &str) -> bool {
    world
        .conflicts
        .iter()
        .flat_map(|conflict| conflict.sides.values())
        .any(|side| side.body().is_some_and(|body| body.source == words))
}

#[test]
fn a_forced_side_becomes_everybodys_and_the_other_words_stay() {
    for from in System::REMOTE {
        let mut world = World::new(ConflictStrategy::Manual);
        world.settle();
        world.person_edits(System::Canvas, Field::Body, body("canvas"));
        world.person_edits(System::Discourse, Field::Body, body("discourse"));
        world.settle();
        assert_eq!(world.entity.status, Status::Conflict);
        does(&mut world, crate::Recovery::Force(from));
        world.settle();
        assert_eq!(world.entity.status, Status::InSync);
        for system in System::REMOTE {
            assert_eq!(text(&world, system), from.as_str());
            assert!(is_kept(&world, system.as_str()));
        }
        let is_decided = |conflict: &Conflict| conflict.state == model::ConflictState::Resolved;
        assert!(world.conflicts.iter().all(is_decided));
        // A later edit of either side counts as ever.
        world.person_edits(System::Canvas, Field::Body, body("later"));
        world.settle();
        assert_eq!(text(&world, System::Discourse), "later");
    }
}

#[test]
fn what_changes_after_it_was_forced_is_compared() {
    let mut world = World::new(ConflictStrategy::Manual);
    world.settle();
    world.person_edits(System::Canvas, Field::Body, body("canvas"));
    world.step(&[]);
    does(&mut world, crate::Recovery::Force(System::Discourse));
    world.person_edits(System::Canvas, Field::Body, body("newer"));
    world.settle();
    assert_eq!(world.entity.status, Status::Conflict);
    assert_eq!(text(&world, System::Canvas), "newer");
    assert!(is_kept(&world, "canvas"));
}

#[test]
fn forcing_what_agrees_writes_nothing() {
    let mut world = World::new(ConflictStrategy::MergePreferCanvas);
    world.settle();
    let writes = world.writes();
    let canvas = does(&mut world, crate::Recovery::Force(System::Canvas));
    assert!(
        owed_writes(&canvas.entity)
            .iter()
            .all(|write| write.system == System::Discourse)
    );
    world.settle();
    // The forum rewrites what it is given: it is given the text once more and then left alone.
    assert!(world.writes() <= writes + 1);
    assert_eq!(world.entity.status, Status::InSync);
}

#[test]
fn a_forced_deletion_is_owed_and_a_forced_text_brings_back() {
    let mut world = World::new(ConflictStrategy::Manual);
    world.settle();
    world.person_deletes(System::Canvas, true);
    world.person_edits(System::Discourse, Field::Body, body("discourse"));
    world.settle();
    does(&mut world, crate::Recovery::Force(System::Discourse));
    let writes = owed_writes(&world.entity);
    assert_eq!(writes.len(), 1);
    assert_eq!(
        (writes[0].system, writes[0].action),
        (System::Canvas, Action::Restore)
    );
    does(&mut world, crate::Recovery::Force(System::Canvas));
    let writes = owed_writes(&world.entity);
    assert_eq!(writes.len(), 1);
    assert_eq!(
        (writes[0].system, writes[0].action),
        (System::Discourse, Action::Delete)
    );
    assert!(is_kept(&world, "discourse"));
}

#[test]
fn what_is_held_by_hand_is_watched_and_not_decided() {
    let mut world = World::new(ConflictStrategy::MergePreferCanvas);
    world.settle();
    does(&mut world, crate::Recovery::Hold);
    world.person_edits(System::Canvas, Field::Body, body("canvas"));
    world.settle();
    assert_eq!(world.entity.status, Status::Held);
    assert_eq!(text(&world, System::Discourse), "first");
    does(&mut world, crate::Recovery::Release);
    world.settle();
    assert_eq!(world.entity.status, Status::InSync);
    assert_eq!(text(&world, System::Discourse), "canvas");
}

#[test]
fn a_held_conflict_waits_for_its_person_again() {
    let mut world = World::new(ConflictStrategy::Manual);
    world.settle();
    world.person_edits(System::Canvas, Field::Body, body("canvas"));
    world.person_edits(System::Discourse, Field::Body, body("discourse"));
    world.settle();
    for (stop, go) in [
        (crate::Recovery::Hold, crate::Recovery::Release),
        (crate::Recovery::Skip, crate::Recovery::Unskip),
    ] {
        does(&mut world, stop);
        does(&mut world, go);
        world.settle();
        assert_eq!(world.entity.status, Status::Conflict);
        assert_eq!(world.conflicts.len(), 1);
    }
}

#[test]
fn a_reset_compares_both_sides_anew_and_makes_no_double() {
    let mut world = World::new(ConflictStrategy::MergePreferCanvas);
    world.settle();
    world.person_edits(System::Canvas, Field::Body, body("canvas"));
    world.settle();
    world.local_edits(Field::Body, body("only here"));
    let before = world.writes();
    does(&mut world, crate::Recovery::Reset);
    assert!(world.entity.shadow.is_none());
    assert!(is_kept(&world, "only here"), "the local words stay");
    assert!(
        owed_writes(&world.entity).is_empty(),
        "nothing before a look"
    );
    world.settle();
    assert_eq!(world.entity.status, Status::InSync);
    assert_eq!(text(&world, System::Canvas), "canvas");
    assert_eq!(text(&world, System::Discourse), "canvas");
    assert!(world.writes() <= before + 1);
    // What was known is known again.
    world.person_edits(System::Discourse, Field::Body, body("later"));
    world.settle();
    assert_eq!(text(&world, System::Canvas), "later");
}

#[test]
fn a_reset_of_different_sides_asks_the_strategy() {
    for (strategy, left) in [
        (ConflictStrategy::PreferDiscourse, "discourse"),
        (ConflictStrategy::MergePreferCanvas, "canvas"),
    ] {
        let mut world = World::new(ConflictStrategy::Manual);
        world.settle();
        world.person_edits(System::Canvas, Field::Body, body("canvas"));
        world.person_edits(System::Discourse, Field::Body, body("discourse"));
        world.settle();
        world.policy.strategy = strategy;
        does(&mut world, crate::Recovery::Reset);
        world.settle();
        assert_eq!(world.entity.status, Status::InSync);
        assert_eq!(text(&world, System::Canvas), left);
        assert_eq!(text(&world, System::Discourse), left);
        assert!(is_kept(&world, "canvas") && is_kept(&world, "discourse"));
    }
}
