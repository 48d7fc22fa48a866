//! Asks before each write whether it would be read by more people than its source.

use engine::PlannedWrite;
use engine::audience::{Seen, check_topic};
use model::{Action, Entity, Failure, Kind, Sighting, System};

use super::Batch;
use super::look::Look;
use crate::audience::{self, Verdict};

/// What one step knows of the readers: asked for when the first write needs it.
#[derive(Default)]
pub(crate) struct Readers {
    verdict: Option<Result<Verdict, Failure>>,
}

impl Readers {
    /// Why these writes may not be made now. Deletes show nothing to anybody and always pass.
    pub(crate) async fn obstacle(
        &mut self,
        batch: &Batch<'_>,
        look: &Look,
        (entity, writes): (&Entity, &[PlannedWrite]),
    ) -> Result<Option<Failure>, store::Error> {
        let mut showing = writes.iter().filter(|write| write.action != Action::Delete);
        let Some(first) = showing.next() else {
            return Ok(None);
        };
        if batch.world.policy(batch.settings, entity.kind).is_read_only {
            return Ok(None);
        }
        if let Some(failure) = seen_narrower(batch, look, entity) {
            return Ok(Some(failure));
        }
        let is_accepted = batch
            .settings
            .is_some_and(|settings| settings.accepted_audience.is_some());
        if is_accepted {
            return Ok(None);
        }
        let verdict = match self.verdict.take() {
            Some(verdict) => verdict,
            None => audience::of_course(batch.world, &batch.course).await?,
        };
        let refusal = match &verdict {
            Ok(verdict) => std::iter::once(first)
                .chain(showing)
                .find_map(|write| verdict.refusal(write.system).cloned()),
            Err(failure) => Some(failure.clone()),
        };
        self.verdict = Some(verdict);
        Ok(refusal)
    }
}

/// What this look says against any write of the entity: its topic, or itself, is shown to some people only, or its topic
/// was moved to other readers.
fn seen_narrower(batch: &Batch<'_>, look: &Look, entity: &Entity) -> Option<Failure> {
    let topic = batch.entities.get(&batch.topic)?;
    System::REMOTE.into_iter().find_map(|system| {
        let course = &batch.course.replica(system)?.remote;
        let seen = topic
            .replica(system)
            .and_then(|replica| look.item(system, &replica.remote));
        let of_topic = seen.and_then(|item| {
            let seen = Seen {
                sighting: &item.sighting,
                container: item.container.as_ref(),
                course,
            };
            check_topic(system, &seen).err()
        });
        of_topic.or_else(|| {
            let replica = entity
                .replica(system)
                .filter(|_| entity.kind == Kind::Post)?;
            let item = look.item(system, &replica.remote)?;
            let is_withheld = matches!(item.sighting, Sighting::Withheld(_));
            let seen = Seen {
                sighting: &item.sighting,
                container: None,
                course,
            };
            is_withheld.then(|| check_topic(system, &seen).err())?
        })
    })
}
