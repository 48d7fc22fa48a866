//! Wakes workers of this process that have nothing to do. A missed ring costs the time until their next look.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// Who waits in this process.
#[derive(Default)]
pub(crate) struct Bell {
    waiting: Mutex<BTreeMap<String, Arc<Notify>>>,
}

impl Bell {
    /// Wakes an owner, if it waits here.
    pub(crate) fn ring(&self, owner: &str) {
        let waiting = self
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(owner);
        if let Some(notify) = waiting {
            notify.notify_one();
        }
    }

    /// Wakes up to `count` of those who wait here.
    pub(crate) fn ring_any(&self, count: usize) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..count {
            match waiting.pop_first() {
                Some((_, notify)) => notify.notify_one(),
                None => return,
            }
        }
    }

    fn add(&self, owner: &str) -> Arc<Notify> {
        let notify = Arc::new(Notify::new());
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.insert(owner.to_owned(), Arc::clone(&notify));
        notify
    }

    fn remove(&self, owner: &str) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.remove(owner);
    }
}

/// A worker that waits; look at the queue once more after getting it, then wait.
pub struct Doze {
    bell: Arc<Bell>,
    owner: String,
    notify: Arc<Notify>,
}

impl Doze {
    pub(crate) fn new(bell: Arc<Bell>, owner: &str) -> Self {
        let notify = bell.add(owner);
        Self {
            bell,
            owner: owner.to_owned(),
            notify,
        }
    }

    /// Ends when somebody has queued something that can be claimed. It can be missed: look again now and then.
    pub async fn woken(&self) {
        self.notify.notified().await;
    }
}

impl Drop for Doze {
    fn drop(&mut self) {
        self.bell.remove(&self.owner);
    }
}
