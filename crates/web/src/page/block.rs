//! Pieces that several pages read.

use model::{EntityId, Kind};
use store::EntityFilter;

use crate::access::Caller;
use crate::state::State;
use crate::summary;

/// The courses that a caller may see, with their names.
pub(crate) async fn courses(
    state: &State,
    caller: &Caller,
) -> store::Result<Vec<(EntityId, String)>> {
    let filter = EntityFilter {
        kind: Some(Kind::Course),
        limit: 2_000,
        ..EntityFilter::default()
    };
    let found = state.store.entities(&filter).await?;
    Ok(found
        .iter()
        .filter(|course| caller.may_see(&course.id))
        .map(|course| (course.id.clone(), summary::name(course)))
        .collect())
}
