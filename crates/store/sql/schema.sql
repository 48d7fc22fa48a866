-- The whole database as a new deployment gets it. Read this file to know what is kept; `migrations/` leads older
-- databases to the same state, and a test compares both roads.
--
-- The portable subset: TEXT and BIGINT only; times are Unix milliseconds in columns that end in `_ms` and are always
-- bound by the caller; ids are made in Rust; JSON is text that is read whole; no defaults, triggers or serial columns.

-- Facts about the database itself. The row `schema_version` says which migrations it has.
CREATE TABLE IF NOT EXISTS meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- One thing kept in step: a course, a topic, a post. `shadow` is the record that the systems last agreed on. `revision`
-- counts the saves, and every save names the revision it read. The references are checked when a transaction ends, so
-- that parents and children of one thread can be stored in any order.
CREATE TABLE entity (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    course_id TEXT NOT NULL REFERENCES entity (id) DEFERRABLE INITIALLY DEFERRED,
    container_id TEXT REFERENCES entity (id) DEFERRABLE INITIALLY DEFERRED,
    parent_id TEXT REFERENCES entity (id) DEFERRABLE INITIALLY DEFERRED,
    shadow TEXT,
    status TEXT NOT NULL
        CHECK (status IN ('in_sync', 'pending', 'conflict', 'held', 'failed', 'skipped')),
    reason TEXT,
    revision BIGINT NOT NULL CHECK (revision > 0),
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL
);
-- A course's entities by kind, in the order of their ids.
CREATE INDEX entity_course ON entity (course_id, kind, id);
-- A thread's posts.
CREATE INDEX entity_container ON entity (container_id);
-- The lists of what is held, failed or in conflict, and the counts by kind and status.
CREATE INDEX entity_status ON entity (status, kind, id);

-- An entity's copy in one system, the local database included: its id there, the version vector, the record last seen.
-- One item of a system belongs to one entity.
CREATE TABLE replica (
    entity_id TEXT NOT NULL REFERENCES entity (id) DEFERRABLE INITIALLY DEFERRED,
    system TEXT NOT NULL CHECK (system IN ('canvas', 'discourse', 'local')),
    kind TEXT NOT NULL,
    remote_id TEXT NOT NULL,
    vector TEXT NOT NULL,
    record TEXT NOT NULL,
    existence TEXT NOT NULL CHECK (existence IN ('present', 'deleted', 'missing')),
    missing_since_ms BIGINT,
    mark TEXT,
    seen_ms BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    base TEXT,
    owed TEXT NOT NULL,
    PRIMARY KEY (entity_id, system),
    CHECK ((existence = 'missing') = (missing_since_ms IS NOT NULL))
);
CREATE UNIQUE INDEX replica_remote ON replica (system, kind, remote_id);

-- What is stored before a write leaves the process. An open one means that the write may or may not have happened.
CREATE TABLE intent (
    id TEXT PRIMARY KEY,
    entity_id TEXT NOT NULL REFERENCES entity (id) DEFERRABLE INITIALLY DEFERRED,
    system TEXT NOT NULL CHECK (system IN ('canvas', 'discourse', 'local')),
    action TEXT NOT NULL CHECK (action IN ('create', 'edit', 'delete', 'restore')),
    create_key TEXT NOT NULL,
    record TEXT NOT NULL,
    fields TEXT NOT NULL,
    expected TEXT,
    vector TEXT NOT NULL,
    operation_id TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'applied', 'abandoned')),
    receipt TEXT,
    created_ms BIGINT NOT NULL,
    closed_ms BIGINT
);
CREATE INDEX intent_open ON intent (entity_id) WHERE state = 'open';

-- Concurrent changes with all their values. Nothing is ever removed from it; a decision can be taken again.
CREATE TABLE conflict (
    id TEXT PRIMARY KEY,
    entity_id TEXT NOT NULL REFERENCES entity (id) DEFERRABLE INITIALLY DEFERRED,
    state TEXT NOT NULL CHECK (state IN ('open', 'resolved')),
    strategy TEXT NOT NULL,
    decided_by TEXT NOT NULL,
    base TEXT,
    sides TEXT NOT NULL,
    result TEXT,
    fields TEXT NOT NULL,
    opened_ms BIGINT NOT NULL,
    resolved_ms BIGINT
);
CREATE INDEX conflict_entity ON conflict (entity_id, id);
CREATE INDEX conflict_state ON conflict (state, id);

