//! Finding and changing jobs whose type this program need not have.

use std::collections::BTreeMap;

use vtask_storage::StorageError;
use vtask_storage::value::{Hash, JobId, JobSummary, RowError};

use super::{Client, JobPage};
use crate::run::{CancelOutcome, JobRun, PauseOutcome, RunError, Untyped};

impl Client {
    /// The job with an id, whatever its type.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if the storage fails; [`StorageError::Row`] if the row cannot be read.
    pub async fn get(&self, id: JobId) -> Result<Option<JobRun<Untyped>>, StorageError> {
        let found = self.summary(id).await?;
        Ok(found.map(|summary| JobRun::existing(self.clone(), summary.id, summary.keyword)))
    }

    /// What jobs look like, by their ids and in the order of the ids; those that are not there are left out, and a row that
    /// cannot be read stands beside the others.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if the storage fails.
    pub async fn get_many(&self, ids: &[JobId]) -> Result<JobPage, StorageError> {
        let wanted = ids.to_vec();
        let found = self.call(move |storage| {
            let wanted = wanted.clone();
            async move { storage.summaries(&wanted).await }
        });
        let id_of = |row: &Result<JobSummary, RowError>| row.as_ref().map_or_else(|error| error.id, |row| row.id);
        let mut found: BTreeMap<JobId, _> = found.await?.into_iter().map(|row| (id_of(&row), row)).collect();
        Ok(JobPage::of(ids.iter().filter_map(|id| found.remove(id)), None))
    }

    /// The job under a keyword as it is stored, whatever its type.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if the storage fails; [`StorageError::Row`] if the row cannot be read.
    pub async fn find(&self, keyword: &str) -> Result<Option<JobRun<Untyped>>, StorageError> {
        let hash = Hash::of(keyword);
        let found = self.call(move |storage| async move { storage.find(&hash).await }).await?;
        Ok(found.map(|summary| JobRun::existing(self.clone(), summary.id, summary.keyword)))
    }

    /// Begins the job under a keyword again at the step of this stored name.
    ///
    /// # Errors
    ///
    /// [`RunError::NoSuchStep`] if the step is neither recorded nor the next one; otherwise as awaiting
    /// [`JobRun::restart`].
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped after its first poll may have restarted the job all the same.
    pub async fn restart(&self, keyword: &str, step: &str) -> Result<(), RunError> {
        self.existing(keyword).await?.restart(step).await
    }

    /// Cancels the job under a keyword.
    ///
    /// # Errors
    ///
    /// As [`JobRun::cancel`].
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped after its first poll may have cancelled the job all the same.
    pub async fn cancel(&self, keyword: &str) -> Result<CancelOutcome, RunError> {
        self.existing(keyword).await?.cancel().await
    }

    /// Pauses the job under a keyword.
    ///
    /// # Errors
    ///
    /// As [`JobRun::pause`].
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped after its first poll may have paused the job all the same.
    pub async fn pause(&self, keyword: &str) -> Result<PauseOutcome, RunError> {
        self.existing(keyword).await?.pause().await
    }

    /// Lets the paused job under a keyword go on.
    ///
    /// # Errors
    ///
    /// As [`JobRun::resume`].
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped after its first poll may have resumed the job all the same.
    pub async fn resume(&self, keyword: &str) -> Result<(), RunError> {
        self.existing(keyword).await?.resume().await
    }

    async fn existing(&self, keyword: &str) -> Result<JobRun<Untyped>, RunError> {
        self.find(keyword).await?.ok_or_else(|| RunError::NotFound { keyword: keyword.to_owned() })
    }
}
