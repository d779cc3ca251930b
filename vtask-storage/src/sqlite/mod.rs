//! Jobs in a SQLite file: the embedded default.
//!
//! One connection writes, a few read. The writes of one process queue for that connection instead of colliding; other
//! processes are waited for by SQLite's busy timeout.

mod claim;
mod error;
mod insert;
mod migrate;
mod node;
mod open;
mod read;
mod row;
mod text;
mod write;

use async_trait::async_trait;
use sea_orm::{DatabaseConnection, DatabaseTransaction, SqliteTransactionMode, TransactionOptions, TransactionTrait};

use self::error::classify;
use crate::error::{ConnectError, StorageError};
use crate::storage::{ReadJobs, WriteJobs, WriteNodes};
use crate::value::{
    Boot, Claim, Claimed, DueJobs, FormerNode, Hash, Held, Inserted, JobId, JobRow, JobSummary, JobWrite, Lease,
    ListFilter, NewJob, NewNode, Owner, RowError, Wanted, Written,
};

/// A storage in a SQLite file, opened with `journal_mode=WAL` and `synchronous=FULL`.
///
/// Clones share its connections.
#[derive(Debug, Clone)]
pub struct SqliteStorage {
    writer: DatabaseConnection,
    readers: DatabaseConnection,
}

impl SqliteStorage {
    /// Opens the file that `url` names, such as `sqlite://jobs.db`, and makes it where it is missing.
    ///
    /// With `migrate` it also makes or updates the tables, under a lock that other processes wait for; without, it only
    /// checks them.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] if the path cannot be written or is no database, or if the tables do not fit this program.
    pub async fn open(url: &str, migrate: bool) -> Result<Self, ConnectError> {
        open::open(url, migrate).await
    }

    /// The statements that make the tables, for whoever makes them by hand.
    #[must_use]
    pub fn schema_sql() -> String {
        migrate::schema_sql()
    }

    /// Closes the connections once the calls under way are done.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if a connection does not close.
    pub async fn close(self) -> Result<(), StorageError> {
        self.readers.close().await.map_err(classify)?;
        self.writer.close().await.map_err(classify)
    }

    /// Begins a transaction that holds the write lock from the start, so that it cannot fail to get it later.
    async fn begin(&self) -> Result<DatabaseTransaction, StorageError> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..Default::default()
        };
        self.writer.begin_with_options(options).await.map_err(classify)
    }
}

#[async_trait]
impl ReadJobs for SqliteStorage {
    async fn find(&self, keyword: &Hash) -> Result<Option<JobSummary>, StorageError> {
        read::find(&self.readers, keyword).await
    }

    async fn summaries(&self, ids: &[JobId]) -> Result<Vec<Result<JobSummary, RowError>>, StorageError> {
        read::summaries(&self.readers, ids).await
    }

    async fn row(&self, id: JobId) -> Result<Option<JobRow>, StorageError> {
        read::row(&self.readers, id).await
    }

    async fn list(&self, filter: &ListFilter) -> Result<Vec<Result<JobSummary, RowError>>, StorageError> {
        read::list(&self.readers, filter).await
    }

    async fn due(&self, wanted: &[Wanted]) -> Result<DueJobs, StorageError> {
        claim::due(&self.readers, wanted).await
    }

    async fn held(&self, boots: &[Boot], after: JobId, limit: u32) -> Result<Vec<Held>, StorageError> {
        claim::held(&self.readers, boots, after, limit).await
    }
}

#[async_trait]
impl WriteJobs for SqliteStorage {
    async fn insert(&self, jobs: &[NewJob]) -> Result<Vec<Inserted>, StorageError> {
        if jobs.len() <= text::MOST_ROWS {
            return insert::insert(&self.writer, jobs).await;
        }
        let transaction = self.begin().await?;
        let mut inserted = Vec::with_capacity(jobs.len());
        for chunk in jobs.chunks(text::MOST_ROWS) {
            inserted.extend(insert::insert(&transaction, chunk).await?);
        }
        transaction.commit().await.map_err(classify)?;
        Ok(inserted)
    }

    async fn claim(&self, owner: &Owner, claims: &[Claim]) -> Result<Vec<Claimed>, StorageError> {
        if claims.len() <= text::MOST_ROWS {
            return claim::claim(&self.writer, owner, claims).await;
        }
        let transaction = self.begin().await?;
        let mut claimed = Vec::with_capacity(claims.len());
        for chunk in claims.chunks(text::MOST_ROWS) {
            claimed.extend(claim::claim(&transaction, owner, chunk).await?);
        }
        transaction.commit().await.map_err(classify)?;
        Ok(claimed)
    }

    async fn write(&self, writes: &[JobWrite]) -> Result<Vec<Written>, StorageError> {
        if writes.len() <= text::MOST_ROWS {
            return write::write(&self.writer, writes).await;
        }
        let transaction = self.begin().await?;
        let mut written = Vec::with_capacity(writes.len());
        for chunk in writes.chunks(text::MOST_ROWS) {
            written.extend(write::write(&transaction, chunk).await?);
        }
        transaction.commit().await.map_err(classify)?;
        Ok(written)
    }

    async fn pause_unreadable(&self, id: JobId, seen: Lease, lease: Lease, error: &str) -> Result<bool, StorageError> {
        write::pause_unreadable(&self.writer, id, seen, lease, error).await
    }

    async fn request_cancel(&self, id: JobId, keyword: &Hash) -> Result<bool, StorageError> {
        write::request_cancel(&self.writer, id, keyword).await
    }
}

#[async_trait]
impl WriteNodes for SqliteStorage {
    async fn join(&self, node: &NewNode) -> Result<Vec<FormerNode>, StorageError> {
        let transaction = self.begin().await?;
        let former = node::join(&transaction, node).await?;
        transaction.commit().await.map_err(classify)?;
        Ok(former)
    }

    async fn is_alive(&self, boot: Boot) -> Result<bool, StorageError> {
        node::is_alive(&self.readers, boot).await
    }

    async fn stopping(&self, boot: Boot) -> Result<(), StorageError> {
        node::stopping(&self.writer, boot).await
    }

    async fn forget(&self, boots: &[Boot]) -> Result<(), StorageError> {
        node::forget(&self.writer, boots).await
    }
}
