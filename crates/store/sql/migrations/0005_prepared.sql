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
