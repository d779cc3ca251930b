//! Opening a database on a server.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use sea_orm::DbErr;
use sea_orm::sqlx::{self, Connection};

use super::SqlStorage;
use super::driver::{driver_error, wrapped};
use crate::error::{ConnectError, StorageError};

/// How long a server may take to answer at all; less where there is another one to ask.
const ANSWER: Duration = Duration::from_secs(10);
const ANSWER_OF_ONE: Duration = Duration::from_secs(3);

/// The longest wait for a connection to one of so many addresses.
pub(crate) fn patience(addresses: usize) -> Duration {
    if addresses > 1 { ANSWER_OF_ONE } else { ANSWER }
}

/// One URL for each of the hosts in this one, which has them in one place with commas between.
pub(crate) fn each_address(url: &str) -> Vec<String> {
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url[start..].find(['/', '?', '#']).map_or(url.len(), |length| start + length);
    let start = url[start..end].rfind('@').map_or(start, |at| start + at + 1);
    url[start..end].split(',').map(|host| format!("{}{host}{}", &url[..start], &url[end..])).collect()
}

/// Opens the database at the first address that serves.
pub(crate) async fn in_turn<F>(addresses: usize, open: impl Fn(usize) -> F) -> Result<SqlStorage, ConnectError>
where
    F: Future<Output = Result<SqlStorage, ConnectError>>,
{
    let mut errors = Vec::new();
    for address in 0..addresses {
        match open(address).await {
            Ok(storage) => return Ok(storage),
            Err(error) if addresses == 1 => return Err(error),
            Err(error) => {
                tracing::warn!(%error, "one of the addresses of the database does not serve");
                errors.push(error);
            }
        }
    }
    Err(ConnectError::NoneServes { errors })
}

/// A server ends a transaction in which nothing happens so long after the step that works in it has timed out.
pub(crate) const SLACK: Duration = Duration::from_secs(5);

/// No server takes a longer limit than some 24 days.
pub(crate) const LONGEST_LIMIT: Duration = Duration::from_secs(20 * 86_400);

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

/// Makes a first connection, to one of so many addresses. A pool would hide why that fails behind a timeout of its own.
pub(crate) async fn first<C>(
    addresses: usize,
    connect: impl Future<Output = Result<C, sqlx::Error>>,
) -> Result<C, DbErr> {
    let longest = patience(addresses);
    let silent = || std::io::Error::new(std::io::ErrorKind::TimedOut, format!("no answer within {longest:?}"));
    tokio::time::timeout(longest, connect).await.unwrap_or_else(|_| Err(sqlx::Error::Io(silent()))).map_err(wrapped)
}

/// A pool of at most so many connections, to one of so many addresses, which are opened as they are needed.
pub(crate) fn pool<DB: sqlx::Database>(addresses: usize, most: u32) -> sqlx::pool::PoolOptions<DB> {
    sqlx::pool::PoolOptions::new()
        .max_connections(most)
        .acquire_timeout(patience(addresses))
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

    #[track_caller]
    fn check(url: &str, expected: &[&str]) {
        assert_eq!(each_address(url), expected);
    }

    #[test]
    fn hosts_with_commas_between_are_addresses_of_their_own() {
        check("mysql://u:p@a/jobs", &["mysql://u:p@a/jobs"]);
        check("mysql://u:p@a:1,b:2/jobs?x=1,2", &["mysql://u:p@a:1/jobs?x=1,2", "mysql://u:p@b:2/jobs?x=1,2"]);
        check("postgres://a,[::1]:5432", &["postgres://a", "postgres://[::1]:5432"]);
        check("postgres://u:a,b@c/jobs", &["postgres://u:a,b@c/jobs"]);
        check("postgres:///jobs?host=/run", &["postgres:///jobs?host=/run"]);
    }
}
