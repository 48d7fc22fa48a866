-- The queue hands out turns: one operation of a batch key has it, claims read only those. Leases are kept by worker,
-- not by operation; counts are kept where operations move; courses share. Never edited after release.
--
-- What an older program was running waits again: its late results miss their guard.

CREATE TABLE operation_copy AS SELECT * FROM operation;
DROP TABLE operation;

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
CREATE UNIQUE INDEX operation_turn ON operation (batch_key) WHERE turn = 2;
CREATE INDEX operation_ready ON operation (rank_ms, id) WHERE state = 'pending' AND turn = 2;
CREATE INDEX operation_next ON operation (batch_key, rank_ms, id) WHERE turn = 1;
CREATE INDEX operation_waiting ON operation (not_before_ms)
    WHERE state = 'pending' AND turn = 0 AND blocked_on IS NULL;
CREATE INDEX operation_blocked ON operation (blocked_on) WHERE blocked_on IS NOT NULL;
CREATE INDEX operation_beside ON operation (batch_key, state) WHERE turn = 0;
CREATE INDEX operation_owner ON operation (lease_owner) WHERE state = 'in_progress';
CREATE INDEX operation_entity ON operation (entity_id, id) WHERE entity_id IS NOT NULL;

INSERT INTO operation (id, kind, subject, entity_id, course_id, system, remote_id, batch_key, reason, priority,
    rank_ms, not_before_ms, turn, blocked_on, state, attempt_count, run_count, lost_count, returned_count, failure,
    created_ms, updated_ms)
SELECT c.id, c.kind, c.subject, c.entity_id, c.course_id, c.system, c.remote_id, c.batch_key, c.reason, c.priority,
    c.rank_ms, c.not_before_ms, c.ready, c.blocked_on, c.state, c.attempt_count, c.run_count, c.lost_count,
    c.returned_count, c.failure, c.created_ms, c.updated_ms
FROM operation_copy c WHERE c.state <> 'in_progress';
INSERT INTO operation (id, kind, subject, entity_id, course_id, system, remote_id, batch_key, reason, priority,
    rank_ms, not_before_ms, turn, state, attempt_count, run_count, lost_count, returned_count, failure,
    created_ms, updated_ms)
SELECT c.id, c.kind, c.subject, c.entity_id, c.course_id, c.system, c.remote_id, c.batch_key, c.reason, c.priority,
    c.rank_ms, c.not_before_ms, 1, 'pending', c.attempt_count, c.run_count, c.lost_count,
    c.returned_count, c.failure, c.created_ms, c.updated_ms
FROM operation_copy c WHERE c.state = 'in_progress' AND NOT EXISTS
    (SELECT 1 FROM operation o WHERE o.subject = c.subject AND o.state = 'pending');
DROP TABLE operation_copy;
UPDATE operation SET turn = 2 WHERE id IN (SELECT o.id FROM operation o WHERE o.turn = 1 AND NOT EXISTS (SELECT 1
    FROM operation b WHERE b.batch_key = o.batch_key AND b.turn = 1 AND (b.rank_ms, b.id) < (o.rank_ms, o.id)));

DROP INDEX operation_history_state;
DROP INDEX operation_history_ended;
CREATE INDEX operation_history_state ON operation_history (state, id) WHERE state <> 'completed';
DROP INDEX attempt_ended;

CREATE TABLE worker (
    owner TEXT PRIMARY KEY,
    until_ms BIGINT NOT NULL,
    idle BIGINT NOT NULL CHECK (idle IN (0, 1))
);
CREATE INDEX worker_until ON worker (until_ms);

CREATE TABLE queue_count (
    shard BIGINT NOT NULL,
    state TEXT NOT NULL,
    priority BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    PRIMARY KEY (shard, state, priority)
);

CREATE TABLE course_share (
    course_id TEXT NOT NULL,
    priority BIGINT NOT NULL,
    rank_ms BIGINT NOT NULL,
    PRIMARY KEY (course_id, priority)
);

CREATE TABLE node (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    version TEXT NOT NULL,
    workers BIGINT NOT NULL,
    started_ms BIGINT NOT NULL,
    seen_ms BIGINT NOT NULL
);

INSERT INTO queue_count (shard, state, priority, amount)
SELECT 0, state, priority, count(*) FROM operation GROUP BY state, priority;
INSERT INTO queue_count (shard, state, priority, amount)
SELECT 0, state, priority, count(*) FROM operation_history WHERE state = 'failed' GROUP BY state, priority;
DELETE FROM lease;
