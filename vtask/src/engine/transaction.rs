//! The connections on which steps work in transactions, each one step at a time.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sea_orm::DatabaseTransaction;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use vtask_storage::value::{JobWrite, Written};
use vtask_storage::{JobStorage, StepConnection, StorageError, Transactions};

use super::Jobs;
use crate::answer::{LONGEST, answer_within};

/// Makes connections as they are needed, and keeps those that are sound.
#[derive(Clone)]
pub(super) struct StepConnections {
    /// `None` where the storage has no transactions; a job that needs one is not taken there.
    source: Option<Arc<dyn Transactions>>,
    longest: Duration,
    free: Arc<Mutex<Vec<Box<dyn StepConnection>>>>,
    permits: Arc<Semaphore>,
}

/// The right to a transaction.
pub(super) type Permit = OwnedSemaphorePermit;

/// A transaction in which a step works. Dropped before its end, it is rolled back, and its connection is closed.
pub(super) struct Transaction {
    home: StepConnections,
    open: Option<Open>,
    permit: Option<Permit>,
}

/// In the order in which they are dropped.
struct Open {
    transaction: Arc<DatabaseTransaction>,
    connection: Box<dyn StepConnection>,
}

impl StepConnections {
    pub(super) fn new(storage: &dyn JobStorage, jobs: &Jobs, most: usize) -> Self {
        let steps = jobs.values().flat_map(|job| &job.plan().steps).filter(|step| step.transactional);
        let longest = steps.filter_map(|step| step.policy.timeout).max().unwrap_or_default();
        let source = storage.transactions();
        let is_exclusive = source.as_ref().is_some_and(|source| source.is_exclusive());
        let most = if is_exclusive { 1 } else { most.min(Semaphore::MAX_PERMITS) };
        Self { source, longest, free: Arc::default(), permits: Arc::new(Semaphore::new(most)) }
    }

    /// Whether a transaction keeps every other write waiting.
    pub(super) fn are_exclusive(&self) -> bool {
        self.source.as_ref().is_some_and(|source| source.is_exclusive())
    }

    pub(super) async fn permit(&self) -> Permit {
        Arc::clone(&self.permits).acquire_owned().await.expect("nobody closes the semaphore")
    }

    /// Begins a transaction; gives the permit back where none could be begun.
    pub(super) async fn begin(&self, permit: Permit) -> Result<Transaction, (StorageError, Permit)> {
        let connection = match self.connection() {
            Ok(connection) => connection,
            Err(error) => return Err((error, permit)),
        };
        match self.answer(connection.begin(), &*connection).await {
            Ok(transaction) => {
                let open = Open { transaction: Arc::new(transaction), connection };
                Ok(Transaction { home: self.clone(), open: Some(open), permit: Some(permit) })
            }
            Err(error) => {
                connection.close();
                Err((error, permit))
            }
        }
    }

    fn connection(&self) -> Result<Box<dyn StepConnection>, StorageError> {
        let mut free = self.lock();
        free.retain(|connection| connection.is_current());
        if let Some(connection) = free.pop() {
            return Ok(connection);
        }
        drop(free);
        let source = self.source.as_ref().ok_or_else(|| StorageError::Refused("no transactions".into()))?;
        Ok(source.step_connection(self.longest))
    }

    /// Waits for an answer: as long as the server may, and for ever where that writes a file.
    async fn answer<T>(
        &self,
        call: impl Future<Output = Result<T, StorageError>>,
        connection: &dyn StepConnection,
    ) -> Result<T, StorageError> {
        answer_within(LONGEST.max(self.longest * 2), call, || !self.are_exclusive() && connection.close()).await
    }

    async fn end(self, Open { transaction, connection }: Open, commits: bool) -> Result<(), StorageError> {
        let Ok(transaction) = Arc::try_unwrap(transaction) else {
            connection.close();
            return Err(gone());
        };
        let call = if commits { connection.commit(transaction) } else { connection.roll_back(transaction) };
        let ended = self.answer(call, &*connection).await;
        // What a failed step has made of its session does not reach another one.
        match ended {
            Ok(()) if commits => self.lock().push(connection),
            _ => drop(connection.close()),
        }
        ended
    }

    // Nothing under this lock can panic half-way.
    fn lock(&self) -> MutexGuard<'_, Vec<Box<dyn StepConnection>>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transaction {
    /// What the step works with; it has to be dropped before the transaction can end.
    pub(super) fn lend(&self) -> Option<Arc<DatabaseTransaction>> {
        self.open.as_ref().map(|open| Arc::clone(&open.transaction))
    }

    /// Closes the connection; the database takes everything back.
    pub(super) fn close(&self) {
        if let Some(open) = &self.open {
            open.connection.close();
        }
    }

    /// Makes sure that it still is the transaction that the step was given.
    pub(super) async fn release(&self) -> Result<(), StorageError> {
        let Open { transaction, connection } = self.open()?;
        self.home.answer(connection.release(transaction), &**connection).await
    }

    pub(super) async fn write(&self, write: &JobWrite) -> Result<Written, StorageError> {
        let Open { transaction, connection } = self.open()?;
        self.home.answer(connection.write(transaction, write), &**connection).await
    }

    pub(super) async fn commit(self) -> Result<(), StorageError> {
        self.end(true).await
    }

    /// Takes back what the step has written. If that fails, the database does it when it notices.
    pub(super) async fn roll_back(self) {
        if let Err(error) = self.end(false).await {
            tracing::debug!(error = %crate::flow::message(&error), "a transaction was not rolled back by hand");
        }
    }

    /// In a task of its own: the driver panics if it drops a transaction in which a task of the step's works on.
    async fn end(mut self, commits: bool) -> Result<(), StorageError> {
        let open = self.open.take().ok_or_else(gone)?;
        tokio::spawn(self.home.clone().end(open, commits)).await.unwrap_or_else(|_| Err(gone()))
    }

    fn open(&self) -> Result<&Open, StorageError> {
        self.open.as_ref().ok_or_else(gone)
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        self.close();
        if let (Some(open), Ok(runtime)) = (self.open.take(), Handle::try_current()) {
            // A task of the step's that has a nested transaction could commit this one, were it not rolled back by hand.
            runtime.spawn(self.home.clone().end(open, false));
        }
        drop(self.permit.take());
    }
}

fn gone() -> StorageError {
    StorageError::Unavailable("the transaction has ended".into())
}
