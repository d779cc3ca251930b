//! The connections of a storage, and how to get others.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use sea_orm::{DatabaseConnection, DbErr};

/// What a storage calls through.
#[derive(Debug)]
pub(crate) enum Connections {
    /// To a file.
    #[cfg(feature = "sqlite")]
    File { writer: DatabaseConnection, readers: DatabaseConnection },
    /// To a server, which may fall silent.
    #[cfg(any(feature = "postgres", feature = "mysql"))]
    Server { server: Server, present: RwLock<Present> },
}

/// How to connect to a server.
#[cfg(any(feature = "postgres", feature = "mysql"))]
#[derive(Clone)]
pub(crate) struct Server {
    /// Makes a pool of at most so many connections, which are opened as they are needed.
    pub(crate) pool: Arc<dyn Fn(u32) -> DatabaseConnection + Send + Sync>,
    /// Marks a pool as closed: what is called through it now fails, and no connection of it is used again.
    pub(crate) close: fn(&DatabaseConnection),
}

#[cfg(any(feature = "postgres", feature = "mysql"))]
impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").finish_non_exhaustive()
    }
}

/// The pool in use.
#[derive(Debug)]
pub(crate) struct Present {
    pool: DatabaseConnection,
    since: Instant,
}

/// A node holds five connections at most: these of its client, as many of its engine, and one that listens.
#[cfg(any(feature = "postgres", feature = "mysql"))]
const MOST: u32 = 2;

impl Connections {
    #[cfg(any(feature = "postgres", feature = "mysql"))]
    pub(crate) fn to(server: Server) -> Self {
        let present = RwLock::new(Present { pool: (server.pool)(MOST), since: Instant::now() });
        Self::Server { server, present }
    }

    /// Those that write.
    pub(crate) fn writer(&self) -> DatabaseConnection {
        match self {
            #[cfg(feature = "sqlite")]
            Self::File { writer, .. } => writer.clone(),
            #[cfg(any(feature = "postgres", feature = "mysql"))]
            Self::Server { present, .. } => present.read().unwrap_or_else(PoisonError::into_inner).pool.clone(),
        }
    }

    /// Those that read.
    pub(crate) fn readers(&self) -> DatabaseConnection {
        match self {
            #[cfg(feature = "sqlite")]
            Self::File { readers, .. } => readers.clone(),
            #[cfg(any(feature = "postgres", feature = "mysql"))]
            Self::Server { .. } => self.writer(),
        }
    }

    /// Others to the same database, where these hang on the runtime that opens them.
    pub(crate) fn others(&self) -> Option<Self> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::File { .. } => None,
            #[cfg(any(feature = "postgres", feature = "mysql"))]
            Self::Server { server, .. } => Some(Self::to(server.clone())),
        }
    }

    /// One more connection, beside these.
    #[cfg(feature = "postgres")]
    pub(crate) fn one_more(&self) -> Option<DatabaseConnection> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::File { .. } => None,
            Self::Server { server, .. } => Some((server.pool)(1)),
        }
    }

    /// Gives up what a call that began at `begun` waits on, unless others have taken its place since; false for a file.
    pub(crate) fn give_up(&self, begun: Instant) -> bool {
        match self {
            #[cfg(feature = "sqlite")]
            Self::File { .. } => false,
            #[cfg(any(feature = "postgres", feature = "mysql"))]
            Self::Server { server, present } => {
                let mut present = present.write().unwrap_or_else(PoisonError::into_inner);
                if present.since <= begun {
                    (server.close)(&present.pool);
                    *present = Present { pool: (server.pool)(MOST), since: Instant::now() };
                }
                true
            }
        }
    }

    pub(crate) async fn close(&self) -> Result<(), DbErr> {
        self.readers().close().await?;
        self.writer().close().await
    }
}
