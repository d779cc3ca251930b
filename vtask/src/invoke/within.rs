//! Saving jobs in a transaction of the user's own.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;

use sea_orm::DatabaseTransaction;
use vtask_storage::value::{Inserted, NewJob};
use vtask_storage::{StorageError, Transactions};

use super::one::{prepare, settle};
use super::{Invoke, InvokeError, InvokeMany, Invoked};
use crate::client::Client;
use crate::job::Job;
use crate::run::JobRun;

/// An invocation that is saved, when it is awaited, in a transaction of the user's.
///
/// # Cancel safety
///
/// Not cancel safe: roll the transaction back when the future was dropped after its first poll, for a part of it may
/// have been sent.
#[must_use = "nothing is saved until the invocation is awaited"]
pub struct InvokeWithin<'t, J: Job> {
    invoke: Invoke<J>,
    transaction: &'t DatabaseTransaction,
}

/// Invocations that are saved, when they are awaited, in a transaction of the user's: one result each, in order.
///
/// A job that cannot be, such as one whose input is too large, does not keep back the others; an error of the storage is
/// everybody's.
///
/// # Cancel safety
///
/// As that of [`InvokeWithin`].
#[must_use = "nothing is saved until the invocations are awaited"]
pub struct InvokeManyWithin<'t, J: Job> {
    invoke: InvokeMany<J>,
    transaction: &'t DatabaseTransaction,
}

impl<J: Job> fmt::Debug for InvokeWithin<'_, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("InvokeWithin").field(&self.invoke).finish()
    }
}

impl<J: Job> fmt::Debug for InvokeManyWithin<'_, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("InvokeManyWithin").field(&self.invoke).finish()
    }
}

impl<'t, J: Job> InvokeWithin<'t, J> {
    pub(super) fn new(invoke: Invoke<J>, transaction: &'t DatabaseTransaction) -> Self {
        Self { invoke, transaction }
    }

    async fn save(self) -> Result<JobRun<J>, InvokeError> {
        let job = self.invoke.prepare()?;
        let Invoke { handle, order, .. } = self.invoke;
        let inserted = insert(&handle.client, self.transaction, std::slice::from_ref(&job)).await;
        let mut inserted = inserted.map_err(|failure| failure.of(job.keyword.clone()))?;
        let inserted = inserted.pop().expect("the storage answers each job");
        settle(&handle, &order, job, inserted)
    }
}

impl<'t, J: Job> InvokeManyWithin<'t, J> {
    pub(super) fn new(invoke: InvokeMany<J>, transaction: &'t DatabaseTransaction) -> Self {
        Self { invoke, transaction }
    }

    async fn save(self) -> Invoked<J> {
        let InvokeMany { handle, data, order } = self.invoke;
        let checked: Vec<_> = data.iter().map(|data| prepare(&handle, data, None, &order)).collect();
        let jobs: Vec<NewJob> = checked.iter().flatten().cloned().collect();
        let mut answers = match insert(&handle.client, self.transaction, &jobs).await {
            Ok(answers) => answers.into_iter(),
            Err(error) => {
                let failed = |job: Result<NewJob, _>| job.and_then(|job| Err(error.of(job.keyword)));
                return Invoked(checked.into_iter().map(failed).collect());
            }
        };
        let mut settle_next = |job| settle(&handle, &order, job, answers.next().expect("the storage answers each job"));
        Invoked(checked.into_iter().map(|job| job.and_then(&mut settle_next)).collect())
    }
}

/// Why nothing was inserted.
enum Failure {
    NoTransactions,
    Storage(Arc<StorageError>),
}

impl Failure {
    /// What the job of this keyword is told.
    fn of(&self, keyword: String) -> InvokeError {
        match self {
            Self::NoTransactions => InvokeError::NoTransactions,
            Self::Storage(error) => InvokeError::storage(keyword)(StorageError::shared(error)),
        }
    }
}

/// Inserts in the transaction, on the task that has it, and has the engines look for the commit.
async fn insert(client: &Client, transaction: &DatabaseTransaction, jobs: &[NewJob]) -> Result<Vec<Inserted>, Failure> {
    let transactions: Arc<dyn Transactions> = client.0.storage.transactions().ok_or(Failure::NoTransactions)?;
    let inserted = transactions.insert_within(transaction, jobs).await;
    let inserted = inserted.map_err(|error| Failure::Storage(Arc::new(error)))?;
    client.0.hub.expect();
    Ok(inserted)
}

impl<'t, J: Job> IntoFuture for InvokeWithin<'t, J> {
    type Output = Result<JobRun<J>, InvokeError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 't>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.save())
    }
}

impl<'t, J: Job> IntoFuture for InvokeManyWithin<'t, J> {
    type Output = Invoked<J>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 't>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.save())
    }
}
