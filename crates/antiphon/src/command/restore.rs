//! `backup accept-restore`: what a restored database would write, and the end of its restraint.

use std::collections::BTreeMap;
use std::process::ExitCode;

use model::{Entity, EntityId};
use serde_json::json;
use store::{
    AuditEntry, Change, DeskChange, EntityFilter, Operation, OperationFilter, OperationState, Store,
};

use crate::arguments::AcceptRestore;
use crate::config::Config;
use crate::exit::{REFUSED, Usage};
use crate::show::{line, object};
use crate::wiring::{self, stored};

const PAGE: usize = 1_000;

/// What the restored database would write.
#[derive(Default)]
struct Difference {
    creates: usize,
    edits: usize,
    deletes: usize,
    /// Operations that may run again.
    operations: Vec<Operation>,
    /// Items that stand on both sides though the database knows them as two: each pair becomes one.
    twins: Vec<(EntityId, EntityId)>,
}

pub(crate) async fn accept(config: &Config, options: AcceptRestore) -> anyhow::Result<ExitCode> {
    let Some(_lock) = wiring::lock(config)? else {
        return Err(
            Usage("The service runs. Stop it, accept, and start it again.".to_owned()).into(),
        );
    };
    let store = wiring::open(config).await?;
    if store
        .fact(wiring::RESTORED)
        .await
        .map_err(stored)?
        .is_none()
    {
        line("This database was not restored, or that was accepted already.");
        return Ok(ExitCode::SUCCESS);
    }
    let difference = compare(&store).await?;
    show(&difference, options.output.json);
    let many = difference.operations.len();
    if options.consent.dry_run {
        return Ok(ExitCode::SUCCESS);
    }
    if options.consent.max_changes.is_some_and(|max| many > max) || !options.consent.yes {
        line(
            "Nothing was changed. Say --yes to accept, with --max-changes no smaller than the number of writes.",
        );
        return Ok(ExitCode::from(REFUSED));
    }
    if options.consent.reason.trim().is_empty() {
        return Err(Usage("Say why: --reason.".to_owned()).into());
    }
    release(&store, &difference, &options.consent.reason).await?;
    line("Accepted. Start the service: it writes what is listed above.");
    Ok(ExitCode::SUCCESS)
}

async fn compare(store: &Store) -> anyhow::Result<Difference> {
    let held = held(store).await?;
    let entities = entities(store).await?;
    let twins = pairs(entities.values());
    let mut difference = Difference::default();
    for operation in held {
        let Some(entity) = operation.entity.as_ref().and_then(|id| entities.get(id)) else {
            continue;
        };
        if twins
            .iter()
            .any(|(one, other)| *one == entity.id || *other == entity.id)
        {
            continue;
        }
        for write in engine::owed_writes(entity) {
            match write.action {
                model::Action::Create | model::Action::Restore => difference.creates += 1,
                model::Action::Edit => difference.edits += 1,
                model::Action::Delete => difference.deletes += 1,
            }
        }
        difference.operations.push(operation);
    }
    difference.twins = twins;
    Ok(difference)
}

/// The pairs of entities that are one item; what could belong to more than one other is left alone.
fn pairs<'e>(entities: impl Iterator<Item = &'e Entity>) -> Vec<(EntityId, EntityId)> {
    let mut by_words: BTreeMap<String, Vec<&Entity>> = BTreeMap::new();
    for entity in entities {
        if let Some((_, replica)) = engine::only_copy(entity) {
            let body = replica
                .record
                .body()
                .map_or("", |body| body.canonical.trim());
            let key = format!(
                "{} {} {}",
                entity.course,
                entity.kind,
                model::Digest::of(body.as_bytes())
            );
            by_words.entry(key).or_default().push(entity);
        }
    }
    let mut pairs = Vec::new();
    for alike in by_words.values() {
        let is_alone = |entity: &Entity| {
            alike
                .iter()
                .filter(|other| engine::is_twin(entity, other))
                .count()
                == 1
        };
        for (number, one) in alike.iter().enumerate() {
            let rest = alike.iter().skip(number + 1);
            let twin = rest.into_iter().find(|other| engine::is_twin(one, other));
            if let Some(other) = twin.filter(|other| is_alone(one) && is_alone(other)) {
                pairs.push((one.id.clone(), other.id.clone()));
            }
        }
    }
    pairs
}

