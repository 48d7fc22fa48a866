//! The decision under a clock that goes minute by minute.

use super::*;

const MINUTE: i64 = 60_000;

/// One cause under the rules, minute by minute.
struct World {
    seen: CauseSeen,
    rules: AlertRules,
    minute: i64,
}

impl World {
    fn new(class: Class) -> Self {
        let cause = Cause {
            code: "SYNC-2309".to_owned(),
            system: Some(model::System::Discourse),
            kind: None,
        };
        Self {
            seen: CauseSeen {
                cause,
                class,
                entries: 0,
                first_at: Timestamp(0),
                last_at: Timestamp(0),
                muted_until: None,
                resolved_at: None,
                told: Told::default(),
            },
            rules: AlertRules::default(),
            minute: 0,
        }
    }

    fn fail(&mut self, count: u64) {
        self.seen.entries += count;
        self.seen.last_at = Timestamp(self.minute * MINUTE);
        self.seen.resolved_at = None;
    }

    /// A minute later: what is told.
    fn tick(&mut self) -> Option<(NoticeKind, u64)> {
        self.minute += 1;
        let moment = Moment {
            at: Timestamp(self.minute * MINUTE),
            minute: u16::try_from(self.minute % 1_440).unwrap(),
            id: format!("episode {}", self.minute),
        };
        let alert = alert(&self.seen, &self.rules, moment)?;
        self.seen.told = alert.told;
        if alert.is_over {
            self.seen.resolved_at = Some(self.seen.last_at);
        }
        alert.notice.map(|notice| (notice.kind, notice.count))
    }

    /// Everything that is told in some minutes, with the minute.
    fn run(&mut self, minutes: i64) -> Vec<(i64, NoticeKind, u64)> {
        (0..minutes)
            .filter_map(|_| self.tick().map(|(kind, count)| (self.minute, kind, count)))
            .collect()
    }
}

#[test]
fn a_cause_is_told_once_then_updated_then_resolved_once() {
    let mut world = World::new(Class::Transient);
    world.fail(4);
    assert_eq!(world.run(5), [], "below the threshold");
    world.fail(1);
    assert_eq!(world.tick(), Some((NoticeKind::Opened, 5)));
    let mut told = Vec::new();
    for _ in 0..120 {
        world.fail(1);
        told.extend(world.run(1));
    }
    assert_eq!(
        told,
        [
            (66, NoticeKind::Updated, 65),
            (126, NoticeKind::Updated, 125)
        ]
    );
    assert_eq!(world.run(600), [(140, NoticeKind::Resolved, 125)]);
    assert_eq!(world.seen.resolved_at, Some(world.seen.last_at));
    // The next episode counts anew and has a name of its own.
    world.fail(4);
    assert_eq!(world.run(3), []);
    world.fail(1);
    assert_eq!(world.tick(), Some((NoticeKind::Opened, 5)));
    assert_eq!(world.seen.told.episode.as_deref(), Some("episode 730"));
}

#[test]
fn few_failures_far_apart_are_no_episode() {
    let mut world = World::new(Class::Transient);
    for _ in 0..10 {
        world.fail(1);
        assert_eq!(world.run(100), []);
    }
}

#[test]
fn what_needs_somebody_is_open_until_somebody_settles_it() {
    let mut world = World::new(Class::Invalid);
    world.fail(1);
    assert_eq!(world.run(3_000), [(1, NoticeKind::Opened, 1)]);
    world.seen.resolved_at = Some(Timestamp(world.minute * MINUTE));
    assert_eq!(world.run(100), [(3_001, NoticeKind::Resolved, 1)]);
}

#[test]
fn quiet_hours_keep_back_what_is_not_urgent() {
    let rest = Rest {
        from: 22 * 60,
        until: 7 * 60,
    };
    assert!(rest.holds(0) && rest.holds(23 * 60) && !rest.holds(7 * 60));
    let told = |class| {
        let mut world = World::new(class);
        world.rules.rest = Some(rest);
        world.rules.thresholds = [(class, 1)].into();
        let mut told = Vec::new();
        for _ in 0..500 {
            world.fail(1);
            told.extend(world.run(1));
        }
        told.first().copied()
    };
    assert_eq!(told(Class::Guard), Some((1, NoticeKind::Opened, 1)));
    let morning = Some((420, NoticeKind::Opened, 420));
    assert_eq!(told(Class::Throttled), morning);
    // What was over before the morning is never told.
    let mut world = World::new(Class::Throttled);
    world.rules.rest = Some(rest);
    world.fail(100);
    assert_eq!(world.run(1_000), []);
}

#[test]
fn a_muted_cause_is_silent_and_zero_is_never() {
    let mut world = World::new(Class::Bug);
    world.seen.muted_until = Some(Timestamp(10 * MINUTE));
    world.fail(1);
    assert_eq!(world.run(20), [(10, NoticeKind::Opened, 1)]);
    let mut world = World::new(Class::Bug);
    world.rules.thresholds = [(Class::Bug, 0)].into();
    world.fail(1_000);
    assert_eq!(world.run(100), []);
}
