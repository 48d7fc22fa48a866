//! The laws of the roster.

use model::{CourseGroup, Role, Roster, Seat};
use proptest::prelude::*;

use super::wanted::short;
use super::*;

const DAY_MS: i64 = 86_400_000;

fn set(keys: &[&str]) -> BTreeSet<String> {
    keys.iter().map(|key| (*key).to_owned()).collect()
}

fn seat(person: &str, section: &str, role: Role, is_active: bool) -> Seat {
    Seat {
        person: person.to_owned(),
        section: section.to_owned(),
        role,
        is_active,
    }
}

fn rules() -> Rules {
    Rules {
        kinds: GroupKind::ALL.into_iter().collect(),
        grace_ms: 7 * DAY_MS,
        batch_max: 1_000,
        limits: Limits::default(),
        is_approved: false,
    }
}

fn roster(students: &[(&str, &str)]) -> Roster {
    let mut seats = vec![seat("t", "1", Role::Teacher, true)];
    seats.extend(
        students
            .iter()
            .map(|(person, section)| seat(person, section, Role::Student, true)),
    );
    Roster {
        title: "Biology".to_owned(),
        seats,
        sections: [("1", "One"), ("2", "Two")]
            .map(|(id, name)| (id.to_owned(), name.to_owned()))
            .into(),
        ..Roster::default()
    }
}

/// A forum: the members of its groups by the group's key.
type Forum = BTreeMap<String, BTreeSet<String>>;

/// Makes the groups that are missing, and gives everybody an account with the person's key behind an `a`.
fn prepare(state: &mut RosterState, wanted: &BTreeMap<String, Wanted>, forum: &mut Forum) {
    for (key, group) in wanted {
        state
            .groups
            .entry(key.clone())
            .or_insert_with(|| RosterGroup {
                name: group.name.clone(),
                ..RosterGroup::default()
            });
        forum.entry(key.clone()).or_default();
        for person in &group.members {
            let known = RosterPerson {
                account: Some(format!("a{person}")),
                asked_ms: 0,
                refusal: None,
            };
            state.people.entry(person.clone()).or_insert(known);
        }
    }
}

fn seen(
    state: &RosterState,
    wanted: &BTreeMap<String, Wanted>,
    forum: &Forum,
    now: Timestamp,
) -> Forum {
    to_read(state, wanted, now)
        .into_iter()
        .map(|key| (key.clone(), forum[&key].clone()))
        .collect()
}

fn carry_out(forum: &mut Forum, steps: &[MemberStep]) {
    for step in steps {
        let members = forum.get_mut(&step.group).unwrap();
        for account in &step.accounts {
            match step.turn {
                Turn::Add => members.insert(account.clone()),
                Turn::Remove => members.remove(account),
            };
        }
    }
}

/// One whole run; answers what was done.
fn run(
    state: &mut RosterState,
    forum: &mut Forum,
    roster: &Roster,
    (rules, at): (&Rules, i64),
) -> RosterPlan {
    let wanted = wanted("7", roster, &rules.kinds);
    prepare(state, &wanted, forum);
    let now = Timestamp(at);
    let plan = plan_roster(
        state,
        &wanted,
        &seen(state, &wanted, forum, now),
        (rules, now),
    );
    carry_out(forum, &plan.steps);
    *state = settle_roster(&plan.state, &plan.steps);
    plan
}

#[test]
fn names_fit_into_twenty_letters() {
    assert_eq!(short("101"), "101");
    assert_eq!(short("12345678901"), "12345678901");
    assert_eq!(short("109876543210987654").len(), 11);
    let mut roster = roster(&[("a", "1")]);
    roster.groups = vec![CourseGroup {
        id: "999999999999999999".to_owned(),
        title: "G".to_owned(),
        members: set(&["a"]),
    }];
    let groups = wanted("999999999999999999", &roster, &rules().kinds);
    assert_eq!(groups.len(), 6);
    let names: BTreeSet<&str> = groups.values().map(|group| group.name.as_str()).collect();
    assert_eq!(names.len(), 6, "{names:?}");
    assert!(
        names.iter().all(|name| (3..=20).contains(&name.len())),
        "{names:?}"
    );
}

#[test]
fn a_first_run_fills_the_groups_and_a_second_does_nothing() {
    let (mut state, mut forum) = (RosterState::default(), Forum::new());
    let roster = roster(&[("a", "1"), ("b", "2")]);
    let first = run(&mut state, &mut forum, &roster, (&rules(), DAY_MS));
    assert!(first.failure.is_none());
    assert_eq!(forum["course"], set(&["aa", "ab", "at"]));
    assert_eq!(forum["section:1"], set(&["aa", "at"]));
    assert_eq!(forum["section:2"], set(&["ab"]));
    assert_eq!(forum["role:students"], set(&["aa", "ab"]));
    let before = state.clone();
    let second = run(&mut state, &mut forum, &roster, (&rules(), DAY_MS + 1));
    assert!(second.steps.is_empty());
    assert_eq!(state, before);
}

