//! Whether a write would be read by more people than its source (design section 10).
//!
//! Pure. A container's readers come in as [`Audience`]; what only some readers of a container see never comes here,
//! because the connectors withhold it. Must not know how either system was asked, and guesses nothing.

use std::collections::BTreeSet;

use model::{Audience, Class, Failure, RemoteId, Sighting, System};

/// How many keys a refusal names.
const KEYS_SHOWN: usize = 3;

/// Refuses writes to `target`, whose readers are `there`, when somebody there cannot read the other side, `here`.
pub fn check(target: System, here: &Audience, there: &Audience) -> Result<(), Failure> {
    if here.is_open {
        return Ok(());
    }
    if there.is_open {
        return Err(wider(target, "everybody, with or without an account"));
    }
    if there.may_be_open {
        return Err(wider(
            target,
            "everybody: the course is marked as public, so people outside its roster can read it",
        ));
    }
    if there.unnamed > 0 {
        let count = there.unnamed;
        return Err(wider(
            target,
            &format!("{count} people without a key that the other side knows"),
        ));
    }
    let more = more_readers(here, there);
    if more.is_empty() {
        return Ok(());
    }
    let named: Vec<&str> = more
        .iter()
        .take(KEYS_SHOWN)
        .map(|key| key.as_str())
        .collect();
    let others = if more.len() > KEYS_SHOWN { ", …" } else { "" };
    Err(wider(
        target,
        &format!("{} people more ({}{others})", more.len(), named.join(", ")),
    ))
}

/// Refuses all writes of a course that is over on one side: it is read only until it is opened again.
pub fn check_term(system: System, audience: &Audience) -> Result<(), Failure> {
    if !audience.is_concluded {
        return Ok(());
    }
    Err(Failure::new(
        "SYNC-5009",
        Class::Guard,
        format!(
            "The course is concluded in {}: nothing is written for it.",
            system.title()
        ),
        "Open the course again, then release the operation; or take it out of the configuration.",
    ))
}

/// The keys of those who can or may read there and cannot read here. Members whom the other side does not keep out are
/// none of them: they have no account there, or read everything there.
fn more_readers<'a>(here: &Audience, there: &'a Audience) -> BTreeSet<&'a String> {
    let reads_here = |key: &&String| here.members.contains(*key) || here.observers.contains(*key);
    let members = there
        .members
        .iter()
        .filter(|key| !here.not_kept_out.contains(*key));
    members
        .chain(&there.observers)
        .chain(&there.former)
        .filter(|key| !reads_here(key))
        .collect()
}

/// Whether an item may go to the other side by what this look showed of its topic on either side: a look that withholds
/// the topic, or finds it outside the course's own container, says that its readers are others than the course's.
pub fn check_topic(system: System, seen: &Seen<'_>) -> Result<(), Failure> {
    if let Sighting::Withheld(reason) = seen.sighting {
        return Err(Failure::new(
            "SYNC-5002",
            Class::Guard,
            format!(
                "{} shows this topic to some people of the course only: {reason}",
                system.title()
            ),
            "Make it visible to the whole course; then it goes on by itself.",
        ));
    }
    match seen.container {
        Some(container) if container != seen.course => Err(Failure::new(
            "SYNC-5008",
            Class::Guard,
            format!(
                "The topic stands in {} {container}, not in the one that is mapped, {}: others can read it.",
                system.title(),
                seen.course
            ),
            "Move the topic back, or map where it stands.",
        )),
        _ => Ok(()),
    }
}

/// What a look showed of a topic on one side.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// Its state.
    pub sighting: &'a Sighting,
    /// Where it stands; `None` when the remote does not say.
    pub container: Option<&'a RemoteId>,
    /// Where the course's topics stand on this side.
    pub course: &'a RemoteId,
}

fn wider(target: System, who: &str) -> Failure {
    Failure::new(
        "SYNC-5006",
        Class::Guard,
        format!(
            "Not written to {}: it would be read there by {who}, who cannot read it in {}.",
            target.title(),
            other(target).title()
        ),
        "Give both sides the same readers, or say in the course's `accept_wider_audience` why more may read it.",
    )
}

fn other(system: System) -> System {
    match system {
        System::Canvas => System::Discourse,
        System::Discourse | System::Local => System::Canvas,
    }
}

