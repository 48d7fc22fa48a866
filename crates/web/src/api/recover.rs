//! `POST /api/v1/entities/act`: the same acts, names and limits as `antiphon entity`.

use axum::extract::State as Shared;
use axum::{Extension, Json};
use engine::Recovery;
use model::{Entity, EntityId, System};
use serde::Deserialize;

use super::Answer;
use super::write::{Body, body};
use crate::access::Caller;
use crate::problem::Problem;
use crate::recover::{self, Selection};
use crate::state::State;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Act {
    verb: String,
    side: Option<System>,
    #[serde(default)]
    ids: Vec<EntityId>,
    filter: Option<Selection>,
    #[serde(default)]
    reason: String,
    max_changes: usize,
    #[serde(default)]
    dry_run: bool,
}

/// Does an act to the items that are named or fit, or only says what it would do.
pub(super) async fn act(
    Shared(state): Shared<State>,
    Extension(caller): Extension<Caller>,
    given: Body<Act>,
) -> Answer {
    let given = body(given)?;
    let act = Recovery::parse(&given.verb, given.side).ok_or_else(|| {
        Problem::invalid(
            "A verb is force (with `side`), undo, skip, unskip, reset, hold or release.",
        )
    })?;
    let items = match (&given.filter, given.ids.is_empty()) {
        (Some(filter), true) => recover::select(&state.store, filter).await?,
        (None, false) => named(&state, &given.ids).await?,
        _ => return Err(Problem::invalid("Give either `ids` or `filter`.")),
    };
    let preview = recover::preview(&state, &caller, act, &items).await?;
    if given.dry_run {
        return Ok(Json(preview.json()));
    }
    let many = preview.fitting.len();
    if many > given.max_changes {
        return Err(Problem::invalid(&format!(
            "{many} items are more than max_changes. Nothing was done."
        )));
    }
    let report = recover::recover(&state, &caller, act, (&preview.fitting, &given.reason)).await?;
    let mut value = report.json();
    if let Some(object) = value.as_object_mut() {
        object.insert("preview".to_owned(), preview.json());
    }
    Ok(Json(value))
}

async fn named(state: &State, ids: &[EntityId]) -> Result<Vec<Entity>, Problem> {
    let mut items = Vec::new();
    for id in ids {
        let found = state.store.entity(id).await?;
        items.push(found.ok_or_else(|| Problem::not_found("entity"))?);
    }
    Ok(items)
}