#[test]
fn a_drop_waits_for_its_grace_and_a_move_does_not() {
    let (mut state, mut forum) = (RosterState::default(), Forum::new());
    let mut roster = roster(&[("a", "1"), ("b", "2")]);
    run(&mut state, &mut forum, &roster, (&rules(), DAY_MS));
    roster.seats.retain(|seat| seat.person == "t");
    roster.seats.push(seat("a", "1", Role::Student, false));
    roster.seats.push(seat("b", "2", Role::Student, false));
    roster.seats.push(seat("b", "1", Role::Student, true));
    let moved = run(&mut state, &mut forum, &roster, (&rules(), 2 * DAY_MS));
    assert!(moved.failure.is_none());
    assert_eq!(forum["section:2"], set(&[]), "who moved is out at once");
    assert_eq!(
        forum["section:1"],
        set(&["aa", "ab", "at"]),
        "who left has a grace"
    );
    assert_eq!(leaving(&state), set(&["a"]));
    run(&mut state, &mut forum, &roster, (&rules(), 9 * DAY_MS - 1));
    assert!(forum["course"].contains("aa"));
    run(&mut state, &mut forum, &roster, (&rules(), 9 * DAY_MS));
    assert!(
        !forum.values().any(|members| members.contains("aa")),
        "{forum:?}"
    );
    assert!(forum["course"].contains("ab"));
}

#[test]
fn who_is_only_missing_is_not_taken_out_by_the_look_that_missed_them() {
    let (mut state, mut forum) = (RosterState::default(), Forum::new());
    let strict = Rules {
        grace_ms: 0,
        ..rules()
    };
    run(
        &mut state,
        &mut forum,
        &roster(&[("a", "1"), ("b", "1")]),
        (&strict, 1),
    );
    let less = roster(&[("b", "1")]);
    run(&mut state, &mut forum, &less, (&strict, 2));
    assert!(forum["course"].contains("aa"));
    run(&mut state, &mut forum, &less, (&strict, 3));
    assert!(!forum["course"].contains("aa"));
}

#[test]
fn a_short_reading_takes_nobody_out_and_starts_no_clock() {
    let (mut state, mut forum) = (RosterState::default(), Forum::new());
    let many: Vec<String> = (0..50).map(|number| format!("s{number}")).collect();
    let all: Vec<(&str, &str)> = many.iter().map(|person| (person.as_str(), "1")).collect();
    let strict = Rules {
        grace_ms: 0,
        ..rules()
    };
    run(&mut state, &mut forum, &roster(&all), (&strict, 1));
    let full = forum.clone();
    for short in [roster(&all[..25]), Roster::default()] {
        for at in [10, 20] {
            let plan = run(&mut state, &mut forum, &short, (&strict, at));
            assert_eq!(
                plan.failure.as_ref().map(|failure| failure.code.as_str()),
                Some("SYNC-5030")
            );
        }
    }
    assert_eq!(forum, full);
    assert!(leaving(&state).is_empty());
    let approved = Rules {
        is_approved: true,
        ..strict
    };
    run(&mut state, &mut forum, &roster(&all[..25]), (&approved, 30));
    assert_eq!(forum, full);
    run(&mut state, &mut forum, &roster(&all[..25]), (&approved, 40));
    assert_eq!(forum["course"].len(), 26);
}

#[test]
fn more_drops_than_the_budget_wait_for_approval() {
    let (mut state, mut forum) = (RosterState::default(), Forum::new());
    let many: Vec<String> = (0..50).map(|number| format!("s{number}")).collect();
    let all: Vec<(&str, &str)> = many.iter().map(|person| (person.as_str(), "1")).collect();
    let strict = Rules {
        grace_ms: 0,
        ..rules()
    };
    run(&mut state, &mut forum, &roster(&all), (&strict, 1));
    let mut less = roster(&all[21..]);
    less.seats.extend(
        many[..21]
            .iter()
            .map(|person| seat(person, "1", Role::Student, false)),
    );
    let plan = run(&mut state, &mut forum, &less, (&strict, 2));
    assert_eq!(
        plan.failure.map(|failure| failure.code),
        Some("SYNC-5031".to_owned())
    );
    assert_eq!(forum["course"].len(), 51);
    let approved = Rules {
        is_approved: true,
        ..strict
    };
    run(&mut state, &mut forum, &less, (&approved, 3));
    assert_eq!(forum["course"].len(), 30);
}

#[test]
fn whom_others_put_in_or_took_out() {
    let (mut state, mut forum) = (RosterState::default(), Forum::new());
    let both = roster(&[("a", "1"), ("b", "1")]);
    forum.insert("course".to_owned(), set(&["aa", "guest"]));
    run(&mut state, &mut forum, &both, (&rules(), 1));
    assert_eq!(forum["course"], set(&["aa", "ab", "at", "guest"]));
    assert_eq!(state.groups["course"].by_hand, set(&["aa"]));
    forum.get_mut("course").unwrap().remove("ab");
    let strict = Rules {
        grace_ms: 0,
        ..rules()
    };
    run(&mut state, &mut forum, &both, (&strict, DAY_MS + 2));
    assert!(forum["course"].contains("ab"), "Canvas is the authority");
    assert!(
        to_ask(
            &state,
            &wanted("7", &both, &strict.kinds),
            (Timestamp(DAY_MS + 3), 9)
        )
        .contains(&"b".to_owned())
    );
    let mut gone = roster(&[("b", "1")]);
    gone.seats.push(seat("a", "1", Role::Student, false));
    run(&mut state, &mut forum, &gone, (&strict, DAY_MS + 4));
    assert!(forum["course"].contains("aa"), "put in by hand, left alone");
    assert!(!forum["section:1"].contains("aa"), "put in by us");
}

