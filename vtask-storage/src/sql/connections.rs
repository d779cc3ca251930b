//! The connections of a storage, and how to get others.

#[cfg(feature = "sqlite")]
use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sea_orm::{DatabaseConnection, DbErr};

use super::lent::{Lender, Lent};
#[cfg(any(feature = "postgres", feature = "mysql"))]
use super::pools::Pools;
use crate::error::StorageError;

/// What a storage calls through.
#[derive(Debug)]
pub(crate) enum Connections {
    /// To a file.
    #[cfg(feature = "sqlite")]
    File { writer: Lender, readers: Lender, one_more: OneMore },
    /// To a server, which may fall silent.
    #[cfg(any(feature = "postgres", feature = "mysql"))]
    Server(Pools),
}

/// Makes a pool of one connection, which is opened when it is needed, and commits while it may.
#[cfg(feature = "sqlite")]
pub(crate) struct OneMore(pub(crate) Box<dyn Fn(MayCommit) -> DatabaseConnection + Send + Sync>);

/// Whether what the connection of a step has written may be committed. On a file: where an error ends the transaction of a step
/// that passes it over, each statement after it would be a commit of its own. A server's session is told that there are none.
pub(crate) type MayCommit = Arc<AtomicBool>;

#[cfg(feature = "sqlite")]
impl fmt::Debug for OneMore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OneMore").finish_non_exhaustive()
    }
}

/// The right to be the only writer of a file, until it is ended or dropped.
#[derive(Default)]
pub(crate) struct Turn(Mutex<Option<Lent>>);

impl Turn {
    pub(crate) fn end(&self) {
        *self.lock() = None;
    }

    // Nothing under this lock can panic half-way.
    fn lock(&self) -> MutexGuard<'_, Option<Lent>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Marks a pool as closed.
pub(crate) type Close = fn(&DatabaseConnection);

impl Connections {
    /// Those that write.
    pub(crate) fn writer(&self) -> Lender {
        match self {
            #[cfg(feature = "sqlite")]
            Self::File { writer, .. } => writer.clone(),
            #[cfg(any(feature = "postgres", feature = "mysql"))]
            Self::Server(pools) => pools.present(),
        }
    }

    /// Those that read.
    pub(crate) fn reader(&self) -> Lender {
        match self {
            #[cfg(feature = "sqlite")]
            Self::File { readers, .. } => readers.clone(),
            #[cfg(any(feature = "postgres", feature = "mysql"))]
            Self::Server(pools) => pools.present(),
        }
    }

    /// Others to the same database, where these hang on the runtime that opens them.
    pub(crate) fn others(&self) -> Option<Self> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::File { .. } => None,
            #[cfg(any(feature = "postgres", feature = "mysql"))]
            Self::Server(pools) => Some(Self::Server(pools.others())),
        }
    }

    /// One more connection, beside these.
    #[cfg(feature = "postgres")]
    pub(crate) fn one_more(&self) -> Option<DatabaseConnection> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::File { .. } => None,
            Self::Server(pools) => Some(pools.one_more()),
        }
    }

    /// One for the transactions of steps, none of which takes longer than this, and how it is closed.
    pub(crate) fn for_steps(&self, longest: Duration, may_commit: &MayCommit) -> (DatabaseConnection, Close) {
        match self {
            #[cfg(feature = "sqlite")]
            Self::File { one_more, .. } => {
                let _ = longest;
                ((one_more.0)(Arc::clone(may_commit)), |connection| {
                    drop(connection.get_sqlite_connection_pool().close());
                })
            }
            #[cfg(any(feature = "postgres", feature = "mysql"))]
            Self::Server(pools) => {
                let _ = may_commit;
                pools.for_steps(longest)
            }
        }
    }

    /// Since when they go where they go; `None` where that never changes.
    pub(crate) fn since(&self) -> Option<Instant> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::File { .. } => None,
            #[cfg(any(feature = "postgres", feature = "mysql"))]
            Self::Server(pools) => Some(pools.since()),
        }
    }

    pub(crate) fn are_of_a_file(&self) -> bool {
        match self {
            #[cfg(feature = "sqlite")]
            Self::File { .. } => true,
            #[cfg(any(feature = "postgres", feature = "mysql"))]
            Self::Server(_) => false,
        }
    }

    /// Waits, on a file, for its one writer, and keeps it waiting for whoever has the turn: a queue in the process is
    /// fair, and SQLite's own way of waiting for each other is not.
    pub(crate) async fn take_turn(&self, turn: &Turn) -> Result<(), DbErr> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::File { writer, .. } => {
                let lent = writer.lend().await?;
                *turn.lock() = Some(lent);
            }
            #[cfg(any(feature = "postgres", feature = "mysql"))]
            Self::Server(_) => drop(turn.lock()),
        }
        Ok(())
    }

    /// Gives up what a call that began at `begun` waits on, unless others have taken its place since; false for a file.
    pub(crate) fn give_up(&self, begun: Instant) -> bool {
        match self {
            #[cfg(feature = "sqlite")]
            Self::File { .. } => {
                let _ = begun;
                false
            }
            #[cfg(any(feature = "postgres", feature = "mysql"))]
            Self::Server(pools) => {
                pools.give_up(begun);
                true
            }
        }
    }

    /// Goes on to the next address after a call that began at `begun` had no connection or lost it; where there is one
    /// address only, new connections are made to that in any case.
    pub(crate) fn look_elsewhere(&self, begun: Instant, error: &StorageError) {
        match self {
            #[cfg(feature = "sqlite")]
            Self::File { .. } => {
                let _ = (begun, error);
            }
            #[cfg(any(feature = "postgres", feature = "mysql"))]
            Self::Server(pools) => pools.look_elsewhere(begun, error),
        }
    }

    pub(crate) async fn close(&self) -> Result<(), DbErr> {
        self.reader().close().await?;
        self.writer().close().await
    }
}
