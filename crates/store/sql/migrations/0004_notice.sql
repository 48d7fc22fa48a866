-- Until now no failure reached the journal, so that there are no groups to carry over.
DROP TABLE error_group;
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
