-- A person who may sign in. `password` is an argon2id hash with its parameters; `courses` is the JSON list of the
-- courses of a teacher.
CREATE TABLE account (
    name TEXT PRIMARY KEY,
    password TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('viewer', 'operator', 'admin', 'teacher')),
    courses TEXT NOT NULL,
    created_ms BIGINT NOT NULL
);

-- Who is signed in. `digest` is that of the cookie's secret, which is stored nowhere; `csrf` is what forms carry.
CREATE TABLE login_session (
    digest TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES account (name) ON DELETE CASCADE,
    csrf TEXT NOT NULL,
    began_ms BIGINT NOT NULL,
    seen_ms BIGINT NOT NULL,
    until_ms BIGINT NOT NULL
);
CREATE INDEX login_session_account ON login_session (account);
CREATE INDEX login_session_until ON login_session (until_ms);

-- Tokens of programs that call the admin API; the token itself is stored nowhere.
CREATE TABLE api_token (
    id TEXT PRIMARY KEY,
    label TEXT NOT NULL,
    digest TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('viewer', 'operator', 'admin', 'teacher')),
    courses TEXT NOT NULL,
    made_by TEXT NOT NULL,
    made_ms BIGINT NOT NULL,
    until_ms BIGINT,
    revoked_ms BIGINT
);
CREATE UNIQUE INDEX api_token_digest ON api_token (digest);

-- What people did, and what was refused to them. Append only: `digest` is over the row and the digest before it, so
-- that a line that was changed or taken out shows. The head of the chain stands in `meta` as `audit_head`.
CREATE TABLE audit (
    number BIGINT PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    who TEXT NOT NULL,
    act TEXT NOT NULL,
    subject TEXT NOT NULL,
    why TEXT NOT NULL,
    origin TEXT NOT NULL,
    result TEXT NOT NULL,
    digest TEXT NOT NULL
);

-- The answer to a write that carried an Idempotency-Key, so that its repetition gets the same one.
CREATE TABLE kept_answer (
    name TEXT PRIMARY KEY,
    request TEXT NOT NULL,
    status BIGINT NOT NULL,
    body TEXT NOT NULL,
    at_ms BIGINT NOT NULL
);
CREATE INDEX kept_answer_at ON kept_answer (at_ms);

-- How many journal entries each hour had, by course and name: an action, or `failure:CODE:SYSTEM`. Counted from the
-- journal behind the cursor `tally`, so that no page has to count the journal itself. No course is the empty text.
CREATE TABLE tally (
    hour_ms BIGINT NOT NULL,
    course_id TEXT NOT NULL,
    name TEXT NOT NULL,
    entries BIGINT NOT NULL,
    PRIMARY KEY (hour_ms, course_id, name)
);

-- Failures by cause, with what people said about them. A group that is seen again after it was resolved is open again.
CREATE TABLE error_group (
    code TEXT NOT NULL,
    system TEXT NOT NULL,
    class TEXT NOT NULL,
    message TEXT NOT NULL,
    remedy TEXT NOT NULL,
    entries BIGINT NOT NULL,
    first_ms BIGINT NOT NULL,
    last_ms BIGINT NOT NULL,
    muted_until_ms BIGINT,
    resolved_ms BIGINT,
    noted_by TEXT NOT NULL,
    noted_why TEXT NOT NULL,
    PRIMARY KEY (code, system)
);
CREATE INDEX error_group_last ON error_group (last_ms);

-- The journal by action, by action in a course, and what failed.
CREATE INDEX history_action ON history (action, id);
CREATE INDEX history_course_action ON history (course_id, action, id) WHERE course_id IS NOT NULL;
CREATE INDEX history_failure ON history (id) WHERE failure IS NOT NULL;
-- Counts by course, and when something last came.
CREATE INDEX entity_course_status ON entity (course_id, kind, status);
CREATE INDEX webhook_event_received ON webhook_event (system, received_ms);
