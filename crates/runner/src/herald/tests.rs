//! The herald under a clock of its own, with a receiver that counts, refuses and survives restarts.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU16, AtomicU64, Ordering};

use model::{Class, Failure};
use store::HistoryEntry;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

#[derive(Default)]
struct Time(AtomicI64, AtomicU64);

impl Clock for Time {
    fn now(&self) -> Timestamp {
        Timestamp(1_700_000_000_000 + self.0.load(Ordering::SeqCst))
    }
}

impl Random for Time {
    fn bits(&self) -> u128 {
        u128::from(self.1.fetch_add(1, Ordering::SeqCst))
    }
}

struct World {
    herald: Herald,
    time: Arc<Time>,
    taken: Arc<Mutex<Vec<String>>>,
    status: Arc<AtomicU16>,
}

impl World {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/in", listener.local_addr().unwrap());
        let (taken, status) = (Arc::default(), Arc::new(AtomicU16::new(200)));
        tokio::spawn(receive(listener, Arc::clone(&taken), Arc::clone(&status)));
        let hook = notice::Channel {
            name: "chat".to_owned(),
            way: notice::Way::Chat(notice::hook(&url, true).unwrap()),
        };
        let time = Arc::new(Time::default());
        let herald = Herald {
            store: Store::open("sqlite::memory:").await.unwrap(),
            clock: time.clone(),
            random: time.clone(),
            channels: Arc::new(vec![hook]),
            rules: AlertRules::default(),
            minute: |_, _| 0,
            zone: "UTC".to_owned(),
            site: None,
        };
        Self {
            herald,
            time,
            taken,
            status,
        }
    }

    /// Some failures of one cause, counted.
    async fn fail(&self, count: usize) {
        let lines = (0..count).map(|_| {
            let failure = Failure::new(
                "SYNC-2309",
                Class::Transient,
                "words of a student".to_owned(),
                "Wait.",
            );
            Change::Log(HistoryEntry {
                id: self.herald.id(),
                at: self.herald.now(),
                entity: None,
                course: None,
                system: None,
                action: "failed".to_owned(),
                operation: None,
                text: String::new(),
                failure: Some(failure),
            })
        });
        let store = &self.herald.store;
        store.commit(lines.collect()).await.unwrap();
        self.pass(1_000);
        let now = self.herald.now();
        store.count_history(now, now, 1_000).await.unwrap();
    }

    fn pass(&self, ms: i64) {
        self.time.0.fetch_add(ms, Ordering::SeqCst);
    }

    /// A look by a process; what was taken since the last one.
    async fn turn(&self, owner: &str) -> Vec<String> {
        self.herald.turn(owner).await.unwrap();
        std::mem::take(&mut *self.taken.lock().unwrap())
    }
}

/// Takes one request for each connection and keeps its key and text.
async fn receive(listener: TcpListener, taken: Arc<Mutex<Vec<String>>>, status: Arc<AtomicU16>) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (mut text, mut bytes) = (String::new(), [0; 4_096]);
        while !text.ends_with('}') {
            let count = stream.read(&mut bytes).await.unwrap();
            text.push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
        let status = status.load(Ordering::SeqCst);
        let answer =
            format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.unwrap();
        let line = text
            .lines()
            .find(|line| line.starts_with("idempotency-key"));
        let key = line.unwrap().to_owned();
        taken
            .lock()
            .unwrap()
            .push(format!("{key} {}", text.lines().last().unwrap()));
    }
}

#[tokio::test]
async fn one_message_for_a_cause_and_one_when_it_is_over_across_restarts() {
    let world = World::new().await;
    assert_eq!(world.turn("a").await, [""; 0]);
    world.fail(7).await;
    let told = world.turn("a").await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].contains("SYNC-2309 in Discourse: 7 times"),
        "{told:?}"
    );
    assert!(!told[0].contains("student"), "{told:?}");
    // Another process takes over after a crash: nothing is repeated.
    world.fail(3).await;
    world.pass(LEASE_MS + 1);
    assert_eq!(world.turn("b").await, [""; 0]);
    assert_eq!(world.turn("a").await, [""; 0], "b has the lease");
    world.pass(world.herald.rules.quiet_ms);
    let told = world.turn("b").await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("is over after 10 times"), "{told:?}");
    world.pass(86_400_000);
    assert_eq!(world.turn("b").await, [""; 0]);
    let group = world.herald.store.error_groups(9).await.unwrap().remove(0);
    assert_eq!(group.noted_by, "by itself");
}

#[tokio::test]
async fn what_is_not_taken_is_sent_again_under_its_key_and_never_lost() {
    let world = World::new().await;
    world.status.store(500, Ordering::SeqCst);
    world.fail(5).await;
    let first = world.turn("a").await;
    assert_eq!(first.len(), 1);
    assert_eq!(world.turn("a").await, [""; 0], "it waits");
    world.pass(WAIT_MS);
    let second = world.turn("a").await;
    assert_eq!(first, second, "the same key and words");
    world.pass(WAIT_MS);
    assert_eq!(world.turn("a").await, [""; 0], "it waits longer");
    world.status.store(200, Ordering::SeqCst);
    world.pass(WAIT_MS);
    assert_eq!(world.turn("a").await, first);
    let line = world.herald.store.outbox(9).await.unwrap().remove(0);
    assert_eq!((line.state, line.attempts), (OutboxState::Sent, 3));
}

#[tokio::test]
async fn a_message_nobody_takes_is_given_up_and_stays_to_be_seen() {
    let world = World::new().await;
    world.status.store(404, Ordering::SeqCst);
    world.fail(5).await;
    for _ in 0..100 {
        world.turn("a").await;
        world.pass(WAIT_MAX_MS);
    }
    let lines = world.herald.store.outbox(9).await.unwrap();
    let of_opening = lines.last().unwrap();
    assert_eq!(of_opening.state, OutboxState::GivenUp);
    assert_eq!(of_opening.failure, "answered 404");
}
