//! The queue against a small model of it, under generated actions.

use std::collections::{BTreeMap, BTreeSet};

use model::{Class, OperationId};
use store::{
    Attempt, AttemptResult, Change, Claim, Finished, NewOperation, OperationState, Outcome,
    Priority,
};

use super::database::{Database, Engine};
use super::sample::{after, failure, operation_id, wish};

const LEASE_MS: i64 = 15_000;
const OWNERS: [&str; 3] = ["u", "v", "w"];

/// A small generator: the same numbers for the same seed, everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % sides
    }

    fn index(&mut self, sides: usize) -> usize {
        usize::try_from(self.roll(u64::try_from(sides).unwrap())).unwrap()
    }
}

#[derive(Debug, Clone)]
struct Row {
    id: String,
    subject: String,
    key: String,
    priority: Priority,
    rank: i64,
    not_before: i64,
    state: OperationState,
    owner: Option<&'static str>,
    runs: u32,
    lost: u32,
    returned: u32,
}

#[derive(Default)]
struct Model {
    rows: Vec<Row>,
    until: BTreeMap<&'static str, i64>,
    ended: BTreeMap<String, OperationState>,
    failed: Vec<Priority>,
    now: i64,
}

impl Model {
    fn find(&mut self, subject: &str, state: OperationState) -> Option<&mut Row> {
        let is_it = |row: &&mut Row| row.subject == subject && row.state == state;
        self.rows.iter_mut().find(is_it)
    }

    /// Puts a waiting row in, or folds it into the one of its subject.
    fn insert(&mut self, row: Row) {
        let Some(known) = self.find(&row.subject, OperationState::Pending) else {
            self.rows.push(row);
            return;
        };
        known.rank = known.rank.min(row.rank);
        known.not_before = known.not_before.min(row.not_before);
        known.priority = known.priority.min(row.priority);
        known.lost = known.lost.max(row.lost);
        known.returned = known.returned.max(row.returned);
        if row.runs > 0 {
            self.ended.insert(row.id, OperationState::Cancelled);
        }
    }

    fn wait(&mut self, mut row: Row, not_before: i64) {
        row.state = OperationState::Pending;
        row.owner = None;
        row.not_before = not_before;
        row.rank = not_before.max(self.now) + row.priority.patience_ms();
        self.insert(row);
    }

    /// Puts a row back that ended without an outcome: repeated at once, it keeps its place.
    fn put_back(&mut self, mut row: Row, not_before: i64) {
        let rank = row.rank;
        row.state = OperationState::Pending;
        row.owner = None;
        row.not_before = not_before;
        row.rank = not_before.max(self.now) + row.priority.patience_ms();
        if not_before <= self.now {
            row.rank = row.rank.min(rank);
        }
        self.insert(row);
    }

    fn hold(&mut self, mut row: Row) {
        if let Some(old) =
            self.take(|one| one.subject == row.subject && one.state == OperationState::Held)
        {
            self.ended.insert(old.id, OperationState::Cancelled);
        }
        row.state = OperationState::Held;
        row.owner = None;
        self.rows.push(row);
    }

    fn take(&mut self, is_it: impl Fn(&Row) -> bool) -> Option<Row> {
        let place = self.rows.iter().position(is_it)?;
        Some(self.rows.remove(place))
    }

    fn due(&self, key: &str) -> Vec<usize> {
        let mut due: Vec<usize> = (0..self.rows.len())
            .filter(|index| {
                let row = &self.rows[*index];
                row.key == key && row.state == OperationState::Pending && row.not_before <= self.now
            })
            .collect();
        due.sort_by_key(|index| (self.rows[*index].rank, self.rows[*index].id.clone()));
        due
    }

    /// What a claim must return, in this order.
    fn claim(&mut self, owner: &'static str, keys: usize, per_key: usize) -> Vec<String> {
        let until = self.now + LEASE_MS;
        let known = self.until.entry(owner).or_insert(until);
        *known = until.max(*known);
        let all: BTreeSet<String> = self.rows.iter().map(|row| row.key.clone()).collect();
        let busy = |key: &String| {
            self.rows
                .iter()
                .any(|row| row.key == *key && row.state == OperationState::InProgress)
        };
        let mut free: Vec<Vec<usize>> = all
            .iter()
            .filter(|key| !busy(key))
            .map(|key| self.due(key))
            .collect();
        free.retain(|due| !due.is_empty());
        free.sort_by_key(|due| (self.rows[due[0]].rank, self.rows[due[0]].id.clone()));
        let mut taken = Vec::new();
        for due in free.into_iter().take(keys) {
            for index in due.into_iter().take(per_key) {
                let row = &mut self.rows[index];
                row.state = OperationState::InProgress;
                row.owner = Some(owner);
                row.runs += 1;
                taken.push(row.id.clone());
            }
        }
        taken
    }

