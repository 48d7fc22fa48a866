//! `backup accept-restore`: what a restored database would write, and the end of its restraint.

use std::collections::BTreeMap;
use std::process::ExitCode;

use model::{Entity, EntityId, Existence, Status, System};
use serde_json::json;
use store::{
    AuditEntry, Change, DeskChange, EntityFilter, Operation, OperationFilter, OperationState, Store,
};

use crate::arguments::AcceptRestore;
use crate::config::Config;
use crate::exit::Usage;
use crate::show::{line, object};
use crate::wiring;

const PAGE: usize = 1_000;
/// Refused by a guard; nothing was changed.
const REFUSED: u8 = 3;

/// What the restored database would write.
#[derive(Default)]
struct Difference {
    creates: usize,
    edits: usize,
    deletes: usize,
    /// Operations that may run again.
    operations: Vec<Operation>,
    /// Items that stand on both sides though the database knows them as two: they stay held.
    twins: Vec<EntityId>,
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
    if options.dry_run {
        return Ok(ExitCode::SUCCESS);
    }
    if options.max_changes.is_some_and(|max| many > max) || !options.yes {
        line(
            "Nothing was changed. Say --yes to accept, with --max-changes no smaller than the number of writes.",
        );
        return Ok(ExitCode::from(REFUSED));
    }
    if options.reason.trim().is_empty() {
        return Err(Usage("Say why: --reason.".to_owned()).into());
    }
    release(&store, &difference, &options.reason).await?;
    line("Accepted. Start the service: it writes what is listed above.");
    Ok(ExitCode::SUCCESS)
}

fn stored(error: store::Error) -> anyhow::Error {
    wiring::failed(error.failure())
}

async fn compare(store: &Store) -> anyhow::Result<Difference> {
    let held = held(store).await?;
    let entities = entities(store).await?;
    let mut places: BTreeMap<String, Vec<&Entity>> = BTreeMap::new();
    for entity in entities.values() {
        if let Some(key) = lonely(entity) {
            places.entry(key).or_default().push(entity);
        }
    }
    let mut difference = Difference::default();
    for operation in held {
        let Some(entity) = operation.entity.as_ref().and_then(|id| entities.get(id)) else {
            continue;
        };
        let side = |entity: &Entity| System::REMOTE.map(|system| entity.replica(system).is_some());
        let has_twin = lonely(entity)
            .and_then(|key| places.get(&key))
            .is_some_and(|found| found.iter().any(|other| side(other) != side(entity)));
        if has_twin {
            difference.twins.push(entity.id.clone());
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
    Ok(difference)
}

/// For an item that one remote alone has: what makes it the same as one that the other alone has.
fn lonely(entity: &Entity) -> Option<String> {
    let there: Vec<_> = System::REMOTE
        .into_iter()
        .filter_map(|system| entity.replica(system))
        .collect();
    let [only] = there.as_slice() else {
        return None;
    };
    if only.existence != Existence::Present || entity.status == Status::Skipped {
        return None;
    }
    let body = only
        .record
        .body()
        .map_or("", |body| body.canonical.as_str());
    Some(format!(
        "{} {} {}",
        entity.course,
        entity.kind,
        model::Digest::of(body.trim().as_bytes())
    ))
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
            "deletes": difference.deletes, "stay_held": difference.twins,
        }));
        return;
    }
    line(&format!(
        "{many} items would be written: {} creates, {} edits, {} deletes.",
        difference.creates, difference.edits, difference.deletes
    ));
    if !difference.twins.is_empty() {
        line(&format!(
            "{} items stand on both sides already, written after the backup; they stay held:",
            difference.twins.len()
        ));
        for twin in &difference.twins {
            line(&format!("    {twin}"));
        }
    }
}

async fn release(store: &Store, difference: &Difference, why: &str) -> anyhow::Result<()> {
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
