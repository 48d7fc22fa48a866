//! The loops that own time: workers claim and run, duties read feeds and events, `until_quiet` works everything off.

use std::sync::Arc;
use std::time::Duration;

use model::{Entity, System, Timestamp};
use tokio::sync::watch;

use crate::course::Error;
use crate::trouble::Trouble;
use crate::world::World;
use crate::{course, event, feed, pairing, roster, step, upkeep};

/// How many operations of one thread are claimed together.
const BATCH_MAX: usize = 200;
/// How long a loop that looks for events waits before it looks again, in milliseconds.
const IDLE_MS: u64 = 100;
/// How long an idle worker waits for a wake before it looks at the queue all the same, in milliseconds. The first waits
/// are for commits that were under way when it said that it is idle.
const POLLS_MS: [u64; 4] = [4, 16, 64, 500];
/// The lease of what only one process may do: feeds, events, sweeps, upkeep.
const DUTIES: &str = "duties";
/// How often is looked whether a maintenance job is due or wished for, in milliseconds.
const UPKEEP_MS: u64 = 1_000;

/// What this process is to the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The machine and the process, for people.
    pub name: String,
    /// `serve` or `worker`.
    pub role: &'static str,
    /// The version of the program.
    pub version: &'static str,
    /// How many operations are run at once.
    pub workers: usize,
    /// What is kept how long.
    pub plan: upkeep::Plan,
}

/// Runs workers until `stop` says so, and the duties while no other process has them; running work is finished first.
pub async fn serve(world: World, part: Part, stop: watch::Receiver<bool>) {
    let node = world.id();
    let plan = part.plan.clone();
    if let Err(error) = world.learn_mirrors().await {
        tracing::warn!(error = %error, "the mirrored topics could not be read; each is learned when it is looked at");
    }
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..part.workers.max(1) {
        let owner = format!("{node}-{number}");
        tasks.spawn(beat(world.clone(), owner.clone(), stop.clone()));
        tasks.spawn(work(world.clone(), owner, stop.clone()));
    }
    let (sender, has_duties) = watch::channel(false);
    tasks.spawn(live(
        world.clone(),
        (node.clone(), part),
        sender,
        stop.clone(),
    ));
    tasks.spawn(duties(world.clone(), has_duties.clone(), stop.clone()));
    tasks.spawn(maintain(
        world.clone(),
        plan,
        has_duties.clone(),
        stop.clone(),
    ));
    tasks.spawn(recover(world.clone(), stop.clone()));
    tasks.spawn(events(world.clone(), has_duties, stop));
    while tasks.join_next().await.is_some() {}
    let left = world.store.release_lease(DUTIES, &node).await;
    if let Err(error) = left.and(world.store.node_gone(&node).await) {
        tracing::debug!(error = %error, "the end of this process could not be noted; its lease runs out");
    }
}

/// Says that this process lives, and takes or keeps the duties.
async fn live(
    world: World,
    (id, part): (String, Part),
    has_duties: watch::Sender<bool>,
    mut stop: watch::Receiver<bool>,
) {
    let lease_ms = world.settings.lease_ms;
    let every = u64::try_from(lease_ms / 3).unwrap_or(5_000);
    let mut node = store::Node {
        id,
        name: part.name,
        role: part.role.to_owned(),
        version: part.version.to_owned(),
        workers: part.workers,
        started_at: world.now(),
        seen_at: world.now(),
    };
    while !*stop.borrow() {
        node.seen_at = world.now();
        let taken = match world.store.node_seen(node.clone()).await {
            Ok(()) => {
                let now = world.now();
                world
                    .store
                    .take_lease(DUTIES, &node.id, now, lease_ms)
                    .await
            }
            Err(error) => Err(error),
        };
        // Whoever cannot say that it lives does not have the duties any more: another may have taken them.
        let has_them = taken.unwrap_or_else(|error| {
            tracing::warn!(error = %error, "a sign of life could not be stored; tried again");
            false
        });
        has_duties.send_if_modified(|had| std::mem::replace(had, has_them) != has_them);
        pause(&mut stop, every).await;
    }
}

/// Returns to the queue what dead workers were running, in whichever process sees it first.
async fn recover(world: World, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        match world.store.recover_expired(world.now()).await {
            Ok(0) => {}
            Ok(count) => tracing::warn!(count, "operations of a dead worker are run again"),
            Err(error) => {
                tracing::error!(error = %error, "expired leases could not be recovered; tried again");
            }
        }
        pause(&mut stop, 1_000).await;
    }
}

/// Keeps the leases of one worker alive while the process lives.
async fn beat(world: World, owner: String, mut stop: watch::Receiver<bool>) {
    let every = u64::try_from(world.settings.lease_ms / 3).unwrap_or(5_000);
    while !*stop.borrow() {
        if let Err(error) = world
            .store
            .heartbeat(&owner, world.now(), world.settings.lease_ms)
            .await
        {
            tracing::warn!(error = %error, "a heartbeat could not be stored; tried again");
        }
        pause(&mut stop, every).await;
    }
}