    fn finish(&mut self, id: &str, outcome: &Outcome) {
        let mut row = self.take(|row| row.id == id).unwrap();
        row.lost = 0;
        row.returned = 0;
        let end = match outcome {
            Outcome::Completed => OperationState::Completed,
            Outcome::Failed(_) => {
                self.failed.push(row.priority);
                OperationState::Failed
            }
            Outcome::Cancelled { .. } => OperationState::Cancelled,
            Outcome::Held(_) => return self.hold(row),
            Outcome::Retry { not_before, .. } => {
                return self.wait(row, not_before.since_ms(after(0)));
            }
        };
        self.ended.insert(row.id, end);
    }

    fn runs_of(&self, owner: &str) -> Vec<Row> {
        let mut runs: Vec<Row> = self
            .rows
            .iter()
            .filter(|row| row.owner == Some(owner))
            .cloned()
            .collect();
        runs.sort_by_key(|row| (row.rank, row.id.clone()));
        runs
    }

    fn give_back(&mut self, owner: &str) {
        for mut row in self.runs_of(owner) {
            self.take(|one| one.id == row.id);
            row.returned += 1;
            let beyond = row.returned.saturating_sub(3).min(9);
            let pause = if beyond == 0 { 0 } else { 50 << beyond };
            if row.returned >= 20 {
                self.hold(row);
            } else {
                self.put_back(row, self.now + pause);
            }
        }
    }

    fn recover(&mut self) {
        let dead: Vec<&'static str> = self
            .until
            .iter()
            .filter(|(_, until)| **until <= self.now)
            .map(|(owner, _)| *owner)
            .collect();
        for owner in dead {
            self.until.remove(owner);
            for mut row in self.runs_of(owner) {
                self.take(|one| one.id == row.id);
                row.lost += 1;
                if row.lost >= 5 {
                    self.hold(row);
                } else {
                    self.put_back(row, self.now);
                }
            }
        }
    }

    fn counts(&self) -> BTreeMap<(OperationState, Priority), u64> {
        let mut counts = BTreeMap::new();
        for row in &self.rows {
            *counts.entry((row.state, row.priority)).or_insert(0) += 1;
        }
        for priority in &self.failed {
            *counts
                .entry((OperationState::Failed, *priority))
                .or_insert(0) += 1;
        }
        counts
    }
}

fn made(dice: &mut Dice, number: usize, now: i64) -> NewOperation {
    let subject = dice.roll(40);
    let key = if subject < 24 {
        format!("k{}", subject % 4)
    } else {
        format!("s{subject}")
    };
    let delay = if dice.roll(4) == 0 {
        i64::try_from(dice.roll(9_000)).unwrap()
    } else {
        0
    };
    NewOperation {
        batch_key: key,
        priority: Priority::ALL[dice.index(5)],
        not_before: after(now + delay),
        at: after(now),
        ..wish(&format!("{number:06}"), &format!("s{subject}"))
    }
}

fn outcome(dice: &mut Dice, now: i64) -> Outcome {
    match dice.roll(8) {
        0 => Outcome::Failed(failure(Class::Invalid)),
        1 => Outcome::Held(failure(Class::Guard)),
        2 => Outcome::Cancelled {
            reason: "not wanted".to_owned(),
        },
        3 | 4 => Outcome::Retry {
            not_before: after(now + i64::try_from(dice.roll(4_000)).unwrap()),
            failure: failure(Class::Transient),
        },
        _ => Outcome::Completed,
    }
}

/// Ends some of an owner's runs and claims again, on both sides.
async fn exchange(db: &Database, model: &mut Model, dice: &mut Dice, owner: &'static str) {
    let runs = model.runs_of(owner);
    let count = dice.index(runs.len() + 1);
    let at = after(model.now);
    let mut finished = Vec::new();
    for row in runs.iter().take(count) {
        finished.push(Finished {
            operation: OperationId(row.id.clone()),
            attempt: row.runs,
            outcome: outcome(dice, model.now),
            at,
        });
    }
    // What the store takes out of the queue it does for all at once, before the rest.
    let stays = |one: &Finished| matches!(one.outcome, Outcome::Retry { .. } | Outcome::Held(_));
    let mut order: Vec<&Finished> = finished.iter().collect();
    order.sort_by_key(|one| stays(one));
    for one in order {
        model.finish(one.operation.as_str(), &one.outcome);
    }
    // An end that comes twice, or of another attempt, is refused and hurts nobody.
    let mut refused = Vec::new();
    if let Some(first) = runs.get(count) {
        finished.push(Finished {
            operation: OperationId(first.id.clone()),
            attempt: first.runs + 1,
            outcome: Outcome::Completed,
            at,
        });
        refused.push(OperationId(first.id.clone()));
    }
    let (keys, per_key) = (1 + dice.index(4), 1 + dice.index(3));
    let expected = model.claim(owner, keys, per_key);
    let claim = Claim {
        owner: owner.to_owned(),
        now: at,
        lease_ms: LEASE_MS,
        keys,
        per_key,
    };
    let answer = db.store.exchange(claim, finished).await.unwrap();
    let claimed: Vec<String> = answer
        .claimed
        .iter()
        .map(|one| one.id.as_str().to_owned())
        .collect();
    assert_eq!(claimed, expected, "at {} for {owner}", model.now);
    assert_eq!(answer.refused, refused);
}

