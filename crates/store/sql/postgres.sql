-- Settings of PostgreSQL alone, applied after the schema: they change speed, never meaning.
--
-- The queue's rows are rewritten many times in a short life. Free room in each page keeps the new versions beside the
-- old ones, and frequent vacuums keep the claim index small.
ALTER TABLE operation SET (
    fillfactor = 70,
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 500,
    autovacuum_analyze_scale_factor = 0.05,
    autovacuum_vacuum_cost_delay = 0
);
ALTER TABLE worker SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);
ALTER TABLE queue_count SET (
    fillfactor = 50,
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 500
);
ALTER TABLE course_share SET (
    fillfactor = 70,
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 500
);
ALTER TABLE lease SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);
ALTER TABLE operation_history SET (autovacuum_analyze_scale_factor = 0.05);
ALTER TABLE replica SET (fillfactor = 85);
