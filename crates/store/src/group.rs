//! Group commit for SQLite: whoever gets the one writer runs everything that waits for it, and one wait for the disk
//! makes all of it lasting. Each piece of work stands or falls alone.
//!
//! Runs inline and starts nothing: alone, a piece of work is an ordinary transaction.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::sync::oneshot;

use crate::backend::Backend;
use crate::error::{Error, Result};
use crate::session::{Connection, Session};
use crate::store::Work;

/// Runs a piece of work and keeps its result; says whether it went well.
type Run = Box<dyn FnMut(&mut Session) -> std::result::Result<(), Error> + Send>;

struct Job {
    run: Run,
    /// Told when the work is lasting, or why it is not; with the number of operations that the group made ready.
    done: oneshot::Sender<(Result<()>, usize)>,
}

/// What waits for the writer, in the order in which it came.
#[derive(Default)]
pub(crate) struct Group {
    jobs: Mutex<(u64, BTreeMap<u64, Job>)>,
}

/// Takes a piece of work back when nobody waits for it any more.
struct Place<'a> {
    group: &'a Group,
    number: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.group.lock().1.remove(&self.number);
    }
}

impl Group {
    fn lock(&self) -> std::sync::MutexGuard<'_, (u64, BTreeMap<u64, Job>)> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, run: Run) -> (Place<'_>, oneshot::Receiver<(Result<()>, usize)>) {
        let (done, told) = oneshot::channel();
        let mut jobs = self.lock();
        jobs.0 = jobs.0.wrapping_add(1);
        let number = jobs.0;
        jobs.1.insert(number, Job { run, done });
        let place = Place {
            group: self,
            number,
        };
        (place, told)
    }

    /// Runs work in a transaction, with whatever else waits. Returns its result and, to whoever ran the group, how
    /// many operations were made ready.
    pub(crate) async fn run<T, F>(&self, backend: &Backend, work: F) -> (Result<T>, usize)
    where
        T: Send + 'static,
        F: for<'s> Fn(&'s mut Session) -> Work<'s, T> + Send + 'static,
    {
        let kept = Arc::new(Mutex::new(None));
        let keep = Arc::clone(&kept);
        let run = Box::new(move |session: &mut Session| {
            let value = inline(work(session))?;
            *keep.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
            Ok(())
        });
        let (place, mut told) = self.add(run);
        let (result, ready) = tokio::select! {
            biased;
            answer = &mut told => answer.unwrap_or((Err(Error::Locked), 0)),
            session = backend.writer() => {
                // Somebody may have run it while we got the writer.
                match told.try_recv() {
                    Ok(answer) => answer,
                    Err(_) => self.lead(session, &mut told).await,
                }
            }
        };
        drop(place);
        let value = kept.lock().unwrap_or_else(PoisonError::into_inner).take();
        let result = result.and_then(|()| {
            value.ok_or_else(|| Error::Bug("a piece of work left no result".to_owned()))
        });
        (result, ready)
    }

    /// Runs everything that waits, in one transaction, and tells everybody.
    async fn lead(
        &self,
        session: Result<Session>,
        told: &mut oneshot::Receiver<(Result<()>, usize)>,
    ) -> (Result<()>, usize) {
        let jobs: Vec<Job> = std::mem::take(&mut self.lock().1).into_values().collect();
        let mut results = Vec::with_capacity(jobs.len());
        let mut waiting = Vec::with_capacity(jobs.len());
        let mut runs = Vec::with_capacity(jobs.len());
        for job in jobs {
            waiting.push(job.done);
            runs.push(job.run);
        }
        let (end, ready) = match session {
            Ok(session) => run_all(session, runs, &mut results).await,
            Err(error) => (Err(error), 0),
        };
        for (index, done) in waiting.into_iter().enumerate() {
            let result = match (&end, results.get(index)) {
                (Err(error), _) => Err(error.clone()),
                (Ok(()), Some(result)) => result.clone(),
                (Ok(()), None) => Err(Error::Locked),
            };
            if done.send((result, 0)).is_err() {
                tracing::trace!("nobody waits for a finished commit");
            }
        }
        // Whoever had the writer before us may have run our work and not have told us yet: it gives the writer back
        // when it commits, and tells afterwards.
        match told.await {
            Ok((result, _)) => (result, ready),
            Err(_) => (Err(Error::Locked), ready),
        }
    }
}

async fn run_all(
    mut session: Session,
    runs: Vec<Run>,
    results: &mut Vec<Result<()>>,
) -> (Result<()>, usize) {
    let is_alone = runs.len() == 1;
    for mut run in runs {
        let tally = session.tally();
        if !is_alone && let Err(error) = session.script("SAVEPOINT job").await {
            return (Err(error), 0);
        }
        let result = run(&mut session);
        if let Err(error) = &result {
            let is_broken_off = match &session.connection {
                Connection::Sqlite(session) => session.is_broken_off(),
                Connection::Postgres(_) => true,
            };
            if is_alone || is_broken_off {
                session.roll_back().await;
                return (Err(error.clone()), 0);
            }
            session.restore(tally);
            if let Err(error) = session.script("ROLLBACK TO job").await {
                return (Err(error), 0);
            }
        }
        if !is_alone && let Err(error) = session.script("RELEASE job").await {
            return (Err(error), 0);
        }
        results.push(result);
    }
    match session.commit().await {
        Ok(ready) => (Ok(()), ready),
        Err(error) => (Err(error), 0),
    }
}

/// Runs work that only pretends to wait: SQLite answers at once.
fn inline<T>(work: Work<'_, T>) -> Result<T> {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => Err(Error::Bug("SQLite was waited for".to_owned())),
    }
}