async fn act(db: &Database, model: &mut Model, dice: &mut Dice, number: usize) {
    let owner = OWNERS[dice.index(3)];
    let now = after(model.now);
    match dice.roll(16) {
        0..=5 => {
            let wishes: Vec<NewOperation> = (0..=dice.index(5))
                .map(|n| made(dice, number * 10 + n, model.now))
                .collect();
            for wish in &wishes {
                model.insert(Row {
                    id: wish.id.as_str().to_owned(),
                    subject: wish.subject.clone(),
                    key: wish.batch_key.clone(),
                    priority: wish.priority,
                    rank: wish.not_before.since_ms(after(0)) + wish.priority.patience_ms(),
                    not_before: wish.not_before.since_ms(after(0)),
                    state: OperationState::Pending,
                    owner: None,
                    runs: 0,
                    lost: 0,
                    returned: 0,
                });
            }
            let changes = wishes.into_iter().map(Change::Enqueue).collect();
            db.store.commit(changes).await.unwrap();
        }
        6..=10 => exchange(db, model, dice, owner).await,
        11 => model.now += i64::try_from(dice.roll(3_000)).unwrap(),
        12 => {
            model.until.insert(owner, model.now + LEASE_MS);
            db.store.heartbeat(owner, now, LEASE_MS).await.unwrap();
        }
        13 => {
            model.give_back(owner);
            db.store.give_back(owner, now).await.unwrap();
        }
        14 => {
            model.now += i64::try_from(dice.roll(9_000)).unwrap();
            model.recover();
            db.store.recover_expired(after(model.now)).await.unwrap();
        }
        _ => by_hand(db, model, dice).await,
    }
}

/// Cancels a waiting operation or releases a held one.
async fn by_hand(db: &Database, model: &mut Model, dice: &mut Dice) {
    if model.rows.is_empty() {
        return;
    }
    let row = model.rows[dice.index(model.rows.len())].clone();
    let (operation, at) = (OperationId(row.id.clone()), after(model.now));
    match row.state {
        OperationState::Pending => {
            model.take(|one| one.id == row.id);
            model.ended.insert(row.id, OperationState::Cancelled);
            let (who, why) = ("ada".to_owned(), "test".to_owned());
            db.store
                .commit(vec![Change::Cancel {
                    operation,
                    who,
                    why,
                    at,
                }])
                .await
                .unwrap();
        }
        OperationState::Held => {
            model.take(|one| one.id == row.id);
            let fresh = Row {
                lost: 0,
                returned: 0,
                runs: row.runs.max(1),
                ..row
            };
            let runs = fresh.runs;
            model.wait(fresh, model.now);
            if let Some(back) = model
                .rows
                .iter_mut()
                .find(|one| one.id == operation.as_str())
            {
                back.runs = runs;
            }
            db.store
                .commit(vec![Change::Release { operation, at }])
                .await
                .unwrap();
        }
        _ => {}
    }
}

async fn compare(db: &Database, model: &Model) {
    let counts = db.store.queue_counts().await.unwrap();
    let counts: BTreeMap<_, _> = counts
        .iter()
        .map(|one| ((one.state, one.priority), one.count))
        .collect();
    assert_eq!(counts, model.counts());
}

/// Every operation that ended did so once, in the state that the model says, with an attempt for each of its runs.
async fn compare_ends(db: &Database, model: &Model) {
    for (id, state) in &model.ended {
        let operation = db
            .store
            .operation(&operation_id(id))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(operation.state, *state, "{id}");
        let attempts = db.store.attempts(&operation.id).await.unwrap();
        let numbers: Vec<u32> = attempts.iter().map(|one: &Attempt| one.number).collect();
        assert_eq!(
            numbers,
            (1..=operation.run_count).collect::<Vec<_>>(),
            "{id}"
        );
        let completed = attempts
            .iter()
            .filter(|one| one.result == AttemptResult::Completed)
            .count();
        assert_eq!(
            completed,
            usize::from(*state == OperationState::Completed),
            "{id}"
        );
    }
}

pub async fn a_model_of_the_queue_agrees(db: Database) {
    let steps = if db.engine == Engine::Postgres {
        600
    } else {
        2_000
    };
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut model = Model::default();
    for number in 0..steps {
        act(&db, &mut model, &mut dice, number).await;
        if number % 10 == 0 {
            compare(&db, &model).await;
        }
    }
    compare(&db, &model).await;
    compare_ends(&db, &model).await;
    assert!(model.ended.len() > steps / 10, "{}", model.ended.len());
}
