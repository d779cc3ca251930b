//! Connecting with settings.

use tokio::time::Instant;
use vtask_storage::{ConnectError, Database, OpenOptions, StorageError};

use super::{Client, PATIENCE};
use crate::env::{Backoff, Env};

/// Settings of a [`Client`] to a database.
#[derive(Debug)]
#[must_use = "a builder does nothing until `connect`"]
pub struct ClientBuilder {
    database: Database,
    options: OpenOptions,
}

impl ClientBuilder {
    pub(super) fn new(database: Database) -> Self {
        Self { database, options: OpenOptions::default() }
    }

    /// Whether to make or update the tables; on unless this says otherwise.
    ///
    /// Without it the tables are only checked, and [`schema_sql`](Self::schema_sql) is for whoever makes them.
    pub fn migrate(mut self, migrate: bool) -> Self {
        self.options.migrate = migrate;
        self
    }

    /// Puts `prefix` before the names of the tables, for a database that has a table `task` of its own.
    ///
    /// At most 32 of `a` to `z`, `0` to `9` and `_`, a letter first, such as `vtask_`. All programs that share the jobs
    /// have to give the same one. The entities in [`storage::entity`](crate::storage::entity) name the tables without a
    /// prefix.
    pub fn table_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.options.table_prefix = prefix.into();
        self
    }

    /// Whether to take over a MySQL or MariaDB table `task` that the original Go framework wrote; off unless this says
    /// otherwise, and without meaning where there is none, so it may stay on.
    ///
    /// Every program that uses the table has to be stopped before. The table is kept as `task_original`, and its rows
    /// are copied, ended ones too: allow for as much room again. Jobs that had not ended go on from their step: their
    /// steps are found by number, and what the last one answered is its output. Times are read in the time zone of the
    /// server. A start that dies meanwhile is taken up by the next one.
    pub fn adopt_original(mut self, adopt: bool) -> Self {
        self.options.adopt_original = adopt;
        self
    }

    /// The statements that make the tables in this database, for whoever makes them by hand.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] if the URL names no database that can be used, or if the prefix is none.
    pub fn schema_sql(&self) -> Result<String, ConnectError> {
        vtask_storage::schema_sql(&self.database, &self.options)
    }

    /// Connects.
    ///
    /// Where other programs are just making the tables, this waits for them for 30 s.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] says what is wrong with the URL, the database or its tables; a password is never in it.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped may have made a part of the tables; the next one that connects makes the rest.
    pub async fn connect(self) -> Result<Client, ConnectError> {
        let (env, begun, mut backoff) = (Env::default(), Instant::now(), Backoff::default());
        loop {
            // Who opens a new file while others do may find it locked, where the driver's own patience does not help.
            match vtask_storage::open(&self.database, &self.options).await {
                Err(error) if is_passing(&error) && begun.elapsed() < PATIENCE => backoff.wait(&env).await,
                storage => return Ok(Client::new(storage?, env)),
            }
        }
    }
}

/// Whether somebody is in the way at one of the addresses, and soon will be no longer.
fn is_passing(error: &ConnectError) -> bool {
    match error {
        ConnectError::Storage { source, .. } => matches!(source, StorageError::Busy(_) | StorageError::Locked(_)),
        ConnectError::NoneServes { errors } => errors.iter().any(is_passing),
        _ => false,
    }
}
