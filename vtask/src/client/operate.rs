//! Finding and changing jobs whose type this program need not have.

use vtask_storage::StorageError;
use vtask_storage::value::{Hash, JobId};

use super::Client;
use crate::info::JobInfo;
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

    /// What jobs look like, by their ids, in the order of the ids; those that are not there are left out.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if the storage fails; [`StorageError::Row`] if one of the rows cannot be read.
    pub async fn get_many(&self, ids: &[JobId]) -> Result<Vec<JobInfo>, StorageError> {
        let wanted = ids.to_vec();
        let found = self.call(move |storage| {
            let wanted = wanted.clone();
            async move { storage.summaries(&wanted).await }
        });
        let found = found.await?.into_iter().collect::<Result<Vec<_>, _>>()?;
        let info = |id: &JobId| found.iter().find(|summary| summary.id == *id).map(JobInfo::new);
        Ok(ids.iter().filter_map(info).collect())
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
    pub async fn restart(&self, keyword: &str, step: &str) -> Result<(), RunError> {
        self.existing(keyword).await?.restart(step).await
    }

    /// Cancels the job under a keyword.
    ///
    /// # Errors
    ///
    /// As [`JobRun::cancel`].
    pub async fn cancel(&self, keyword: &str) -> Result<CancelOutcome, RunError> {
        self.existing(keyword).await?.cancel().await
    }

    /// Pauses the job under a keyword.
    ///
    /// # Errors
    ///
    /// As [`JobRun::pause`].
    pub async fn pause(&self, keyword: &str) -> Result<PauseOutcome, RunError> {
        self.existing(keyword).await?.pause().await
    }

    /// Lets the paused job under a keyword go on.
    ///
    /// # Errors
    ///
    /// As [`JobRun::resume`].
    pub async fn resume(&self, keyword: &str) -> Result<(), RunError> {
        self.existing(keyword).await?.resume().await
    }

    async fn existing(&self, keyword: &str) -> Result<JobRun<Untyped>, RunError> {
        self.find(keyword).await?.ok_or_else(|| RunError::NotFound { keyword: keyword.to_owned() })
    }
}
