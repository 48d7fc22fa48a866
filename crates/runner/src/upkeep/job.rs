//! The jobs, and how one is run.

use model::{EntityId, OperationId, Timestamp};
use store::{
    Change, Ended, Job, Left, NewOperation, OperationKind, OperationState, Outworn, Priority,
    Report,
};
use tokio::sync::watch;

use super::{Plan, archive, consistency, kept_ms};
use crate::world::World;

/// The lease of whoever runs a job.
const LEASE: &str = "maintenance";
const LEASE_MS: i64 = 60_000;
/// How many rows one step removes: some ten milliseconds of work.
const STEP: usize = 500;
/// How many free pages one step gives back.
const PAGES: u32 = 256;
/// Waiting for less than this is everyday life.
const LEFT_MS: i64 = 3_600_000;

/// The sorts of rows that a job removes.
fn sorts(job: Job) -> &'static [Outworn] {
    match job {
        Job::Deliveries => &[Outworn::Deliveries],
        Job::Journal => &[Outworn::Journal],
        Job::Statistics => &[Outworn::Hours],
        Job::Transactions => &[Outworn::Transactions, Outworn::Intents],
        Job::Orphans => &[Outworn::Attempts],
        Job::Operations | Job::Consistency | Job::Database => &[],
    }
}

/// A run under way.
pub(super) struct Run<'a> {
    pub(super) world: &'a World,
    pub(super) plan: &'a Plan,
    pub(super) stop: &'a watch::Receiver<bool>,
    pub(super) report: Report,
    owner: String,
    step_began: Timestamp,
}

impl Run<'_> {
    /// Whether the next step may be taken: nobody says stop, and the lease is ours.
    pub(super) async fn goes_on(&mut self) -> store::Result<bool> {
        let now = self.world.now();
        self.report.longest_ms = self.report.longest_ms.max(now.since_ms(self.step_began));
        let is_ours = self
            .world
            .store
            .take_lease(LEASE, &self.owner, now, LEASE_MS)
            .await?;
        // Others get their turn at the database between two steps.
        tokio::task::yield_now().await;
        self.step_began = self.world.now();
        if *self.stop.borrow() {
            "Stopped before its end; the rest comes the next time."
                .clone_into(&mut self.report.note);
        }
        Ok(is_ours && !*self.stop.borrow())
    }

    pub(super) fn is_dry(&self) -> bool {
        self.report.is_dry
    }

    fn before(&self, kept_ms: i64) -> Timestamp {
        Timestamp(self.report.began_ms.saturating_sub(kept_ms))
    }
}

/// Runs a job to its end, its stop or its first error, and stores the report; `None` when another process runs one.
pub async fn run(
    world: &World,
    plan: &Plan,
    job: Job,
    (who, is_dry): (&str, bool),
    stop: &watch::Receiver<bool>,
) -> store::Result<Option<Report>> {
    let now = world.now();
    let mut run = Run {
        world,
        plan,
        stop,
        report: Report {
            job: job.as_str().to_owned(),
            began_ms: now.0,
            ended_ms: now.0,
            is_dry,
            who: who.to_owned(),
            found: 0,
            done: 0,
            longest_ms: 0,
            note: String::new(),
            error: None,
        },
        owner: world.id(),
        step_began: now,
    };
    if !world
        .store
        .take_lease(LEASE, &run.owner, now, LEASE_MS)
        .await?
    {
        return Ok(None);
    }
    let result = work(&mut run, job).await;
    let ended = world.now();
    let mut report = run.report;
    report.longest_ms = report.longest_ms.max(ended.since_ms(run.step_began));
    report.ended_ms = ended.0;
    report.error = result.err().map(|error| error.to_string());
    if let Some(error) = &report.error {
        tracing::warn!(
            job = job.as_str(),
            error,
            "a maintenance job ended early; it is run again"
        );
    }
    world.store.keep_report(job, &report).await?;
    world.store.release_lease(LEASE, &run.owner).await?;
    Ok(Some(report))
}

async fn work(run: &mut Run<'_>, job: Job) -> store::Result<()> {
    match job {
        Job::Operations => operations(run).await?,
        Job::Orphans => orphans(run).await?,
        Job::Consistency => consistency::compare(run).await?,
        Job::Database => database(run).await?,
        Job::Deliveries | Job::Journal | Job::Statistics | Job::Transactions => {}
    }
    for sort in sorts(job) {
        outworn(run, *sort).await?;
    }
    Ok(())
}

