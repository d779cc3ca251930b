//! Rows of `task` as values.

use sea_orm::{DbErr, QueryResult, TryGetable};

use super::statements::Statements;
use crate::error::StorageError;
use crate::value::{
    Boot, Callback, Hash, JobId, JobRow, JobState, JobSummary, Lease, Reason, Request, RowError, Status, Timestamp,
};

/// The columns of a [`JobSummary`], in the order in which [`summary`] reads them.
pub(super) const SUMMARY: &str = "id, uuid, name, lease, birth, input_hash, create_time, update_time, wake_at, status, \
                                  step, step_name, steps, plan, callback, callback_attempt, boot, host, attempt, \
                                  crashes, restarts, reason, request, error, progress, history, generations";

/// Those of a [`JobRow`].
pub(super) const ROW: &str = "id, uuid, name, lease, birth, input_hash, create_time, update_time, wake_at, status, \
                              step, step_name, steps, plan, callback, callback_attempt, boot, host, attempt, crashes, \
                              restarts, reason, request, error, progress, history, generations, input, \
                              responses";

/// Reads a row of the columns [`SUMMARY`].
pub(super) fn summary(sql: &Statements, row: &QueryResult) -> Result<JobSummary, StorageError> {
    Reader::new(sql, row)?.summary().map_err(StorageError::Row)
}

/// Reads a row of the columns [`ROW`].
pub(super) fn whole(sql: &Statements, row: &QueryResult) -> Result<JobRow, StorageError> {
    let mut reader = Reader::new(sql, row)?;
    let summary = reader.summary()?;
    Ok(JobRow { summary, input: reader.next("input")?, outputs: reader.next("responses")? })
}

/// Reads columns one after the other.
struct Reader<'a> {
    row: &'a QueryResult,
    id: JobId,
    next: usize,
}

impl<'a> Reader<'a> {
    fn new(sql: &Statements, row: &'a QueryResult) -> Result<Self, StorageError> {
        let id = row.try_get_by_index(0).map_err(sql.dialect.classify)?;
        Ok(Self { row, id: JobId(id), next: 1 })
    }

    fn next<T: TryGetable>(&mut self, column: &'static str) -> Result<T, RowError> {
        let value = self.row.try_get_by_index(self.next).map_err(|error: DbErr| self.error(column, error.to_string()));
        self.next += 1;
        value
    }

    fn code<T>(&mut self, column: &'static str, known: impl Fn(i32) -> Option<T>) -> Result<T, RowError> {
        let code = self.next(column)?;
        known(code).ok_or_else(|| self.error(column, format!("{code}, which this version does not know")))
    }

    fn hash(&mut self, column: &'static str) -> Result<Hash, RowError> {
        let bytes: Vec<u8> = self.next(column)?;
        let length = bytes.len();
        let hash = bytes.try_into().map_err(|_| self.error(column, format!("{length} bytes instead of 32")))?;
        Ok(Hash(hash))
    }

    fn error(&self, column: &'static str, value: String) -> RowError {
        RowError { id: self.id, column, value }
    }

    fn summary(&mut self) -> Result<JobSummary, RowError> {
        Ok(JobSummary {
            id: self.id,
            keyword: self.next("uuid")?,
            name: self.next("name")?,
            lease: Lease(self.next("lease")?),
            birth: self.next("birth")?,
            input_hash: self.hash("input_hash")?,
            created: Timestamp(self.next("create_time")?),
            updated: Timestamp(self.next("update_time")?),
            wake_at: Timestamp(self.next("wake_at")?),
            state: self.state()?,
            request: self.code("request", Request::from_code)?,
            error: self.next("error")?,
            progress: self.next("progress")?,
            history: self.next("history")?,
            generations: self.next("generations")?,
        })
    }

    fn state(&mut self) -> Result<JobState, RowError> {
        Ok(JobState {
            status: self.code("status", Status::from_code)?,
            step: self.next("step")?,
            step_name: self.next::<String>("step_name")?.into(),
            steps: self.next("steps")?,
            plan: self.next("plan")?,
            callback: self.code("callback", Callback::from_code)?,
            callback_attempt: self.next("callback_attempt")?,
            boot: Boot(self.next("boot")?),
            host: self.next::<String>("host")?.into(),
            attempt: self.next("attempt")?,
            crashes: self.next("crashes")?,
            restarts: self.next("restarts")?,
            reason: self.code("reason", Reason::from_code)?,
        })
    }
}
