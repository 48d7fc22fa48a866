//! What a remote system can do, found out by asking it.

use serde::{Deserialize, Serialize};

/// The abilities of one server, as data: the engine's shell asks before it tries.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an independent ability of a server"
)]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// The server's version or profile, as it names itself.
    pub version: String,
    /// Whose token or key we use, as the server names them.
    pub acting_as: String,
    /// A deleted post comes back under its old id.
    pub restores_posts: bool,
    /// A deleted topic comes back under its old id.
    pub restores_topics: bool,
    /// An edit is refused when the text is not the one we read.
    pub guards_edits: bool,
    /// Old versions of a post can be read after an edit.
    pub keeps_versions: bool,
    /// Posts can be written as their authors.
    pub impersonates: bool,
    /// Changes of a course are found without reading each thread.
    pub has_feed: bool,
    /// What is weaker on this server than the best of its kind, one sentence each, for the operator.
    pub limits: Vec<String>,
}
