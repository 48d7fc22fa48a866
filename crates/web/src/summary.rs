//! How things stand, in numbers: for the status page, the API, the widgets and the metrics alike.

use std::collections::BTreeMap;

use model::{Entity, EntityId, Field, Kind, Status, System, Timestamp};
use store::{EntityFilter, OperationState, Pause, QueueCount, Waiting};

use crate::access::Caller;
use crate::page::layout::counted;
use crate::state::State;

/// Work that waits for longer than this means that nobody works.
const STALLED_MS: i64 = 15 * 60_000;
/// The most courses that are shown.
const COURSES_MAX: usize = 2_000;

/// How one course stands.
#[derive(Debug, Clone)]
pub(crate) struct Course {
    pub(crate) id: EntityId,
    pub(crate) name: String,
    pub(crate) counts: BTreeMap<(Kind, Status), u64>,
    pub(crate) open_conflicts: u64,
    /// The oldest change that waits, from each side: the lag.
    pub(crate) waiting: Vec<Waiting>,
    pub(crate) is_paused: bool,
}

impl Course {
    /// How many topics and posts have a status.
    pub(crate) fn count(&self, status: Status) -> u64 {
        let of_status = self
            .counts
            .iter()
            .filter(|((kind, found), _)| *found == status && *kind != Kind::Course);
        of_status.map(|(_, count)| count).sum()
    }

    /// How many operations wait.
    pub(crate) fn queued(&self) -> u64 {
        self.waiting.iter().map(|waiting| waiting.count).sum()
    }

    /// The age of the oldest change that waits, in milliseconds.
    pub(crate) fn lag_ms(&self, now: Timestamp) -> Option<i64> {
        let oldest = self.waiting.iter().map(|waiting| waiting.oldest).min()?;
        Some(now.since_ms(oldest).max(0))
    }

    /// One word for it.
    pub(crate) fn verdict(&self) -> &'static str {
        if self.is_paused {
            "paused"
        } else if self.count(Status::Failed) > 0 {
            "unhealthy"
        } else if self.open_conflicts + self.count(Status::Held) > 0 {
            "attention"
        } else {
            "healthy"
        }
    }
}

/// How everything stands.
#[derive(Debug, Clone)]
pub(crate) struct Summary {
    pub(crate) at: Timestamp,
    pub(crate) courses: Vec<Course>,
    pub(crate) queue: Vec<QueueCount>,
    pub(crate) pauses: Vec<Pause>,
    pub(crate) waiting: Vec<Waiting>,
}

impl Summary {
    /// Reads it, limited to what the caller may see.
    pub(crate) async fn read(state: &State, caller: &Caller) -> store::Result<Self> {
        let mut summary = Self::everything(state).await?;
        if let Some(own) = caller.limit() {
            summary.courses.retain(|course| own.contains(&course.id));
            summary
                .waiting
                .retain(|waiting| waiting.course.as_ref().is_some_and(|id| own.contains(id)));
        }
        Ok(summary)
    }

    /// Reads all of it.
    pub(crate) async fn everything(state: &State) -> store::Result<Self> {
        let store = &state.store;
        let filter = EntityFilter {
            kind: Some(Kind::Course),
            limit: COURSES_MAX,
            ..EntityFilter::default()
        };
        let entities = store.entities(&filter).await?;
        let pauses = store.pauses().await?;
        let waiting = store.waiting().await?;
        let mut counts: BTreeMap<EntityId, BTreeMap<(Kind, Status), u64>> = BTreeMap::new();
        for row in store.course_counts().await? {
            counts
                .entry(row.course)
                .or_default()
                .insert((row.kind, row.status), row.count);
        }
        let conflicts: BTreeMap<EntityId, u64> =
            store.open_conflict_counts().await?.into_iter().collect();
        let courses = entities
            .into_iter()
            .map(|entity| Course {
                name: name(&entity),
                counts: counts.remove(&entity.id).unwrap_or_default(),
                open_conflicts: conflicts.get(&entity.id).copied().unwrap_or(0),
                waiting: waiting
                    .iter()
                    .filter(|row| row.course.as_ref() == Some(&entity.id))
                    .cloned()
                    .collect(),
                is_paused: pauses.iter().any(|pause| {
                    pause.scope == "all" || pause.scope == format!("course:{}", entity.id)
                }),
                id: entity.id,
            })
            .collect();
        Ok(Self {
            at: state.stamp.now(),
            courses,
            queue: store.queue_counts().await?,
            pauses,
            waiting,
        })
    }

    /// How many operations are in a state.
    pub(crate) fn queued(&self, state: OperationState) -> u64 {
        let of_state = self.queue.iter().filter(|row| row.state == state);
        of_state.map(|row| row.count).sum()
    }

    /// The age of the oldest operation that waits, in milliseconds; 0 when none does.
    pub(crate) fn oldest_ms(&self) -> i64 {
        let pending = self.queue.iter();
        pending
            .filter(|row| row.state == OperationState::Pending)
            .map(|row| self.at.since_ms(row.oldest))
            .max()
            .unwrap_or(0)
    }

    /// How many conflicts are open.
    pub(crate) fn open_conflicts(&self) -> u64 {
        self.courses
            .iter()
            .map(|course| course.open_conflicts)
            .sum()
    }

    /// The age of the oldest change from a side that waits, in milliseconds.
    pub(crate) fn lag_ms(&self, system: System) -> Option<i64> {
        let of_system = self.waiting.iter().filter(|row| row.system == Some(system));
        of_system
            .map(|row| self.at.since_ms(row.oldest).max(0))
            .max()
    }

    /// One word, and the sentence that explains it.
    pub(crate) fn verdict(&self) -> (&'static str, String) {
        let (failed, held) = (
            self.queued(OperationState::Failed),
            self.queued(OperationState::Held),
        );
        let conflicts = self.open_conflicts();
        let oldest = self.oldest_ms();
        if let Some(pause) = self.pauses.iter().find(|pause| pause.scope == "all") {
            return (
                "paused",
                format!("Everything rests: {} ({}).", pause.why, pause.who),
            );
        }
        if failed > 0 {
            return (
                "unhealthy",
                format!(
                    "{} for a person.",
                    counted(failed, "failed operation")
                        + if failed == 1 { " waits" } else { " wait" }
                ),
            );
        }
        if oldest > STALLED_MS {
            let minutes = oldest / 60_000;
            return (
                "unhealthy",
                format!("The oldest change has waited for {minutes} minutes."),
            );
        }
        if held + conflicts > 0 {
            return (
                "attention",
                format!(
                    "{} and {} wait for a person.",
                    counted(conflicts, "open conflict"),
                    counted(held, "held operation")
                ),
            );
        }
        ("healthy", "Everything is in step or on its way.".to_owned())
    }
}

/// The name of a course or topic; posts have none.
pub(crate) fn name(entity: &Entity) -> String {
    let systems = [System::Local, System::Canvas, System::Discourse];
    let title = systems.into_iter().find_map(|system| {
        entity
            .replica(system)?
            .record
            .text(Field::Title)
            .filter(|title| !title.is_empty())
    });
    title.map_or_else(|| format!("{} {}", entity.kind, entity.id), str::to_owned)
}
