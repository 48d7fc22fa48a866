//! The same tests over every engine: SQLite in memory, SQLite in a file, PostgreSQL.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod conformance {
    pub mod claim;
    pub mod commit;
    pub mod database;
    pub mod desk;
    pub mod entity;
    pub mod event;
    pub mod finish;
    pub mod journal;
    pub mod lease;
    pub mod manual;
    pub mod model;
    pub mod pairing;
    pub mod race;
    pub mod recover;
    pub mod sample;
    pub mod schema;
    pub mod upkeep;
}

use conformance::database::{Engine, run};

/// Runs each test on the given engines.
macro_rules! tests {
    ($($engine:ident as $folder:ident),+: $list:tt) => {
        $(mod $folder { tests!(@list $engine $list); })+
    };
    (@list $engine:ident { $($module:ident: $($name:ident),+;)+ }) => {
        $($(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let test = super::super::conformance::$module::$name;
                super::super::run(super::super::Engine::$engine, stringify!($name), test).await;
            }
        )+)+
    };
}

mod everywhere {
    tests! { Memory as memory, File as file, Postgres as postgres: {
        claim: claims_follow_priority, waiting_raises_priority, a_batch_is_claimed_together,
            a_batch_key_has_one_holder, later_operations_wait_for_their_time, paused_scopes_rest,
            blocked_operations_wait_for_what_they_need, cycles_are_refused, ready_at_tells_the_next_time,
            nothing_is_claimed_for_nothing;
        commit: a_failing_change_leaves_nothing, references_are_checked_at_the_end, an_empty_commit_is_fine;
        desk: accounts_and_their_sessions_go_together, the_audit_chain_holds_under_many_hands, hours_are_counted_once,
            history_is_searched_by_every_filter, overviews_answer_on_an_empty_database,
            failures_of_one_cause_stand_together, messages_wait_in_the_outbox;
        entity: entities_come_back_whole, an_old_revision_is_refused, an_item_has_one_entity,
            threads_come_topic_first, pages_follow_each_other, many_remote_ids_at_once, entities_are_counted,
            strange_text_survives, intents_open_and_close, conflicts_are_kept_and_reopened;
        event: deliveries_wait_until_handled, a_waiting_delivery_is_stored_once, cursors_move, pauses_are_listed;
        finish: a_second_wish_joins_the_first, completed_operations_move_to_history, failed_operations_stay_visible,
            a_retry_waits_with_its_failure, a_retry_joins_a_newer_wish, cancelled_runs_say_why,
            foreign_owners_finish_nothing, a_subject_runs_once, started_operations_need_the_lease,
            a_running_operation_changes_its_subject, a_busy_thread_refuses_retargeting, attempts_are_numbered,
            waiting_subjects_are_listed;
        journal: history_is_listed_newest_first, deletes_are_counted,
            transactions_keep_their_lines, a_transaction_turns_back_once;
        lease: leases_have_one_owner, a_heartbeat_extends_everything;
        manual: failed_operations_can_be_retried, a_retry_by_hand_joins_a_waiting_one, held_operations_are_released,
            waiting_operations_can_be_held, cancelled_operations_end, priorities_can_be_changed,
            running_operations_are_left_alone, operations_are_listed_and_counted;
        model: a_model_of_the_queue_agrees;
        pairing: a_new_pair_waits_until_it_is_matched_and_accepted, items_of_a_course_are_forgotten;
        recover: expired_leases_return, late_results_are_refused, poison_is_held, given_back_work_is_ready_at_once,
            work_that_always_comes_back_is_held;
        schema: every_statement_prepares, the_split_statements_are_known, the_version_is_the_newest;
        upkeep: ended_operations_go_to_the_archive_and_come_back, outworn_rows_go_in_steps,
            hours_become_days_and_no_count_is_lost, what_was_left_behind_is_found, facts_are_kept_and_taken_once,
            two_entities_become_one;
    } }
}

mod shared {
    tests! { File as file, Postgres as postgres: {
        race: eight_workers_never_share_a_batch, wishes_at_once_become_one, an_entity_is_saved_once,
            starting_at_once_makes_one_schema, sixteen_claimers_run_each_once_and_in_order,
            a_commit_that_is_cut_short_is_whole_or_nothing;
        schema: both_roads_lead_to_the_same_schema, a_newer_schema_is_refused, a_spoilt_row_is_named,
            everything_is_there_after_reopening;
    } }
}

mod sqlite {
    tests! { File as file: {
        schema: other_files_are_refused, copies_are_whole, a_file_is_inspected_and_free_pages_go_back,
            a_locked_file_says_so,
            a_server_that_is_not_there_is_unavailable;
    } }
}

mod server {
    tests! { Postgres as postgres: {
        race: a_lost_connection_is_replaced, a_doze_ends_with_a_wake;
    } }
}
