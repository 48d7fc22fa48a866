//! The operators' side: accounts, the audit chain, counted hours, searches.

use model::{Cause, Class, Failure, Kind, System, Told};
use store::{
    Account, AuditEntry, ChainCheck, Change, DeskChange, HistoryEntry, HistorySearch, LoginSession,
    OperationSearch, OutboxLine, OutboxState, Role,
};

use super::database::Database;
use super::sample::{NOW, after, entity, entity_id, save, store_course};

fn desk(change: DeskChange) -> Vec<Change> {
    vec![Change::Desk(change)]
}

fn account(name: &str) -> Account {
    Account {
        name: name.to_owned(),
        password: "hash".to_owned(),
        role: Role::Teacher,
        courses: vec![entity_id("c1")],
        created_at: NOW,
    }
}

fn session(account: &str) -> LoginSession {
    LoginSession {
        digest: format!("digest of {account}"),
        account: account.to_owned(),
        csrf: "csrf".to_owned(),
        began_at: NOW,
        seen_at: NOW,
        until: after(1_000),
    }
}

pub async fn accounts_and_their_sessions_go_together(db: Database) {
    let store = &db.store;
    store
        .commit(desk(DeskChange::SaveAccount(account("ada"))))
        .await
        .unwrap();
    assert_eq!(store.account("ada").await, Ok(Some(account("ada"))));
    store
        .commit(desk(DeskChange::OpenSession(session("ada"))))
        .await
        .unwrap();
    assert_eq!(
        store.login_session("digest of ada").await,
        Ok(Some(session("ada")))
    );
    // A new password ends what the old one opened.
    store
        .commit(desk(DeskChange::SaveAccount(account("ada"))))
        .await
        .unwrap();
    assert_eq!(store.login_session("digest of ada").await, Ok(None));
    store
        .commit(desk(DeskChange::OpenSession(session("ada"))))
        .await
        .unwrap();
    store
        .commit(desk(DeskChange::RemoveAccount("ada".to_owned())))
        .await
        .unwrap();
    assert_eq!(store.login_session("digest of ada").await, Ok(None));
    assert_eq!(store.accounts().await, Ok(Vec::new()));
    let again = store
        .commit(desk(DeskChange::RemoveAccount("ada".to_owned())))
        .await;
    assert!(again.is_err(), "{again:?}");
}

fn line(number: i64) -> AuditEntry {
    AuditEntry {
        at: after(number),
        who: format!("person {}", number % 2),
        act: "act\0with a NUL".to_owned(),
        subject: "x".to_owned(),
        why: String::new(),
        origin: "here".to_owned(),
        result: "done".to_owned(),
    }
}

pub async fn the_audit_chain_holds_under_many_hands(db: Database) {
    let mut hands = Vec::new();
    for hand in 0..8 {
        let store = db.store.clone();
        hands.push(tokio::spawn(async move {
            for number in 0..5 {
                store
                    .commit(desk(DeskChange::Audit(line(hand * 5 + number))))
                    .await
                    .unwrap();
            }
        }));
    }
    for hand in hands {
        hand.await.unwrap();
    }
    assert_eq!(db.store.check_audit().await, Ok(ChainCheck::Whole(40)));
    let newest = db.store.audit(None, None, 3).await.unwrap();
    assert_eq!(
        newest.iter().map(|line| line.number).collect::<Vec<_>>(),
        [40, 39, 38]
    );
    let of_one = db
        .store
        .audit(Some("person 1"), Some(20), 100)
        .await
        .unwrap();
    assert!(
        of_one
            .iter()
            .all(|line| line.entry.who == "person 1" && line.number < 20)
    );
}

fn entry(number: i64, action: &str) -> HistoryEntry {
    HistoryEntry {
        id: model::IdSource::text(after(number), 0),
        at: after(number),
        entity: Some(entity_id("e1")),
        course: Some(entity_id(if number % 2 == 0 { "c1" } else { "c2" })),
        system: None,
        action: action.to_owned(),
        operation: None,
        text: "text".to_owned(),
        failure: None,
    }
}

