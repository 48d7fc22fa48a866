//! Finds what an earlier create of ours left behind when its answer was lost.

use model::{Action, CreateKey, EntityId, Failure, Intent, IntentState, Kind, RemoteItem, System};
use store::Change;

use super::Batch;
use super::look::Look;
use crate::mutation::{Mutation, is_on};

/// The entity named by one of our keys: `ap-` and 26 characters, then perhaps a generation.
pub(crate) fn entity_of(key: &CreateKey) -> Option<EntityId> {
    let id = key.as_str().strip_prefix("ap-")?;
    let id = id.split_once('-').map_or(id, |(id, _)| id);
    (id.len() == 26).then(|| EntityId(id.to_owned()))
}

/// Looks for every create whose intent is open: what is found is taken over, the others are known not to have
/// happened.
///
/// The inner error is a remote that could not be asked: nothing may be created until it can.
pub(crate) async fn adopt_created(
    batch: &mut Batch<'_>,
    look: &Look,
) -> Result<Result<(), Failure>, store::Error> {
    let mut open: Vec<Intent> = batch
        .intents
        .iter()
        .filter(|intent| intent.action == Action::Create && intent.state == IntentState::Open)
        .cloned()
        .collect();
    // The topic first: a post's create can only be looked for where its topic is known to be.
    open.sort_by_key(|intent| intent.entity != batch.topic);
    for intent in open {
        let found = match seen(batch, look, &intent) {
            Some(item) => Some(item),
            None => match search(batch, &intent).await {
                Ok(found) => found,
                Err(failure) => return Ok(Err(failure)),
            },
        };
        let found = found.filter(|_| !is_on(Mutation::SkipFind));
        settle(batch, &intent, found).await?;
    }
    Ok(Ok(()))
}

fn seen(batch: &Batch<'_>, look: &Look, intent: &Intent) -> Option<RemoteItem> {
    let is_known = |item: &RemoteItem| {
        batch.entities.values().any(|entity| {
            entity
                .replica(intent.system)
                .is_some_and(|replica| replica.remote == item.remote)
        })
    };
    look.posts
        .iter()
        .filter(|(system, _)| *system == intent.system)
        .filter_map(|(system, remote)| look.item(*system, remote))
        .find(|item| item.key.as_ref() == Some(&intent.key) && !is_known(item))
        .cloned()
}

async fn search(batch: &Batch<'_>, intent: &Intent) -> Result<Option<RemoteItem>, Failure> {
    let Some(entity) = batch.entities.get(&intent.entity) else {
        return Ok(None);
    };
    let Some(connector) = batch.world.connector(intent.system) else {
        return Ok(None);
    };
    let container = match entity.kind {
        Kind::Topic => batch.course.replica(intent.system),
        _ => batch.remote(&batch.topic, intent.system),
    };
    // Without its container the create cannot have happened.
    let Some(container) = container.map(|replica| replica.remote.clone()) else {
        return Ok(None);
    };
    connector
        .find(entity.kind, &container, &intent.key)
        .await
        .map_err(|error| error.0)
}

async fn settle(
    batch: &mut Batch<'_>,
    intent: &Intent,
    found: Option<RemoteItem>,
) -> Result<(), store::Error> {
    let now = batch.world.now();
    let state = if found.is_some() {
        IntentState::Applied
    } else {
        IntentState::Abandoned
    };
    let mut changes = vec![Change::CloseIntent {
        id: intent.id.clone(),
        state,
        receipt: None,
        at: now,
    }];
    if let (Some(item), Some(entity)) = (found, batch.entities.get(&intent.entity)) {
        let adopted = engine::adopt(entity.clone(), intent, &item, now);
        changes.push(batch.log(
            &adopted,
            Some(intent.system),
            "found",
            String::from("An earlier create whose answer was lost was found and taken over."),
        ));
        changes.extend(batch.seen_done(intent, &adopted));
        changes.push(Change::SaveEntity(adopted.clone()));
        batch.keep(adopted);
    }
    batch.commit(changes).await?;
    batch.intents.retain(|open| open.id != intent.id);
    Ok(())
}

/// An intent as it would have been, for a found item whose intent is gone (a restored backup).
pub(crate) fn lost_intent(batch: &Batch<'_>, entity: &EntityId, system: System) -> Option<Intent> {
    let local = batch.remote(entity, System::Local)?;
    Some(Intent {
        id: model::IntentId(String::new()),
        entity: entity.clone(),
        system,
        action: Action::Create,
        key: CreateKey(format!("ap-{entity}")),
        record: local.record.clone(),
        fields: local.record.fields.keys().copied().collect(),
        expected: None,
        vector: local.vector.clone(),
        operation: model::OperationId(String::new()),
        state: IntentState::Open,
        created_at: batch.world.now(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_keys_name_an_entity() {
        let id = "0".repeat(26);
        let entity = |key: &str| entity_of(&CreateKey::from(key));
        assert_eq!(entity(&format!("ap-{id}")), Some(EntityId(id.clone())));
        assert_eq!(entity(&format!("ap-{id}-2")), Some(EntityId(id.clone())));
        assert_eq!(entity(&id), None);
        assert_eq!(entity("ap-short"), None);
    }
}
