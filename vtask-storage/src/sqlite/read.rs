//! Looking at jobs.

use sea_orm::{ConnectionTrait, DatabaseConnection, QueryResult, Statement};

use super::classify;
use super::row::{ROW, SUMMARY, summary, whole};
use super::text::statement;
use crate::error::StorageError;
use crate::value::{Hash, JobId, JobRow, JobSummary, ListFilter, RowError};

pub(super) async fn find(connection: &DatabaseConnection, keyword: &Hash) -> Result<Option<JobSummary>, StorageError> {
    let sql = format!("SELECT {SUMMARY} FROM task WHERE key_hash = ?");
    let rows = all(connection, statement(&sql, [keyword.0.to_vec().into()])).await?;
    rows.first().map(summary).transpose()
}

pub(super) async fn summaries(
    connection: &DatabaseConnection,
    ids: &[JobId],
) -> Result<Vec<Result<JobSummary, RowError>>, StorageError> {
    let sql = format!("SELECT {SUMMARY} FROM task WHERE id IN (SELECT value FROM json_each(?))");
    let rows = all(connection, statement(&sql, [json_list(ids.iter().map(|id| id.0)).into()])).await?;
    rows.iter().map(|row| unless_broken(summary(row))).collect()
}

pub(super) async fn row(connection: &DatabaseConnection, id: JobId) -> Result<Option<JobRow>, StorageError> {
    let sql = format!("SELECT {ROW} FROM task WHERE id = ?");
    let rows = all(connection, statement(&sql, [id.0.into()])).await?;
    rows.first().map(whole).transpose()
}

pub(super) async fn list(
    connection: &DatabaseConnection,
    filter: &ListFilter,
) -> Result<Vec<Result<JobSummary, RowError>>, StorageError> {
    let before = filter.before.unwrap_or(JobId(i64::MAX));
    let mut sql = format!("SELECT {SUMMARY} FROM task WHERE id < ?");
    let mut values = vec![before.0.into()];
    if let Some(status) = filter.status {
        sql += " AND status = ?";
        values.push(status.code().into());
    }
    if let Some(name) = &filter.name {
        sql += " AND name = ?";
        values.push(name.as_str().into());
    }
    sql += " ORDER BY id DESC LIMIT ?";
    values.push(filter.limit.into());
    let rows = all(connection, statement(&sql, values)).await?;
    rows.iter().map(|row| unless_broken(summary(row))).collect()
}

/// Keeps the error of one row apart from those of the whole call.
pub(super) fn unless_broken<T>(row: Result<T, StorageError>) -> Result<Result<T, RowError>, StorageError> {
    match row {
        Ok(row) => Ok(Ok(row)),
        Err(StorageError::Row(error)) => Ok(Err(error)),
        Err(error) => Err(error),
    }
}

pub(super) async fn all<C: ConnectionTrait>(
    connection: &C,
    statement: Statement,
) -> Result<Vec<QueryResult>, StorageError> {
    connection.query_all_raw(statement).await.map_err(classify)
}

/// Numbers as a JSON array: one parameter, however many there are.
pub(super) fn json_list(numbers: impl Iterator<Item = i64>) -> String {
    let numbers: Vec<String> = numbers.map(|number| number.to_string()).collect();
    format!("[{}]", numbers.join(","))
}