-- The sync queue: only what is still to be done, running, or held. `subject` is what the operation looks at; at most
-- one operation of a subject waits, one runs and one is held.
--
-- `priority` is 0 (critical) to 4 (background). `rank_ms` is the order of claims: the time at which the operation
-- became due plus the head start that its priority gives away, so that waiting raises everything alike and nothing
-- starves; and plus its place among what its course queued before it, so that courses share.
-- `turn` keeps the order within a `batch_key`: 2 is the one operation of the key whose turn it is, waiting or running;
-- 1 is due and waits for the turn; 0 is not due, blocked, held, or runs beside the one that has the turn. Claims read
-- waiting operations with the turn and nothing else, and whoever claims one holds its key.
-- `attempt_count` decides about back-off and starts again after a manual retry; `run_count` only grows and numbers the
-- attempts; `lost_count` and `returned_count` count runs in a row that ended without an outcome. `folded_priority` is
-- the priority before the last wish that joined this one.
CREATE TABLE operation (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    entity_id TEXT,
    course_id TEXT,
    system TEXT,
    remote_id TEXT,
    batch_key TEXT NOT NULL,
    reason TEXT NOT NULL,
    priority BIGINT NOT NULL CHECK (priority BETWEEN 0 AND 4),
    folded_priority BIGINT,
    rank_ms BIGINT NOT NULL,
    not_before_ms BIGINT NOT NULL,
    turn BIGINT NOT NULL CHECK (turn BETWEEN 0 AND 2),
    blocked_on TEXT,
    state TEXT NOT NULL CHECK (state IN ('pending', 'in_progress', 'held')),
    attempt_count BIGINT NOT NULL,
    run_count BIGINT NOT NULL,
    lost_count BIGINT NOT NULL,
    returned_count BIGINT NOT NULL,
    lease_owner TEXT,
    started_ms BIGINT,
    failure TEXT,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    CHECK ((state = 'in_progress') = (lease_owner IS NOT NULL)),
    CHECK (state = 'pending' OR turn <> 1),
    CHECK (state <> 'held' OR turn = 0),
    CHECK (blocked_on IS NULL OR turn = 0)
);
CREATE UNIQUE INDEX operation_subject ON operation (subject, state);
-- A batch key has one holder.
CREATE UNIQUE INDEX operation_turn ON operation (batch_key) WHERE turn = 2;
-- Exactly the order of claims, over nothing but what can be claimed.
CREATE INDEX operation_ready ON operation (rank_ms, id) WHERE state = 'pending' AND turn = 2;
-- Who is next within a batch key.
CREATE INDEX operation_next ON operation (batch_key, rank_ms, id) WHERE turn = 1;
-- What becomes due next.
CREATE INDEX operation_waiting ON operation (not_before_ms)
    WHERE state = 'pending' AND turn = 0 AND blocked_on IS NULL;
CREATE INDEX operation_blocked ON operation (blocked_on) WHERE blocked_on IS NOT NULL;
-- What runs beside the holder of a batch key, and what of the key is not due.
CREATE INDEX operation_beside ON operation (batch_key, state) WHERE turn = 0;
CREATE INDEX operation_owner ON operation (lease_owner) WHERE state = 'in_progress';
CREATE INDEX operation_entity ON operation (entity_id, id) WHERE entity_id IS NOT NULL;

-- Operations that came to an end. A failed one can be retried: it then moves back under its own id.
CREATE TABLE operation_history (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    entity_id TEXT,
    course_id TEXT,
    system TEXT,
    remote_id TEXT,
    batch_key TEXT NOT NULL,
    reason TEXT NOT NULL,
    priority BIGINT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('completed', 'failed', 'cancelled')),
    attempt_count BIGINT NOT NULL,
    run_count BIGINT NOT NULL,
    failure TEXT,
    note TEXT,
    created_ms BIGINT NOT NULL,
    ended_ms BIGINT NOT NULL
);
CREATE INDEX operation_history_state ON operation_history (state, id) WHERE state <> 'completed';
CREATE INDEX operation_history_failed ON operation_history (priority, ended_ms) WHERE state = 'failed';
CREATE INDEX operation_history_entity ON operation_history (entity_id, id) WHERE entity_id IS NOT NULL;

