//! placeholder
use crate::answer::{Answer, Outcome};
use crate::route::Ctx;
use crate::world::World;
pub(crate) fn answer(_w: &mut World, _c: &Ctx<'_>) -> Outcome {
    Ok(Answer::ok(serde_json::json!({})))
}
