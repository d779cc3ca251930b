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
/// about 4 MiB, is saved whole or not at all. Where the storage fails for 30 s with one of them, those behind it are not
/// sent and have the same error.
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
        let mut saving = Saving { jobs: &self, runs: Vec::with_capacity(self.data.len()), away: None };
        let mut checked = Vec::new();
        let mut bytes = 0;
        for data in &self.data {
            let job = prepare(&self.handle, data, None, &self.order);
            bytes += job.as_ref().map_or(0, |job| job.input.len());
            checked.push(job);
            if checked.len() == CHUNK || bytes >= CHUNK_BYTES {
                saving.save(std::mem::take(&mut checked)).await;
                bytes = 0;
            }
        }
        saving.save(checked).await;
        Invoked(saving.runs)
    }
}

/// What has been saved so far.
struct Saving<'a, J: Job> {
    jobs: &'a InvokeMany<J>,
    runs: Vec<Result<JobRun<J>, InvokeError>>,
    /// Why the storage was away for longer than a caller waits; the chunks behind that are not sent.
    away: Option<Arc<StorageError>>,
}

impl<J: Job> Saving<'_, J> {
    async fn save(&mut self, checked: Vec<Result<NewJob, InvokeError>>) {
        let InvokeMany { handle, order, .. } = self.jobs;
        let jobs: Vec<NewJob> = checked.iter().flatten().cloned().collect();
        let mut answers = self.insert(jobs).await;
        let mut settle_next = |job: NewJob| match answers.next().expect("the storage answers each job") {
            Ok(inserted) => settle(handle, order, job, inserted),
            Err(error) => Err(InvokeError::storage(job.keyword)(error)),
        };
        self.runs.extend(checked.into_iter().map(|job| job.and_then(&mut settle_next)));
    }

    /// One transaction; its error is everybody's.
    async fn insert(&mut self, jobs: Vec<NewJob>) -> std::vec::IntoIter<Result<Inserted, StorageError>> {
        let count = jobs.len();
        let inserted = match &self.away {
            Some(error) => Err(Arc::clone(error)),
            None => self.jobs.handle.client.insert_many(jobs).await.map_err(Arc::new),
        };
        let answers: Vec<_> = match inserted {
            Ok(inserted) => inserted.into_iter().map(Ok).collect(),
            Err(error) => {
                self.away = Some(Arc::clone(&error)).filter(|error| error.is_transient());
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