-- One run of an operation and how it ended.
CREATE TABLE attempt (
    operation_id TEXT NOT NULL,
    number BIGINT NOT NULL,
    owner TEXT NOT NULL,
    started_ms BIGINT NOT NULL,
    ended_ms BIGINT NOT NULL,
    result TEXT NOT NULL
        CHECK (result IN ('completed', 'retry', 'failed', 'held', 'cancelled', 'lost', 'given_back')),
    failure TEXT,
    PRIMARY KEY (operation_id, number)
);

-- Who runs operations, one row for each owner: everything it runs is its own until this time. `idle` is 1 while it
-- waits for somebody to wake it.
CREATE TABLE worker (
    owner TEXT PRIMARY KEY,
    until_ms BIGINT NOT NULL,
    idle BIGINT NOT NULL CHECK (idle IN (0, 1))
);
CREATE INDEX worker_until ON worker (until_ms);

-- How many operations stand where, kept by whoever moves them: the sum over `shard` counts, and shards keep workers
-- from waiting for each other.
CREATE TABLE queue_count (
    shard BIGINT NOT NULL,
    state TEXT NOT NULL,
    priority BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    PRIMARY KEY (shard, state, priority)
);

-- The last place in the order of claims that a course has taken at each priority.
CREATE TABLE course_share (
    course_id TEXT NOT NULL,
    priority BIGINT NOT NULL,
    rank_ms BIGINT NOT NULL,
    PRIMARY KEY (course_id, priority)
);

-- The processes that run workers, and when each last said that it lives.
CREATE TABLE node (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    version TEXT NOT NULL,
    workers BIGINT NOT NULL,
    started_ms BIGINT NOT NULL,
    seen_ms BIGINT NOT NULL
);

-- A time-limited right to do a duty that only one process may do.
CREATE TABLE lease (
    name TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    until_ms BIGINT NOT NULL
);
CREATE INDEX lease_owner ON lease (owner);
CREATE INDEX lease_until ON lease (until_ms);

-- What happened to an entity, for people to read. Append only; holds no words that users wrote.
CREATE TABLE history (
    id TEXT PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    entity_id TEXT,
    course_id TEXT,
    system TEXT,
    action TEXT NOT NULL,
    operation_id TEXT,
    note TEXT NOT NULL,
    failure TEXT
);
CREATE INDEX history_entity ON history (entity_id, id) WHERE entity_id IS NOT NULL;
CREATE INDEX history_course ON history (course_id, id) WHERE course_id IS NOT NULL;
-- The delete budget counts these.
CREATE INDEX history_delete ON history (course_id, at_ms) WHERE action = 'delete';
CREATE INDEX history_at ON history (at_ms);

-- The position in a change feed; moved in the transaction that queues what the feed showed.
CREATE TABLE cursor (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    updated_ms BIGINT NOT NULL
);

-- Deliveries of webhooks and Live Events, stored before they are answered. The same body is kept once while it waits.
CREATE TABLE webhook_event (
    id TEXT PRIMARY KEY,
    system TEXT NOT NULL,
    name TEXT NOT NULL,
    delivery_id TEXT,
    digest TEXT NOT NULL,
    body TEXT NOT NULL,
    received_ms BIGINT NOT NULL,
    processed_ms BIGINT,
    result TEXT
);
CREATE UNIQUE INDEX webhook_event_waiting ON webhook_event (system, name, digest) WHERE processed_ms IS NULL;
CREATE INDEX webhook_event_order ON webhook_event (received_ms, id) WHERE processed_ms IS NULL;
CREATE INDEX webhook_event_processed ON webhook_event (processed_ms) WHERE processed_ms IS NOT NULL;

-- What rests, by whom and why. Scopes: `all`, `system:NAME`, `kind:NAME`, `course:ID`.
CREATE TABLE pause (
    scope TEXT PRIMARY KEY,
    who TEXT NOT NULL,
    why TEXT NOT NULL,
    since_ms BIGINT NOT NULL
);

