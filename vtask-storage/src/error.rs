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
    /// A transaction that is still open holds a row or a keyword. Nothing was written; the call may be repeated.
    #[error("a row is locked by an open transaction")]
    Locked(#[source] Cause),
    /// The connection failed. Whether something was written is not known; the call may be repeated.
    #[error("the storage cannot be reached")]
    Unavailable(#[source] Cause),
    /// There is no room. Nothing was written.
    #[error("the storage is full")]
    Full(#[source] Cause),
    /// It takes no writes.
    #[error("the storage is read-only")]
    ReadOnly(#[source] Cause),
    /// The call would wait for itself: it was made by a step whose own transaction keeps every other write waiting. On
    /// SQLite, which has one writer, a step that takes a `&DatabaseTransaction` invokes jobs `within` that, and does not
    /// wait for any.
    #[error(
        "the step that makes this call has the only transaction that may write: invoke jobs `.within(tx)`, and wait for \
         them or change them elsewhere"
    )]
    OwnTransaction,
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
            Self::Locked(_) => Self::Locked(cause()),
            Self::Unavailable(_) => Self::Unavailable(cause()),
            Self::Full(_) => Self::Full(cause()),
            Self::ReadOnly(_) => Self::ReadOnly(cause()),
            Self::OwnTransaction => Self::OwnTransaction,
            Self::Refused(_) => Self::Refused(cause()),
            Self::Row(error) => Self::Row(error.clone()),
        }
    }

    /// Whether the same call may succeed later without anything being changed in it.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        !matches!(self, Self::OwnTransaction | Self::Refused(_) | Self::Row(_))
    }
}

/// Why a storage could not be opened. A password is in none of these.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL names no database that this crate knows.
    #[error("database URL starts with {scheme:?}: use sqlite://, postgres:// or mysql://")]
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
    /// The connection is not a pool to a database whose driver was compiled in.
    #[error("the connection is no pool to a database that vtask was built for: switch on its feature, or give a URL")]
    Connection,
    /// The URL cannot be read.
    #[error("the {scheme}: database URL cannot be read")]
    Url {
        /// What stands before the first colon.
        scheme: String,
        /// What is wrong with it.
        source: Cause,
    },
    /// The prefix cannot begin the name of a table.
    #[error("table prefix {prefix:?} does not begin names: use at most 32 of a to z, 0 to 9 and _, a letter first")]
    TablePrefix {
        /// The prefix.
        prefix: String,
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
    /// Nobody answers at the server's address.
    #[error("cannot reach {address}: is the server up, and the address right?")]
    Unreachable {
        /// The server and the database.
        address: String,
        /// What the driver said.
        source: Cause,
    },
    /// The server does not let the user in.
    #[error("{address} does not let user {user:?} in: check the name and the password")]
    Login {
        /// The server and the database.
        address: String,
        /// The user.
        user: String,
        /// What the server said.
        source: Cause,
    },
    /// The connection could not be made secure as the URL demands.
    #[error(
        "no secure connection to {address}: TLS needs the feature `tls-rustls` or `tls-native` and the server's authority"
    )]
    Tls {
        /// The server and the database.
        address: String,
        /// What the driver said.
        source: Cause,
    },
    /// The server has no such database.
    #[error("{address}: there is no database {database:?}; create it")]
    NoDatabase {
        /// The server and the database.
        address: String,
        /// The database.
        database: String,
    },
    /// The URL names a server and no database on it.
    #[error("{address} names no database: put its name behind the last slash")]
    UnnamedDatabase {
        /// The server.
        address: String,
    },
    /// The user may not do what vtask needs.
    #[error(
        "user {user:?} lacks a right on {address}: vtask selects, inserts, updates and deletes in its tables, and creates \
         them unless `migrate(false)`"
    )]
    NoRights {
        /// The server and the database.
        address: String,
        /// The user.
        user: String,
        /// What the server said.
        source: Cause,
    },
    /// The server takes no writes.
    #[error("{address} takes no writes: connect to the primary")]
    ReadOnly {
        /// The server and the database.
        address: String,
        /// What the server said.
        source: Cause,
    },
    /// None of several addresses serves.
    #[error("none of the {} addresses of the database serves: {}", errors.len(), told(errors))]
    NoneServes {
        /// What is wrong with each of them, in order.
        errors: Vec<Self>,
    },
    /// The server is too old.
    #[error("{address} is {version}: vtask needs {needed} or newer")]
    TooOld {
        /// The server and the database.
        address: String,
        /// What it says that it is.
        version: String,
        /// The oldest version that serves.
        needed: &'static str,
    },
    /// The database cannot store every text.
    #[error("{address} stores text as {encoding}: vtask needs a database with encoding UTF8")]
    Encoding {
        /// The server and the database.
        address: String,
        /// The encoding.
        encoding: String,
    },
    /// The connection cuts values that do not fit instead of refusing them.
    #[error("connections to {address} have sql_mode {sql_mode:?}, which loses data silently: add STRICT_TRANS_TABLES")]
    LaxSqlMode {
        /// The server and the database.
        address: String,
        /// The mode.
        sql_mode: String,
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
    #[error(
        "the database has a table `{table}` that vtask did not make; it was left untouched: use another database, or \
         `table_prefix`"
    )]
    ForeignTable {
        /// The table.
        table: String,
    },
    /// There is a table of the original framework.
    #[error(
        "table `{table}` is that of the original framework; it was left untouched: stop every program that uses it, \
         then connect with `adopt_original(true)`, which has to be allowed to migrate"
    )]
    OriginalTable {
        /// The table.
        table: String,
    },
    /// The copy of the original framework's table does not have all of its rows.
    #[error(
        "{rows} of {originals} rows of the original framework's table were copied; it is kept as `task_original`: look at \
         both, then connect again"
    )]
    Adoption {
        /// How many were copied.
        rows: i64,
        /// How many there are.
        originals: i64,
    },
    /// The tables are not there, or older than this program, and it may not make them.
    #[error(
        "the tables have schema version {found}, this program needs {known}: run the statements of `schema_sql`, or \
         allow it to migrate them"
    )]
    OldSchema {
        /// The version of the tables; 0 if there are none.
        found: i64,
        /// The version that this program needs.
        known: i64,
    },
    /// The database failed while it was opened.
    #[error("cannot open {address}")]
    Storage {
        /// The file, or the server and the database.
        address: String,
        /// What failed.
        source: StorageError,
    },
}

fn told(errors: &[ConnectError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
