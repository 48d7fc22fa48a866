//! What workers do with the queue: claim, keep, give back, recover; leases for duties; the intake of deliveries.

use model::Timestamp;

use crate::backend::Engine;
use crate::error::{Error, Result};
use crate::operation::Operation;
use crate::record::Event;
use crate::session::Session;
use crate::store::Store;
use crate::table::operation::{claim, recover};
use crate::table::{self, lease};

/// How often a claim that lost against another worker is tried again before it reports nothing.
const TRIES: usize = 8;

impl Store {
    /// Takes the best ready operation and up to `max` of its batch key; empty when nothing can be run.
    ///
    /// The order is by priority, raised by waiting. No other worker gets anything of the batch key until all of it
    /// has
    /// ended or the lease has run out.
    pub async fn claim(
        &self,
        owner: &str,
        now: Timestamp,
        lease_ms: i64,
        max: usize,
    ) -> Result<Vec<Operation>> {
        if max == 0 || !claim::is_any_due(&mut self.reader().await?, now).await? {
            return Ok(Vec::new());
        }
        let until = now.plus_ms(lease_ms);
        for _ in 0..TRIES {
            let mut session = self.backend.writer().await?;
            match claim::claim(&mut session, owner, (now, until), max).await {
                Ok(claim::Claim::Taken(operations)) => {
                    session.commit().await?;
                    return Ok(operations);
                }
                Ok(claim::Claim::Nothing) => {
                    // What became due stays marked as such.
                    session.commit().await?;
                    return Ok(Vec::new());
                }
                Ok(claim::Claim::Lost) => session.roll_back().await,
                // On PostgreSQL another worker can start the same subject under another key at the same moment.
                Err(Error::Stale { .. } | Error::Locked) if self.engine() == Engine::Postgres => {
                    session.roll_back().await;
                }
                Err(error) => {
                    session.roll_back().await;
                    return Err(error);
                }
            }
        }
        Ok(Vec::new())
    }

    /// Extends all leases of an owner; returns how many operations it still runs.
    pub async fn heartbeat(&self, owner: &str, now: Timestamp, lease_ms: i64) -> Result<u64> {
        let mut tried = 0;
        loop {
            let mut session = self.backend.writer().await?;
            let result = claim::heartbeat(&mut session, owner, now.plus_ms(lease_ms)).await;
            let result = end(session, result).await;
            tried += 1;
            // On PostgreSQL the owner's own commits can meet it half-way.
            let has_met = result == Err(Error::Locked) && self.engine() == Engine::Postgres;
            if !has_met || tried >= TRIES {
                return result;
            }
        }
    }

    /// Gives back everything that an owner runs, without an outcome; returns how many operations that were.
    ///
    /// The first three returns in a row are ready at once, later ones after a growing pause, the twentieth is held.
    pub async fn give_back(&self, owner: &str, now: Timestamp) -> Result<usize> {
        let mut session = self.backend.writer().await?;
        let result = recover::of_owner(&mut session, owner, now).await;
        end(session, result).await
    }

    /// Returns operations whose lease has run out to the queue, with an attempt marked as lost; holds those that were
    /// lost five times in a row. Returns how many there were.
    pub async fn recover_expired(&self, now: Timestamp) -> Result<usize> {
        let mut recovered = 0;
        loop {
            let mut session = self.backend.writer().await?;
            let result = recover::expired(&mut session, now).await;
            match end(session, result).await? {
                0 => return Ok(recovered),
                some => recovered += some,
            }
        }
    }

    /// Takes or renews a lease by name; `false` when somebody else has it.
    pub async fn take_lease(
        &self,
        name: &str,
        owner: &str,
        now: Timestamp,
        lease_ms: i64,
    ) -> Result<bool> {
        let mut session = self.backend.writer().await?;
        let times = (now, now.plus_ms(lease_ms));
        let result = lease::take(&mut session, name, owner, times).await;
        end(session, result).await
    }

    /// Gives a lease up; `false` when the owner did not have it.
    pub async fn release_lease(&self, name: &str, owner: &str) -> Result<bool> {
        let mut session = self.backend.writer().await?;
        let result = lease::release(&mut session, name, owner).await;
        end(session, result).await
    }

    /// When the next operation that is neither paused nor blocked is due; `now` when one is due already, `None` when
    /// there is none.
    pub async fn ready_at(&self, now: Timestamp) -> Result<Option<Timestamp>> {
        claim::ready_at(&mut self.reader().await?, now).await
    }

    /// When the first lease of a running operation runs out, unless its worker is alive.
    pub async fn next_expiry(&self) -> Result<Option<Timestamp>> {
        claim::next_expiry(&mut self.reader().await?).await
    }

    /// Stores a delivery; it is durable when this returns. One that is waiting already is not stored twice.
    pub async fn add_event(&self, event: Event) -> Result<()> {
        let mut session = self.backend.writer().await?;
        let result = table::webhook_event::add(&mut session, &event).await;
        end(session, result).await
    }
}

/// Commits what went well and rolls back what did not.
pub(crate) async fn end<T>(session: Session, result: Result<T>) -> Result<T> {
    match result {
        Ok(value) => session.commit().await.map(|()| value),
        Err(error) => {
            session.roll_back().await;
            Err(error)
        }
    }
}
