//! What can be typed about items.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{Consent, Output};

#[derive(Debug, Subcommand)]
pub(crate) enum Entity {
    /// List entities.
    List(EntityList),
    /// Show one entity with what each system has.
    Show(EntityShow),
    /// Change an entity in the local database; the change goes to both systems.
    Edit(EntityEdit),
    /// Make what one system has everybody's; what the others had is kept as a decided conflict.
    Force(EntityForce),
    /// Take the last change of items back everywhere, unless somebody changed them since.
    Undo(EntityAct),
    /// Leave items alone until they are unskipped.
    Skip(EntityAct),
    /// Let skipped items be looked at again.
    Unskip(EntityAct),
    /// Forget what is known about items, but not which belong together, and compare both sides anew.
    Reset(EntityAct),
    /// Watch items and write nothing until they are released; holding a topic holds its thread.
    Hold(EntityAct),
    /// Let held items go on; a guard that stopped one lets it pass once.
    Release(EntityAct),
}

/// Which items.
#[derive(Debug, Clone, Args)]
pub(crate) struct EntityFilter {
    /// Only this kind: course, topic or post.
    #[arg(long)]
    pub(crate) kind: Option<String>,
    /// Only this state: in_sync, pending, conflict, held, failed or skipped.
    #[arg(long)]
    pub(crate) status: Option<String>,
    /// Only this course: our id, `canvas:ID` or `discourse:ID`.
    #[arg(long)]
    pub(crate) course: Option<String>,
    /// Only held or failed under this error code.
    #[arg(long)]
    pub(crate) code: Option<String>,
    /// Only changed since then: `2h` or `3d` ago, or a time such as `2026-01-31T08:00:00Z`.
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Only changed before then, written as `--since`.
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
}

/// An act on one item, or on all that fit a filter.
#[derive(Debug, Args)]
pub(crate) struct EntityAct {
    /// Our id, `canvas:ID`, `discourse:ID`, or the address of a topic or entry; without it all that fit the filter.
    #[arg(conflicts_with_all = ["kind", "status", "course", "code", "since", "until"])]
    pub(crate) id: Option<String>,
    #[command(flatten)]
    pub(crate) filter: EntityFilter,
    #[command(flatten)]
    pub(crate) consent: Consent,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct EntityForce {
    /// Whose version becomes everybody's.
    #[arg(long)]
    pub(crate) from: Side,
    #[command(flatten)]
    pub(crate) act: EntityAct,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Side {
    /// What Canvas has.
    Canvas,
    /// What Discourse has.
    Discourse,
    /// What the local database has.
    Local,
}

#[derive(Debug, Args)]
pub(crate) struct EntityList {
    #[command(flatten)]
    pub(crate) filter: EntityFilter,
    /// At most this many; all without it.
    #[arg(long)]
    pub(crate) limit: Option<usize>,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct EntityShow {
    /// Our id, `canvas:ID`, `discourse:ID`, or the address of a topic or entry.
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct EntityEdit {
    /// Our id, or `canvas:ID` or `discourse:ID`.
    pub(crate) id: String,
    /// The new title.
    #[arg(long)]
    pub(crate) title: Option<String>,
    /// The new text, in Discourse Markdown.
    #[arg(long, conflicts_with = "body_file")]
    pub(crate) body: Option<String>,
    /// A file with the new text; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) body_file: Option<PathBuf>,
    /// Close or open the topic.
    #[arg(long, value_name = "BOOL")]
    pub(crate) locked: Option<bool>,
    /// Pin or unpin the topic.
    #[arg(long, value_name = "BOOL")]
    pub(crate) pinned: Option<bool>,
    /// Delete it everywhere.
    #[arg(long, conflicts_with_all = ["restore", "title", "body", "body_file"])]
    pub(crate) delete: bool,
    /// Bring it back everywhere.
    #[arg(long)]
    pub(crate) restore: bool,
    #[command(flatten)]
    pub(crate) output: Output,
}
