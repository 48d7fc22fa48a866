//! Finds out what a server can do: April 2019 has little GraphQL, scoped keys have none (contract canvas §2.1, §17).

use api_client::Request;
use connector::{Capabilities, Result};
use serde_json::{Value, json};

use crate::connector::Canvas;
use crate::{failure, graphql, wire};

/// What the server offers beyond REST, and who we are there.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an independent ability of a server"
)]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Abilities {
    /// The service account's user id.
    pub(crate) own_id: String,
    pub(crate) own_name: String,
    /// Entries of a topic, live, tombstones included.
    pub(crate) has_entries: bool,
    /// All topics of a course with their change times.
    pub(crate) has_course_feed: bool,
    /// A topic's change time by id.
    pub(crate) has_topic_time: bool,
    pub(crate) edits_entries: bool,
    pub(crate) restores_entries: bool,
    pub(crate) has_versions: bool,
}

const QUERY: &str = "query { discussion: __type(name: \"Discussion\") { fields { name } } \
     course: __type(name: \"Course\") { fields { name } } \
     entry: __type(name: \"DiscussionEntry\") { fields { name } } \
     mutation: __type(name: \"Mutation\") { fields { name } } }";

/// Asks who we are and what there is.
pub(crate) async fn probe(canvas: &Canvas) -> Result<Abilities> {
    let own = canvas
        .http
        .get(Request::get("user.self", "/api/v1/users/self"))
        .await?;
    let own_id = wire::id(&own, "id").ok_or_else(|| failure::unexpected("users/self has no id"))?;
    let mut abilities = Abilities {
        own_id,
        own_name: wire::text(&own, "name").unwrap_or_default().to_owned(),
        ..Abilities::default()
    };
    // Any refusal here only means: no GraphQL for us.
    let Ok(types) = graphql::query(&canvas.http, "graphql.types", (QUERY, json!({}))).await else {
        return Ok(abilities);
    };
    let has = |name: &str, field: &str| {
        types.get(name).is_some_and(|kind| {
            wire::list(kind, "fields")
                .iter()
                .any(|known| wire::text(known, "name") == Some(field))
        })
    };
    abilities.has_entries = has("discussion", "discussionEntriesConnection");
    abilities.has_course_feed = has("course", "discussionsConnection");
    abilities.has_topic_time = has("discussion", "updatedAt");
    abilities.edits_entries = has("mutation", "updateDiscussionEntry");
    abilities.restores_entries = has("mutation", "restoreDeletedDiscussionEntry");
    abilities.has_versions = has("entry", "discussionEntryVersions");
    Ok(abilities)
}

/// The abilities as operators see them.
pub(crate) fn capabilities(abilities: &Abilities) -> Capabilities {
    let mut limits = vec![
        "Canvas has no compare-and-set: an edit made between our look and our write is overwritten.".to_owned(),
        "Deleted topics can only be restored by hand, on the course's undelete page.".to_owned(),
    ];
    let missing = [
        (
            abilities.has_entries,
            "Threads are read from /view and confirmed entry by entry: one more call per 50 entries.",
        ),
        (
            abilities.has_course_feed,
            "Edits inside a topic are found by its change time or by the slow sweep only.",
        ),
        (
            abilities.edits_entries,
            "Entries with a file cannot be edited without losing the file: such edits fail.",
        ),
        (
            abilities.restores_entries,
            "A restored post is written as a new entry.",
        ),
        (
            abilities.has_versions,
            "Texts that an edit of ours overwrote cannot be read back.",
        ),
    ];
    limits.extend(
        missing
            .iter()
            .filter(|(has, _)| !has)
            .map(|(_, text)| (*text).to_owned()),
    );
    Capabilities {
        version: if abilities.has_entries {
            "with discussions in GraphQL"
        } else {
            "REST"
        }
        .to_owned(),
        acting_as: format!("{} ({})", abilities.own_name, abilities.own_id),
        restores_posts: abilities.restores_entries,
        restores_topics: false,
        guards_edits: false,
        keeps_versions: abilities.has_versions,
        impersonates: true,
        has_feed: abilities.has_course_feed || abilities.has_topic_time,
        limits,
    }
}

/// A `data` value's topic ids and times, and the cursor of the next page.
pub(crate) fn page_cursor(connection: &Value) -> Option<String> {
    let info = connection.get("pageInfo")?;
    wire::flag(info, "hasNextPage").then(|| wire::text(info, "endCursor").map(str::to_owned))?
}
