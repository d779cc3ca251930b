//! From a database to the storage in it.

use std::fmt;
use std::sync::Arc;

use sea_orm::DatabaseConnection;

use crate::error::ConnectError;
use crate::storage::JobStorage;

/// A database: a URL, or a connection to it.
///
/// It never shows a password.
#[derive(Clone)]
pub enum Database {
    /// Such as `sqlite://jobs.db`, `postgres://user@host/jobs` or `mysql://user@host/jobs`.
    Url(String),
    /// A pool of sea-orm's. Its connections stay the user's; vtask opens its own beside them, with the same options.
    Connection(DatabaseConnection),
}

impl Database {
    /// What stands before the first colon of the URL.
    fn scheme(&self) -> &str {
        match self {
            Self::Url(url) => url.split(':').next().unwrap_or_default(),
            Self::Connection(connection) => kind_of(connection),
        }
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:…", self.scheme())
    }
}

impl From<&str> for Database {
    fn from(url: &str) -> Self {
        Self::Url(url.to_owned())
    }
}

impl From<String> for Database {
    fn from(url: String) -> Self {
        Self::Url(url)
    }
}

impl From<&String> for Database {
    fn from(url: &String) -> Self {
        Self::Url(url.clone())
    }
}

impl From<DatabaseConnection> for Database {
    fn from(connection: DatabaseConnection) -> Self {
        Self::Connection(connection)
    }
}

impl From<&DatabaseConnection> for Database {
    fn from(connection: &DatabaseConnection) -> Self {
        Self::Connection(connection.clone())
    }
}

/// How to open a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenOptions {
    /// Whether to make or update the tables; on by default. Without it they are only checked.
    pub migrate: bool,
    /// What the names of the tables begin with, for a database that has a table `task` of its own; empty by default.
    pub table_prefix: String,
    /// Whether a table `task` of the original framework is taken over; off by default.
    pub adopt_original: bool,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self { migrate: true, table_prefix: String::new(), adopt_original: false }
    }
}

/// Opens the storage in a database.
///
/// # Errors
///
/// [`ConnectError`] says what is wrong with the URL, the database or its tables; a password is never in it.
pub async fn open(database: &Database, options: &OpenOptions) -> Result<Arc<dyn JobStorage>, ConnectError> {
    #[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
    return Ok(Arc::new(open_sql(database, options).await?));
    #[cfg(not(any(feature = "sqlite", feature = "postgres", feature = "mysql")))]
    {
        let _ = options;
        Err(unusable(database))
    }
}

#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
pub(crate) async fn open_sql(database: &Database, options: &OpenOptions) -> Result<crate::SqlStorage, ConnectError> {
    match database.scheme() {
        #[cfg(feature = "sqlite")]
        "sqlite" => crate::sqlite::open(database, options).await,
        #[cfg(feature = "postgres")]
        "postgres" | "postgresql" => crate::postgres::open(database, options).await,
        #[cfg(feature = "mysql")]
        "mysql" | "mariadb" => crate::mysql::open(database, options).await,
        _ => Err(unusable(database)),
    }
}

/// The statements that make the tables in a database, for whoever makes them by hand.
///
/// # Errors
///
/// [`ConnectError`] if the URL names no database that can be used, or if the prefix is none.
pub fn schema_sql(database: &Database, options: &OpenOptions) -> Result<String, ConnectError> {
    #[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
    {
        let dialect = match database.scheme() {
            #[cfg(feature = "sqlite")]
            "sqlite" => &crate::sqlite::DIALECT,
            #[cfg(feature = "postgres")]
            "postgres" | "postgresql" => &crate::postgres::DIALECT,
            #[cfg(feature = "mysql")]
            "mysql" | "mariadb" => &crate::mysql::DIALECT,
            _ => return Err(unusable(database)),
        };
        let names = crate::sql::Names::new(&options.table_prefix)?;
        Ok(crate::sql::migrate::schema_sql(&crate::sql::statements::Statements::new(dialect, names)))
    }
    #[cfg(not(any(feature = "sqlite", feature = "postgres", feature = "mysql")))]
    {
        let _ = options;
        Err(unusable(database))
    }
}

/// The scheme of a pool's URL; empty for what is no pool of a driver that was compiled in.
fn kind_of(connection: &DatabaseConnection) -> &'static str {
    match &connection.inner {
        #[cfg(feature = "sqlite")]
        sea_orm::DatabaseConnectionType::SqlxSqlitePoolConnection(_) => "sqlite",
        #[cfg(feature = "postgres")]
        sea_orm::DatabaseConnectionType::SqlxPostgresPoolConnection(_) => "postgres",
        #[cfg(feature = "mysql")]
        sea_orm::DatabaseConnectionType::SqlxMySqlPoolConnection(_) => "mysql",
        _ => "",
    }
}

fn unusable(database: &Database) -> ConnectError {
    let scheme = database.scheme().to_owned();
    let feature = match (scheme.as_str(), database) {
        (_, Database::Connection(_)) => return ConnectError::Connection,
        ("sqlite", _) => "sqlite",
        ("mysql" | "mariadb", _) => "mysql",
        ("postgres" | "postgresql", _) => "postgres",
        _ => return ConnectError::Scheme { scheme },
    };
    ConnectError::Driver { scheme, feature }
}
