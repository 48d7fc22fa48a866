//! The dashboard: pages made on the server from the database, without anybody's words unless they are asked for.

pub(crate) mod asset;
pub(crate) mod block;
pub(crate) mod chart;
pub(crate) mod conflict;
pub(crate) mod error;
pub(crate) mod history;
pub(crate) mod item;
pub(crate) mod layout;
pub(crate) mod live;
pub(crate) mod maintenance;
pub(crate) mod message;
pub(crate) mod overview;
pub(crate) mod queue;
pub(crate) mod status;
pub(crate) mod table;
