//! The groups that a course should have, from one reading of its people. Must not know what is on the forum.

use std::collections::{BTreeMap, BTreeSet};

use model::{GroupKind, Role, Roster, Seat};

/// Numbers up to this length stand in a group's name as they are; longer ones are written shorter.
const DIGITS: usize = 11;

/// A group as it should be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Its name on the forum.
    pub name: String,
    /// What it is called for people.
    pub title: String,
    /// The keys of its members.
    pub members: BTreeSet<String>,
    /// Keys of people of whom the reading says that they are not in it any more.
    pub ended: BTreeSet<String>,
    /// Those of `ended` who are still in the course: they are in another place of it now.
    pub moved: BTreeSet<String>,
}

/// The groups that a course should have, by our key of each.
pub fn wanted(
    course: &str,
    roster: &Roster,
    kinds: &BTreeSet<GroupKind>,
) -> BTreeMap<String, Wanted> {
    let mut groups = BTreeMap::new();
    let number = short(course);
    if kinds.contains(&GroupKind::Course) {
        let group = of_seats(
            roster,
            format!("cv-c-{number}"),
            roster.title.clone(),
            |_| true,
        );
        groups.insert("course".to_owned(), group);
    }
    if kinds.contains(&GroupKind::Role) {
        let is_teacher = |seat: &Seat| matches!(seat.role, Role::Teacher | Role::Assistant);
        let title = |what: &str| format!("{}: {what}", roster.title);
        let teachers = of_seats(
            roster,
            format!("cv-c-{number}-t"),
            title("teachers"),
            is_teacher,
        );
        let is_student = |seat: &Seat| seat.role == Role::Student;
        let students = of_seats(
            roster,
            format!("cv-c-{number}-s"),
            title("students"),
            is_student,
        );
        groups.insert("role:teachers".to_owned(), teachers);
        groups.insert("role:students".to_owned(), students);
    }
    if kinds.contains(&GroupKind::Section) {
        for (id, title) in &roster.sections {
            let name = format!("cv-s-{}", short(id));
            let title = format!("{}: {title}", roster.title);
            let group = of_seats(roster, name, title, |seat| seat.section == *id);
            groups.insert(format!("section:{id}"), group);
        }
    }
    if kinds.contains(&GroupKind::CanvasGroup) {
        let active = active(roster);
        for group in &roster.groups {
            let members: BTreeSet<String> = group.members.intersection(&active).cloned().collect();
            let moved: BTreeSet<String> = active.difference(&members).cloned().collect();
            let gone = ended(roster, |_| true);
            groups.insert(
                format!("canvas_group:{}", group.id),
                Wanted {
                    name: format!("cv-g-{}", short(&group.id)),
                    title: format!("{}: {}", roster.title, group.title),
                    ended: moved.union(&gone).cloned().collect(),
                    members,
                    moved,
                },
            );
        }
    }
    groups
}

/// The keys of those who take part.
pub fn active(roster: &Roster) -> BTreeSet<String> {
    let seats = roster.seats.iter().filter(|seat| seat.is_active);
    seats.map(|seat| seat.person.clone()).collect()
}

fn ended(roster: &Roster, fits: impl Fn(&Seat) -> bool) -> BTreeSet<String> {
    let seats = roster
        .seats
        .iter()
        .filter(|seat| !seat.is_active && fits(seat));
    seats.map(|seat| seat.person.clone()).collect()
}

fn of_seats(roster: &Roster, name: String, title: String, fits: impl Fn(&Seat) -> bool) -> Wanted {
    let seats = roster
        .seats
        .iter()
        .filter(|seat| seat.is_active && fits(seat));
    let members: BTreeSet<String> = seats.map(|seat| seat.person.clone()).collect();
    let ended: BTreeSet<String> = ended(roster, fits).difference(&members).cloned().collect();
    Wanted {
        name,
        title,
        moved: ended.intersection(&active(roster)).cloned().collect(),
        members,
        ended,
    }
}

/// A number as it stands in a name of at most 20 letters (contract discourse §8.3): ids of other shards have 18 digits.
pub(super) fn short(id: &str) -> String {
    let Ok(mut number) = id.parse::<u64>() else {
        let is_plain = |c: &char| c.is_ascii_alphanumeric();
        return id.chars().filter(is_plain).take(DIGITS).collect();
    };
    if id.len() <= DIGITS {
        return id.to_owned();
    }
    let mut digits = Vec::new();
    while number > 0 {
        let digit = u32::try_from(number % 36).unwrap_or(0);
        digits.extend(char::from_digit(digit, 36));
        number /= 36;
    }
    digits.iter().rev().collect()
}
