//! Connecting with settings.

use std::fmt;

use tokio::time::Instant;
use vtask_storage::{ConnectError, StorageError};

use super::{Client, PATIENCE};
use crate::env::{Backoff, Env};

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
    /// [`ConnectError`] if the URL names no database that can be used.
    pub fn schema_sql(&self) -> Result<String, ConnectError> {
        vtask_storage::schema_sql(&self.url.0)
    }

    /// Connects.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] says what is wrong with the URL, the database or its tables.
    pub async fn connect(self) -> Result<Client, ConnectError> {
        let (env, begun, mut backoff) = (Env::default(), Instant::now(), Backoff::default());
        loop {
            // Who opens a new file while others do may find it locked, where the driver's own patience does not help.
            match vtask_storage::open(&self.url.0, self.migrate).await {
                Err(ConnectError::Storage { source: StorageError::Busy(_), .. }) if begun.elapsed() < PATIENCE => {
                    backoff.wait(&env).await;
                }
                storage => return Ok(Client::new(storage?, env)),
            }
        }
    }
}

/// A URL that does not show its password.
struct Url(String);

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.0.split(':').next().unwrap_or_default();
        write!(f, "{scheme}:…")
    }
}
