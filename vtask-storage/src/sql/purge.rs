//! Deleting what ended long ago, a slice at a time.

use sea_orm::{DbErr, QueryResult};

use super::batch::MOST_ROWS;
use super::lent::Lent;
use super::locked::pass_over_locked;
use super::statements::{Statements, list};
use crate::error::StorageError;
use crate::value::{JobId, Purge, Purged};

/// Ends a look at rows that passes over those which could not be deleted: for that nobody may hold even their keywords.
const DELETABLE: &str = " FOR UPDATE SKIP LOCKED";

/// Jobs are looked at in the order in which they came, more or less: the clock may have gone back by so much, in microseconds.
/// What came in the future, by a clock that ran ahead, says nothing.
const SLACK: i64 = 3_600_000_000;

/// A job that was looked at.
struct Seen {
    id: JobId,
    /// Whether it goes.
    is_old: bool,
    /// Whether it came when all that are to go had ended, and those behind it with it.
    is_new: bool,
}

/// Looks at the next ended jobs by id, and deletes those of them that are old enough.
pub(super) async fn purge(sql: &Statements, connection: &Lent, purge: &Purge) -> Result<Purged, StorageError> {
    let limit = (purge.limit as usize).clamp(1, MOST_ROWS);
    let status = purge.status.code();
    let of_status = sql.dialect.of_status_after.replace("{status}", &status.to_string());
    let text = format!(
        "SELECT id, CASE WHEN work = 0 AND update_time < ? THEN 1 ELSE 0 END, CASE WHEN create_time > ? AND create_time <= {{now}} THEN 1 ELSE 0 END \
         FROM {{prefix}}task WHERE {of_status} ORDER BY status, id LIMIT ?"
    );
    let (ended_before, most) = (purge.ended_before.0, i64::try_from(limit).unwrap_or(1));
    let values = [ended_before, ended_before.saturating_add(SLACK), purge.after.0, most].map(Into::into);
    let rows = sql.all(connection, sql.statement(&text, values)).await?;
    let seen = sql.read(&rows, read)?;
    let old: Vec<JobId> = seen.iter().filter(|job| job.is_old).map(|job| job.id).collect();
    let is_end = seen.len() < limit || seen.iter().all(|job| job.is_new);
    let last = if is_end { None } else { seen.last().map(|job| job.id) };
    let deleted = match delete(sql, connection, purge, &old).await {
        Err(StorageError::Locked(_)) if sql.dialect.unlocked.is_some() => {
            // An open transaction holds one of them, or its keyword: it stays until the next purge.
            let unlocked = pass_over_locked(sql, connection, &old, DELETABLE).await?;
            delete(sql, connection, purge, &unlocked).await?
        }
        deleted => deleted?,
    };
    Ok(Purged { deleted, last })
}

async fn delete(sql: &Statements, connection: &Lent, purge: &Purge, old: &[JobId]) -> Result<u64, StorageError> {
    if old.is_empty() {
        return Ok(0);
    }
    let (ids, mut values) = list(old.iter().map(|id| id.0));
    values.extend([purge.status.code().into(), purge.ended_before.0.into()]);
    let delete = sql.dialect.delete_tasks;
    let text = format!("{delete} WHERE id IN ({ids}) AND status = ? AND work = 0 AND update_time < ?");
    sql.execute(connection, sql.statement(&text, values)).await
}

fn read(row: &QueryResult) -> Result<Seen, DbErr> {
    Ok(Seen {
        id: JobId(row.try_get_by_index(0)?),
        is_old: row.try_get_by_index::<i32>(1)? != 0,
        is_new: row.try_get_by_index::<i32>(2)? != 0,
    })
}
