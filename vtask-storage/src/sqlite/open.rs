//! Opening a file, and saying exactly why it does not open.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::{ConnectOptions, Database, DatabaseConnection, DbErr};

use super::error::{CANTOPEN, NOTADB, classify, result_code};
use super::{SqliteStorage, migrate};
use crate::error::{ConnectError, StorageError};

const READERS: u32 = 2;
/// How long a write waits for one of another process. A checkpoint of SQLite's own may take a while on a slow disk.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) async fn open(url: &str, may_migrate: bool) -> Result<SqliteStorage, ConnectError> {
    let path = path_of(url)?;
    check_path(&path, may_migrate)?;
    let explain = |error| explain(url, &path, error);
    let writer = connect(url, 1).await.map_err(explain)?;
    migrate::migrate(&writer, may_migrate).await.map_err(|failure| match failure {
        migrate::Failure::Schema(error) => error,
        migrate::Failure::Database(error) => explain(error),
    })?;
    let readers = connect(url, READERS).await.map_err(explain)?;
    Ok(SqliteStorage { writer, readers })
}

fn path_of(url: &str) -> Result<PathBuf, ConnectError> {
    let options = SqliteConnectOptions::from_str(url)
        .map_err(|error| ConnectError::Url { url: url.to_owned(), source: error.into() })?;
    let path = options.get_filename().to_owned();
    // The driver gives a database in memory the name of a shared one.
    let name = path.to_string_lossy();
    let in_memory = name.is_empty() || name.contains(":memory:") || name.starts_with("file:sqlx-in-memory");
    if in_memory || url.contains("mode=memory") {
        return Err(ConnectError::InMemory { url: url.to_owned() });
    }
    Ok(path)
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

async fn connect(url: &str, connections: u32) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(url);
    options
        .sqlx_logging(false)
        .record_stmt_in_spans(false)
        .max_connections(connections)
        .min_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(Duration::from_secs(60))
        .test_before_acquire(false)
        .map_sqlx_sqlite_opts(|options| {
            options
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .busy_timeout(BUSY_TIMEOUT)
        });
    Database::connect(options).await
}

fn explain(url: &str, path: &Path, error: DbErr) -> ConnectError {
    match result_code(&error) {
        Some(NOTADB) => ConnectError::NotADatabase { path: path.to_owned() },
        Some(CANTOPEN) => ConnectError::NotWritable { path: path.to_owned(), source: error.into() },
        _ => match classify(error) {
            StorageError::ReadOnly(source) => ConnectError::NotWritable { path: path.to_owned(), source },
            source => ConnectError::Storage { url: url.to_owned(), source },
        },
    }
}
