//! Rows that a transaction of somebody else has locked: they are passed over, so that nobody waits for them but their own
//! jobs.

use std::collections::BTreeSet;

use super::SqlStorage;
use super::batch::MOST_ROWS;
use super::lent::Lent;
use super::statements::{Statements, list};
use crate::error::StorageError;
use crate::value::{Claim, Claimed, JobId, JobWrite, Owner, Written};

impl SqlStorage {
    /// Carries out the writes whose rows are not locked, after `error` said that one is.
    pub(super) async fn write_unlocked(
        &self,
        writes: &[&JobWrite],
        error: StorageError,
    ) -> Result<Vec<Written>, StorageError> {
        let ids: Vec<JobId> = writes.iter().map(|write| write.id).collect();
        let Some(unlocked) = self.unlocked(&ids).await? else { return Err(error) };
        let free = |write: &&JobWrite| unlocked.contains(&write.id);
        let written = self.send_writes(&writes.iter().copied().filter(free).collect::<Vec<_>>()).await?;
        let mut written = written.into_iter();
        let answer =
            |write: &&JobWrite| if free(write) { written.next().unwrap_or(Written::Locked) } else { Written::Locked };
        Ok(writes.iter().map(answer).collect())
    }

    /// Leases the rows that are not locked, after an error said that one is.
    pub(super) async fn claim_unlocked(&self, owner: &Owner, claims: &[Claim]) -> Result<Vec<Claimed>, StorageError> {
        let ids: Vec<JobId> = claims.iter().map(|claim| claim.id).collect();
        let Some(unlocked) = self.unlocked(&ids).await? else { return self.send_claims(owner, claims).await };
        let free = |claim: &&Claim| unlocked.contains(&claim.id);
        self.send_claims(owner, &claims.iter().filter(free).copied().collect::<Vec<_>>()).await
    }

    /// Those of these rows that nobody has locked, nor the statement itself that waited in vain and may not have let go yet; `None` if that is all, and the call may just be repeated.
    async fn unlocked(&self, ids: &[JobId]) -> Result<Option<BTreeSet<JobId>>, StorageError> {
        let Some(end) = self.sql.dialect.unlocked else { return Ok(None) };
        let mut unlocked = BTreeSet::new();
        for ids in ids.chunks(MOST_ROWS) {
            unlocked.extend(pass_over_locked(&self.sql, &self.writer().await?, ids, end).await?);
        }
        // A row that is gone is not locked: nobody finds it either.
        Ok((unlocked.len() < ids.len()).then_some(unlocked))
    }
}

/// Those of at most [`MOST_ROWS`] rows that nobody has locked, where `end` says in which way.
pub(super) async fn pass_over_locked(
    sql: &Statements,
    connection: &Lent,
    ids: &[JobId],
    end: &'static str,
) -> Result<Vec<JobId>, StorageError> {
    let (ids, values) = list(ids.iter().map(|id| id.0));
    let text = format!("SELECT id FROM {{prefix}}task WHERE id IN ({ids}) ORDER BY id{end}");
    let rows = sql.all(connection, sql.statement(&text, values)).await?;
    sql.read(&rows, |row| row.try_get_by_index(0).map(JobId))
}
