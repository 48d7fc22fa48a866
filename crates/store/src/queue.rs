//! What workers do with the queue: claim, keep, give back, recover; leases for duties; the intake of deliveries.

use std::sync::Arc;

use model::Timestamp;

use crate::backend::Backend;
use crate::bell::Doze;
use crate::error::{Error, Result};
use crate::operation::{Claim, Exchange, Finished, Operation};
use crate::record::{Event, Node};
use crate::session::Session;
use crate::store::Store;
use crate::table::operation::claim::Wanted;
use crate::table::operation::{claim, recover};
use crate::table::{self, lease, operation, worker};

/// How long a process that says nothing any more is remembered, in milliseconds.
const FORGET_MS: i64 = 86_400_000;

impl Store {
    /// Takes the best ready operation and up to `max` of its batch key; empty when nothing can be run.
    ///
    /// The order is by priority, raised by waiting. No other worker gets anything of the batch key until all of it has
    /// ended or the lease has run out.
    pub async fn claim(
        &self,
        owner: &str,
        now: Timestamp,
        lease_ms: i64,
        max: usize,
    ) -> Result<Vec<Operation>> {
        let claim = Claim {
            owner: owner.to_owned(),
            now,
            lease_ms,
            keys: usize::from(max > 0),
            per_key: max,
        };
        self.exchange(claim, Vec::new())
            .await
            .map(|exchange| exchange.claimed)
    }

    /// Records the ends of an owner's runs and takes new work, in one transaction.
    ///
    /// Each end is fenced by its attempt: one whose run is not the owner's any more is refused and changes nothing,
    /// and the others are stored.
    pub async fn exchange(&self, claim: Claim, finished: Vec<Finished>) -> Result<Exchange> {
        if finished.is_empty()
            && (claim.keys == 0 || !claim::is_any_due(&mut self.reader().await?, claim.now).await?)
        {
            return Ok(Exchange::default());
        }
        let finished = Arc::new(finished);
        let result = self.try_exchange(&claim, &finished, false).await;
        // Two batch keys had one subject ready: only looking at each for it gets past them.
        match result {
            Err(Error::Stale { .. }) => self.try_exchange(&claim, &finished, true).await,
            other => other,
        }
    }

    async fn try_exchange(
        &self,
        claim: &Claim,
        finished: &Arc<Vec<Finished>>,
        is_guarded: bool,
    ) -> Result<Exchange> {
        let finished = Arc::clone(finished);
        let wanted = Arc::new(Wanted {
            owner: claim.owner.clone(),
            now: claim.now,
            until: claim.now.plus_ms(claim.lease_ms),
            keys: claim.keys,
            per_key: claim.per_key,
            is_guarded,
        });
        self.transact(move |session| {
            let (finished, wanted) = (Arc::clone(&finished), Arc::clone(&wanted));
            Box::pin(async move {
                let refused = operation::end::end_all(session, &wanted.owner, &finished).await?;
                let claimed = if wanted.keys == 0 {
                    Vec::new()
                } else {
                    claim::claim(session, &wanted).await?
                };
                Ok(Exchange { claimed, refused })
            })
        })
        .await
    }

    /// Notes that an owner has nothing to do; look once more after this, then wait for [`Doze::woken`], and look now
    /// and then all the same.
    pub async fn doze(&self, owner: &str, now: Timestamp, lease_ms: i64) -> Result<Doze> {
        let doze = Doze::new(Arc::clone(&self.bell), owner);
        if let Backend::Postgres(database) = self.backend.as_ref() {
            database.listen(&self.bell).await?;
            let (owner, until) = (owner.to_owned(), now.plus_ms(lease_ms));
            self.transact(move |session| {
                let owner = owner.clone();
                Box::pin(async move { worker::doze(session, &owner, until).await })
            })
            .await?;
        }
        Ok(doze)
    }

    /// Says that an owner lives: all its runs and leases are its own for this long from now. Returns how many
    /// operations it still runs.
    pub async fn heartbeat(&self, owner: &str, now: Timestamp, lease_ms: i64) -> Result<u64> {
        let owner = owner.to_owned();
        self.transact(move |session| {
            let owner = owner.clone();
            Box::pin(async move { claim::heartbeat(session, &owner, now.plus_ms(lease_ms)).await })
        })
        .await
    }