async fn outworn(run: &mut Run<'_>, sort: Outworn) -> store::Result<()> {
    let before = run.before(kept_ms(run.plan, sort));
    run.report.found += run.world.store.count_outworn(sort, before).await?;
    while !run.is_dry() && run.goes_on().await? {
        match run.world.store.remove_outworn(sort, before, STEP).await? {
            0 => break,
            gone => run.report.done += gone,
        }
    }
    Ok(())
}

async fn operations(run: &mut Run<'_>) -> store::Result<()> {
    for kind in OperationKind::ALL.iter().copied() {
        let of_kind = run.plan.kinds.iter().find(|(known, _)| *known == kind);
        for state in [
            OperationState::Completed,
            OperationState::Cancelled,
            OperationState::Failed,
        ] {
            let usual = if state == OperationState::Failed {
                run.plan.failed_ms
            } else {
                run.plan.completed_ms
            };
            let before = run.before(of_kind.map_or(usual, |(_, ms)| *ms));
            ended(
                run,
                Ended {
                    state,
                    kind,
                    before,
                },
            )
            .await?;
        }
    }
    run.report.note = match &run.plan.archive {
        Some(folder) => format!("The archive is {}.", folder.display()),
        None => "No archive is configured: what is due is removed for good.".to_owned(),
    };
    Ok(())
}

/// Archives a step's operations, and only then removes them: killed in between, the next run writes the same file.
async fn ended(run: &mut Run<'_>, which: Ended) -> store::Result<()> {
    run.report.found += run.world.store.count_ended(&which).await?;
    while !run.is_dry() && run.goes_on().await? {
        let lines = run.world.store.ended(&which, STEP).await?;
        if lines.is_empty() {
            break;
        }
        if let Some(folder) = &run.plan.archive {
            archive::write(folder, &lines)
                .map_err(|error| store::Error::Unavailable(error.to_string()))?;
        }
        let ids = lines.iter().filter_map(|line| line.get("id")?.as_str());
        let ids = ids.map(|id| OperationId(id.to_owned())).collect();
        run.report.done += run.world.store.remove_ended(ids).await?;
    }
    Ok(())
}

/// What waits for nobody is looked at: the step finds out what happened, and ends it.
async fn orphans(run: &mut Run<'_>) -> store::Result<()> {
    let left = run
        .world
        .store
        .left_behind(run.before(LEFT_MS), STEP)
        .await?;
    run.report.found += u64::try_from(left.len()).unwrap_or(u64::MAX);
    let intents = left.iter().filter(|left| left.has_intent).count();
    run.report.note =
        format!("{intents} of them have a write of which we do not know whether it happened.");
    if run.is_dry() || left.is_empty() || !run.goes_on().await? {
        return Ok(());
    }
    let looks = left
        .iter()
        .map(|left: &Left| look(run.world, (&left.topic, &left.course), "left behind"));
    let looks: Vec<Change> = looks.collect();
    run.report.done += u64::try_from(looks.len()).unwrap_or(u64::MAX);
    run.world.store.commit(looks).await
}

/// A look at a thread in the background.
pub(super) fn look(world: &World, (topic, course): (&EntityId, &EntityId), why: &str) -> Change {
    let (id, key) = (OperationId(world.id()), engine::thread_key(topic));
    Change::Enqueue(NewOperation {
        entity: Some(topic.clone()),
        course: Some(course.clone()),
        reason: why.to_owned(),
        priority: Priority::Background,
        ..NewOperation::due(id, OperationKind::Thread, key, world.now())
    })
}

async fn database(run: &mut Run<'_>) -> store::Result<()> {
    let findings = run.world.store.integrity().await?;
    run.report.found += u64::try_from(findings.len()).unwrap_or(u64::MAX);
    let said = findings.first().map_or_else(
        || "The database's own check finds nothing wrong.".to_owned(),
        |first| format!("The database's own check says: {first}"),
    );
    while !run.is_dry() && run.goes_on().await? {
        match run.world.store.tidy(PAGES).await? {
            0 => break,
            freed => run.report.done += freed,
        }
    }
    run.report.note = match run.world.store.engine() {
        store::Engine::Sqlite => said,
        store::Engine::Postgres => {
            "PostgreSQL's autovacuum does this; see docs/maintenance.md for what to watch."
                .to_owned()
        }
    };
    Ok(())
}
