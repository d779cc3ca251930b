//! Saving many jobs.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;

use sea_orm::DatabaseTransaction;
use vtask_storage::StorageError;
use vtask_storage::value::{Inserted, NewJob};

use super::one::{prepare, settle};
use super::{InvokeError, InvokeManyWithin, Invoked, Order, order_settings};
use crate::handle::JobHandle;
use crate::job::Job;
use crate::run::JobRun;

/// At most so many jobs are saved in one transaction.
const CHUNK: usize = 500;
/// A transaction with so many bytes of input takes no further job.
const CHUNK_BYTES: usize = 4 << 20;

/// Invocations that are saved when they are awaited: one result each, in order.
///
/// A job that cannot be saved, such as one whose input is too large, does not keep back the others. A chunk of 500, or of
/// about 4 MiB, is saved whole or not at all.
///
/// # Cancel safety
///
/// A future that is dropped after its first poll may have saved some chunks.
#[must_use = "nothing is saved until the invocations are awaited"]
pub struct InvokeMany<J: Job> {
    pub(super) handle: JobHandle<J>,
    pub(super) data: Vec<J::Data>,
    pub(super) order: Order,
}

impl<J: Job> fmt::Debug for InvokeMany<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (job, count) = (&self.handle.plan.name, &self.data.len());
        f.debug_struct("InvokeMany").field("job", job).field("count", count).finish_non_exhaustive()
    }
}

impl<J: Job> InvokeMany<J> {
    pub(crate) fn new(handle: JobHandle<J>, data: Vec<J::Data>) -> Self {
        Self { handle, data, order: Order::default() }
    }

    order_settings!();

    /// Saves the jobs in this transaction of yours; see [`Invoke::within`](super::Invoke::within).
    pub fn within(self, transaction: &DatabaseTransaction) -> InvokeManyWithin<'_, J> {
        InvokeManyWithin::new(self, transaction)
    }

    async fn save(self) -> Invoked<J> {
        let mut runs = Vec::with_capacity(self.data.len());
        let mut checked = Vec::new();
        let mut bytes = 0;
        for data in &self.data {
            let job = prepare(&self.handle, data, None, &self.order);
            bytes += job.as_ref().map_or(0, |job| job.input.len());
            checked.push(job);
            if checked.len() == CHUNK || bytes >= CHUNK_BYTES {
                runs.extend(self.save_chunk(std::mem::take(&mut checked)).await);
                bytes = 0;
            }
        }
        runs.extend(self.save_chunk(checked).await);
        Invoked(runs)
    }

    async fn save_chunk(&self, checked: Vec<Result<NewJob, InvokeError>>) -> Vec<Result<JobRun<J>, InvokeError>> {
        let jobs: Vec<NewJob> = checked.iter().flatten().cloned().collect();
        let mut answers = self.insert(jobs).await;
        let mut settle_next = |job: NewJob| {
            let inserted = answers.next().expect("the storage answers each job")?;
            settle(&self.handle, &self.order, job, inserted)
        };
        checked.into_iter().map(|job| job.and_then(&mut settle_next)).collect()
    }

    /// One transaction; its error is everybody's.
    async fn insert(&self, jobs: Vec<NewJob>) -> std::vec::IntoIter<Result<Inserted, StorageError>> {
        let count = jobs.len();
        let answers: Vec<_> = match self.handle.client.insert_many(jobs).await {
            Ok(inserted) => inserted.into_iter().map(Ok).collect(),
            Err(error) => {
                let error = Arc::new(error);
                (0..count).map(|_| Err(StorageError::shared(&error))).collect()
            }
        };
        answers.into_iter()
    }
}

impl<J: Job> IntoFuture for InvokeMany<J> {
    type Output = Invoked<J>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.save())
    }
}
