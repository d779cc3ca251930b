//! Jobs in a SQL database: what SQLite, PostgreSQL and MySQL have in common, which is nearly all.
//!
//! A statement is written once, in words that all of them share; a [`Dialect`](dialect::Dialect) says what differs.

#[cfg(feature = "postgres")]
pub(crate) mod arrays;
pub(crate) mod batch;
mod claim;
pub(crate) mod connections;
pub(crate) mod dialect;
pub(crate) mod driver;
mod due;
mod insert;
#[cfg(feature = "mysql")]
pub(crate) mod json;
mod locked;
pub(crate) mod migrate;
mod names;
mod node;
mod overview;
#[cfg(any(feature = "postgres", feature = "mysql"))]
pub(crate) mod pools;
mod purge;
mod read;
mod row;
#[cfg(feature = "sqlite")]
pub(crate) mod rows;
#[cfg(any(feature = "postgres", feature = "mysql"))]
pub(crate) mod server;
#[cfg(any(feature = "postgres", feature = "mysql"))]
pub(crate) mod settings;
pub(crate) mod statements;
mod steps;
mod within;
mod write;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use sea_orm::DatabaseExecutor;

use self::batch::MOST_ROWS;
use self::connections::Connections;
pub(crate) use self::names::Names;
use self::statements::Statements;
use crate::error::{ConnectError, StorageError};
use crate::open::{Database, OpenOptions};
use crate::storage::{Announcements, JobStorage, ReadJobs, WriteJobs, WriteNodes};
use crate::transactions::Transactions;
use crate::value::{
    Beat, Boot, Bounds, Claim, Claimed, DueJobs, FormerNode, Hash, Held, Inserted, JobId, JobRow, JobSummary, JobWrite,
    Lease, Limits, ListFilter, LivingNode, NewJob, NewNode, NodeState, Overview, Owner, Pulse, Purge, Purged, Request,
    RowError, Wanted, Written,
};

/// A storage in a SQLite file, or on a PostgreSQL, MySQL or MariaDB server.
///
/// Clones share its connections.
#[derive(Debug, Clone)]
pub struct SqlStorage {
    pub(crate) sql: Arc<Statements>,
    pub(crate) connections: Arc<Connections>,
    limits: Limits,
    /// The most that one statement should carry.
    most_bytes: usize,
}

impl SqlStorage {
    /// Opens a database, such as that of the URL `sqlite://jobs.db`, `postgres://user@host/jobs` or
    /// `mysql://user@host/jobs`, or that of a sea-orm connection.
    ///
    /// It opens connections of its own: one that writes and two that read for a SQLite file, at most two for a server.
    /// Unless `options` say otherwise it also makes or updates the tables, under a lock that other processes wait for.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] says what is wrong with the URL, the database or its tables.
    pub async fn open(database: impl Into<Database>, options: &OpenOptions) -> Result<Self, ConnectError> {
        crate::open::open_sql(&database.into(), options).await
    }

    pub(crate) fn new(sql: Arc<Statements>, connections: Connections, most_bytes: usize) -> Self {
        let (limits, row) = (Limits::default(), most_bytes);
        let limits =
            Limits { row: limits.row.min(row), input: limits.input.min(row), output: limits.output.min(row), ..limits };
        Self { sql, connections: Arc::new(connections), limits, most_bytes }
    }

    /// Closes the connections once the calls under way are done.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if a connection does not close.
    pub async fn close(self) -> Result<(), StorageError> {
        self.connections.close().await.map_err(self.sql.dialect.classify)
    }

    async fn send_writes(&self, writes: &[JobWrite]) -> Result<Vec<Written>, StorageError> {
        self.in_pieces(writes, JobWrite::bytes, |sql, on, writes| Box::pin(write::write(sql, on, writes))).await
    }

    async fn send_claims(&self, owner: &Owner, claims: &[Claim]) -> Result<Vec<Claimed>, StorageError> {
        self.in_pieces(
            claims,
            |_| 0,
            |sql, on, claims| {
                let owner = owner.clone();
                Box::pin(async move { claim::claim(sql, on, &owner, claims).await })
            },
        )
        .await
    }

    /// Sends items in one statement, or in one transaction of several where they are too many or too large for one.
    async fn in_pieces<T: Sync, A: Send>(
        &self,
        items: &[T],
        bytes: fn(&T) -> usize,
        send: impl for<'c> Fn(&'c Statements, &'c DatabaseExecutor<'c>, &'c [T]) -> Answers<'c, A> + Send + Sync,
    ) -> Result<Vec<A>, StorageError> {
        let pieces = pieces(items, bytes, self.most_bytes);
        let writer = self.connections.writer();
        if pieces.len() < 2 {
            return send(&self.sql, &DatabaseExecutor::Connection(&writer), items).await;
        }
        let transaction = self.sql.begin(&writer).await?;
        let answers = async {
            let mut answers = Vec::with_capacity(items.len());
            for piece in pieces {
                answers.extend(send(&self.sql, &DatabaseExecutor::Transaction(&transaction), piece).await?);
            }
            Ok(answers)
        };
        let answers = answers.await;
        self.sql.end(transaction, answers).await
    }
}

type Answers<'a, A> = Pin<Box<dyn Future<Output = Result<Vec<A>, StorageError>> + Send + 'a>>;

/// Cuts items into pieces of at most [`MOST_ROWS`] and so many bytes, unless one alone is larger.
fn pieces<T>(items: &[T], bytes: fn(&T) -> usize, most_bytes: usize) -> Vec<&[T]> {
    let (mut pieces, mut start, mut filled) = (Vec::new(), 0, 0);
    for (at, item) in items.iter().enumerate() {
        let more = bytes(item);
        if at > start && (at - start == MOST_ROWS || filled + more > most_bytes) {
            pieces.push(&items[start..at]);
            (start, filled) = (at, 0);
        }
        filled += more;
    }
    if start < items.len() {
        pieces.push(&items[start..]);
    }
    pieces
}

