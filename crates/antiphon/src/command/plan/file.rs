//! A plan as it is kept in a file: what would be written, and how both sides looked.

use std::collections::BTreeMap;
use std::path::Path;

use model::{Action, Digest, Entity, Kind, Status, System, Timestamp};
use runner::preview::{Planned, Preview, Threads};
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::exit::Usage;

/// The shape of the file.
const VERSION: u32 = 1;
/// How many items are shown.
const SHOWN: usize = 10;
/// What is older than this may surprise those who are told of it, in milliseconds.
const OLD_MS: i64 = 180 * 86_400_000;

/// A plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PlanFile {
    pub(super) version: u32,
    pub(super) made_ms: Timestamp,
    pub(super) canvas_url: String,
    pub(super) discourse_url: String,
    pub(super) courses: Vec<CoursePlan>,
    /// The items that may surprise most.
    pub(super) surprising: Vec<Item>,
    /// How many calls applying takes, by system.
    pub(super) calls: BTreeMap<System, u64>,
    /// How long applying takes, in milliseconds.
    pub(super) takes_ms: i64,
}

/// The plan of a course.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CoursePlan {
    pub(super) course: String,
    pub(super) title: String,
    pub(super) canvas: String,
    pub(super) discourse: String,
    pub(super) is_accepted: bool,
    /// Writes by side.
    pub(super) writes: BTreeMap<System, Counts>,
    /// Items that are left alone, by status and code.
    pub(super) skipped: BTreeMap<String, u64>,
    /// Matches that wait for a person.
    pub(super) open_matches: usize,
    /// How many people could be told, by side; `null` where that is not known.
    pub(super) people: BTreeMap<System, Option<u64>>,
    pub(super) items: Vec<Item>,
    pub(super) reads: BTreeMap<System, u64>,
    pub(super) threads: BTreeMap<System, Threads>,
    pub(super) local: Digest,
}

/// How many writes of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Counts {
    pub(super) create: u64,
    pub(super) edit: u64,
    pub(super) delete: u64,
    pub(super) restore: u64,
    /// Items are not moved yet: always zero.
    pub(super) r#move: u64,
}

impl Counts {
    fn add(&mut self, action: Action) {
        match action {
            Action::Create => self.create += 1,
            Action::Edit => self.edit += 1,
            Action::Delete => self.delete += 1,
            Action::Restore => self.restore += 1,
        }
    }

    pub(super) fn sum(self) -> u64 {
        self.create + self.edit + self.delete + self.restore + self.r#move
    }
}

/// A write that may surprise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Item {
    pub(super) system: System,
    pub(super) action: Action,
    pub(super) kind: Kind,
    pub(super) title: String,
    pub(super) id: Option<String>,
    pub(super) why: String,
    pub(super) score: u32,
}

fn item(planned: &Planned, now: Timestamp) -> Item {
    let write = &planned.write;
    let age_ms = write.record.created_at.map_or(0, |at| now.since_ms(at));
    let (score, why) = match write.action {
        Action::Delete => (100, "it is deleted"),
        Action::Restore => (80, "it comes back"),
        Action::Edit if write.fields.contains(&model::Field::Body) => (70, "its text is replaced"),
        Action::Edit => (50, "its title or state is changed"),
        Action::Create if write.record.announcement => (60, "an announcement: everybody is told"),
        Action::Create if age_ms > OLD_MS => (40, "it is old"),
        Action::Create if write.kind == Kind::Topic => (20, "a new topic"),
        Action::Create => (10, "a new post"),
    };
    Item {
        system: planned.system,
        action: write.action,
        kind: write.kind,
        title: planned.title.clone(),
        id: write.remote.as_ref().map(ToString::to_string),
        why: why.to_owned(),
        score,
    }
}

/// The most surprising first; of equals the first to be written.
fn most_surprising(mut items: Vec<Item>) -> Vec<Item> {
    items.sort_by_key(|item| std::cmp::Reverse(item.score));
    items.truncate(SHOWN);
    items
}

