//! Guarded writes.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use sea_orm::{ConnectionTrait, DatabaseConnection, QueryResult, Value};

use super::classify;
use super::insert::nulls;
use super::read::{all, json_list};
use super::text::{NOW, Texts, fitting, statement, texts};
use crate::error::StorageError;
use crate::value::{CancelFlag, Due, Hash, JobId, JobWrite, Lease, Written, micros};

const COLUMNS: usize = 29;

static WRITE: Texts = LazyLock::new(|| {
    texts(COLUMNS, |rows| {
        format!(
            "WITH v(id, old_lease, old_status, old_step, cancel_guard, cancel_keep, lease, status, step, step_name, \
             steps, plan, callback, callback_attempt, boot, host, attempt, crashes, restarts, reason, work, due_kind, \
             due, error, progress, input, responses, history, generations) AS (VALUES {rows}) UPDATE task SET lease = \
             v.lease, status = v.status, step = v.step, step_name = v.step_name, steps = v.steps, plan = v.plan, \
             callback = v.callback, callback_attempt = v.callback_attempt, boot = v.boot, host = v.host, attempt = \
             v.attempt, crashes = v.crashes, restarts = v.restarts, reason = v.reason, work = v.work, wake_at = CASE \
             v.due_kind WHEN 0 THEN task.wake_at WHEN 1 THEN {NOW} + v.due ELSE v.due END, error = v.error, progress = \
             v.progress, input = coalesce(v.input, task.input), responses = coalesce(v.responses, task.responses), \
             history = coalesce(v.history, task.history), generations = coalesce(v.generations, task.generations), \
             cancel_requested = task.cancel_requested * v.cancel_keep, update_time = {NOW} FROM v WHERE task.id = v.id \
             AND task.lease = v.old_lease AND task.status = v.old_status AND task.step = v.old_step AND \
             (v.cancel_guard = 0 OR task.cancel_requested = 0) RETURNING task.id"
        )
    })
});

/// Carries out at most [`MOST_ROWS`](super::text::MOST_ROWS) writes.
pub(super) async fn write<C: ConnectionTrait>(
    connection: &C,
    writes: &[JobWrite],
) -> Result<Vec<Written>, StorageError> {
    if writes.is_empty() {
        return Ok(Vec::new());
    }
    let (sql, empty) = fitting(&WRITE, writes.len());
    let values = writes.iter().flat_map(columns).chain(nulls(empty * COLUMNS));
    let done = ids(&all(connection, statement(sql, values)).await?)?;
    if done.len() == writes.len() {
        return Ok(vec![Written::Done; writes.len()]);
    }
    let refused = writes.iter().filter(|write| !done.contains(&write.id));
    let present = present(connection, refused).await?;
    Ok(writes.iter().map(|write| outcome(write, &done, &present)).collect())
}

fn columns(write: &JobWrite) -> [Value; COLUMNS] {
    let (state, (due_kind, due)) = (&write.state, due_columns(write.due));
    [
        write.id.0.into(),
        write.guard.lease.0.into(),
        write.guard.status.code().into(),
        write.guard.step.into(),
        i32::from(write.cancel == CancelFlag::MustBeUnset).into(),
        i32::from(write.cancel != CancelFlag::Clear).into(),
        write.lease.0.into(),
        state.status.code().into(),
        state.step.into(),
        state.step_name.as_str().into(),
        state.steps.into(),
        state.plan.into(),
        state.callback.code().into(),
        state.callback_attempt.into(),
        state.boot.0.into(),
        state.host.as_str().into(),
        state.attempt.into(),
        state.crashes.into(),
        state.restarts.into(),
        state.reason.code().into(),
        i32::from(state.has_work()).into(),
        due_kind.into(),
        due.into(),
        write.error.clone().into(),
        write.progress.clone().into(),
        write.input.clone().into(),
        write.outputs.clone().into(),
        write.history.clone().into(),
        write.generations.clone().into(),
    ]
}

/// The kind of a due time and its number: 0 keeps, 1 counts from now, 2 is absolute.
pub(super) fn due_columns(due: Due) -> (i32, i64) {
    // What SQLite adds up past the last integer becomes a REAL, which the column refuses, and all its neighbours with it.
    const LONGEST: i64 = i64::MAX / 2;
    match due {
        Due::Keep => (0, 0),
        Due::In(wait) => (1, micros(wait).min(LONGEST)),
        Due::At(time) => (2, time.0),
    }
}

/// What a refused row holds now.
struct Present {
    id: JobId,
    lease: Lease,
    cancel_requested: bool,
}

async fn present<C: ConnectionTrait>(
    connection: &C,
    refused: impl Iterator<Item = &JobWrite>,
) -> Result<Vec<Present>, StorageError> {
    let sql = "SELECT id, lease, cancel_requested FROM task WHERE id IN (SELECT value FROM json_each(?))";
    let ids = json_list(refused.map(|write| write.id.0));
    let rows = all(connection, statement(sql, [ids.into()])).await?;
    rows.iter().map(|row| read_present(row).map_err(classify)).collect()
}

fn read_present(row: &QueryResult) -> Result<Present, sea_orm::DbErr> {
    Ok(Present {
        id: JobId(row.try_get_by_index(0)?),
        lease: Lease(row.try_get_by_index(1)?),
        cancel_requested: row.try_get_by_index::<i32>(2)? != 0,
    })
}

fn outcome(write: &JobWrite, done: &BTreeSet<JobId>, present: &[Present]) -> Written {
    let Some(present) = present.iter().find(|row| row.id == write.id) else {
        return if done.contains(&write.id) { Written::Done } else { Written::LeaseLost };
    };
    let refused = write.cancel == CancelFlag::MustBeUnset && present.cancel_requested;
    match present.lease {
        lease if lease == write.lease => Written::Done,
        lease if lease == write.guard.lease && refused => Written::CancelRequested,
        _ => Written::LeaseLost,
    }
}

fn ids(rows: &[QueryResult]) -> Result<BTreeSet<JobId>, StorageError> {
    rows.iter().map(|row| row.try_get_by_index(0).map(JobId).map_err(classify)).collect()
}

pub(super) async fn pause_unreadable(
    connection: &DatabaseConnection,
    id: JobId,
    seen: Lease,
    lease: Lease,
    error: &str,
) -> Result<bool, StorageError> {
    let sql = format!(
        "UPDATE task SET lease = ?1, status = CASE WHEN status IN (1, 2, 3) THEN status ELSE 4 END, callback = CASE WHEN \
         status IN (1, 2, 3) THEN 3 ELSE 0 END, reason = 4, work = 0, boot = 0, error = ?2, update_time = {NOW} WHERE id \
         = ?3 AND lease IN (?4, ?1)"
    );
    let values = [lease.0.into(), error.into(), id.0.into(), seen.0.into()];
    let result = connection.execute_raw(statement(&sql, values)).await.map_err(classify)?;
    Ok(result.rows_affected() > 0)
}

pub(super) async fn request_cancel(
    connection: &DatabaseConnection,
    id: JobId,
    keyword: &Hash,
) -> Result<bool, StorageError> {
    let sql = "UPDATE task SET cancel_requested = 1 WHERE id = ? AND key_hash = ? AND status = 0 AND boot <> 0";
    let values = [id.0.into(), keyword.0.to_vec().into()];
    let result = connection.execute_raw(statement(sql, values)).await.map_err(classify)?;
    Ok(result.rows_affected() > 0)
}
