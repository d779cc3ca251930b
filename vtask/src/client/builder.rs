//! Connecting with settings.

use std::sync::Arc;

use vtask_storage::{ConnectError, JobStorage};

use super::Client;
use crate::env::Env;

/// Settings of a [`Client`] to a database.
#[derive(Debug)]
#[must_use = "a builder does nothing until `connect`"]
pub struct ClientBuilder {
    url: Url,
    migrate: bool,
}

impl ClientBuilder {
    pub(super) fn new(url: String) -> Self {
        Self { url: Url(url), migrate: true }
    }

    /// Whether to make or update the tables; on unless this says otherwise.
    ///
    /// Without it the tables are only checked, and [`schema_sql`](Self::schema_sql) is for whoever makes them.
    pub fn migrate(mut self, migrate: bool) -> Self {
        self.migrate = migrate;
        self
    }

    /// The statements that make the tables in this URL's database.
    ///
    /// # Errors
    ///
    /// [`ConnectError::Scheme`] or [`ConnectError::Driver`] if the URL names no database that can be used.
    pub fn schema_sql(&self) -> Result<String, ConnectError> {
        match self.url.family()? {
            #[cfg(feature = "sqlite")]
            Family::Sqlite => Ok(vtask_storage::SqliteStorage::schema_sql()),
        }
    }

    /// Connects.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] says what is wrong with the URL, the database or its tables.
    pub async fn connect(self) -> Result<Client, ConnectError> {
        let storage: Arc<dyn JobStorage> = match self.url.family()? {
            #[cfg(feature = "sqlite")]
            Family::Sqlite => Arc::new(vtask_storage::SqliteStorage::open(&self.url.0, self.migrate).await?),
        };
        Ok(Client::new(storage, Env::default()))
    }
}

/// A kind of database whose driver is compiled in.
enum Family {
    #[cfg(feature = "sqlite")]
    Sqlite,
}

/// A URL that does not show its password.
struct Url(String);

impl Url {
    fn scheme(&self) -> &str {
        self.0.split(':').next().unwrap_or_default()
    }

    fn family(&self) -> Result<Family, ConnectError> {
        let scheme = self.scheme().to_owned();
        match scheme.as_str() {
            #[cfg(feature = "sqlite")]
            "sqlite" => Ok(Family::Sqlite),
            #[cfg(not(feature = "sqlite"))]
            "sqlite" => Err(ConnectError::Driver { scheme, feature: "sqlite" }),
            "mysql" | "mariadb" => Err(ConnectError::Driver { scheme, feature: "mysql" }),
            "postgres" | "postgresql" => Err(ConnectError::Driver { scheme, feature: "postgres" }),
            _ => Err(ConnectError::Scheme { scheme }),
        }
    }
}

impl std::fmt::Debug for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:…", self.scheme())
    }
}
