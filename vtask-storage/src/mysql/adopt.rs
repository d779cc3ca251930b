//! Taking over a table `task` that the original framework wrote.
//!
//! The table is set aside under the name `task_original`, whole and unchanged, and its rows are copied. So whoever
//! wants to go back finds what he had. A program that dies meanwhile leaves no version in `vtask_migrations`, and the
//! next one goes on where it stopped.

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr};

use crate::sql::migrate::{carry_out, has_table};
use crate::sql::statements::Statements;

const COLUMNS: [&str; 10] =
    ["id", "uuid", "name", "step", "status", "responses", "input", "host", "create_time", "update_time"];

/// So many rows are copied in one commit.
const SLICE: i64 = 500;

/// Whether there is a table of the original framework, under its own name or set aside before.
pub(crate) async fn is_there<C: ConnectionTrait>(sql: &Statements, connection: &C) -> Result<bool, DbErr> {
    if sql.dialect.backend != DbBackend::MySql {
        return Ok(false);
    }
    Ok(is_original(sql, connection, "{prefix}task").await?
        || is_original(sql, connection, "{prefix}task_original").await?)
}

/// Whether a table has the columns of the original framework, and not those of vtask.
async fn is_original<C: ConnectionTrait>(sql: &Statements, connection: &C, table: &str) -> Result<bool, DbErr> {
    let text = "SELECT lower(CAST(column_name AS CHAR)), lower(CAST(data_type AS CHAR)) FROM information_schema.columns \
                WHERE table_schema = database() AND table_name = ?";
    let rows = connection.query_all_raw(sql.statement(text, [sql.names.fill(table).into()])).await?;
    let columns: Vec<(String, String)> = rows
        .iter()
        .map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?)))
        .collect::<Result<_, DbErr>>()?;
    let has = |name: &str| columns.iter().any(|(column, _)| column == name);
    let has_dates = columns.iter().any(|(column, kind)| column == "create_time" && kind != "bigint");
    Ok(has_dates && COLUMNS.iter().all(|column| has(column)) && !has("key_hash"))
}

/// Gives the table its other name, unless it has that already.
pub(crate) async fn set_aside(sql: &Statements, transaction: &DatabaseTransaction) -> Result<(), DbErr> {
    if !is_original(sql, transaction, "{prefix}task").await? {
        return Ok(());
    }
    let rename = sql.names.fill("RENAME TABLE {prefix}task TO {prefix}task_original");
    transaction.execute_unprepared(&rename).await.map(drop)
}

/// Copies the rows that are not there yet.
///
/// Times are those of the server's own time zone, in which the original framework wrote them.
pub(crate) async fn copy(sql: &Statements, transaction: &DatabaseTransaction) -> Result<(), DbErr> {
    if !has_table(sql, transaction, &sql.names.fill("{prefix}task_original")).await? {
        return Ok(());
    }
    carry_out(sql, transaction, "SET SESSION time_zone = @@global.time_zone").await?;
    let copied = copy_all(sql, transaction).await;
    carry_out(sql, transaction, "SET SESSION time_zone = '+00:00'").await?;
    let copied = copied?;
    tracing::info!(copied, "adopted the original framework's table, which is kept as task_original");
    Ok(())
}

async fn copy_all(sql: &Statements, transaction: &DatabaseTransaction) -> Result<i64, DbErr> {
    let (mut after, mut copied) = (last(sql, transaction, COPIED, 0).await?, 0);
    loop {
        let until = last(sql, transaction, NEXT, after).await?;
        if until <= after {
            return Ok(copied);
        }
        let statement = sql.statement(COPY, [after.into(), until.into()]);
        copied += i64::try_from(transaction.execute_raw(statement).await?.rows_affected()).unwrap_or(0);
        if copied % (SLICE * 100) == 0 {
            tracing::info!(copied, "adopting the original framework's table");
        }
        after = until;
    }
}

/// The last row that was copied before.
const COPIED: &str = "SELECT coalesce(max(id), ?) FROM {prefix}task";
/// The last row of the next slice.
const NEXT: &str = "SELECT CAST(coalesce(max(id), 0) AS SIGNED) FROM (SELECT id FROM {prefix}task_original WHERE id > ? \
                    ORDER BY id LIMIT 500) AS slice";

async fn last(sql: &Statements, transaction: &DatabaseTransaction, text: &str, after: i64) -> Result<i64, DbErr> {
    let row = transaction.query_one_raw(sql.statement(text, [after.into()])).await?;
    row.ok_or_else(|| DbErr::RecordNotFound("an aggregate without a row".to_owned()))?.try_get_by_index(0)
}

/// The program that runs the job knows the names of its steps, and this one does not: the last answer goes as the output
/// `$original`, and the number of steps that were done as the generation of that name.
const COPY: &str = "\
    INSERT INTO {prefix}task (id, uuid, name, step, status, responses, input, host, create_time, update_time, key_hash, \
    input_hash, boot, birth, lease, work, wake_at, step_name, plan, steps, reason, error, history, generations) \
    SELECT id, uuid, name, greatest(step, 1), status, \
    CASE WHEN step < 2 THEN '{}' \
    WHEN responses = '' THEN '{\"$original\":null}' \
    WHEN json_valid(responses) THEN concat('{\"$original\":', CONVERT(responses USING utf8mb4), '}') \
    ELSE concat('{\"$original\":', json_quote(CONVERT(responses USING utf8mb4)), '}') END, \
    input, host, \
    CAST(unix_timestamp(create_time) * 1000000 AS SIGNED), CAST(unix_timestamp(update_time) * 1000000 AS SIGNED), \
    unhex(sha2(CONVERT(uuid USING utf8mb4), 256)), unhex(sha2(CONVERT(input USING utf8mb4), 256)), 0, \
    CAST(conv(left(sha2(concat(uuid, rand()), 256), 15), 16, 10) AS SIGNED), \
    CAST(conv(left(sha2(concat(uuid, rand()), 256), 15), 16, 10) AS SIGNED), \
    CASE WHEN status = 0 THEN 1 ELSE 0 END, {now}, '', 0, 0, 0, CASE WHEN status = 1 THEN 'it failed under the original framework, which keeps no cause' END, '[]', \
    concat('{\"$original\":', greatest(step, 1) - 1, '}') \
    FROM {prefix}task_original WHERE id > ? AND id <= ?";