#[test]
fn a_key_that_moved_to_another_account_takes_the_old_one_out() {
    let (mut state, mut forum) = (RosterState::default(), Forum::new());
    let one = roster(&[("a", "1")]);
    run(&mut state, &mut forum, &one, (&rules(), 1));
    state.people.get_mut("a").unwrap().account = Some("new".to_owned());
    run(&mut state, &mut forum, &one, (&rules(), 2));
    assert_eq!(forum["course"], set(&["at", "new"]));
}

/// A course at random: seats of twelve people in two sections, and what others do on the forum.
fn seats() -> impl Strategy<Value = Vec<(u8, bool, bool)>> {
    proptest::collection::vec(
        (0_u8..12, any::<bool>(), proptest::bool::weighted(0.8)),
        0..20,
    )
}

fn built(rows: &[(u8, bool, bool)]) -> Roster {
    let mut roster = roster(&[]);
    for (person, is_second, is_active) in rows {
        let section = if *is_second { "2" } else { "1" };
        roster.seats.push(seat(
            &format!("p{person}"),
            section,
            Role::Student,
            *is_active,
        ));
    }
    let members = rows.iter().map(|(person, _, _)| format!("p{person}"));
    roster.groups = vec![CourseGroup {
        id: "5".to_owned(),
        title: "Lab".to_owned(),
        members: members.take(4).collect(),
    }];
    roster
}

proptest! {
    #[test]
    fn the_laws_hold_for_any_course(
        readings in proptest::collection::vec((seats(), 1_i64..5), 1..6),
        guests in proptest::collection::btree_set("[a-z]{4}", 0..3),
        batch_max in 1_usize..4,
        is_approved: bool,
    ) {
        let rules = Rules { batch_max, is_approved, ..rules() };
        let (mut state, mut forum) = (RosterState::default(), Forum::new());
        forum.insert("course".to_owned(), guests.clone());
        let mut at = 0;
        for (rows, days) in &readings {
            at += days * DAY_MS;
            let roster = built(rows);
            let owned: BTreeMap<String, BTreeSet<String>> = state.groups.iter()
                .map(|(key, group)| (key.clone(), group.set.keys().cloned().collect())).collect();
            let plan = run(&mut state, &mut forum, &roster, (&rules, at));
            let enrolled: BTreeSet<String> = active(&roster).iter().map(|key| format!("a{key}")).collect();
            for step in &plan.steps {
                prop_assert!(!step.accounts.is_empty() && step.accounts.len() <= batch_max);
                match step.turn {
                    Turn::Add => prop_assert!(step.accounts.iter().all(|account| enrolled.contains(account))),
                    Turn::Remove => {
                        prop_assert!(step.accounts.iter().all(|account| owned[&step.group].contains(account)));
                    }
                }
            }
            // Everybody who is enrolled is there, and whoever came by other hands stays.
            prop_assert!(enrolled.is_subset(&forum["course"]));
            prop_assert!(guests.is_subset(&forum["course"]));
            let again = run(&mut state.clone(), &mut forum.clone(), &roster, (&rules, at));
            prop_assert!(again.steps.is_empty(), "{:?}", again.steps);
        }
    }

    #[test]
    fn a_run_that_is_cut_anywhere_is_repeated_without_harm(
        first in seats(), second in seats(), done in 0_usize..30,
    ) {
        let rules = Rules { batch_max: 2, is_approved: true, ..rules() };
        let (mut state, mut forum) = (RosterState::default(), Forum::new());
        run(&mut state, &mut forum, &built(&first), (&rules, DAY_MS));
        let (mut other, mut elsewhere) = (state.clone(), forum.clone());
        run(&mut other, &mut elsewhere, &built(&second), (&rules, 2 * DAY_MS));
        // The process dies: what was to be done is stored, some of it is done, its receipt is not.
        let roster = built(&second);
        let wanted = wanted("7", &roster, &rules.kinds);
        prepare(&mut state, &wanted, &mut forum);
        let now = Timestamp(2 * DAY_MS);
        let plan = plan_roster(&state, &wanted, &seen(&state, &wanted, &forum, now), (&rules, now));
        carry_out(&mut forum, &plan.steps[..done.min(plan.steps.len())]);
        state = plan.state;
        run(&mut state, &mut forum, &roster, (&rules, 2 * DAY_MS));
        prop_assert_eq!(&forum, &elsewhere);
        for (key, group) in &state.groups {
            prop_assert_eq!(&group.set, &other.groups[key].set);
            prop_assert!(!group.is_open);
        }
    }
}
