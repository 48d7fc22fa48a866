//! Tells people of failures: decides over the counted causes, writes messages into the outbox, sends what is due.
//!
//! A message and the note that it was written are one commit, so that a restart neither repeats nor loses it; a message
//! that was taken and not noted is sent again under the same key.

use std::sync::Arc;
use std::time::Duration;

use engine::{Alert, AlertRules, CauseSeen, Moment};
use model::{Clock, IdSource, Notice, Timestamp};
use notice::{Channel, Message};
use store::{Change, DeskChange, ErrorGroup, OutboxLine, OutboxState, Store};
use tokio::sync::watch;

use crate::world::Random;

/// The lease of the one process that tells people.
const LEASE: &str = "notices";
/// How long it holds without a renewal: longer than one message may take, in milliseconds.
const LEASE_MS: i64 = 120_000;
/// How often causes and outbox are looked at.
const PACE: Duration = Duration::from_secs(5);
/// How many causes are looked at: those seen last.
const CAUSES_MAX: usize = 1_000;
/// How many messages are sent between two looks.
const SEND_MAX: usize = 20;
/// The first wait after a failed try, doubled each time up to an hour, in milliseconds.
const WAIT_MS: i64 = 15_000;
const WAIT_MAX_MS: i64 = 3_600_000;
/// A message that nobody takes for three days is given up, in milliseconds.
const GIVE_UP_MS: i64 = 3 * 86_400_000;
/// How long ended messages stay for people to see, in milliseconds.
const KEEP_MS: i64 = 30 * 86_400_000;

/// Everything that telling people needs.
#[derive(Clone)]
pub struct Herald {
    /// The database.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Ids.
    pub random: Arc<dyn Random>,
    /// The ways to tell people.
    pub channels: Arc<Vec<Channel>>,
    /// When to tell them.
    pub rules: AlertRules,
    /// The local minute of the day at a time.
    pub minute: fn(Timestamp, &str) -> u16,
    /// The name of the local time zone.
    pub zone: String,
    /// The address of our pages.
    pub site: Option<String>,
}

/// Tells people until `stop` says so, while no other process does.
pub async fn keep(herald: Herald, mut stop: watch::Receiver<bool>) {
    let owner = herald.id();
    let mut pace = tokio::time::interval(PACE);
    loop {
        tokio::select! {
            _ = stop.wait_for(|is_stopping| *is_stopping) => break,
            _ = pace.tick() => {}
        }
        if let Err(error) = herald.turn(&owner).await {
            tracing::warn!(%error, "messages could not be written or sent; tried again");
        }
    }
    if let Err(error) = herald.store.release_lease(LEASE, &owner).await {
        tracing::debug!(%error, "the lease of the messages runs out by itself");
    }
}

impl Herald {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn id(&self) -> String {
        IdSource::text(self.now(), self.random.bits())
    }

    /// One look at causes and outbox; returns how many messages were taken.
    pub async fn turn(&self, owner: &str) -> Result<usize, store::Error> {
        if !self.renew(owner).await? {
            return Ok(0);
        }
        self.decide().await?;
        let mut taken = 0;
        for line in self.store.outbox_due(self.now(), SEND_MAX).await? {
            if !self.renew(owner).await? {
                break;
            }
            taken += usize::from(self.send(line).await?);
        }
        let before = self.now().plus_ms(-KEEP_MS);
        self.store.prune_outbox(before).await?;
        Ok(taken)
    }

    async fn renew(&self, owner: &str) -> Result<bool, store::Error> {
        let now = self.now();
        self.store.take_lease(LEASE, owner, now, LEASE_MS).await
    }

