//! Opening a file, and saying exactly why it does not open.

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sea_orm::sqlx::{self, ConnectOptions};
use sea_orm::{DatabaseConnection, DbErr, SqlxSqliteConnector};

use super::DIALECT;
use super::error::{CANTOPEN, NOTADB, classify, result_code};
use crate::error::{ConnectError, StorageError};
use crate::open::{Database, OpenOptions};
use crate::sql::connections::{Connections, MayCommit, OneMore};
use crate::sql::driver::wrapped;
use crate::sql::lent::{LIFETIME, Lender};
use crate::sql::migrate::migrate;
use crate::sql::statements::Statements;
use crate::sql::{Names, SqlStorage};

const READERS: u32 = 2;
/// How long a write waits for one of another process. A checkpoint of SQLite's own may take a while on a slow disk.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a call waits for a connection: a step that works in a transaction may have it.
const PATIENCE: Duration = Duration::from_secs(60);
/// So many rows come from the driver's thread at a time: a whole batch.
const ROWS_AT_ONCE: usize = 512;
/// What one statement should carry; SQLite itself would take a gigabyte.
const MOST_BYTES: usize = 4 << 20;

pub(crate) async fn open(database: &Database, options: &OpenOptions) -> Result<SqlStorage, ConnectError> {
    let sql = Arc::new(Statements::new(&DIALECT, Names::new(&options.table_prefix)?));
    let file = file(database).await?;
    let path = file.get_filename().to_owned();
    check_path(&path, options.migrate)?;
    let explain = |error| explain(&path, error);
    let writer = connect(&file.clone().create_if_missing(true), 1).await.map_err(explain)?;
    migrate(&sql, &writer, options).await.map_err(|failure| failure.told(explain))?;
    // Where somebody has moved the file away, a connection that is opened again makes no empty one in its place.
    let file = file.create_if_missing(false);
    writer.get_sqlite_connection_pool().set_connect_options(settings_here(&file));
    let readers = connect(&file, READERS).await.map_err(explain)?;
    let one_more =
        OneMore(Box::new(move |may_commit| SqlxSqliteConnector::from_sqlx_sqlite_pool(lazy_pool(&file, may_commit))));
    let (writer, readers) =
        (Lender::new(writer, 1, PATIENCE, LIFETIME), Lender::new(readers, READERS, PATIENCE, LIFETIME));
    Ok(SqlStorage::new(sql, Connections::File { writer, readers, one_more }, MOST_BYTES))
}

/// The file, and the user's settings of it.
async fn file(database: &Database) -> Result<SqliteConnectOptions, ConnectError> {
    let (options, url) = match database {
        Database::Url(url) => {
            let options = SqliteConnectOptions::from_str(url);
            let wrong = |error: sqlx::Error| ConnectError::Url { scheme: "sqlite".to_owned(), source: error.into() };
            (options.map_err(wrong)?, url.clone())
        }
        Database::Connection(connection) => {
            let pool = connection.get_sqlite_connection_pool();
            warn_of_settings(pool).await;
            let options = pool.connect_options();
            let url = format!("sqlite://{}", options.get_filename().display());
            if is_in_memory(pool).await {
                return Err(ConnectError::InMemory { url });
            }
            (SqliteConnectOptions::clone(&options), url)
        }
    };
    // The driver gives a database in memory the name of a shared one.
    let name = options.get_filename().to_string_lossy();
    let in_memory = name.is_empty() || name.contains(":memory:") || name.starts_with("file:sqlx-in-memory");
    if in_memory || url.contains("mode=memory") {
        return Err(ConnectError::InMemory { url });
    }
    Ok(options)
}

/// Whether it says that it has no file, which its name need not show.
async fn is_in_memory(pool: &sqlx::SqlitePool) -> bool {
    let ask = "SELECT count(*) FROM pragma_database_list WHERE name = 'main' AND file = ''";
    let asked: Result<(i64,), sqlx::Error> = sqlx::query_as(ask).fetch_one(pool).await;
    asked.is_ok_and(|(count,)| count > 0)
}

/// The user's own connections keep their settings; what he writes in a transaction of his is as durable as those.
async fn warn_of_settings(pool: &sqlx::SqlitePool) {
    let asked: Result<(i64,), sqlx::Error> = sqlx::query_as("PRAGMA synchronous").fetch_one(pool).await;
    if let Ok((synchronous @ ..=1,)) = asked {
        tracing::warn!(
            synchronous,
            "the given connection has `PRAGMA synchronous` below FULL (2): what is written through it may be lost when \
             the power fails"
        );
    }
}

fn check_path(path: &Path, may_migrate: bool) -> Result<(), ConnectError> {
    if path.is_dir() {
        return Err(ConnectError::IsFolder { path: path.to_owned() });
    }
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => {
            Err(ConnectError::NoFolder { path: path.to_owned(), folder: folder.to_owned() })
        }
        _ if !may_migrate && !path.exists() => Err(ConnectError::Missing { path: path.to_owned() }),
        _ => Ok(()),
    }
}

async fn connect(file: &SqliteConnectOptions, connections: u32) -> Result<DatabaseConnection, DbErr> {
    let pool = pool(connections).min_connections(1).connect_with(settings_here(file)).await;
    Ok(SqlxSqliteConnector::from_sqlx_sqlite_pool(pool.map_err(wrapped)?))
}

/// A pool of one connection, which is opened when it is needed, and takes back what it may not commit.
fn lazy_pool(file: &SqliteConnectOptions, may_commit: MayCommit) -> sqlx::SqlitePool {
    let guarded = pool(1).after_connect(move |connection, _| {
        let may_commit = MayCommit::clone(&may_commit);
        Box::pin(async move {
            connection.lock_handle().await?.set_commit_hook(move || may_commit.load(Ordering::SeqCst));
            Ok(())
        })
    });
    guarded.connect_lazy_with(settings(file))
}

/// Of the connections that carry out the engine's own statements.
fn settings_here(file: &SqliteConnectOptions) -> SqliteConnectOptions {
    // For a large batch the planner would rather read the whole table beside an index that it makes of the batch.
    settings(file).pragma("automatic_index", "OFF")
}

fn settings(file: &SqliteConnectOptions) -> SqliteConnectOptions {
    file.clone()
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
        .statement_cache_capacity(256)
        .row_buffer_size(ROWS_AT_ONCE)
        .disable_statement_logging()
}

fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(PATIENCE)
        .test_before_acquire(false)
}

fn explain(path: &Path, error: DbErr) -> ConnectError {
    match result_code(&error) {
        Some(NOTADB) => ConnectError::NotADatabase { path: path.to_owned() },
        Some(CANTOPEN) => ConnectError::NotWritable { path: path.to_owned(), source: error.into() },
        _ => match classify(error) {
            StorageError::ReadOnly(source) => ConnectError::NotWritable { path: path.to_owned(), source },
            source => ConnectError::Storage { address: path.display().to_string(), source },
        },
    }
}
