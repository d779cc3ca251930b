//! Opening a database on a server.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use sea_orm::DbErr;
use sea_orm::sqlx::{self, Connection};

use super::driver::{driver_error, wrapped};
use crate::error::{ConnectError, StorageError};

/// How long a server may take to answer at all.
const ANSWER: Duration = Duration::from_secs(10);

/// A server ends a transaction in which nothing happens so long after the step that works in it has timed out.
pub(crate) const SLACK: Duration = Duration::from_secs(5);

/// A server, and a database on it, without the password.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    pub(crate) scheme: &'static str,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) database: Option<String>,
    pub(crate) user: String,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scheme, host, port, database, .. } = self;
        match database {
            Some(database) => write!(f, "{scheme}://{host}:{port}/{database}"),
            None => write!(f, "{scheme}://{host}:{port}"),
        }
    }
}

/// Why a server turned vtask away, in so far as its error number says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    Login,
    NoDatabase,
    NoRights,
}

impl Address {
    /// Says what a failure while opening means.
    pub(crate) fn explain(
        &self,
        error: DbErr,
        refusal: fn(&DbErr) -> Option<Refusal>,
        classify: fn(DbErr) -> StorageError,
    ) -> ConnectError {
        let (address, user) = (self.to_string(), self.user.clone());
        match (refusal(&error), driver_error(&error)) {
            (Some(Refusal::Login), _) => ConnectError::Login { address, user, source: error.into() },
            (Some(Refusal::NoDatabase), _) => {
                ConnectError::NoDatabase { address, database: self.database.clone().unwrap_or_default() }
            }
            (Some(Refusal::NoRights), _) => ConnectError::NoRights { address, user, source: error.into() },
            (None, Some(cause)) if is_tls(cause) => ConnectError::Tls { address, source: error.into() },
            (None, Some(sqlx::Error::Io(_))) => ConnectError::Unreachable { address, source: error.into() },
            (None, _) => match classify(error) {
                StorageError::ReadOnly(source) => ConnectError::ReadOnly { address, source },
                source => ConnectError::Storage { address, source },
            },
        }
    }
}

/// A setting of a server by which it may lose what it has acknowledged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Durability {
    pub(crate) name: &'static str,
    /// What it should be.
    pub(crate) safe: &'static str,
    /// What may happen otherwise.
    pub(crate) risk: &'static str,
}

impl Durability {
    /// Says so, if the server's setting is another one.
    pub(crate) fn check(&self, address: &Address, value: &str) {
        if let Some(risk) = self.risk_of(value) {
            tracing::warn!(%address, setting = self.name, value, safe = self.safe, "{risk}");
        }
    }

    fn risk_of(&self, value: &str) -> Option<&'static str> {
        (!value.eq_ignore_ascii_case(self.safe)).then_some(self.risk)
    }
}

/// The name of a database, unless it looks like the rest of a URL whose password has a slash that was not escaped.
pub(crate) fn without_password(database: &str) -> String {
    if database.contains('@') { "…".to_owned() } else { database.to_owned() }
}

/// rustls tells of a certificate that it does not trust as of data that make no sense.
fn is_tls(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Tls(_) => true,
        sqlx::Error::Io(error) => error.kind() == std::io::ErrorKind::InvalidData,
        _ => false,
    }
}

/// Makes a first connection. A pool would hide why that fails behind a timeout of its own.
pub(crate) async fn first<C>(connect: impl Future<Output = Result<C, sqlx::Error>>) -> Result<C, DbErr> {
    let silent = || std::io::Error::new(std::io::ErrorKind::TimedOut, format!("no answer within {ANSWER:?}"));
    tokio::time::timeout(ANSWER, connect).await.unwrap_or_else(|_| Err(sqlx::Error::Io(silent()))).map_err(wrapped)
}

/// A pool of at most so many connections, which are opened as they are needed.
pub(crate) fn pool<DB: sqlx::Database>(most: u32) -> sqlx::pool::PoolOptions<DB> {
    sqlx::pool::PoolOptions::new()
        .max_connections(most)
        .acquire_timeout(Duration::from_secs(10))
        // Before the server does it, which logs that as a fault.
        .idle_timeout(Duration::from_secs(45))
        .max_lifetime(Duration::from_secs(1800))
        .test_before_acquire(false)
        // A ping is a round trip: only what has lain idle long enough to be cut off gets one.
        .before_acquire(|connection: &mut DB::Connection, meta| {
            Box::pin(async move {
                if meta.idle_for < Duration::from_secs(20) {
                    return Ok(true);
                }
                Ok(connection.ping().await.is_ok())
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setting_that_loses_what_was_acknowledged_is_told() {
        let setting = Durability { name: "fsync", safe: "on", risk: "it may be lost" };
        assert_eq!(setting.risk_of("on"), None);
        assert_eq!(setting.risk_of("ON"), None);
        assert_eq!(setting.risk_of("off"), Some("it may be lost"));
    }
}
