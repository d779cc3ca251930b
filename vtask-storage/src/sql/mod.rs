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
pub(crate) mod lent;
mod locked;
pub(crate) mod migrate;
mod names;
mod node;
mod overview;
mod params;
#[cfg(test)]
#[cfg(feature = "sqlite")]
mod plans;
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

use self::batch::MOST_ROWS;
use self::connections::Connections;
use self::lent::{Lent, On};
pub(crate) use self::names::Names;
use self::statements::Statements;
use crate::error::{ConnectError, StorageError};
use crate::open::{Database, OpenOptions};
use crate::storage::{Announcements, JobStorage, Lanes, ReadJobs, WriteJobs, WriteNodes};
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

    async fn send_writes(&self, writes: &[&JobWrite]) -> Result<Vec<Written>, StorageError> {
        let mut order: Vec<usize> = (0..writes.len()).collect();
        order.sort_unstable_by_key(|at| (writes[*at].change, writes[*at].id));
        let sorted: Vec<&JobWrite> = order.iter().map(|at| writes[*at]).collect();
        let pieces =
            pieces(&sorted, |write| write.bytes(), |before, write| before.change == write.change, self.most_bytes);
        let written = self.in_pieces(pieces, |sql, on, writes| Box::pin(write::write(sql, on, writes))).await?;
        let mut answers = vec![Written::Done; writes.len()];
        order.into_iter().zip(written).for_each(|(at, written)| answers[at] = written);
        Ok(answers)
    }

    async fn send_claims(&self, owner: &Owner, claims: &[Claim]) -> Result<Vec<Claimed>, StorageError> {
        let pieces = pieces(claims, |_| 0, |_, _| true, self.most_bytes);
        self.in_pieces(pieces, |sql, on, claims| {
            let owner = owner.clone();
            Box::pin(async move { claim::claim(sql, on, &owner, claims).await })
        })
        .await
    }

    /// Sends items in one statement, or in one transaction of several where they are too many, too large or too different
    /// for one.
    async fn in_pieces<T: Sync, A: Send>(
        &self,
        pieces: Vec<&[T]>,
        send: impl for<'c> Fn(&'c Statements, &'c On<'c>, &'c [T]) -> Answers<'c, A> + Send + Sync,
    ) -> Result<Vec<A>, StorageError> {
        let lent = match pieces.is_empty() {
            true => return Ok(Vec::new()),
            false => self.writer().await?,
        };
        let on = On::Lent(&lent);
        if let [piece] = pieces[..] {
            return send(&self.sql, &on, piece).await;
        }
        let all = async {
            let mut answers = Vec::new();
            for piece in pieces {
                answers.extend(send(&self.sql, &on, piece).await?);
            }
            Ok(answers)
        };
        self.sql.in_transaction(&lent, all).await
    }

    /// A connection that writes, for the statements of one call.
    pub(crate) async fn writer(&self) -> Result<Lent, StorageError> {
        self.connections.writer().lend().await.map_err(self.sql.dialect.classify)
    }

    /// One that reads.
    async fn reader(&self) -> Result<Lent, StorageError> {
        self.connections.reader().lend().await.map_err(self.sql.dialect.classify)
    }
}

type Answers<'a, A> = Pin<Box<dyn Future<Output = Result<Vec<A>, StorageError>> + Send + 'a>>;

