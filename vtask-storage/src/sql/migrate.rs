//! The numbered migrations of the tables, run by one program at a time.

use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, TransactionTrait};

use super::statements::Statements;
use crate::error::ConnectError;
use crate::open::OpenOptions;

/// A step from one version of the tables to the next. Never edited after release.
///
/// It may be carried out again from its beginning: where a database commits each change of a table by itself, a program
/// that died has left a part of it.
pub(crate) struct Migration {
    pub(crate) version: i64,
    /// The oldest version whose programs can use the tables afterwards.
    pub(crate) readable_from: i64,
    pub(crate) sql: &'static str,
}

const VERSIONS: &str = "CREATE TABLE IF NOT EXISTS {prefix}vtask_migrations (\n  version BIGINT NOT NULL PRIMARY KEY,\n  \
                        readable_from BIGINT NOT NULL,\n  create_time BIGINT NOT NULL\n)";

/// Why the tables cannot be used.
#[derive(Debug)]
pub(crate) enum Failure {
    Schema(ConnectError),
    Database(DbErr),
}

impl Failure {
    /// What to tell; `explain` says what a failure of the database means there.
    pub(crate) fn told(self, explain: impl FnOnce(DbErr) -> ConnectError) -> ConnectError {
        match self {
            Self::Schema(error) => error,
            Self::Database(error) => explain(error),
        }
    }
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
enum Present {
    /// They are of a version; 0 if they are not there, or only a part of the first.
    Version { version: i64, readable_from: i64 },
    /// There is a table of the original framework.
    #[cfg(feature = "mysql")]
    Original,
}

/// Makes or updates the tables where they need it, and makes sure that they can be written.
pub(crate) async fn migrate(
    sql: &Statements,
    connection: &DatabaseConnection,
    options: &OpenOptions,
) -> Result<(), Failure> {
    if !is_usable_at_first_sight(sql, connection, options).await? {
        let transaction = connection.begin_with_options((sql.dialect.transaction)()).await?;
        let mut migrated = locked(sql, &transaction, options).await;
        if let Some(unlock) = sql.dialect.unlock_schema {
            let unlocked = transaction.execute_unprepared(&sql.names.fill(unlock)).await;
            migrated = migrated.and(unlocked.map(drop).map_err(Failure::from));
        }
        match migrated {
            Ok(()) => transaction.commit().await?,
            Err(failure) => {
                // What matters is why it failed; a connection that is lost rolls back by itself.
                let _ = transaction.rollback().await;
                return Err(failure);
            }
        }
    }
    Ok(try_writing(sql, connection).await?)
}

/// Whether there is nothing to do. Several looks without the lock may see a migration half-way, and take its tables for
/// somebody else's: that is judged under the lock.
async fn is_usable_at_first_sight(
    sql: &Statements,
    connection: &DatabaseConnection,
    options: &OpenOptions,
) -> Result<bool, Failure> {
    match present(sql, connection).await {
        Ok(present) => Ok(is_usable(sql, &present, options)?),
        Err(Failure::Schema(ConnectError::ForeignTable { .. })) => Ok(false),
        Err(failure) => Err(failure),
    }
}

/// Looks again, now that nobody else migrates, and migrates.
async fn locked(sql: &Statements, transaction: &DatabaseTransaction, options: &OpenOptions) -> Result<(), Failure> {
    (sql.dialect.lock_schema)(transaction, &sql.names).await?;
    let present = present(sql, transaction).await?;
    if is_usable(sql, &present, options)? {
        return Ok(());
    }
    carry_out(sql, transaction, &versions(sql)).await?;
    let from = match present {
        Present::Version { version, .. } => version,
        #[cfg(feature = "mysql")]
        Present::Original => {
            crate::mysql::adopt::set_aside(sql, transaction).await?;
            0
        }
    };
    for step in sql.dialect.migrations.iter().filter(|step| step.version > from) {
        carry_out(sql, transaction, step.sql).await?;
        #[cfg(feature = "mysql")]
        if matches!(present, Present::Original) {
            crate::mysql::adopt::copy(sql, transaction).await?;
        }
        carry_out(sql, transaction, &record(sql, step)).await?;
    }
    Ok(())
}

fn versions(sql: &Statements) -> String {
    format!("{VERSIONS}{}", sql.dialect.table_options)
}

/// The statements that make the tables.
pub(crate) fn schema_sql(sql: &Statements) -> String {
    let steps =
        sql.dialect.migrations.iter().map(|step| format!("{}\n\n{};\n", step.sql.trim_end(), record(sql, step)));
    filled(sql, &format!("{};\n\n{}", versions(sql), steps.collect::<String>()))
}

/// Whether the tables serve as they are; an error where they never will.
fn is_usable(sql: &Statements, present: &Present, options: &OpenOptions) -> Result<bool, ConnectError> {
    let known = sql.dialect.migrations.iter().map(|step| step.version).max().unwrap_or(0);
    match *present {
        Present::Version { version: found, readable_from, .. } if readable_from > known => {
            Err(ConnectError::NewerSchema { found, readable_from, known })
        }
        Present::Version { version: found, .. } if found < known && !options.migrate => {
            Err(ConnectError::OldSchema { found, known })
        }
        Present::Version { version, .. } => Ok(version >= known),
        #[cfg(feature = "mysql")]
        Present::Original if !options.adopt_original || !options.migrate => {
            Err(ConnectError::OriginalTable { table: sql.names.fill("{prefix}task") })
        }
        #[cfg(feature = "mysql")]
        Present::Original => Ok(false),
    }
}

async fn present<C: ConnectionTrait>(sql: &Statements, connection: &C) -> Result<Present, Failure> {
    let has_versions = has_table(sql, connection, &sql.names.migrations()).await?;
    if has_versions && let Some(present) = version(sql, connection).await? {
        return Ok(present);
    }
    #[cfg(feature = "mysql")]
    if crate::mysql::adopt::is_there(sql, connection).await? {
        return Ok(Present::Original);
    }
    for table in sql.names.tables() {
        if !has_versions && has_table(sql, connection, &table).await? {
            return Err(ConnectError::ForeignTable { table }.into());
        }
    }
    Ok(Present::Version { version: 0, readable_from: 0 })
}

async fn version<C: ConnectionTrait>(sql: &Statements, connection: &C) -> Result<Option<Present>, DbErr> {
    let text = "SELECT max(version), max(readable_from) FROM {prefix}vtask_migrations";
    let row = connection.query_one_raw(sql.statement(text, [])).await?;
    let row = row.ok_or_else(|| DbErr::RecordNotFound("an aggregate without a row".to_owned()))?;
    let numbers: (Option<i64>, Option<i64>) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
    let (Some(version), Some(readable_from)) = numbers else { return Ok(None) };
    Ok(Some(Present::Version { version, readable_from }))
}

pub(crate) async fn has_table<C: ConnectionTrait>(sql: &Statements, connection: &C, name: &str) -> Result<bool, DbErr> {
    let statement = sql.statement(sql.dialect.has_table, [name.into()]);
    Ok(connection.query_one_raw(statement).await?.is_some())
}

/// Carries out statements one by one, and passes over those that were carried out before.
pub(crate) async fn carry_out(sql: &Statements, transaction: &DatabaseTransaction, text: &str) -> Result<(), DbErr> {
    let text = filled(sql, text);
    for statement in text.split(';').map(str::trim).filter(|statement| !statement.is_empty()) {
        match transaction.execute_unprepared(statement).await {
            Err(error) if !(sql.dialect.is_already_done)(&error) => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn record(sql: &Statements, step: &Migration) -> String {
    let Migration { version, readable_from, .. } = step;
    let or_keep = sql.dialect.or_keep("{prefix}vtask_migrations", "version");
    format!(
        "INSERT INTO {{prefix}}vtask_migrations (version, readable_from, create_time) VALUES ({version}, \
         {readable_from}, {{now}}) {or_keep}"
    )
}

fn filled(sql: &Statements, text: &str) -> String {
    sql.names.fill(&text.replace("{now}", sql.dialect.now))
}

/// Writes nothing, in every way in which jobs are written: a database that takes no writes, or a user who may not, is
/// told now and not at the first job.
async fn try_writing(sql: &Statements, connection: &DatabaseConnection) -> Result<(), DbErr> {
    for table in sql.names.tables() {
        let id = if table.ends_with("task") { "id" } else { "boot" };
        for text in [
            format!("INSERT INTO {table} SELECT * FROM {table} WHERE 1 = 0"),
            format!("UPDATE {table} SET {id} = {id} WHERE 1 = 0"),
            format!("DELETE FROM {table} WHERE 1 = 0"),
        ] {
            connection.execute_unprepared(&text).await?;
        }
    }
    if let Some(text) = sql.dialect.try_also {
        connection.execute_unprepared(&sql.names.fill(text)).await?;
    }
    Ok(())
}