/// Makes one of each pair, topics before the posts that then lie together, until no pair is left.
async fn join(store: &Store) -> anyhow::Result<usize> {
    let mut joined = 0;
    loop {
        let entities = entities(store).await?;
        let pairs = pairs(entities.values());
        if pairs.is_empty() {
            return Ok(joined);
        }
        for (one, other) in pairs {
            // A join moves what lies in a topic: each is read again before it is changed.
            let one = store.entity(&one).await.map_err(stored)?;
            let other = store.entity(&other).await.map_err(stored)?;
            let (Some(one), Some(other)) = (one, other) else {
                continue;
            };
            let gone = other.id.clone();
            let kept = engine::join(one, &other, wiring::now());
            store
                .join_entities(kept, gone, wiring::now())
                .await
                .map_err(stored)?;
            joined += 1;
        }
    }
}

async fn held(store: &Store) -> anyhow::Result<Vec<Operation>> {
    let mut found: Vec<Operation> = Vec::new();
    loop {
        let filter = OperationFilter {
            state: Some(OperationState::Held),
            before: found.last().map(|operation| operation.id.clone()),
            limit: PAGE,
            ..OperationFilter::default()
        };
        let page = store.operations(&filter).await.map_err(stored)?;
        let is_last = page.len() < PAGE;
        found.extend(page);
        if is_last {
            break;
        }
    }
    let is_ours = |operation: &Operation| {
        operation
            .failure
            .as_ref()
            .is_some_and(|failure| failure.code == runner::step::RESTORED_CODE)
    };
    found.retain(is_ours);
    Ok(found)
}

async fn entities(store: &Store) -> anyhow::Result<BTreeMap<EntityId, Entity>> {
    let mut found = BTreeMap::new();
    let mut after = None;
    loop {
        let filter = EntityFilter {
            after: after.take(),
            limit: PAGE,
            ..EntityFilter::default()
        };
        let page = store.entities(&filter).await.map_err(stored)?;
        after = page.last().map(|entity| entity.id.clone());
        let is_last = page.len() < PAGE;
        found.extend(page.into_iter().map(|entity| (entity.id.clone(), entity)));
        if is_last {
            return Ok(found);
        }
    }
}

fn show(difference: &Difference, is_json: bool) {
    let many = difference.operations.len();
    if is_json {
        object(&json!({
            "writes": many, "creates": difference.creates, "edits": difference.edits,
            "deletes": difference.deletes, "pairs": difference.twins,
        }));
        return;
    }
    line(&format!(
        "{many} items would be written: {} creates, {} edits, {} deletes.",
        difference.creates, difference.edits, difference.deletes
    ));
    if !difference.twins.is_empty() {
        line(&format!(
            "{} items stand on both sides already, written after the backup; each pair becomes one:",
            difference.twins.len()
        ));
        for (one, other) in &difference.twins {
            line(&format!("    {one} and {other}"));
        }
    }
}

async fn release(store: &Store, difference: &Difference, why: &str) -> anyhow::Result<()> {
    join(store).await?;
    let at = wiring::now();
    for chunk in difference.operations.chunks(50) {
        let changes = chunk.iter().map(|operation| Change::Retry {
            operation: operation.id.clone(),
            at,
        });
        store.commit(changes.collect()).await.map_err(stored)?;
    }
    let entry = AuditEntry {
        at,
        who: "command line".to_owned(),
        act: "restore accept".to_owned(),
        subject: format!("{} operations", difference.operations.len()),
        why: why.to_owned(),
        origin: "command line".to_owned(),
        result: "done".to_owned(),
    };
    store
        .commit(vec![Change::Desk(DeskChange::Audit(entry))])
        .await
        .map_err(stored)?;
    // The mark goes last: killed before, the service still writes nothing.
    store.set_fact(wiring::RESTORED, None).await.map_err(stored)
}
