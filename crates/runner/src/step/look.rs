//! Reads the thread on both sides, once each, for all its entities.

use std::collections::{BTreeMap, BTreeSet};

use connector::Thread;
use model::{
    Entity, Existence, Kind, Observation, RemoteId, RemoteItem, Sighting, System, Timestamp,
};

use super::Batch;

/// What both sides showed.
#[derive(Default)]
pub(crate) struct Look {
    items: BTreeMap<(System, RemoteId), RemoteItem>,
    /// Posts in the order in which each side shows them.
    pub(crate) posts: Vec<(System, RemoteId)>,
    /// The systems whose list of posts is whole and whose topic is there.
    complete: BTreeSet<System>,
    /// Before it began: what it shows may be older than what somebody else has stored since.
    at: Timestamp,
}

/// Reads each side that has the topic, except the one that was just read.
async fn look(batch: &Batch<'_>, known: Option<(System, Thread)>) -> connector::Result<Look> {
    let mut look = Look {
        at: batch.looked_at,
        ..Look::default()
    };
    let topic = batch.entities.get(&batch.topic);
    for system in System::REMOTE {
        let Some(replica) = topic.and_then(|topic| topic.replica(system)) else {
            continue;
        };
        let thread = match &known {
            Some((read, thread)) if *read == system => thread.clone(),
            _ => match batch.world.connector(system) {
                Some(connector) => connector.thread(&replica.remote).await?,
                None => continue,
            },
        };
        look.add(system, thread);
    }
    Ok(look)
}

/// Reads both sides, and once more when a text links to a post whose mirror had first to be looked up: whoever
/// translates must know it before.
pub(crate) async fn look_with_links(
    batch: &mut Batch<'_>,
    known: Option<(System, Thread)>,
) -> Result<connector::Result<Look>, store::Error> {
    let first = match look(batch, known).await {
        Ok(first) => first,
        Err(error) => return Ok(Err(error)),
    };
    let learned = {
        let texts = first.texts();
        batch.world.learn_links(&texts, &mut batch.tried).await?
    };
    Ok(if learned {
        look(batch, None).await
    } else {
        Ok(first)
    })
}

impl Look {
    /// The bodies that were seen.
    fn texts(&self) -> Vec<&str> {
        self.items
            .values()
            .filter_map(|item| match &item.sighting {
                Sighting::Present(record) => record.body(),
                _ => None,
            })
            .map(|body| body.source.as_str())
            .collect()
    }

    fn add(&mut self, system: System, thread: Thread) {
        let is_there = matches!(thread.topic.sighting, Sighting::Present(_));
        if is_there && thread.is_complete {
            self.complete.insert(system);
        }
        self.items
            .insert((system, thread.topic.remote.clone()), thread.topic);
        if !is_there {
            return;
        }
        for post in thread.posts {
            let key = (system, post.remote.clone());
            self.posts.push(key.clone());
            self.items.insert(key, post);
        }
    }

    /// One item as it was seen.
    pub(crate) fn item(&self, system: System, remote: &RemoteId) -> Option<&RemoteItem> {
        self.items.get(&(system, remote.clone()))
    }

    /// What the look says about one entity, for each side that says anything.
    pub(crate) fn observations(&self, entity: &Entity) -> Vec<Observation> {
        System::REMOTE
            .into_iter()
            .filter_map(|system| {
                let replica = entity.replica(system)?;
                let sighting = match self.item(system, &replica.remote) {
                    Some(item) => item.sighting.clone(),
                    // A post that a whole list does not show; one that we know as a tombstone may be left out.
                    None if entity.kind == Kind::Post
                        && self.complete.contains(&system)
                        && replica.existence != Existence::Deleted =>
                    {
                        Sighting::Missing
                    }
                    None => return None,
                };
                Some(Observation {
                    system,
                    sighting,
                    at: self.at,
                })
            })
            .collect()
    }
}