    /// Gives back everything that an owner runs, without an outcome; returns how many operations that were.
    ///
    /// The first three returns in a row are ready at once, later ones after a growing pause, the twentieth is held.
    pub async fn give_back(&self, owner: &str, now: Timestamp) -> Result<usize> {
        let owner = owner.to_owned();
        self.transact(move |session| {
            let owner = owner.clone();
            Box::pin(async move { recover::of_owner(session, &owner, now).await })
        })
        .await
    }

    /// Returns operations whose owner's lease has run out to the queue, with an attempt marked as lost; holds those
    /// that were lost five times in a row. Returns how many there were.
    pub async fn recover_expired(&self, now: Timestamp) -> Result<usize> {
        let mut recovered = 0;
        while worker::expired(&mut self.reader().await?, now)
            .await?
            .is_some()
        {
            let step = self
                .transact(move |session| {
                    Box::pin(async move { recover::expired(session, now).await })
                })
                .await?;
            match step {
                Some(some) => recovered += some,
                None => break,
            }
        }
        Ok(recovered)
    }

    /// Treats every owner as dead and returns what it ran to the queue, as [`Store::recover_expired`] does. Only for
    /// whoever knows that no other process uses the database.
    pub async fn recover_all(&self, now: Timestamp) -> Result<usize> {
        let owners = worker::owners(&mut self.reader().await?).await?;
        let mut recovered = 0;
        for owner in owners {
            loop {
                let dead = owner.clone();
                let step = self
                    .transact(move |session| {
                        let dead = dead.clone();
                        Box::pin(async move { recover::lose(session, &dead, now).await })
                    })
                    .await?;
                recovered += step;
                if step < recover::STEP {
                    break;
                }
            }
        }
        Ok(recovered)
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

    /// Ends every lease, whoever has it: for whoever knows that all other processes are dead.
    pub async fn end_leases(&self) -> Result<()> {
        let mut session = self.backend.writer().await?;
        let result = lease::delete_expired(&mut session, Timestamp(i64::MAX)).await;
        end(session, result).await
    }

    /// Notes that a process lives; forgets those that were not seen for a day.
    pub async fn node_seen(&self, node: Node) -> Result<()> {
        self.transact(move |session| {
            let node = node.clone();
            Box::pin(async move {
                let before = node.seen_at.plus_ms(-FORGET_MS);
                table::node::seen(session, &node, before).await
            })
        })
        .await
    }

    /// Removes a process that ends.
    pub async fn node_gone(&self, id: &str) -> Result<()> {
        let mut session = self.backend.writer().await?;
        let result = table::node::remove(&mut session, id).await;
        end(session, result).await
    }

    /// The processes that run workers, oldest first. One that was killed stays for a day: compare `seen_at`.
    pub async fn nodes(&self) -> Result<Vec<Node>> {
        table::node::list(&mut self.reader().await?).await
    }

    /// When the next operation that is neither paused nor blocked is due; `now` when one is due already, `None` when
    /// there is none.
    pub async fn ready_at(&self, now: Timestamp) -> Result<Option<Timestamp>> {
        claim::ready_at(&mut self.reader().await?, now).await
    }

    /// When the first lease of a running operation runs out, unless its worker is alive.
    pub async fn next_expiry(&self) -> Result<Option<Timestamp>> {
        worker::next_expiry(&mut self.reader().await?).await
    }

    /// Stores a delivery; it is durable when this returns. One that is waiting already is not stored twice.
    pub async fn add_event(&self, event: Event) -> Result<()> {
        self.transact(move |session| {
            let event = event.clone();
            Box::pin(async move { table::webhook_event::add(session, &event).await })
        })
        .await
    }
}

/// Commits what went well and rolls back what did not.
pub(crate) async fn end<T>(session: Session, result: Result<T>) -> Result<T> {
    match result {
        Ok(value) => session.commit().await.map(|_| value),
        Err(error) => {
            session.roll_back().await;
            Err(error)
        }
    }
}