-- The unit of work of an attempt. `result` is empty between begin and end.
CREATE TABLE sync_transaction (
    id TEXT PRIMARY KEY,
    operation_id TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    parent_id TEXT REFERENCES sync_transaction (id) DEFERRABLE INITIALLY DEFERRED,
    isolation TEXT NOT NULL CHECK (isolation IN ('read_committed', 'repeatable_read', 'serializable')),
    began_ms BIGINT NOT NULL,
    ended_ms BIGINT,
    result TEXT CHECK (result IN ('committed', 'rolled_back')),
    CHECK ((ended_ms IS NULL) = (result IS NULL))
);
CREATE INDEX sync_transaction_entity ON sync_transaction (entity_id, id);
CREATE INDEX sync_transaction_ended ON sync_transaction (ended_ms) WHERE ended_ms IS NOT NULL;

-- The log of a sync transaction, line by line, never rewritten. `number` names the step; a step has a line for each of
-- its phases and for each time that it was tried.
CREATE TABLE transaction_step (
    transaction_id TEXT NOT NULL REFERENCES sync_transaction (id) DEFERRABLE INITIALLY DEFERRED,
    line BIGINT NOT NULL,
    number BIGINT NOT NULL,
    system TEXT NOT NULL,
    action TEXT NOT NULL,
    phase TEXT NOT NULL CHECK (phase IN ('prepare', 'apply', 'compensate', 'skip')),
    record_before TEXT,
    record_after TEXT,
    failure TEXT,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (transaction_id, line)
);

-- What a sync transaction that has not ended needs to go on or to be undone; it goes when the transaction ends.
-- `vector` is the local database's when it began: a later decision is a transaction of its own. `cause` says why it is
-- being rolled back, `stuck` why that does not work by itself.
CREATE TABLE prepared_transaction (
    transaction_id TEXT PRIMARY KEY REFERENCES sync_transaction (id) DEFERRABLE INITIALLY DEFERRED,
    entity_id TEXT NOT NULL,
    entity_before TEXT NOT NULL,
    vector TEXT NOT NULL,
    cause TEXT,
    stuck TEXT,
    CHECK (stuck IS NULL OR cause IS NOT NULL)
);
CREATE INDEX prepared_transaction_entity ON prepared_transaction (entity_id);

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

-- How many journal entries each hour had, by course and name: an action, or `failure:CODE:SYSTEM:KIND`. Counted from
-- the journal behind the cursor `tally`, so that no page has to count the journal itself. No course is the empty text.
CREATE TABLE tally (
    hour_ms BIGINT NOT NULL,
    course_id TEXT NOT NULL,
    name TEXT NOT NULL,
    entries BIGINT NOT NULL,
    PRIMARY KEY (hour_ms, course_id, name)
);

-- Failures by cause, with what people said about them. A group that is seen again after it was resolved is open again.
-- `episode` is set while people know of it; `counted_from` is how many entries there were when the episode began.
CREATE TABLE error_group (
    code TEXT NOT NULL,
    system TEXT NOT NULL,
    kind TEXT NOT NULL,
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
    counted_from BIGINT NOT NULL,
    episode TEXT,
    told_ms BIGINT,
    told_entries BIGINT NOT NULL,
    PRIMARY KEY (code, system, kind)
);
CREATE INDEX error_group_last ON error_group (last_ms);

-- Messages to those who run the service, until a channel has taken them. `id` goes along as the idempotency key: a
-- message that was taken and not noted as sent is sent again. `body` is the message as JSON.
CREATE TABLE outbox (
    id TEXT PRIMARY KEY,
    channel TEXT NOT NULL,
    body TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'sent', 'given_up')),
    attempts BIGINT NOT NULL,
    next_ms BIGINT NOT NULL,
    failure TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    ended_ms BIGINT
);
CREATE INDEX outbox_due ON outbox (next_ms) WHERE state = 'pending';
CREATE INDEX outbox_ended ON outbox (ended_ms) WHERE state <> 'pending';

-- The journal by action, by action in a course, and what failed.
CREATE INDEX history_action ON history (action, id);
CREATE INDEX history_course_action ON history (course_id, action, id) WHERE course_id IS NOT NULL;
CREATE INDEX history_failure ON history (id) WHERE failure IS NOT NULL;
-- Counts by course, and when something last came.
CREATE INDEX entity_course_status ON entity (course_id, kind, status);
CREATE INDEX webhook_event_received ON webhook_event (system, received_ms);
