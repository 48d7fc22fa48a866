//! Finds out what this Canvas can do: who we are, and what its GraphQL knows.

use std::sync::{Arc, PoisonError};

use ::connector::Capabilities;
use api_client::Request;
use serde_json::{Value, json};

use crate::api::GraphqlCall;
use crate::failure::{Reason, Trouble};
use crate::graphql::{self, Schema};
use crate::port::Canvas;
use crate::wire::User;

/// What a probe found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Probed {
    /// The service account's user id.
    pub user: String,
    name: String,
    pub schema: Schema,
}

impl Canvas {
    /// What the last probe found; probes first where none was made.
    pub(crate) async fn probed(&self) -> Result<Arc<Probed>, Trouble> {
        let known = self.known();
        match known {
            Some(probed) => Ok(probed),
            None => self.find_out().await,
        }
    }

    /// Asks the server and remembers the answer.
    pub(crate) async fn find_out(&self) -> Result<Arc<Probed>, Trouble> {
        let user: User = self
            .api
            .ask(Request::get("user.self", "/api/v1/users/self"))
            .await?
            .value;
        let name = user.shown_name().to_owned();
        let id = user.id.ok_or_else(|| {
            Trouble::new(
                Reason::Unexpected,
                "Canvas does not say whose token this is.".to_owned(),
            )
        })?;
        let probed = Arc::new(Probed {
            user: id.0,
            name,
            schema: self.schema().await?,
        });
        *self.probed.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&probed));
        Ok(probed)
    }

    pub(crate) fn known(&self) -> Option<Arc<Probed>> {
        self.probed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// A token of a key that enforces scopes gets nulls or a refusal (contract canvas §2.1): then REST does all.
    async fn schema(&self) -> Result<Schema, Trouble> {
        let asked = self
            .api
            .graphql::<Value>(GraphqlCall {
                name: "graphql.probe",
                document: graphql::PROBE,
                variables: json!({}),
                is_write: false,
            })
            .await;
        match asked {
            Ok(answer) => Ok(Schema::read(&answer.value)),
            Err(trouble) => match trouble.reason {
                Reason::Scope
                | Reason::NotPermitted
                | Reason::NotFound
                | Reason::Invalid
                | Reason::Unexpected => Ok(Schema::default()),
                _ => Err(trouble),
            },
        }
    }
}

impl Probed {
    /// The abilities as the port tells them.
    pub(crate) fn capabilities(&self) -> Capabilities {
        let schema = &self.schema;
        let version = match (schema.has_entries(), schema.has_topics()) {
            (true, _) => "Canvas with discussions in GraphQL",
            (false, true) => "Canvas with a small GraphQL, as of 2019",
            (false, false) => "Canvas, REST only",
        };
        Capabilities {
            version: version.to_owned(),
            acting_as: format!("{} (user {})", self.name, self.user),
            restores_posts: schema.has_restore(),
            restores_topics: false,
            guards_edits: false,
            keeps_versions: schema.has_versions(),
            impersonates: true,
            has_feed: schema.has_feed() || schema.has_topics(),
            limits: limits(schema),
        }
    }
}

fn limits(schema: &Schema) -> Vec<String> {
    let mut limits = vec![
        "Canvas has no guarded edits: an edit made there in the second before ours is overwritten.",
        "Whether posts can be written as their authors shows only when Canvas refuses one; then the service account \
         posts with an attribution.",
        "Deleted topics cannot be restored through the API.",
        "Creating a topic or a reply notifies the course at once.",
    ];
    if !schema.has_restore() {
        limits.push("Deleted replies cannot be restored: they are created anew.");
    }
    if !schema.has_entries() {
        limits.push(
            "Live replies are not in GraphQL: a thread is read as a built view and confirmed in steps of 50 replies.",
        );
    }
    if !schema.has_update() {
        limits.push("A reply with a file cannot be edited without losing the file, so such edits are refused.");
    }
    if !schema.has_feed() && schema.has_topics() {
        limits.push("Changes of a course are found by reading its topic lists and asking for 20 topics at a time.");
    }
    if !schema.has_topics() {
        limits.push("Edits and deletions of replies are found only when a thread is looked at, not by the feed.");
    }
    limits.into_iter().map(str::to_owned).collect()
}