/// Cuts items into pieces of at most [`MOST_ROWS`] and so many bytes, unless one alone is larger, whose items go together.
fn pieces<T>(items: &[T], bytes: fn(&T) -> usize, go_together: fn(&T, &T) -> bool, most_bytes: usize) -> Vec<&[T]> {
    let (mut pieces, mut start, mut filled) = (Vec::new(), 0, 0);
    for (at, item) in items.iter().enumerate() {
        let more = bytes(item);
        let is_full = at - start == MOST_ROWS || filled + more > most_bytes;
        if at > start && (is_full || !go_together(&items[at - 1], item)) {
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
        read::find(&self.sql, &self.reader().await?, keyword).await
    }

    async fn summaries(&self, ids: &[JobId]) -> Result<Vec<Result<JobSummary, RowError>>, StorageError> {
        read::summaries(&self.sql, &self.reader().await?, ids).await
    }

    async fn row(&self, id: JobId) -> Result<Option<JobRow>, StorageError> {
        read::row(&self.sql, &self.reader().await?, id).await
    }

    async fn list(&self, filter: &ListFilter) -> Result<Vec<Result<JobSummary, RowError>>, StorageError> {
        read::page(&self.sql, &self.reader().await?, filter).await
    }

    async fn due(&self, wanted: &[Wanted], nodes: bool) -> Result<DueJobs, StorageError> {
        due::due(&self.sql, &self.reader().await?, wanted, nodes).await
    }

    async fn held(&self, boots: &[Boot], after: JobId, limit: u32) -> Result<Vec<Held>, StorageError> {
        claim::held(&self.sql, &self.reader().await?, boots, after, limit).await
    }

    async fn overview(&self, bounds: Bounds) -> Result<Overview, StorageError> {
        overview::overview(&self.sql, &self.reader().await?, bounds).await
    }
}

#[async_trait]
impl WriteJobs for SqlStorage {
    async fn insert(&self, jobs: &[NewJob]) -> Result<Vec<Inserted>, StorageError> {
        let pieces = pieces(jobs, NewJob::bytes, |_, _| true, self.most_bytes);
        self.in_pieces(pieces, |sql, on, jobs| Box::pin(insert::insert(sql, on, jobs))).await
    }

    async fn claim(&self, owner: &Owner, claims: &[Claim]) -> Result<Vec<Claimed>, StorageError> {
        match self.send_claims(owner, claims).await {
            Err(StorageError::Locked(_)) => self.claim_unlocked(owner, claims).await,
            claimed => claimed,
        }
    }

    async fn write(&self, writes: &[&JobWrite]) -> Result<Vec<Written>, StorageError> {
        match self.send_writes(writes).await {
            Err(error @ StorageError::Locked(_)) if writes.len() > 1 => self.write_unlocked(writes, error).await,
            written => written,
        }
    }

    async fn pause_unreadable(&self, id: JobId, seen: Lease, lease: Lease, error: &str) -> Result<bool, StorageError> {
        write::pause_unreadable(&self.sql, &self.writer().await?, id, seen, lease, error).await
    }

    async fn request(&self, id: JobId, keyword: &Hash, request: Request) -> Result<bool, StorageError> {
        write::request(&self.sql, &self.writer().await?, id, keyword, request).await
    }

    async fn purge(&self, purge: &Purge) -> Result<Purged, StorageError> {
        purge::purge(&self.sql, &self.writer().await?, purge).await
    }
}

#[async_trait]
impl WriteNodes for SqlStorage {
    async fn join(&self, node: &NewNode) -> Result<Vec<FormerNode>, StorageError> {
        let lent = self.writer().await?;
        self.sql.in_transaction(&lent, node::join(&self.sql, &lent, node)).await
    }

    async fn beat(&self, beat: &Beat) -> Result<Pulse, StorageError> {
        node::beat(&self.sql, &self.writer().await?, beat).await
    }

    async fn declare_dead(&self, seen: &[LivingNode]) -> Result<(), StorageError> {
        node::declare_dead(&self.sql, &self.writer().await?, seen).await
    }

    async fn enter(&self, boot: Boot, state: NodeState) -> Result<(), StorageError> {
        node::enter(&self.sql, &self.writer().await?, boot, state).await
    }

    async fn forget(&self, boots: &[Boot]) -> Result<(), StorageError> {
        node::forget(&self.sql, &self.writer().await?, boots).await
    }
}

impl JobStorage for SqlStorage {
    fn for_engine(&self) -> Option<Arc<dyn JobStorage>> {
        let connections = self.connections.others()?;
        Some(Arc::new(Self { connections: Arc::new(connections), ..self.clone() }))
    }

    fn lanes(&self) -> Lanes {
        // A file has one writer.
        Lanes { most: if self.connections.are_of_a_file() { 1 } else { 2 }, worth: 32 }
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
        let pieces = pieces(sizes, |size| *size, |before, size| (*before == 7) == (*size == 7), most_bytes);
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
        check(&[7, 7, 1, 2, 7], 100, &[2, 2, 1]);
    }
}
