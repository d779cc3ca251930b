//! Deleting what ended long ago.

use std::time::SystemTime;

use vtask_storage::StorageError;
use vtask_storage::value::{JobId, Purge, Purged, Status, Timestamp};

use super::Client;

/// So many jobs are looked at, and deleted, in one commit.
const SLICE: u32 = 256;

impl Client {
    /// Deletes the jobs that ended, and whose callback did, before an instant on the database's clock; answers how many, or
    /// fewer where the answer to a commit was lost.
    ///
    /// It deletes at most 256 in one commit, so that nobody waits for it, and may be called beside running jobs, again,
    /// and by several programs. A deleted job is gone with its outputs; its keyword may be invoked again. What is
    /// running or paused is never deleted, nor a job whose callback no center has run yet. One that an open transaction has
    /// locked is left to the next purge. It reads what it deletes and what it keeps of that age, and little of what is newer.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> anyhow::Result<()> {
    /// # let client = vtask::Client::in_memory();
    /// use std::time::{Duration, SystemTime};
    ///
    /// let month = Duration::from_secs(30 * 24 * 60 * 60);
    /// let deleted = client.purge(SystemTime::now() - month).await?;
    /// # assert_eq!(deleted, 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`StorageError`] if the storage fails; what was deleted until then is deleted.
    ///
    /// # Cancel safety
    ///
    /// What was deleted when the future is dropped is deleted; calling it again goes on.
    pub async fn purge(&self, ended_before: SystemTime) -> Result<u64, StorageError> {
        self.check_may_write()?;
        let mut deleted = 0;
        for status in [Status::Succeeded, Status::Failed, Status::Cancelled] {
            deleted += self.purge_status(status, ended_before.into()).await?;
        }
        Ok(deleted)
    }

    async fn purge_status(&self, status: Status, ended_before: Timestamp) -> Result<u64, StorageError> {
        let (mut after, mut deleted) = (Some(JobId(i64::MIN)), 0);
        while let Some(from) = after {
            let slice = Purge { status, ended_before, after: from, limit: SLICE };
            let purged: Purged = self.call(move |storage| async move { storage.purge(&slice).await }).await?;
            deleted += purged.deleted;
            after = purged.last;
        }
        Ok(deleted)
    }
}