    async fn decide(&self) -> Result<(), store::Error> {
        for group in self.store.error_groups(CAUSES_MAX).await? {
            let now = self.now();
            let moment = Moment {
                at: now,
                minute: (self.minute)(now, &self.zone),
                id: self.id(),
            };
            let seen = seen(group);
            let Some(alert) = engine::alert(&seen, &self.rules, moment) else {
                continue;
            };
            match self.store.commit(self.changes(&seen, alert)).await {
                // It was seen again, or somebody settled it: the next look decides anew.
                Ok(()) | Err(store::Error::Stale { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn changes(&self, seen: &CauseSeen, alert: Alert) -> Vec<Change> {
        let mut changes = vec![Change::Desk(DeskChange::NoteTold {
            cause: seen.cause.clone(),
            told: alert.told,
        })];
        if alert.is_over {
            let minutes = self.rules.quiet_ms / 60_000;
            changes.push(Change::Desk(DeskChange::ResolveQuiet {
                cause: seen.cause.clone(),
                last: seen.last_at,
                why: format!("not seen for {minutes} minutes"),
            }));
        }
        if let Some(notice) = alert.notice {
            let posts = self.channels.iter().map(|channel| {
                let line = post(self.id(), &channel.name, &notice);
                Change::Desk(DeskChange::Post(line))
            });
            changes.extend(posts);
        }
        changes
    }

    /// Tries one message; says whether it was taken.
    async fn send(&self, mut line: OutboxLine) -> Result<bool, store::Error> {
        let channel = self
            .channels
            .iter()
            .find(|channel| channel.name == line.channel);
        let result = match (channel, serde_json::from_str::<Notice>(&line.body)) {
            (None, _) => Err("there is no such channel any more".to_owned()),
            (_, Err(error)) => Err(format!("the message cannot be read: {error}")),
            (Some(channel), Ok(notice)) => {
                let message = Message {
                    id: &line.id,
                    notice: &notice,
                    site: self.site.as_deref(),
                    now: self.now(),
                };
                channel.send(message).await
            }
        };
        let is_hopeless = channel.is_none();
        let (is_taken, id) = (result.is_ok(), line.id.clone());
        settle(&mut line, result, (self.now(), is_hopeless));
        if !is_taken {
            tracing::warn!(
                message = id,
                channel = line.channel,
                failure = line.failure,
                "a message was not taken"
            );
        }
        let note = vec![Change::Desk(DeskChange::NotePost(line))];
        match self.store.commit(note).await {
            // Another process noted it: it has the lease now.
            Ok(()) | Err(store::Error::Stale { .. }) => Ok(is_taken),
            Err(error) => Err(error),
        }
    }
}

/// A new message for a channel.
fn post(id: String, channel: &str, notice: &Notice) -> OutboxLine {
    OutboxLine {
        id,
        channel: channel.to_owned(),
        // A notice has only texts, numbers and enums: it is always JSON.
        body: serde_json::to_string(notice).unwrap_or_default(),
        state: OutboxState::Pending,
        attempts: 0,
        next_at: notice.at,
        failure: String::new(),
        created_at: notice.at,
        ended_at: None,
    }
}

/// Notes on a message how a try went.
fn settle(
    line: &mut OutboxLine,
    result: Result<(), String>,
    (now, is_hopeless): (Timestamp, bool),
) {
    line.attempts = line.attempts.saturating_add(1);
    match result {
        Ok(()) => {
            line.state = OutboxState::Sent;
            line.failure = String::new();
            line.ended_at = Some(now);
        }
        Err(failure) => {
            line.failure = failure;
            if is_hopeless || now.since_ms(line.created_at) >= GIVE_UP_MS {
                line.state = OutboxState::GivenUp;
                line.ended_at = Some(now);
            }
            let doublings = line.attempts.saturating_sub(1).min(10);
            line.next_at = now.plus_ms((WAIT_MS << doublings).min(WAIT_MAX_MS));
        }
    }
}

fn seen(group: ErrorGroup) -> CauseSeen {
    CauseSeen {
        cause: group.cause,
        class: group.class,
        entries: group.entries,
        first_at: group.first_at,
        last_at: group.last_at,
        muted_until: group.muted_until,
        resolved_at: group.resolved_at,
        told: group.told,
    }
}

#[cfg(test)]
mod tests;