impl CoursePlan {
    pub(super) fn of(
        course: &Entity,
        seen: &Preview,
        (is_accepted, open_matches): (bool, usize),
        people: BTreeMap<System, Option<u64>>,
    ) -> Self {
        let now = crate::wiring::now();
        let mark = |system| {
            course
                .replica(system)
                .and_then(|replica| replica.mark.clone())
                .unwrap_or_default()
        };
        let mut writes: BTreeMap<System, Counts> = System::REMOTE
            .into_iter()
            .map(|system| (system, Counts::default()))
            .collect();
        for planned in &seen.writes {
            writes
                .entry(planned.system)
                .or_default()
                .add(planned.write.action);
        }
        let mut skipped: BTreeMap<String, u64> = BTreeMap::new();
        for (_, status, code) in &seen.skipped {
            let name = match (status, code.as_str()) {
                (Status::Conflict, _) | (_, "") => status.as_str().to_owned(),
                (status, code) => format!("{} {code}", status.as_str()),
            };
            *skipped.entry(name).or_default() += 1;
        }
        Self {
            course: course.id.to_string(),
            title: course.title().unwrap_or(course.id.as_str()).to_owned(),
            canvas: mark(System::Canvas),
            discourse: mark(System::Discourse),
            is_accepted,
            writes,
            skipped,
            open_matches,
            people,
            items: most_surprising(
                seen.writes
                    .iter()
                    .map(|planned| item(planned, now))
                    .collect(),
            ),
            reads: seen.calls.clone(),
            threads: seen.threads.clone(),
            local: seen.local.clone(),
        }
    }
}

impl PlanFile {
    /// The plan of some courses; looking took so long, and Discourse takes so many calls in a minute (0 for no limit).
    pub(super) fn new(
        config: &Config,
        courses: Vec<CoursePlan>,
        (made_ms, took_ms, budget): (Timestamp, i64, u32),
    ) -> Self {
        let mut calls: BTreeMap<System, u64> = BTreeMap::new();
        let mut reads = 0;
        for (system, count) in courses.iter().flat_map(|course| &course.reads) {
            reads += count;
            // Looked at once more to see that nothing has moved, and once more to write.
            *calls.entry(*system).or_default() += 2 * count;
        }
        for (system, counts) in courses.iter().flat_map(|course| &course.writes) {
            *calls.entry(*system).or_default() += counts.sum();
        }
        let all: u64 = calls.values().sum();
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let by_pace = number(all).saturating_mul(took_ms) / number(reads).max(1);
        let of_discourse = number(calls.get(&System::Discourse).copied().unwrap_or_default());
        let by_budget = of_discourse
            .saturating_mul(60_000)
            .checked_div(i64::from(budget))
            .unwrap_or(0);
        Self {
            version: VERSION,
            made_ms,
            canvas_url: config.canvas_url.clone(),
            discourse_url: config.discourse_url.clone(),
            surprising: most_surprising(
                courses
                    .iter()
                    .flat_map(|course| course.items.clone())
                    .collect(),
            ),
            courses,
            calls,
            takes_ms: by_pace.max(by_budget),
        }
    }

    /// Refuses a plan that was made for other systems.
    pub(super) fn fits(&self, config: &Config) -> anyhow::Result<()> {
        let is_same =
            self.canvas_url == config.canvas_url && self.discourse_url == config.discourse_url;
        if self.version == VERSION && is_same {
            return Ok(());
        }
        Err(Usage(
            "The plan was made for other systems, or by another version. Make a new one."
                .to_owned(),
        )
        .into())
    }
}

pub(super) fn read(path: &Path) -> anyhow::Result<PlanFile> {
    let refused =
        |why: String| anyhow::Error::from(Usage(format!("{} is no plan: {why}.", path.display())));
    let text = std::fs::read_to_string(path).map_err(|error| refused(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| refused(error.to_string()))
}
