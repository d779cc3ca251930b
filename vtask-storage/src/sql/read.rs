//! Looking at jobs.

use sea_orm::{QueryResult, Value};

use super::batch::MOST_ROWS;
use super::lent::Lent;
use super::row::{ROW, SUMMARY, summary, whole};
use super::statements::{Statements, list};
use crate::error::StorageError;
use crate::value::{Hash, JobId, JobRow, JobSummary, ListFilter, RowError};

pub(super) async fn find(
    sql: &Statements,
    connection: &Lent,
    keyword: &Hash,
) -> Result<Option<JobSummary>, StorageError> {
    let text = format!("SELECT {SUMMARY} FROM {{prefix}}task WHERE key_hash = ?");
    let rows = sql.all(connection, sql.statement(&text, [keyword.0.to_vec().into()])).await?;
    rows.first().map(|row| summary(sql, row)).transpose()
}

pub(super) async fn summaries(
    sql: &Statements,
    connection: &Lent,
    ids: &[JobId],
) -> Result<Vec<Result<JobSummary, RowError>>, StorageError> {
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(MOST_ROWS) {
        let (list, values) = list(ids.iter().map(|id| id.0));
        let text = format!("SELECT {SUMMARY} FROM {{prefix}}task WHERE id IN ({list})");
        found.extend(each(sql, &sql.all(connection, sql.statement(&text, values)).await?)?);
    }
    Ok(found)
}

pub(super) async fn row(sql: &Statements, connection: &Lent, id: JobId) -> Result<Option<JobRow>, StorageError> {
    let text = format!("SELECT {ROW} FROM {{prefix}}task WHERE id = ?");
    let rows = sql.all(connection, sql.statement(&text, [id.0.into()])).await?;
    rows.first().map(|row| whole(sql, row)).transpose()
}

pub(super) async fn page(
    sql: &Statements,
    connection: &Lent,
    filter: &ListFilter,
) -> Result<Vec<Result<JobSummary, RowError>>, StorageError> {
    let (of_status, order) = match filter.status {
        Some(status) => {
            let of_status = sql.dialect.of_status_before.replace("{status}", &status.code().to_string());
            (of_status, "status DESC, id DESC")
        }
        None => ("id < ?".to_owned(), "id DESC"),
    };
    let mut text = format!("SELECT {SUMMARY} FROM {{prefix}}task WHERE {of_status}");
    let mut values: Vec<Value> = vec![filter.before.unwrap_or(JobId(i64::MAX)).0.into()];
    if let Some(reason) = filter.reason {
        text.push_str(" AND reason = ?");
        values.push(reason.code().into());
    }
    if let Some(name) = &filter.name {
        text = format!("{text} AND {}", sql.dialect.same_name);
        values.extend(vec![name.as_str().into(); sql.dialect.name_binds]);
    }
    text = format!("{text} ORDER BY {order} LIMIT ?");
    values.push(i64::from(filter.limit).into());
    each(sql, &sql.all(connection, sql.statement(&text, values)).await?)
}

fn each(sql: &Statements, rows: &[QueryResult]) -> Result<Vec<Result<JobSummary, RowError>>, StorageError> {
    rows.iter().map(|row| unless_broken(summary(sql, row))).collect()
}

/// Keeps the error of one row apart from those of the whole call.
pub(super) fn unless_broken<T>(row: Result<T, StorageError>) -> Result<Result<T, RowError>, StorageError> {
    match row {
        Ok(row) => Ok(Ok(row)),
        Err(StorageError::Row(error)) => Ok(Err(error)),
        Err(error) => Err(error),
    }
}
