//! Every address with what it needs: read by the gate, by the OpenAPI file and by the test of every role.

use axum::http::Method;

/// What an address needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Nothing: it checks by itself, or has nothing to hide.
    Nothing,
    /// Anybody known; a teacher sees the own courses only.
    Own,
    /// Anybody known but a teacher.
    View,
    /// An operator, an admin, or a teacher for the own courses.
    OwnOperate,
    /// An operator or an admin.
    Operate,
    /// An admin.
    Administer,
}

/// One address.
pub(crate) struct Endpoint {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) need: Need,
    /// One sentence for the OpenAPI file.
    pub(crate) summary: &'static str,
    /// The names of query parameters, or of the fields of the JSON body.
    pub(crate) fields: &'static [&'static str],
}

const fn get(
    path: &'static str,
    need: Need,
    summary: &'static str,
    fields: &'static [&'static str],
) -> Endpoint {
    Endpoint {
        method: "GET",
        path,
        need,
        summary,
        fields,
    }
}

const fn post(
    path: &'static str,
    need: Need,
    summary: &'static str,
    fields: &'static [&'static str],
) -> Endpoint {
    Endpoint {
        method: "POST",
        path,
        need,
        summary,
        fields,
    }
}

use Need::{Administer, Nothing, Operate, Own, OwnOperate, View};