/// The failure of a question about readers that was not answered: nothing is written on a guess.
#[must_use]
pub fn unknown(system: System, cause: Failure) -> Failure {
    if cause.class.is_retried() {
        return cause;
    }
    Failure::new(
        "SYNC-5007",
        Class::Guard,
        format!(
            "{} does not say who can read the course: {}",
            system.title(),
            cause.message
        ),
        "Give the service account the right to see the roster and the category's permissions, then release the operation.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people(keys: &[&str]) -> BTreeSet<String> {
        keys.iter().map(|key| (*key).to_owned()).collect()
    }

    fn readers(keys: &[&str]) -> Audience {
        Audience {
            members: people(keys),
            ..Audience::default()
        }
    }

    fn check_to(target: System, here: &Audience, there: &Audience, expected: Option<&str>) {
        match (check(target, here, there), expected) {
            (Ok(()), None) => {}
            (Err(failure), Some(words)) => {
                assert_eq!(failure.code, "SYNC-5006");
                assert_eq!(failure.class, Class::Guard);
                assert!(failure.message.contains(words), "{failure}");
            }
            (result, _) => panic!("{result:?}, not {expected:?}"),
        }
    }

    #[test]
    fn the_same_or_fewer_readers_are_fine() {
        let both = readers(&["2", "3", "4"]);
        check_to(System::Discourse, &both, &both, None);
        check_to(System::Discourse, &both, &readers(&["3"]), None);
        check_to(System::Discourse, &both, &readers(&[]), None);
    }

    #[test]
    fn one_reader_more_is_refused_and_named() {
        let here = readers(&["2", "3"]);
        check_to(
            System::Discourse,
            &here,
            &readers(&["2", "9"]),
            Some("1 people more (9)"),
        );
        let many = readers(&["5", "6", "7", "8"]);
        check_to(
            System::Discourse,
            &here,
            &many,
            Some("4 people more (5, 6, 7, …)"),
        );
    }

    #[test]
    fn a_public_category_takes_nothing_from_a_course() {
        let open = Audience {
            is_open: true,
            ..Audience::default()
        };
        check_to(
            System::Discourse,
            &readers(&["2"]),
            &open,
            Some("everybody"),
        );
        check_to(System::Canvas, &open, &readers(&["2"]), None);
        check_to(System::Discourse, &open, &open, None);
    }

    #[test]
    fn a_course_that_may_be_public_is_public_as_a_target_only() {
        let course = Audience {
            may_be_open: true,
            ..readers(&["2"])
        };
        let group = readers(&["2"]);
        check_to(System::Canvas, &group, &course, Some("public"));
        let open = Audience {
            is_open: true,
            ..Audience::default()
        };
        check_to(System::Discourse, &course, &open, Some("everybody"));
    }

    #[test]
    fn readers_without_a_key_are_strangers() {
        let group = Audience {
            unnamed: 2,
            ..readers(&["2"])
        };
        check_to(
            System::Discourse,
            &readers(&["2"]),
            &group,
            Some("2 people without a key"),
        );
        check_to(System::Canvas, &group, &readers(&["2"]), None);
    }

    #[test]
    fn who_has_no_account_there_is_not_kept_out() {
        let group = Audience {
            not_kept_out: people(&["4"]),
            ..readers(&["2", "3"])
        };
        check_to(System::Canvas, &group, &readers(&["2", "3", "4"]), None);
        check_to(
            System::Canvas,
            &group,
            &readers(&["2", "3", "5"]),
            Some("(5)"),
        );
    }

    #[test]
    fn observers_and_former_members_read_what_they_could_not_read_there() {
        let group = Audience {
            not_kept_out: people(&["8", "9"]),
            ..readers(&["2"])
        };
        let course = Audience {
            observers: people(&["8"]),
            ..readers(&["2"])
        };
        check_to(System::Canvas, &group, &course, Some("(8)"));
        check_to(System::Discourse, &course, &readers(&["2", "8"]), None);
        let ended = Audience {
            former: people(&["9"]),
            ..readers(&["2"])
        };
        check_to(System::Canvas, &group, &ended, Some("(9)"));
        check_to(
            System::Discourse,
            &ended,
            &readers(&["2", "9"]),
            Some("(9)"),
        );
    }

    #[test]
    fn a_topic_that_not_everybody_sees_stops_its_writes() {
        let course = RemoteId::from("5");
        let elsewhere = RemoteId::from("6");
        let withheld = Sighting::Withheld("It is unlisted.".to_owned());
        let present = Sighting::Deleted;
        let check = |sighting, container| {
            check_topic(
                System::Discourse,
                &Seen {
                    sighting,
                    container,
                    course: &course,
                },
            )
        };
        assert!(check(&present, Some(&course)).is_ok());
        assert!(check(&present, None).is_ok());
        assert_eq!(
            check(&present, Some(&elsewhere)).unwrap_err().code,
            "SYNC-5008"
        );
        assert_eq!(
            check(&withheld, Some(&course)).unwrap_err().code,
            "SYNC-5002"
        );
    }

    #[test]
    fn a_concluded_course_is_read_only() {
        let over = Audience {
            is_concluded: true,
            ..readers(&["2"])
        };
        assert_eq!(
            check_term(System::Canvas, &over).unwrap_err().code,
            "SYNC-5009"
        );
        assert!(check_term(System::Canvas, &readers(&["2"])).is_ok());
    }

    #[test]
    fn what_is_not_known_is_held_or_asked_again() {
        let refused = Failure::new("SYNC-2103", Class::Permission, "no".to_owned(), "");
        let unknown_now = unknown(System::Canvas, refused);
        assert_eq!(
            (unknown_now.code.as_str(), unknown_now.class),
            ("SYNC-5007", Class::Guard)
        );
        let busy = Failure::new("SYNC-2104", Class::Throttled, "later".to_owned(), "");
        assert_eq!(unknown(System::Canvas, busy.clone()), busy);
    }
}