pub async fn hours_are_counted_once(db: Database) {
    let hour = 3_600_000;
    let lines = [0, 1, 2, hour, hour + 1, 2 * hour].map(|ms| Change::Log(entry(ms, "edit")));
    db.store.commit(lines.into()).await.unwrap();
    // What is too young is left for the next time.
    let until = after(2 * hour);
    for wanted in [2, 2, 1, 0] {
        assert_eq!(db.store.count_history(until, until, 2).await, Ok(wanted));
    }
    let counted = |course| {
        let store = db.store.clone();
        async move {
            let rows = store
                .tallies(after(-hour), after(9 * hour), course)
                .await
                .unwrap();
            rows.iter().map(|row| row.count).sum::<u64>()
        }
    };
    assert_eq!(counted(None).await, 5);
    assert_eq!(
        db.store.count_history(after(9 * hour), until, 10).await,
        Ok(1)
    );
    assert_eq!(counted(None).await, 6);
    let one = entity_id("c1");
    let rows = db
        .store
        .tallies(after(-hour), after(9 * hour), Some(&one))
        .await
        .unwrap();
    assert_eq!(rows.iter().map(|row| row.count).sum::<u64>(), 4);
}

#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn searches() -> Vec<(HistorySearch, usize)> {
    let base = HistorySearch {
        limit: 100,
        ..HistorySearch::default()
    };
    vec![
        (base.clone(), 20),
        (
            HistorySearch {
                action: Some("edit".to_owned()),
                ..base.clone()
            },
            5,
        ),
        (
            HistorySearch {
                course: Some(entity_id("c1")),
                ..base.clone()
            },
            10,
        ),
        (
            HistorySearch {
                course: Some(entity_id("c1")),
                action: Some("edit".to_owned()),
                ..base.clone()
            },
            3,
        ),
        (
            HistorySearch {
                entity: Some(entity_id("e1")),
                ..base.clone()
            },
            20,
        ),
        (
            HistorySearch {
                entity: Some(entity_id("e2")),
                ..base.clone()
            },
            0,
        ),
        (
            HistorySearch {
                thread: Some(entity_id("e1")),
                ..base.clone()
            },
            0,
        ),
        (
            HistorySearch {
                is_failed: true,
                ..base.clone()
            },
            0,
        ),
        (
            HistorySearch {
                is_failed: true,
                course: Some(entity_id("c1")),
                ..base.clone()
            },
            0,
        ),
        (
            HistorySearch {
                from: Some(after(3)),
                until: Some(after(7)),
                ..base.clone()
            },
            4,
        ),
        (
            HistorySearch {
                limit: 3,
                ..base.clone()
            },
            3,
        ),
    ]
}

pub async fn history_is_searched_by_every_filter(db: Database) {
    let lines = (0..20)
        .map(|number| Change::Log(entry(number, if number < 5 { "edit" } else { "create" })));
    db.store.commit(lines.collect()).await.unwrap();
    for (search, wanted) in searches() {
        let found = db.store.search_history(&search).await.unwrap();
        assert_eq!(found.len(), wanted, "{search:?}");
        assert!(found.is_sorted_by(|a, b| a.id > b.id), "{search:?}");
    }
}

pub async fn overviews_answer_on_an_empty_database(db: Database) {
    let store = &db.store;
    assert_eq!(store.course_counts().await, Ok(Vec::new()));
    assert_eq!(store.waiting().await, Ok(Vec::new()));
    assert_eq!(store.open_conflict_counts().await, Ok(Vec::new()));
    assert_eq!(store.recent_runs(10).await, Ok(Vec::new()));
    assert_eq!(store.recent_delays(10).await, Ok(Vec::new()));
    assert_eq!(store.last_history().await, Ok(None));
    assert_eq!(store.error_groups(10).await, Ok(Vec::new()));
    let search = OperationSearch {
        limit: 10,
        code: Some("SYNC-2301%".to_owned()),
        ..OperationSearch::default()
    };
    assert_eq!(store.search_operations(&search).await, Ok(Vec::new()));
    assert!(store.size_bytes().await.unwrap() > 0);
    assert_eq!(store.prune_desk(NOW, NOW).await, Ok(0));
}