/// All addresses.
#[rustfmt::skip]
pub(crate) const ENDPOINTS: &[Endpoint] = &[
    get("/livez", Nothing, "Answers while the process runs.", &[]),
    get("/readyz", Nothing, "Answers 200 when the database can be read.", &[]),
    post("/webhook/discourse", Nothing, "Takes a signed delivery of Discourse.", &[]),
    post("/webhook/canvas", Nothing, "Takes a Live Event with an operator's token.", &[]),
    get("/sign-in", Nothing, "The form to sign in.", &[]),
    post("/sign-in", Nothing, "Signs in.", &[]),
    get("/style.css", Nothing, "The style sheet.", &[]),
    get("/script.js", Nothing, "The script.", &[]),
    get("/widget/status", Nothing, "A course's status for a frame; the address is signed.", &["course", "sig"]),
    get("/widget/history", Nothing, "A course's history for a frame; the address is signed.", &["course", "sig"]),
    get("/metrics", Nothing, "Prometheus metrics; needs a token unless the configuration says otherwise.", &[]),
    post("/sign-out", Own, "Signs out.", &[]),
    get("/", Own, "Status.", &[]),
    get("/live", Own, "Says when something changed, as server-sent events.", &[]),
    get("/course/{id}", Own, "A course.", &[]),
    post("/course/{id}/sync", Operate, "Looks at every thread of a course.", &[]),
    get("/history", Own, "History.", &[]),
    get("/item/{id}", Own, "The life of one item.", &[]),
    get("/conflicts", Own, "Conflicts.", &[]),
    get("/conflicts/{id}", Own, "A conflict.", &[]),
    post("/conflicts/{id}/resolve", OwnOperate, "Decides a conflict.", &[]),
    get("/queue", View, "Queue.", &[]),
    post("/queue/act", Operate, "Acts on operations.", &[]),
    get("/queue/{id}", View, "An operation.", &[]),
    post("/pause", Operate, "Pauses or resumes a scope.", &[]),
    get("/errors", View, "Errors by cause.", &[]),
    post("/errors/note", Operate, "Mutes or resolves a group of errors.", &[]),
    get("/performance", View, "Performance.", &[]),
    get("/maintenance", View, "Maintenance.", &[]),
    post("/maintenance/run", Operate, "Asks for a run of a maintenance job, or for a preview.", &[]),
    get("/audit", View, "Audit.", &[]),
    get("/setup", View, "Setup.", &[]),
    post("/setup/notify-test", Operate, "Sends a test message through each channel.", &[]),
    get("/api/docs", View, "This list for people.", &[]),
    get("/api/v1/openapi.json", View, "This list for programs.", &[]),
    get("/api/v1/status", Own, "How things stand, by course.", &[]),
    get("/api/v1/entities", View, "Entities in the order of their ids.", &["kind", "status", "course", "after", "limit"]),
    get("/api/v1/entities/{id}", Own, "One entity.", &[]),
    post("/api/v1/entities/act", Operate,
        "Forces, undoes, skips, unskips, resets, holds or releases items by id or by filter, no more than `max_changes`.",
        &["verb", "side", "ids", "filter", "reason", "max_changes", "dry_run"]),
    Endpoint { method: "PATCH", path: "/api/v1/entities/{id}", need: Operate,
        summary: "Edits the local copy; the change goes to both systems.",
        fields: &["title", "body", "locked", "pinned", "deleted"] },
    get("/api/v1/history", Own, "The journal, newest first.",
        &["course", "entity", "thread", "action", "system", "result", "from_ms", "until_ms", "before", "limit"]),
    get("/api/v1/conflicts", Own, "Conflicts, newest first.", &["state", "course", "before", "limit"]),
    get("/api/v1/conflicts/{id}", Own, "One conflict with every side's text.", &[]),
    post("/api/v1/conflicts/{id}/resolve", OwnOperate, "Takes one side, or a text of your own.", &["take", "body", "title", "reason"]),
    get("/api/v1/matches", View, "Items that are the same on both sides, or may be; what waits for a person first.", &["course", "state"]),
    post("/api/v1/matches/undo", Operate, "Forgets what was matched in a course, until the first write.", &["course", "reason"]),
    post("/api/v1/matches/{id}/accept", Operate, "Makes one item of two; `canvas` and `discourse` say which where there are more.",
        &["canvas", "discourse", "reason"]),
    post("/api/v1/matches/{id}/reject", Operate, "Says that the items are different.", &["reason"]),
    get("/api/v1/operations", View, "Operations, newest first.", &["state", "course", "entity", "priority", "code", "before", "limit"]),
    get("/api/v1/operations/{id}", View, "One operation with its attempts.", &[]),
    post("/api/v1/operations/act", Operate, "Acts on operations by id or by filter, no more than `max_changes`.",
        &["verb", "ids", "filter", "priority", "reason", "max_changes", "dry_run"]),
    get("/api/v1/courses/{id}/roster", Operate, "The groups of a course's people: who is leaving, who has no account.", &[]),
    post("/api/v1/courses/{id}/roster/sync", Operate, "Looks at a course's people now.", &[]),
    get("/api/v1/pauses", View, "What rests.", &[]),
    post("/api/v1/pauses", Operate, "Pauses a scope.", &["scope", "reason"]),
    post("/api/v1/pauses/resume", Operate, "Lets a scope go on.", &["scope", "reason"]),
    get("/api/v1/errors", View, "Failures by cause.", &["limit"]),
    post("/api/v1/errors/note", Operate, "Mutes, resolves or reopens a group.", &["code", "system", "kind", "verb", "hours", "reason"]),
    get("/api/v1/notifications", View, "The newest messages to those who run the service.", &["limit"]),
    post("/api/v1/notifications/test", Operate, "Sends a test message through each channel.", &[]),
    get("/api/v1/maintenance", View, "Maintenance jobs with their last result, last preview and next run.", &[]),
    post("/api/v1/maintenance/run", Operate, "Asks for a run of a job; the process with the duties does it within seconds.",
        &["job", "dry_run", "reason"]),
    get("/api/v1/maintenance/drift", View, "For each course whether both sides say the same.", &[]),
    get("/api/v1/audit", View, "The audit log, newest first.", &["who", "before", "limit"]),
    get("/api/v1/tokens", Administer, "Tokens, without their secrets.", &[]),
    post("/api/v1/tokens", Administer, "Makes a token; it is shown once.", &["label", "role", "courses", "days", "reason"]),
    post("/api/v1/tokens/{id}/revoke", Administer, "Revokes a token.", &["reason"]),
    get("/api/v1/users", Administer, "Accounts.", &[]),
];

/// What an address needs; `None` for one that is not answered.
pub(crate) fn need(method: &Method, path: &str) -> Option<Need> {
    let method = if method == Method::HEAD {
        "GET"
    } else {
        method.as_str()
    };
    ENDPOINTS
        .iter()
        .find(|endpoint| endpoint.method == method && endpoint.path == path)
        .map(|endpoint| endpoint.need)
}
