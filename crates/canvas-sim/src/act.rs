//! Changes to the database, with their rules and side effects.
//! REST, GraphQL and the control API all come through here, so each rule is written once.

pub(crate) mod entry;
pub(crate) mod file;
pub(crate) mod submission;
pub(crate) mod topic;
pub(crate) mod topic_field;

use crate::html::incoming::{self, Incoming};
use crate::html::sanitise::{self, Rules};
use crate::state::person::FileOwner;
use crate::state::thread::Home;
use crate::world::World;

/// The path prefix of a course or group: `/courses/1`.
pub(crate) fn home_path(home: Home) -> String {
    match home {
        Home::Course(id) => format!("/courses/{id}"),
        Home::Group(id) => format!("/groups/{id}"),
    }
}

/// The stored form of a message written in `home`.
pub(crate) fn stored_html(
    world: &World,
    home: Home,
    html: &str,
    base: &str,
    is_entry: bool,
) -> String {
    let rules = Rules {
        is_old: world.switches.old_sanitiser,
        drops_ids: is_entry && world.switches.strip_entry_ids,
    };
    let clean = sanitise::clean(html, rules);
    let prefix = |id: u64| {
        let file = world.data.files.get(&id)?;
        match (file.owner, home) {
            (FileOwner::Course(a), Home::Course(b)) if a == b => Some(home_path(home)),
            (FileOwner::Group(a), Home::Group(b)) if a == b => Some(home_path(home)),
            _ => None,
        }
    };
    incoming::process(
        &clean,
        &Incoming {
            base,
            prefix_of_file: &prefix,
        },
    )
}
