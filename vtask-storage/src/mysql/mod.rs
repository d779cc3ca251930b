//! Jobs on a MySQL or MariaDB server.

pub(crate) mod adopt;
mod error;
mod open;
mod settings;

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, Statement, TransactionOptions};

pub(crate) use self::open::open;
use crate::sql::Names;
use crate::sql::dialect::Dialect;
use crate::sql::json::Json;
use crate::sql::migrate::Migration;

pub(crate) static DIALECT: Dialect = Dialect {
    backend: DbBackend::MySql,
    now: "timestampdiff(microsecond, '1970-01-01', utc_timestamp(6))",
    form: &Json,
    payload: "octet_length(input) + octet_length(responses)",
    // Every collation but the newest takes `a` and `a ` for one; the second look is by bytes, the first uses the index.
    same_name: "name = ? AND name = BINARY ?",
    name_binds: 2,
    use_work_index: " FORCE INDEX ({prefix}task_work)",
    use_key_index: " FORCE INDEX ({prefix}task_key)",
    // For a minimum above a value that changes, MariaDB reads every row above it.
    owners: "WITH held (boot) AS (SELECT boot FROM {prefix}task FORCE INDEX ({prefix}task_work) WHERE work = 1 AND boot > 0 \
             GROUP BY boot)",
    // Of one status, the server would step over all of its rows before that id.
    of_status_after: "status IN ({status}, -1) AND id > ?",
    of_status_before: "status IN ({status}, -1) AND id < ?",
    delete_tasks: "DELETE old FROM {prefix}task AS old FORCE INDEX (PRIMARY)",
    unindexed_id: "id",
    lock: " FOR UPDATE",
    unlocked: Some(" FOR UPDATE SKIP LOCKED"),
    or_keep: "ON DUPLICATE KEY UPDATE {key} = {table}.{key}",
    inserts_new: false,
    returns_inserts: false,
    lock_host: None,
    table_options: " ENGINE = InnoDB",
    has_table: "SELECT 1 FROM information_schema.tables WHERE table_schema = database() AND table_name = ?",
    migrations: &[Migration { version: 1, readable_from: 1, sql: include_str!("migrations/0001_task.sql") }],
    lock_schema: |transaction, names| Box::pin(lock_schema(transaction, names)),
    unlock_schema: Some("DO RELEASE_LOCK(concat('vtask.', md5(concat(database(), '.{prefix}'))))"),
    is_already_done: error::is_already_done,
    try_also: None,
    classify: error::classify,
    transaction: TransactionOptions::default,
    save: "SAVEPOINT vtask",
    take_back: &["SET SESSION TRANSACTION READ ONLY", "ROLLBACK"],
    is_gone: error::is_gone,
    announcements: None,
    announce_within: None,
};

/// What MariaDB has beside.
pub(crate) static MARIADB: Dialect = Dialect {
    returns_inserts: true,
    lock_schema: |transaction, names| {
        Box::pin(async move {
            // To build an index over a large table may take longer than any other statement.
            transaction.execute_unprepared("SET SESSION max_statement_time = 0").await?;
            lock_schema(transaction, names).await
        })
    },
    unlock_schema: Some(
        "SET @unlocked = RELEASE_LOCK(concat('vtask.', md5(concat(database(), '.{prefix}')))), SESSION max_statement_time = 15",
    ),
    ..DIALECT
};

async fn lock_schema(transaction: &DatabaseTransaction, names: &Names) -> Result<(), DbErr> {
    let text = format!("SELECT GET_LOCK({}, 60)", names.fill(LOCK));
    let row = transaction.query_one_raw(Statement::from_string(DbBackend::MySql, text)).await?;
    let granted = row.map(|row| row.try_get_by_index::<Option<i64>>(0)).transpose()?;
    if granted.flatten() == Some(1) {
        return Ok(());
    }
    Err(DbErr::ConnectionAcquire(sea_orm::ConnAcquireErr::Timeout))
}

/// The name of the lock under which the tables of a database are migrated. On a Galera cluster it holds on one server
/// only; there the statements of a migration, which may be carried out twice, see to the rest.
const LOCK: &str = "concat('vtask.', md5(concat(database(), '.{prefix}')))";