#[async_trait]
impl ReadJobs for SqlStorage {
    fn limits(&self) -> Limits {
        self.limits
    }

    async fn find(&self, keyword: &Hash) -> Result<Option<JobSummary>, StorageError> {
        read::find(&self.sql, &self.connections.readers(), keyword).await
    }

    async fn summaries(&self, ids: &[JobId]) -> Result<Vec<Result<JobSummary, RowError>>, StorageError> {
        read::summaries(&self.sql, &self.connections.readers(), ids).await
    }

    async fn row(&self, id: JobId) -> Result<Option<JobRow>, StorageError> {
        read::row(&self.sql, &self.connections.readers(), id).await
    }

    async fn list(&self, filter: &ListFilter) -> Result<Vec<Result<JobSummary, RowError>>, StorageError> {
        read::page(&self.sql, &self.connections.readers(), filter).await
    }

    async fn due(&self, wanted: &[Wanted], nodes: bool) -> Result<DueJobs, StorageError> {
        due::due(&self.sql, &self.connections.readers(), wanted, nodes).await
    }

    async fn held(&self, boots: &[Boot], after: JobId, limit: u32) -> Result<Vec<Held>, StorageError> {
        claim::held(&self.sql, &self.connections.readers(), boots, after, limit).await
    }

    async fn overview(&self, bounds: Bounds) -> Result<Overview, StorageError> {
        overview::overview(&self.sql, &self.connections.readers(), bounds).await
    }
}

#[async_trait]
impl WriteJobs for SqlStorage {
    async fn insert(&self, jobs: &[NewJob]) -> Result<Vec<Inserted>, StorageError> {
        self.in_pieces(jobs, NewJob::bytes, |sql, on, jobs| Box::pin(insert::insert(sql, on, jobs))).await
    }

    async fn claim(&self, owner: &Owner, claims: &[Claim]) -> Result<Vec<Claimed>, StorageError> {
        match self.send_claims(owner, claims).await {
            Err(error @ StorageError::Locked(_)) => self.claim_unlocked(owner, claims, error).await,
            claimed => claimed,
        }
    }

    async fn write(&self, writes: &[JobWrite]) -> Result<Vec<Written>, StorageError> {
        match self.send_writes(writes).await {
            Err(error @ StorageError::Locked(_)) if writes.len() > 1 => self.write_unlocked(writes, error).await,
            written => written,
        }
    }

    async fn pause_unreadable(&self, id: JobId, seen: Lease, lease: Lease, error: &str) -> Result<bool, StorageError> {
        write::pause_unreadable(&self.sql, &self.connections.writer(), id, seen, lease, error).await
    }

    async fn request(&self, id: JobId, keyword: &Hash, request: Request) -> Result<bool, StorageError> {
        write::request(&self.sql, &self.connections.writer(), id, keyword, request).await
    }

    async fn purge(&self, purge: &Purge) -> Result<Purged, StorageError> {
        purge::purge(&self.sql, &self.connections.writer(), purge).await
    }
}

#[async_trait]
impl WriteNodes for SqlStorage {
    async fn join(&self, node: &NewNode) -> Result<Vec<FormerNode>, StorageError> {
        let transaction = self.sql.begin(&self.connections.writer()).await?;
        let former = node::join(&self.sql, &transaction, node).await;
        self.sql.end(transaction, former).await
    }

    async fn beat(&self, beat: &Beat) -> Result<Pulse, StorageError> {
        node::beat(&self.sql, &self.connections.writer(), beat).await
    }

    async fn declare_dead(&self, seen: &[LivingNode]) -> Result<(), StorageError> {
        node::declare_dead(&self.sql, &self.connections.writer(), seen).await
    }

    async fn enter(&self, boot: Boot, state: NodeState) -> Result<(), StorageError> {
        node::enter(&self.sql, &self.connections.writer(), boot, state).await
    }

    async fn forget(&self, boots: &[Boot]) -> Result<(), StorageError> {
        node::forget(&self.sql, &self.connections.writer(), boots).await
    }
}

impl JobStorage for SqlStorage {
    fn for_engine(&self) -> Option<Arc<dyn JobStorage>> {
        let connections = self.connections.others()?;
        Some(Arc::new(Self { connections: Arc::new(connections), ..self.clone() }))
    }

    fn give_up(&self, begun: Instant) -> bool {
        self.connections.give_up(begun)
    }

    fn look_elsewhere(&self, begun: Instant, error: &StorageError) {
        self.connections.look_elsewhere(begun, error);
    }

    fn announcements(&self) -> Option<Arc<dyn Announcements>> {
        self.sql.dialect.announcements.map(|of| of(self))
    }

    fn transactions(&self) -> Option<Arc<dyn Transactions>> {
        Some(Arc::new(self.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sizes: &[usize], most_bytes: usize, expected: &[usize]) {
        let pieces = pieces(sizes, |size| *size, most_bytes);
        assert_eq!(pieces.iter().map(|piece| piece.len()).collect::<Vec<_>>(), expected, "{sizes:?}");
        assert_eq!(pieces.concat(), sizes);
    }

    #[test]
    fn pieces_are_bounded_by_rows_and_by_bytes() {
        check(&[], 10, &[]);
        check(&[99], 10, &[1]);
        check(&[5, 5, 1], 10, &[2, 1]);
        check(&[99, 1, 9, 1], 10, &[1, 2, 1]);
        check(&[0; 600], 10, &[256, 256, 88]);
    }
}
