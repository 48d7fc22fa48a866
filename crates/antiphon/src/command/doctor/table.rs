//! Every check: its code, what it looks at, and what to do when it is not well. `docs/doctor.md` is made from it.

/// One check.
pub(crate) struct Check {
    pub(crate) code: &'static str,
    /// What it looks at: a few words.
    pub(crate) title: &'static str,
    /// One line: what to do when it is not well.
    pub(crate) remedy: &'static str,
}

const fn check(code: &'static str, title: &'static str, remedy: &'static str) -> Check {
    Check {
        code,
        title,
        remedy,
    }
}

/// All checks in the order of their codes.
#[rustfmt::skip]
pub(crate) const CHECKS: &[Check] = &[
    check("D101", "data directory", "Let the service's user write to the folder of the database."),
    check("D102", "free space", "Make room: a backup and an upgrade need twice the size of the database."),
    check("D103", "open files", "Raise the limit of open files to 1024 or more (LimitNOFILE= in the unit)."),
    check("D104", "clock against Canvas", "Let time synchronisation run; more than 30 s apart, edit times cannot be compared."),
    check("D105", "clock against Discourse", "Let time synchronisation run; more than 30 s apart, edit times cannot be compared."),
    check("D106", "time zone data", "Install the time zone data of the system (tzdata), or change `notify.zone`."),
    check("D201", "database", "Check `database.url`, the server and the rights; a new database is made by `antiphon serve`."),
    check("D202", "schema", "An older schema is brought up by `antiphon serve`, after a copy; a newer one needs the newer program."),
    check("D203", "integrity", "Restore a backup: `antiphon backup restore`."),
    check("D204", "last backup", "Run `antiphon backup create FILE` every day; with PostgreSQL use its own tools."),
    check("D205", "size", "Nothing to do: it is here for reports."),
    check("D206", "restored database", "Look at `antiphon backup accept-restore --dry-run`, then accept."),
    check("D301", "Canvas answers", "Check `canvas.url`, DNS, TLS certificate and firewall."),
    check("D302", "Canvas token", "Make a new token in Canvas (Account, Settings, New Access Token) and put it into `canvas.token`."),
    check("D303", "Canvas courses", "Check the names in [[course]], and that the token's owner is in the course or an admin."),
    check("D304", "Canvas topics and replies", "Give the token's owner the right to read and post discussions in the course."),
    check("D305", "Canvas quota", "Wait, or find who else uses this token; without the header nothing is known in advance."),
    check("D306", "Canvas token owner", "Use a token of an admin or teacher: a student sees only what students see."),
    check("D307", "Canvas change feed", "Allow GraphQL to the token; without it changes are found by reading lists."),
    check("D401", "Discourse answers", "Check `discourse.url`, DNS, TLS certificate and firewall."),
    check("D402", "Discourse key", "Make a global key for all users (Admin, API) and put it into `discourse.api_key`; the acting user must be an admin."),
    check("D403", "Discourse version", "Upgrade the forum: versions before 3.1 are not known to work."),
    check("D404", "Discourse categories", "Check the names in [[course]], and that the acting user may see the categories."),
    check("D405", "web hook", "Make or switch on a web hook to .../webhook/discourse with the topic and post events (Admin, API, Web hooks)."),
    check("D406", "web hook signature", "Put the same secret into the web hook and into `discourse.webhook_secret`."),
    check("D407", "failed deliveries", "Look at the web hook's log in Discourse: is our address reachable from there?"),
    check("D408", "last delivery", "Send a ping from the web hook's page in Discourse."),
    check("D409", "retry of deliveries", "Switch on the site setting `retry_web_hook_events`."),
    check("D410", "settings that refuse mirrored text", "Relax these site settings: see docs/limits.md."),
    check("D411", "settings that slow posts down", "Set these site settings to 0, or accept the delay."),
    check("D412", "math", "Switch on the math plugin (`discourse_math_enabled`)."),
    check("D413", "posting as others", "Make the key for all users; until then posts stand under the service's name."),
    check("D501", "courses in the configuration", "Add a [[course]] for each course to keep in step."),
    check("D502", "doubled targets", "Map each course and each category once."),
    check("D503", "readers", "Restrict the category to a group of the course's people, or write the reason into `accept_wider_audience`."),
    check("D504", "courses without a configuration", "Put the [[course]] back, or leave it: nothing is written for it."),
    check("D601", "oldest waiting operation", "Look at the Queue page; is `antiphon serve` running, and is something paused?"),
    check("D602", "held operations", "Look at each: `antiphon operation list --state held`, then release or cancel."),
    check("D603", "open conflicts", "Decide them: `antiphon conflict list --state open`."),
    check("D604", "last full comparison", "Run `antiphon maintenance run consistency`; is `antiphon serve` running?"),
    check("D605", "drift", "Look at `antiphon maintenance drift`, then `antiphon entity reset` or `force`."),
    check("D606", "failed items", "Look at `antiphon entity list --status failed`, mend the cause, then retry."),
    check("D607", "paused", "Resume on the Status page when the reason has gone."),
    check("D608", "audit log", "Somebody changed the audit log by hand: compare it with a backup."),
    check("D701", "channels", "Add a channel to [notify]: without one nobody is told of failures."),
    check("D702", "test message", "Look at the channel's address and credentials: `antiphon notify test`."),
    check("D801", "program", "Nothing to do: it is here for reports."),
    check("D802", "addresses without TLS", "Use https: the token and people's words would go over the network in the clear."),
];

/// The check with this code.
pub(crate) fn check_of(code: &str) -> Option<&'static Check> {
    CHECKS.iter().find(|check| check.code == code)
}

/// The page of the documentation.
#[cfg(test)]
fn page() -> String {
    let groups = [
        ("D1", "Host"),
        ("D2", "Database"),
        ("D3", "Canvas"),
        ("D4", "Discourse"),
        ("D5", "Mapping"),
        ("D6", "Sync health"),
        ("D7", "Delivery"),
        ("D8", "Release"),
    ];
    let mut page = String::from(
        "# Doctor\n\n    antiphon doctor\n    antiphon doctor --json\n    antiphon doctor --test-notify\n\n\
         It looks at the host, the database, both servers, the mapping and the state of the sync, with the service's own \
         configuration, and changes nothing. Each check is `ok`, `warn`, `fail` or `skipped`. The exit code is 0 when all is \
         well, 1 with warnings, 2 with failures. The output has no secret and nobody's words, so it can go into a report.\n\n\
         A database of an older schema is not touched: what needs it is skipped. With PostgreSQL the schema is brought up when \
         the database is opened. `--test-notify` sends a test message through each channel.\n",
    );
    for (prefix, name) in groups {
        page.extend(["\n## ", name, "\n"]);
        for check in CHECKS.iter().filter(|check| check.code.starts_with(prefix)) {
            let (code, title, remedy) = (check.code, check.title, check.remedy);
            page.extend(["\n### ", code, "\n\n", title, ". ", remedy, "\n"]);
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_made_from_the_table() {
        // To make it anew: UPDATE_EXPECT=1 cargo test -p antiphon doctor
        expect_test::expect_file!["../../../../../docs/doctor.md"].assert_eq(&page());
    }

    #[test]
    fn codes_are_in_order_and_once() {
        let codes: Vec<&str> = CHECKS.iter().map(|check| check.code).collect();
        let mut sorted = codes.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(codes, sorted);
    }
}
