//! What the operators' pages read, and the counting of the journal behind them.

use model::{Cause, Conflict, ConflictState, EntityId, System, Timestamp};

use crate::desk::{
    Account, ApiToken, AuditLine, ChainCheck, CourseCount, ErrorGroup, HistorySearch, KeptAnswer,
    LoginSession, OperationSearch, OutboxLine, Run, Tally, Waiting,
};
use crate::error::Result;
use crate::operation::Operation;
use crate::queue::end;
use crate::record::HistoryEntry;
use crate::store::Store;
use crate::table::desk::{
    account, audit, error_group, kept_answer, outbox, overview, search, tally, token,
};

impl Store {
    /// The account of a name.
    pub async fn account(&self, name: &str) -> Result<Option<Account>> {
        account::by_name(&mut self.reader().await?, name).await
    }

    /// All accounts, by name.
    pub async fn accounts(&self) -> Result<Vec<Account>> {
        account::list(&mut self.reader().await?).await
    }

    /// The session of a digest, ended or not.
    pub async fn login_session(&self, digest: &str) -> Result<Option<LoginSession>> {
        account::session(&mut self.reader().await?, digest).await
    }

    /// The token of a digest, revoked or not.
    pub async fn api_token(&self, digest: &str) -> Result<Option<ApiToken>> {
        token::by_digest(&mut self.reader().await?, digest).await
    }

    /// All tokens, oldest first.
    pub async fn api_tokens(&self) -> Result<Vec<ApiToken>> {
        token::list(&mut self.reader().await?).await
    }

    /// A page of the audit log, newest first, by everyone or one.
    pub async fn audit(
        &self,
        who: Option<&str>,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<AuditLine>> {
        audit::page(&mut self.reader().await?, who, before, limit).await
    }

    /// Whether the audit log is whole and unchanged.
    pub async fn check_audit(&self) -> Result<ChainCheck> {
        audit::check(&mut self.reader().await?).await
    }

    /// The kept answer of a name.
    pub async fn kept_answer(&self, name: &str) -> Result<Option<KeptAnswer>> {
        kept_answer::by_name(&mut self.reader().await?, name).await
    }

    /// The error groups, last seen first.
    pub async fn error_groups(&self, limit: usize) -> Result<Vec<ErrorGroup>> {
        error_group::list(&mut self.reader().await?, limit).await
    }

    /// One error group; `system` is empty where there is none.
    pub async fn error_group(&self, cause: &Cause) -> Result<Option<ErrorGroup>> {
        error_group::one(&mut self.reader().await?, cause).await
    }

    /// The messages that are to be sent by `now`, longest due first.
    pub async fn outbox_due(&self, now: Timestamp, limit: usize) -> Result<Vec<OutboxLine>> {
        outbox::due(&mut self.reader().await?, now, limit).await
    }

    /// The newest messages of the outbox.
    pub async fn outbox(&self, limit: usize) -> Result<Vec<OutboxLine>> {
        outbox::list(&mut self.reader().await?, limit).await
    }

    /// Removes messages that were sent or given up before a time; returns how many.
    pub async fn prune_outbox(&self, before: Timestamp) -> Result<u64> {
        let mut session = self.backend.writer().await?;
        let result = outbox::prune(&mut session, before).await;
        end(session, result).await
    }

    /// A page of the journal, newest first.
    pub async fn search_history(&self, search: &HistorySearch) -> Result<Vec<HistoryEntry>> {
        search::history(&mut self.reader().await?, search).await
    }

    /// A page of operations, newest first.
    pub async fn search_operations(&self, search: &OperationSearch) -> Result<Vec<Operation>> {
        search::operations(&mut self.reader().await?, search).await
    }

    /// A page of a course's conflicts, newest first.
    pub async fn conflicts_of_course(
        &self,
        course: &EntityId,
        state: ConflictState,
        before: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Conflict>> {
        let what = (state.as_str(), course.as_str());
        search::conflicts(&mut self.reader().await?, what, before, limit).await
    }

    /// How many entities each course has, by kind and status.
    pub async fn course_counts(&self) -> Result<Vec<CourseCount>> {
        overview::courses(&mut self.reader().await?).await
    }

    /// How many conflicts are open in each course that has one.
    pub async fn open_conflict_counts(&self) -> Result<Vec<(EntityId, u64)>> {
        overview::open_conflicts(&mut self.reader().await?).await
    }

    /// What waits, runs or is held, by course and by the side that caused it.
    pub async fn waiting(&self) -> Result<Vec<Waiting>> {
        overview::waiting(&mut self.reader().await?).await
    }

    /// Runs of the newest operations, with how long each ran.
    pub async fn recent_runs(&self, limit: usize) -> Result<Vec<Run>> {
        overview::runs(&mut self.reader().await?, limit).await
    }

    /// The newest operations that have ended, with how long each took from its queueing.
    pub async fn recent_delays(&self, limit: usize) -> Result<Vec<Run>> {
        overview::delays(&mut self.reader().await?, limit).await
    }

    /// When a delivery of a system last came.
    pub async fn last_event(&self, system: System) -> Result<Option<Timestamp>> {
        overview::last_event(&mut self.reader().await?, system).await
    }

    /// The cursors with the time of their last move.
    pub async fn cursors(&self) -> Result<Vec<(String, Timestamp)>> {
        overview::cursors(&mut self.reader().await?).await
    }

    /// The newest entry of the journal: its id and time.
    pub async fn last_history(&self) -> Result<Option<(String, Timestamp)>> {
        overview::last_history(&mut self.reader().await?).await
    }

    /// When an action last happened in a course.
    pub async fn last_change(&self, course: &EntityId, action: &str) -> Result<Option<Timestamp>> {
        overview::last_change(&mut self.reader().await?, course, action).await
    }

    /// The size of the database in bytes.
    pub async fn size_bytes(&self) -> Result<u64> {
        overview::size(&mut self.reader().await?).await
    }

    /// The counted hours of a stretch of time, of all courses or one.
    pub async fn tallies(
        &self,
        from: Timestamp,
        until: Timestamp,
        course: Option<&EntityId>,
    ) -> Result<Vec<Tally>> {
        tally::range(&mut self.reader().await?, (from, until), course).await
    }

    /// Counts journal entries that are older than `until`, at most `limit`; returns how many. Only one process may do
    /// it at a time: hold a lease.
    ///
    /// An entry whose commit comes later than entries with a later id would be missed: keep `until` well behind `now`.
    pub async fn count_history(
        &self,
        until: Timestamp,
        now: Timestamp,
        limit: usize,
    ) -> Result<usize> {
        let mut session = self.backend.writer().await?;
        let result = tally::advance(&mut session, until, now, limit).await;
        end(session, result).await
    }

    /// Removes kept answers and counted hours from before these times; returns how many rows went.
    pub async fn prune_desk(&self, answers: Timestamp, tallies: Timestamp) -> Result<u64> {
        let mut session = self.backend.writer().await?;
        let result = async {
            let gone = kept_answer::prune(&mut session, answers).await?;
            Ok(gone + tally::prune(&mut session, tallies).await?)
        }
        .await;
        end(session, result).await
    }
}
