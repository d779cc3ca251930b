//! The transactions that the user's code sees: his own, and those of steps.

use std::time::Duration;

use async_trait::async_trait;
use sea_orm::DatabaseTransaction;

use crate::error::StorageError;
use crate::value::{Inserted, JobWrite, NewJob, Written};

/// What is done in a transaction that the user's code sees. Nothing is tried again in it: after an error the transaction is
/// what the database has made of it.
#[async_trait]
pub trait Transactions: Send + Sync + 'static {
    /// As [`WriteJobs::insert`](crate::WriteJobs::insert), in a transaction of the user's, on his connection; what it
    /// inserts is there when that commits. Whoever listens to [`Announcements`](crate::Announcements) hears of it then.
    ///
    /// # Errors
    ///
    /// [`StorageError`] of any kind; [`StorageError::Refused`] if the transaction is one of another kind of database. The
    /// transaction is the user's to roll back.
    async fn insert_within(
        &self,
        transaction: &DatabaseTransaction,
        jobs: &[NewJob],
    ) -> Result<Vec<Inserted>, StorageError>;

    /// A connection for the transactions of steps, one after the other; it is made when the first begins.
    ///
    /// No step takes longer than `longest`; where the server can, it ends statements and idle transactions after that.
    fn step_connection(&self, longest: Duration) -> Box<dyn StepConnection>;

    /// Whether a transaction of a step keeps every other write of the process waiting. Then there is one at a time, and
    /// a step must not write through another connection.
    fn is_exclusive(&self) -> bool;
}

/// A connection on which steps work, each in a transaction that its record commits.
///
/// Its futures are waited for, or the connection is closed before they are dropped.
#[async_trait]
pub trait StepConnection: Send + Sync + 'static {
    /// Begins a transaction that [`release`](Self::release) knows again.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if none was begun.
    async fn begin(&self) -> Result<DatabaseTransaction, StorageError>;

    /// Makes sure that the transaction still is the one that was begun, with all that was written in it.
    ///
    /// # Errors
    ///
    /// [`StorageError::Refused`] if the database has rolled it back meanwhile, or takes nothing more in it; others if the
    /// connection fails. Nothing of it will be committed.
    async fn release(&self, transaction: &DatabaseTransaction) -> Result<(), StorageError>;

    /// Carries out one guarded write, after [`release`](Self::release).
    ///
    /// # Errors
    ///
    /// [`StorageError`] of any kind; the transaction is to be rolled back then.
    async fn write(&self, transaction: &DatabaseTransaction, write: &JobWrite) -> Result<Written, StorageError>;

    /// Commits.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if it is not known that all was committed.
    async fn commit(&self, transaction: DatabaseTransaction) -> Result<(), StorageError>;

    /// Takes everything back.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if the connection fails; the database takes everything back when it notices.
    async fn roll_back(&self, transaction: DatabaseTransaction) -> Result<(), StorageError>;

    /// Whether it still is to the server that the storage uses.
    fn is_current(&self) -> bool;

    /// Closes the connection, whatever goes on on it, and with it the transaction; it is not used again.
    ///
    /// Answers whether the futures of its calls may be dropped; where not, they are waited for.
    fn close(&self) -> bool;
}
