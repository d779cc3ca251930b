//! Taking over a table `task` that the original framework wrote.
//!
//! The table is set aside under the name `task_original`, whole and unchanged, and its rows are copied. So whoever
//! wants to go back finds what he had. A program that dies meanwhile leaves no version in `vtask_migrations`, and the
//! next one goes on where it stopped.

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr};

use crate::error::ConnectError;
use crate::sql::migrate::{Failure, carry_out, has_table};
use crate::sql::statements::Statements;

const COLUMNS: [&str; 10] =
    ["id", "uuid", "name", "step", "status", "responses", "input", "host", "create_time", "update_time"];

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
                WHERE table_schema = database() AND table_name = ? AND EXISTS (SELECT 1 FROM information_schema.tables AS t \
                WHERE t.table_schema = database() AND t.table_name = ? AND t.table_type = 'BASE TABLE')";
    let name = sql.names.fill(table);
    let rows = connection.query_all_raw(sql.statement(text, [name.as_str().into(), name.as_str().into()])).await?;
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
pub(crate) async fn copy(sql: &Statements, transaction: &DatabaseTransaction) -> Result<(), Failure> {
    if !has_table(sql, transaction, &sql.names.fill("{prefix}task_original")).await? {
        return Ok(());
    }
    carry_out(sql, transaction, AS_THE_ORIGINAL).await?;
    let copied = copy_all(sql, transaction).await;
    let restored = carry_out(sql, transaction, AS_VTASK).await;
    copied?;
    restored?;
    let (rows, originals) = (number(sql, transaction, ROWS).await?, number(sql, transaction, ORIGINALS).await?);
    if rows != originals {
        return Err(ConnectError::Adoption { rows, originals }.into());
    }
    tracing::info!(rows, "adopted the original framework's table, which is kept as task_original");
    Ok(())
}

/// A row may have any id, 0 too, and its times are of the server's time zone.
const AS_THE_ORIGINAL: &str = "SET SESSION time_zone = @@global.time_zone; SET SESSION sql_mode = \
                               'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO'";
const AS_VTASK: &str = "SET SESSION time_zone = '+00:00'; SET SESSION sql_mode = \
                        'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'";

const ROWS: &str = "SELECT count(*) FROM {prefix}task";
const ORIGINALS: &str = "SELECT count(*) FROM {prefix}task_original";

async fn number(sql: &Statements, transaction: &DatabaseTransaction, text: &str) -> Result<i64, DbErr> {
    Ok(id(sql, transaction, text, &[]).await?.unwrap_or(0))
}

async fn copy_all(sql: &Statements, transaction: &DatabaseTransaction) -> Result<(), DbErr> {
    let mut after = id(sql, transaction, COPIED, &[]).await?.unwrap_or(i64::MIN);
    for slice in 1_u64.. {
        let Some(until) = id(sql, transaction, NEXT, &[after]).await? else { break };
        transaction.execute_raw(sql.statement(COPY, [after.into(), until.into()])).await?;
        if slice.is_multiple_of(100) {
            tracing::info!(until, "adopting the original framework's table");
        }
        after = until;
    }
    Ok(())
}

/// The last row that was copied before.
const COPIED: &str = "SELECT max(id) FROM {prefix}task";
/// The last row of the next slice, which is one commit.
const NEXT: &str = "SELECT CAST(max(id) AS SIGNED) FROM (SELECT id FROM {prefix}task_original WHERE id > ? ORDER BY id LIMIT \
                    500) AS slice";

async fn id(
    sql: &Statements,
    transaction: &DatabaseTransaction,
    text: &str,
    values: &[i64],
) -> Result<Option<i64>, DbErr> {
    let values = values.iter().map(|value| (*value).into());
    let row = transaction.query_one_raw(sql.statement(text, values)).await?;
    row.ok_or_else(|| DbErr::RecordNotFound("an aggregate without a row".to_owned()))?.try_get_by_index(0)
}

/// The program that runs the job knows the names of its steps, and this one does not: the text of the last answer goes as
/// the output `$original`, and the number of steps that were done as the generation of that name.
const COPY: &str = "\
    INSERT INTO {prefix}task (id, uuid, name, step, status, responses, input, host, create_time, update_time, key_hash, \
    input_hash, boot, birth, lease, work, wake_at, step_name, plan, steps, reason, error, history, generations) \
    SELECT id, uuid, name, greatest(step, 1), CASE WHEN status IN (0, 1, 2) THEN status ELSE 4 END, \
    CASE WHEN step < 2 THEN '{}' WHEN coalesce(responses, '') = '' THEN '{\"$original\":null}' \
    ELSE concat('{\"$original\":', json_quote(CONVERT(responses USING utf8mb4)), '}') END, \
    coalesce(input, ''), coalesce(host, ''), \
    CAST(coalesce(unix_timestamp(create_time), 0) * 1000000 AS SIGNED), \
    CAST(coalesce(unix_timestamp(update_time), 0) * 1000000 AS SIGNED), \
    unhex(sha2(CONVERT(uuid USING utf8mb4), 256)), \
    unhex(sha2(CONVERT(coalesce(input, '') USING utf8mb4), 256)), 0, \
    CAST(conv(left(sha2(concat(uuid, rand()), 256), 15), 16, 10) AS SIGNED), \
    CAST(conv(left(sha2(concat(uuid, rand()), 256), 15), 16, 10) AS SIGNED), \
    CASE WHEN status = 0 THEN 1 ELSE 0 END, {now}, '', 0, 0, CASE WHEN status IN (0, 1, 2) THEN 0 ELSE 4 END, \
    CASE WHEN status IN (0, 2) THEN NULL WHEN status = 1 THEN \
    'it failed under the original framework, which keeps no cause' ELSE concat('its status was ', status, \
    ', which the original framework does not have') END, '[]', \
    concat('{\"$original\":', greatest(step, 1) - 1, '}') \
    FROM {prefix}task_original WHERE id > ? AND id <= ?";