async fn work(world: World, owner: String, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let worked = match turn(&world, &owner).await {
            Ok(true) => continue,
            Ok(false) => doze(&world, &owner, &mut stop).await,
            Err(error) => Err(error),
        };
        if let Err(error) = worked {
            tracing::error!(error = %error, "a step could not use the database; it is tried again");
            pause(&mut stop, 1_000).await;
        }
    }
}

/// Waits until there may be something to do.
async fn doze(
    world: &World,
    owner: &str,
    stop: &mut watch::Receiver<bool>,
) -> Result<(), store::Error> {
    let now = world.now();
    let doze = world
        .store
        .doze(owner, now, world.settings.lease_ms)
        .await?;
    for poll_ms in POLLS_MS {
        if *stop.borrow() || turn(world, owner).await? {
            return Ok(());
        }
        tokio::select! {
            () = doze.woken() => return Ok(()),
            () = pause(stop, poll_ms) => {}
        }
    }
    Ok(())
}

/// Claims one batch and runs it; `false` when nothing was ready.
pub(crate) async fn turn(world: &World, owner: &str) -> Result<bool, store::Error> {
    let now = world.now();
    let claimed = world
        .store
        .claim(owner, now, world.settings.lease_ms, BATCH_MAX)
        .await?;
    if claimed.is_empty() {
        return Ok(false);
    }
    let is_roster = claimed
        .iter()
        .any(|operation| operation.kind == store::OperationKind::Roster);
    let ran = if is_roster {
        roster::run(world, owner, claimed).await
    } else {
        step::run(world, owner, claimed).await
    };
    match ran {
        // Somebody changed an entity under the step: its operations are looked at again at once.
        Err(store::Error::Stale { what }) => {
            tracing::debug!(what, "a step lost a race and is repeated");
            world.store.give_back(owner, world.now()).await?;
        }
        Err(error) => {
            world.store.give_back(owner, world.now()).await?;
            return Err(error);
        }
        Ok(()) => {}
    }
    Ok(true)
}

async fn events(
    world: World,
    mut has_duties: watch::Receiver<bool>,
    mut stop: watch::Receiver<bool>,
) {
    while !*stop.borrow() {
        if !has_them(&mut has_duties, &mut stop).await {
            continue;
        }
        match event::drain(&world).await {
            Ok(1..) => {}
            // Stale: another process had the duties for a moment.
            Ok(0) | Err(store::Error::Stale { .. }) => pause(&mut stop, IDLE_MS).await,
            Err(error) => {
                tracing::error!(error = %error, "the stored events could not be read; tried again");
                pause(&mut stop, 1_000).await;
            }
        }
    }
}

/// Whether this process has the duties; when it has not, after waiting until they come or the end does.
async fn has_them(
    has_duties: &mut watch::Receiver<bool>,
    stop: &mut watch::Receiver<bool>,
) -> bool {
    if *has_duties.borrow_and_update() {
        return true;
    }
    tokio::select! {
        changed = has_duties.changed() => {
            if changed.is_err() {
                pause(stop, 1_000).await;
            }
        }
        _ = stop.changed() => {}
    }
    false
}

async fn duties(
    world: World,
    mut has_duties: watch::Receiver<bool>,
    mut stop: watch::Receiver<bool>,
) {
    let mut next_sweep = world.now().plus_ms(world.settings.sweep_interval_ms);
    let mut courses = Vec::new();
    let mut trouble = Trouble::default();
    while !*stop.borrow() {
        if !has_them(&mut has_duties, &mut stop).await {
            continue;
        }
        if courses.is_empty() {
            courses = ensure(&world).await;
        }
        let is_sweep = world.now() >= next_sweep;
        if is_sweep {
            next_sweep = world.now().plus_ms(world.settings.sweep_interval_ms);
        }
        poll_all(&world, &courses, is_sweep, &mut trouble).await;
        if let Err(error) = roster::queue_due(&world, &courses).await {
            tracing::warn!(%error, "the courses' people could not be queued; tried again");
        }
        let wait = u64::try_from(world.settings.feed_interval_ms).unwrap_or(30_000);
        pause(&mut stop, wait).await;
    }
}

/// Runs the maintenance jobs that are due or wished for, one at a time.
async fn maintain(
    world: World,
    plan: upkeep::Plan,
    mut has_duties: watch::Receiver<bool>,
    mut stop: watch::Receiver<bool>,
) {
    while !*stop.borrow() {
        if !has_them(&mut has_duties, &mut stop).await {
            continue;
        }
        for job in store::Job::ALL.iter().copied() {
            if let Err(error) = maintain_one(&world, &plan, job, &stop).await {
                tracing::warn!(job = job.as_str(), %error, "maintenance could not use the database; tried again");
            }
        }
        pause(&mut stop, UPKEEP_MS).await;
    }
}

