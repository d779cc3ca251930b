//! The typed way to a job.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use vtask_storage::StorageError;
use vtask_storage::value::{Hash, JobId};

use crate::client::Client;
use crate::invoke::{Invoke, InvokeMany};
use crate::job::Job;
use crate::job::plan::Plan;
use crate::run::JobRun;

/// Invokes and finds jobs of the type `J`. Cheap to clone; `#[job]` names it `PlaceOrderHandle` for a `PlaceOrder`.
///
/// It works on any [`Client`], whether or not this process runs the job.
pub struct JobHandle<J> {
    pub(crate) client: Client,
    pub(crate) plan: Arc<Plan>,
    job: PhantomData<fn() -> J>,
}

impl<J> Clone for JobHandle<J> {
    fn clone(&self) -> Self {
        Self { client: self.client.clone(), plan: Arc::clone(&self.plan), job: PhantomData }
    }
}

impl<J> fmt::Debug for JobHandle<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("JobHandle").field(&self.plan.name).finish()
    }
}

impl<J: Job> JobHandle<J> {
    /// A handle on this client.
    #[must_use]
    pub fn new(client: &Client) -> Self {
        Self { client: client.clone(), plan: Arc::new(Plan::of::<J>()), job: PhantomData }
    }

    /// Saves a job with this data, to be run by whichever node knows it; await the builder.
    ///
    /// When it answers the job is in the database. A keyword that is there already starts nothing: the answer is the
    /// job that has it, with [`created`](JobRun::created) false.
    ///
    /// # Errors
    ///
    /// Awaiting it gives an [`InvokeError`](crate::InvokeError). [`KeywordTaken`](crate::InvokeError::KeywordTaken)
    /// says that the keyword is a job of another type; after [`Storage`](crate::InvokeError::Storage) the job may be
    /// saved all the same.
    pub fn invoke(&self, data: J::Data) -> Invoke<J> {
        Invoke::new(self.clone(), data)
    }

    /// Saves many jobs, 500 or about 4 MiB in one transaction at a time; await the builder for one result each, in order.
    ///
    /// Data that declares no keyword gets a UUIDv7 for each job.
    pub fn invoke_many(&self, data: impl IntoIterator<Item = J::Data>) -> InvokeMany<J> {
        InvokeMany::new(self.clone(), data.into_iter().collect())
    }

    /// The job of this type under a keyword as it is stored: `place_order/7` where the data declares the keyword.
    ///
    /// `None` also if the keyword is that of a job of another type.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if the storage fails; [`StorageError::Row`] if the row cannot be read.
    pub async fn find(&self, keyword: &str) -> Result<Option<JobRun<J>>, StorageError> {
        let hash = Hash::of(keyword);
        let found = self.client.call(move |storage| async move { storage.find(&hash).await }).await?;
        Ok(found
            .filter(|summary| self.is_mine(&summary.name))
            .map(|summary| JobRun::existing(self.client.clone(), summary.id, summary.keyword)))
    }

    /// The job of this type with an id; `None` also if the id is that of a job of another type.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if the storage fails; [`StorageError::Row`] if the row cannot be read.
    pub async fn get(&self, id: JobId) -> Result<Option<JobRun<J>>, StorageError> {
        let found = self.client.summary(id).await?;
        Ok(found
            .filter(|summary| self.is_mine(&summary.name))
            .map(|summary| JobRun::existing(self.client.clone(), summary.id, summary.keyword)))
    }

    fn is_mine(&self, name: &str) -> bool {
        self.plan.names().any(|mine| mine == name)
    }
}
