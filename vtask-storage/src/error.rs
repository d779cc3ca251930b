//! What goes wrong between the runtime and a storage.

use std::path::PathBuf;
use std::sync::Arc;

use crate::value::RowError;

/// The cause that a driver or an implementation gives.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a call of a storage failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// Another writer was in the way. Nothing was written; the call may be repeated.
    #[error("the storage is busy")]
    Busy(#[source] Cause),
    /// The connection failed. Whether something was written is not known; the call may be repeated.
    #[error("the storage cannot be reached")]
    Unavailable(#[source] Cause),
    /// There is no room. Nothing was written.
    #[error("the storage is full")]
    Full(#[source] Cause),
    /// It takes no writes.
    #[error("the storage is read-only")]
    ReadOnly(#[source] Cause),
    /// It refused the call, and would refuse it again.
    #[error("the storage refused the call")]
    Refused(#[source] Cause),
    /// A row holds what this version cannot read.
    #[error(transparent)]
    Row(#[from] RowError),
}

impl StorageError {
    /// One of several errors that tell of the same failure.
    #[must_use]
    pub fn shared(error: &Arc<Self>) -> Self {
        let cause = || Arc::clone(error).into();
        match &**error {
            Self::Busy(_) => Self::Busy(cause()),
            Self::Unavailable(_) => Self::Unavailable(cause()),
            Self::Full(_) => Self::Full(cause()),
            Self::ReadOnly(_) => Self::ReadOnly(cause()),
            Self::Refused(_) => Self::Refused(cause()),
            Self::Row(error) => Self::Row(error.clone()),
        }
    }

    /// Whether the same call may succeed later without anything being changed in it.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        !matches!(self, Self::Refused(_) | Self::Row(_))
    }
}

/// Why a storage could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL names no database that this crate knows.
    #[error("database URL starts with {scheme:?}: use sqlite://")]
    Scheme {
        /// What stands before the first colon.
        scheme: String,
    },
    /// The URL's database needs a driver that was not compiled in.
    #[error("database URL starts with {scheme}:, but vtask was built without the feature `{feature}`")]
    Driver {
        /// What stands before the first colon.
        scheme: String,
        /// The feature to switch on.
        feature: &'static str,
    },
    /// The URL's database has no storage in this version.
    #[error("database URL starts with {scheme}:, for which this version of vtask has no storage yet: use sqlite://")]
    NotYet {
        /// What stands before the first colon.
        scheme: String,
    },
    /// The URL cannot be read.
    #[error("database URL {url} cannot be read")]
    Url {
        /// The URL without its password.
        url: String,
        /// What is wrong with it.
        source: Cause,
    },
    /// A database in memory would be lost with its connection.
    #[error("{url} lives only as long as one connection: use `Client::in_memory()` or a file")]
    InMemory {
        /// The URL.
        url: String,
    },
    /// The file's folder is not there.
    #[error("cannot open {}: the folder {} does not exist; create it", path.display(), folder.display())]
    NoFolder {
        /// The database file.
        path: PathBuf,
        /// The folder that should hold it.
        folder: PathBuf,
    },
    /// The file or its folder cannot be written.
    #[error("cannot write {}: vtask needs to write the file and its folder", path.display())]
    NotWritable {
        /// The database file.
        path: PathBuf,
        /// What the driver said.
        source: Cause,
    },
    /// The file is not there, and may not be made.
    #[error("{} does not exist: make it with the statements of `schema_sql`, or allow vtask to migrate", path.display())]
    Missing {
        /// The database file.
        path: PathBuf,
    },
    /// The path is not a file.
    #[error("cannot open {}: it is a folder, not a file", path.display())]
    IsFolder {
        /// The path.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("{} is not a SQLite database; name another file", path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The tables were made by a newer version that this one cannot work beside.
    #[error(
        "the tables have schema version {found}, which programs below schema version {readable_from} cannot use; this \
         program knows version {known}: update it"
    )]
    NewerSchema {
        /// The version of the tables.
        found: i64,
        /// The oldest version whose programs can use them.
        readable_from: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// There is a table of the name, but vtask did not make it.
    #[error("the database has a table `{table}` that vtask did not make; it was left untouched: use another database")]
    ForeignTable {
        /// The table.
        table: &'static str,
    },
    /// The tables are not there, or older than this program, and it may not make them.
    #[error("the tables have schema version {found}, this program needs {known}: allow it to migrate them")]
    OldSchema {
        /// The version of the tables; 0 if there are none.
        found: i64,
        /// The version that this program needs.
        known: i64,
    },
    /// The database failed while it was opened.
    #[error("cannot open {url}")]
    Storage {
        /// The URL without its password.
        url: String,
        /// What failed.
        source: StorageError,
    },
}
