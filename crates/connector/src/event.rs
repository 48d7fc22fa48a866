//! Webhook deliveries as hints: they say where to look, never what is true.

use model::{RemoteId, RemoteItem};

/// A delivery as it was stored, before anybody understood it.
#[derive(Debug, Clone, Copy)]
pub struct RawEvent<'a> {
    /// The event's name, e.g. `post_created` (contract discourse §14.3).
    pub name: &'a str,
    /// The body, byte for byte.
    pub body: &'a [u8],
}

/// Where a delivery tells us to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The topic whose thread changed.
    pub topic: RemoteId,
    /// The course it belongs to, when the delivery says so.
    pub course: Option<RemoteId>,
    /// The item as the delivery shows it: equal to what we know means our own echo.
    pub item: Option<RemoteItem>,
}