fn failed(number: i64, code: &str) -> Change {
    let mut line = entry(number, "failed");
    line.system = Some(System::Discourse);
    line.failure = Some(Failure::new(
        code,
        Class::Invalid,
        format!("number {number}"),
        "Edit it.",
    ));
    Change::Log(line)
}

pub async fn failures_of_one_cause_stand_together(db: Database) {
    let store = &db.store;
    store_course(store, "c1").await;
    let topic = entity(Kind::Topic, "e1", "c1");
    save(store, &topic).await;
    let lines = vec![
        failed(0, "SYNC-2306"),
        failed(5, "SYNC-2306"),
        failed(1, "SYNC-2307"),
    ];
    store.commit(lines).await.unwrap();
    store
        .count_history(after(1_000), after(1_000), 10)
        .await
        .unwrap();
    let cause = Cause {
        code: "SYNC-2306".to_owned(),
        system: Some(System::Discourse),
        kind: Some(Kind::Topic),
    };
    assert_eq!(store.error_groups(10).await.unwrap().len(), 2);
    let group = store.error_group(&cause).await.unwrap().unwrap();
    assert_eq!((group.entries, group.class), (2, Class::Invalid));
    assert_eq!((group.first_at, group.last_at), (NOW, after(5)));
    assert_eq!(group.message, "number 5");
    assert_eq!(group.told, Told::default());
    let told = Told {
        counted_from: 1,
        episode: Some("episode".to_owned()),
        at: Some(after(7)),
        count: 2,
    };
    let quiet = |last| {
        desk(DeskChange::ResolveQuiet {
            cause: cause.clone(),
            last,
            why: "not seen".to_owned(),
        })
    };
    store
        .commit(desk(DeskChange::NoteTold {
            cause: cause.clone(),
            told: told.clone(),
        }))
        .await
        .unwrap();
    // Seen since: it is not over.
    assert!(store.commit(quiet(NOW)).await.is_err());
    store.commit(quiet(after(5))).await.unwrap();
    let group = store.error_group(&cause).await.unwrap().unwrap();
    assert_eq!((group.told, group.resolved_at), (told, Some(after(5))));
    store
        .commit(vec![failed(2_000, "SYNC-2306")])
        .await
        .unwrap();
    store
        .count_history(after(9_000), after(9_000), 10)
        .await
        .unwrap();
    let group = store.error_group(&cause).await.unwrap().unwrap();
    assert_eq!((group.entries, group.resolved_at), (3, None));
}

pub async fn messages_wait_in_the_outbox(db: Database) {
    let store = &db.store;
    let line = |id: &str, ms| OutboxLine {
        id: id.to_owned(),
        channel: "mail".to_owned(),
        body: "{}".to_owned(),
        state: OutboxState::Pending,
        attempts: 0,
        next_at: after(ms),
        failure: String::new(),
        created_at: NOW,
        ended_at: None,
    };
    let posts = [line("a", 10), line("b", 0)].map(|line| Change::Desk(DeskChange::Post(line)));
    store.commit(posts.into()).await.unwrap();
    assert_eq!(store.outbox_due(NOW, 9).await, Ok(vec![line("b", 0)]));
    let again = store.commit(desk(DeskChange::Post(line("b", 0)))).await;
    assert!(again.is_err(), "a message is written once");
    let sent = OutboxLine {
        state: OutboxState::Sent,
        attempts: 1,
        ended_at: Some(after(1)),
        ..line("b", 0)
    };
    let note = desk(DeskChange::NotePost(sent.clone()));
    store.commit(note.clone()).await.unwrap();
    assert!(store.commit(note).await.is_err(), "it ends once");
    assert_eq!(store.outbox(9).await, Ok(vec![sent, line("a", 10)]));
    assert_eq!(
        store.outbox_due(after(10), 9).await,
        Ok(vec![line("a", 10)])
    );
    assert_eq!(store.prune_outbox(after(20)).await, Ok(1));
    assert_eq!(store.outbox(9).await, Ok(vec![line("a", 10)]));
}
