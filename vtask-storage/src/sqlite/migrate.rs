//! The numbered migrations of the tables, run under SQLite's write lock.

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, SqliteTransactionMode, TransactionOptions,
    TransactionTrait,
};

use super::text::{NOW, statement};
use crate::error::ConnectError;

/// A step from one version of the tables to the next. Never edited after release.
struct Migration {
    version: i64,
    /// The oldest version whose programs can use the tables afterwards.
    readable_from: i64,
    sql: &'static str,
}

const MIGRATIONS: &[Migration] =
    &[Migration { version: 1, readable_from: 1, sql: include_str!("migrations/0001_task.sql") }];

/// The version of the last one.
const KNOWN: i64 = MIGRATIONS[MIGRATIONS.len() - 1].version;

const VERSIONS: &str = "CREATE TABLE IF NOT EXISTS vtask_migrations (\n  version INTEGER PRIMARY KEY,\n  \
                        readable_from INTEGER NOT NULL,\n  create_time INTEGER NOT NULL\n) STRICT";

/// Why the tables cannot be used.
pub(super) enum Failure {
    Schema(ConnectError),
    Database(DbErr),
}

impl From<DbErr> for Failure {
    fn from(error: DbErr) -> Self {
        Self::Database(error)
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        Self::Schema(error)
    }
}

/// What the tables say of themselves.
struct Present {
    version: i64,
    readable_from: i64,
}

/// Makes or updates the tables where they need it.
///
/// The write lock is taken in any case: it keeps two programs from migrating at once, and a database that cannot be
/// written says so now and not at the first job.
pub(super) async fn migrate(connection: &DatabaseConnection, allowed: bool) -> Result<(), Failure> {
    let options =
        TransactionOptions { sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate), ..Default::default() };
    let transaction = connection.begin_with_options(options).await?;
    let present = present(&transaction).await?;
    if present.is_usable(allowed)? {
        // SQLite grants a write lock on a database that cannot be written; only a write is told the truth.
        transaction.execute_unprepared("DELETE FROM vtask_migrations WHERE version < 0").await?;
    } else {
        apply(&transaction, present.version).await?;
    }
    Ok(transaction.commit().await?)
}

pub(super) fn schema_sql() -> String {
    let steps = MIGRATIONS.iter().map(|step| format!("{}\n{};\n", step.sql, record(step)));
    format!("{VERSIONS};\n\n{}", steps.collect::<String>())
}

impl Present {
    /// Whether the tables serve as they are; an error where they never will.
    fn is_usable(&self, may_migrate: bool) -> Result<bool, ConnectError> {
        let (found, known) = (self.version, KNOWN);
        if self.readable_from > known {
            return Err(ConnectError::NewerSchema { found, readable_from: self.readable_from, known });
        }
        if found < known && !may_migrate {
            return Err(ConnectError::OldSchema { found, known });
        }
        Ok(found >= known)
    }
}

async fn present<C: ConnectionTrait>(connection: &C) -> Result<Present, Failure> {
    if !has_table(connection, "vtask_migrations").await? {
        for table in ["task", "task_node"] {
            if has_table(connection, table).await? {
                return Err(ConnectError::ForeignTable { table }.into());
            }
        }
        return Ok(Present { version: 0, readable_from: 0 });
    }
    let sql = "SELECT coalesce(max(version), 0), coalesce(max(readable_from), 0) FROM vtask_migrations";
    let row = connection.query_one_raw(statement(sql, [])).await?;
    let row = row.ok_or_else(|| DbErr::RecordNotFound("an aggregate without a row".to_owned()))?;
    Ok(Present { version: row.try_get_by_index(0)?, readable_from: row.try_get_by_index(1)? })
}

async fn has_table<C: ConnectionTrait>(connection: &C, name: &str) -> Result<bool, DbErr> {
    let sql = "SELECT 1 FROM sqlite_schema WHERE type IN ('table', 'view') AND name = ?";
    Ok(connection.query_one_raw(statement(sql, [name.into()])).await?.is_some())
}

async fn apply(transaction: &DatabaseTransaction, from: i64) -> Result<(), DbErr> {
    transaction.execute_unprepared(VERSIONS).await?;
    for step in MIGRATIONS.iter().filter(|step| step.version > from) {
        transaction.execute_unprepared(step.sql).await?;
        transaction.execute_unprepared(&record(step)).await?;
    }
    Ok(())
}

fn record(step: &Migration) -> String {
    let Migration { version, readable_from, .. } = step;
    format!("INSERT INTO vtask_migrations VALUES ({version}, {readable_from}, {NOW})")
}
