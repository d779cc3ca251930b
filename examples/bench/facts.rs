//! What the figures hang on: the machine, the server, and how durable its commits are.

use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};

use crate::scratch::Kind;

/// Where the text comes from on each database, with what is said of it.
const SQLITE: &[(&str, &str)] = &[("SQLite", "SELECT sqlite_version()"), ("journal_mode", "PRAGMA journal_mode")];
const POSTGRES: &[(&str, &str)] = &[
    ("PostgreSQL", "SELECT current_setting('server_version')"),
    ("fsync", "SELECT current_setting('fsync')"),
    ("synchronous_commit", "SELECT current_setting('synchronous_commit')"),
    ("full_page_writes", "SELECT current_setting('full_page_writes')"),
    ("wal_sync_method", "SELECT current_setting('wal_sync_method')"),
];
const MYSQL: &[(&str, &str)] = &[
    ("MySQL or MariaDB", "SELECT CAST(version() AS CHAR)"),
    ("innodb_flush_log_at_trx_commit", "SELECT CAST(@@innodb_flush_log_at_trx_commit AS CHAR)"),
    ("innodb_flush_method", "SELECT CAST(@@innodb_flush_method AS CHAR)"),
    ("log_bin", "SELECT CAST(@@log_bin AS CHAR)"),
    ("sync_binlog", "SELECT CAST(@@sync_binlog AS CHAR)"),
];

/// One line on the machine that this runs on.
pub(crate) fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or_else(|_| "?".to_owned(), |cores| cores.to_string());
    let build = if cfg!(debug_assertions) { "DEBUG BUILD: the figures mean nothing" } else { "release build" };
    // Only Linux has this file.
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().filter(|load| !load.is_empty()).unwrap_or("?");
    format!("{cores} cores with a load of {load}, {}-{}, {build}", std::env::consts::ARCH, std::env::consts::OS)
}

/// One line on a database.
pub(crate) async fn of(database: &DatabaseConnection, kind: Kind) -> anyhow::Result<String> {
    let questions = match kind {
        Kind::Sqlite => SQLITE,
        Kind::Postgres => POSTGRES,
        Kind::MySql => MYSQL,
    };
    let mut facts = Vec::new();
    for (name, question) in questions {
        let row = database.query_one_raw(Statement::from_string(database.get_database_backend(), *question)).await?;
        let answer = row.map(|row| row.try_get_by_index::<String>(0)).transpose()?;
        facts.push(format!("{name} {}", answer.as_deref().unwrap_or("?")));
    }
    if kind == Kind::Sqlite {
        // A setting of each connection, which vtask and the bare limit ask for.
        facts.push("synchronous FULL".to_owned());
    }
    Ok(facts.join(", "))
}