async fn maintain_one(
    world: &World,
    plan: &upkeep::Plan,
    job: store::Job,
    stop: &watch::Receiver<bool>,
) -> Result<(), store::Error> {
    if *stop.borrow() {
        return Ok(());
    }
    // A wish is taken before it is fulfilled: one that makes us fall over is not tried for ever.
    if let Some(wish) = world.store.take_wish(job).await? {
        upkeep::run(world, plan, job, (&wish.who, wish.is_dry), stop).await?;
        return Ok(());
    }
    let last = world.store.maintenance_report(job, false).await?;
    if world.now() >= job.next(last.as_ref()) {
        upkeep::run(world, plan, job, ("plan", false), stop).await?;
    }
    Ok(())
}

async fn ensure(world: &World) -> Vec<Entity> {
    match course::ensure(world).await {
        Ok(courses) => courses,
        Err(error) => {
            tracing::error!(error = %error, "the configured courses could not be found; tried again");
            Vec::new()
        }
    }
}

async fn poll_all(world: &World, courses: &[Entity], is_sweep: bool, trouble: &mut Trouble) {
    for course in courses {
        match pairing::prepare(world, course).await {
            Ok(true) => trouble.accepted(course),
            Ok(false) => {
                trouble.waits(course);
                continue;
            }
            Err(error) => {
                tell_unmatched(world, course, &error, trouble).await;
                continue;
            }
        }
        for system in System::REMOTE {
            let polled = feed::poll(world, course, system, is_sweep).await;
            let course = &course.id;
            match polled {
                Ok(_) => trouble.over(course, system),
                Err(Error::Remote(failure)) => {
                    // A remote that asks us to wait is everyday life.
                    if failure.class.is_retried() {
                        tracing::debug!(%system, %course, %failure, "a feed could not be read");
                    } else {
                        tracing::warn!(%system, %course, %failure, "a feed could not be read; tried again");
                    }
                    trouble.tell(world, (course, system), &failure).await;
                }
                Err(error) => {
                    tracing::warn!(%system, %course, %error, "a feed could not be read; tried again");
                }
            }
        }
    }
}

/// Says that the two sides of a course could not be compared.
async fn tell_unmatched(world: &World, course: &Entity, error: &Error, trouble: &mut Trouble) {
    tracing::warn!(course = %course.id, %error, "a course could not be matched; tried again");
    if let Error::Remote(failure) = error {
        let system = model::system_of_code(&failure.code).unwrap_or(System::Canvas);
        trouble.tell(world, (&course.id, system), failure).await;
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the worker loop: the one place that waits"
)]
async fn pause(stop: &mut watch::Receiver<bool>, ms: u64) {
    tokio::select! {
        () = tokio::time::sleep(Duration::from_millis(ms)) => {}
        _ = stop.changed() => {}
    }
}

/// Looks at every thread of every course once and works the queue off until nothing is ready any more.
///
/// Operations that wait for a time further away than `patience_ms` stay queued. Calls `progress` after each batch.
pub async fn until_quiet(
    world: &World,
    patience_ms: i64,
    progress: Arc<dyn Fn(Progress) + Send + Sync>,
) -> Result<Progress, Error> {
    let courses = course::ensure(world).await?;
    world.learn_mirrors().await.map_err(Error::store)?;
    let mut done = Progress::default();
    for course in &courses {
        if !pairing::prepare(world, course).await? {
            done.waiting += 1;
            continue;
        }
        for system in System::REMOTE {
            done.queued += feed::poll(world, course, system, true).await?;
        }
    }
    roster::queue_due(world, &courses)
        .await
        .map_err(Error::store)?;
    let owner = world.id();
    loop {
        world
            .store
            .recover_expired(world.now())
            .await
            .map_err(Error::store)?;
        let events = event::drain(world).await.map_err(Error::store)?;
        let worked = turn(world, &owner).await.map_err(Error::store)?;
        if worked {
            done.batches += 1;
            progress(done);
            continue;
        }
        if events > 0 {
            continue;
        }
        let next = world
            .store
            .ready_at(world.now())
            .await
            .map_err(Error::store)?;
        match next {
            Some(at) if at.since_ms(world.now()) <= patience_ms => wait_until(world, at).await,
            _ => return Ok(done),
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a loop of the worker: it waits for the next operation"
)]
async fn wait_until(world: &World, at: Timestamp) {
    let ms = u64::try_from(at.since_ms(world.now()).clamp(10, 1_000)).unwrap_or(10);
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

/// How far a run is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Threads that were queued by the first look.
    pub queued: usize,
    /// Batches of operations that ran.
    pub batches: usize,
    /// Courses that were left alone because nobody has accepted their plan.
    pub waiting: usize,
}
