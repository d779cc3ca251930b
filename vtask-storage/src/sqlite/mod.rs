//! Jobs in a SQLite file: the embedded default.
//!
//! One connection writes, a few read. The writes of one process queue for that connection instead of colliding; other
//! processes are waited for by SQLite's busy timeout.

mod error;
mod open;

use sea_orm::{DbBackend, SqliteTransactionMode, TransactionOptions};

pub(crate) use self::open::open;
use crate::sql::dialect::{Dialect, OWNERS_BY_MINIMUM};
use crate::sql::migrate::Migration;
use crate::sql::rows::Rows;

pub(crate) static DIALECT: Dialect = Dialect {
    backend: DbBackend::Sqlite,
    now: "cast(unixepoch('subsec') * 1000000 as integer)",
    form: &Rows,
    payload: "octet_length(input) + octet_length(responses)",
    same_name: "name = ?",
    name_binds: 1,
    use_work_index: "",
    use_key_index: "",
    owners: OWNERS_BY_MINIMUM,
    of_status_after: "status = {status} AND id > ?",
    of_status_before: "status = {status} AND id < ?",
    delete_tasks: "DELETE FROM {prefix}task",
    unindexed_id: "+id",
    lock: "",
    unlocked: None,
    or_keep: "ON CONFLICT ({key}) DO NOTHING",
    inserts_new: false,
    returns_inserts: true,
    lock_host: None,
    table_options: "",
    has_table: "SELECT 1 FROM sqlite_schema WHERE type IN ('table', 'view') AND name = ?",
    migrations: &[Migration { version: 1, readable_from: 1, sql: include_str!("migrations/0001_task.sql") }],
    // The transaction holds the write lock from its beginning.
    lock_schema: |_, _| Box::pin(async { Ok(()) }),
    unlock_schema: None,
    is_already_done: |_| false,
    try_also: None,
    classify: error::classify,
    transaction: || TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..Default::default()
    },
    save: "SAVEPOINT vtask",
    take_back: &["ROLLBACK"],
    is_gone: error::is_gone,
    announcements: None,
    announce_within: None,
};
