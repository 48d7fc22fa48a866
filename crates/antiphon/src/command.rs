//! One module per command.

pub(crate) mod backup;
pub(crate) mod bench;
pub(crate) mod config;
pub(crate) mod conflict;
pub(crate) mod convert;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod entity;
pub(crate) mod explain;
pub(crate) mod maintenance;
pub(crate) mod node;
pub(crate) mod notify;
pub(crate) mod operation;
pub(crate) mod pairing;
pub(crate) mod plan;
pub(crate) mod recover;
pub(crate) mod restore;
pub(crate) mod roster;
pub(crate) mod sandbox;
pub(crate) mod serve;
pub(crate) mod status;
pub(crate) mod sync;
pub(crate) mod user;
pub(crate) mod worker;
