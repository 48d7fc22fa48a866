//! Leases by name, and the heartbeat.

use super::database::Database;
use super::sample::{NOW, after, operation_id, running};

pub async fn leases_have_one_owner(db: Database) {
    let take = async |owner: &str, ms| {
        let now = after(ms);
        db.store
            .take_lease("sweep", owner, now, 1_000)
            .await
            .unwrap()
    };
    assert!(take("w", 0).await);
    assert!(!take("v", 999).await);
    assert!(take("w", 999).await, "the owner renews it");
    assert!(!take("v", 1_998).await);
    assert!(take("v", 1_999).await, "it has run out");
    assert_eq!(db.store.release_lease("sweep", "w").await, Ok(false));
    assert_eq!(db.store.release_lease("sweep", "v").await, Ok(true));
    assert!(take("w", 2_000).await);
}

pub async fn a_heartbeat_extends_everything(db: Database) {
    let operation = running(&db.store, "a", "s", "w").await;
    assert!(
        db.store
            .take_lease("sweep", "w", NOW, 60_000)
            .await
            .unwrap()
    );
    assert_eq!(db.store.heartbeat("w", after(50_000), 60_000).await, Ok(1));
    assert_eq!(db.store.heartbeat("v", after(50_000), 60_000).await, Ok(0));
    assert_eq!(db.store.recover_expired(after(109_999)).await, Ok(0));
    let late = after(109_999);
    assert!(!db.store.take_lease("sweep", "v", late, 1).await.unwrap());
    let read = db
        .store
        .operation(&operation_id("a"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (read.id, read.lease_until),
        (operation.id, Some(after(110_000)))
    );
    assert_eq!(db.store.recover_expired(after(110_000)).await, Ok(1));
    assert!(
        db.store
            .take_lease("sweep", "v", after(110_000), 1)
            .await
            .unwrap()
    );
}
