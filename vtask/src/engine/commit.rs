//! The one way on which the engine changes jobs.

use std::sync::Arc;

use vtask_storage::value::{JobWrite, Written};
use vtask_storage::{JobStorage, StorageError, is_mutant};

use crate::answer::answer;
use crate::group::Batch;

/// The call that every checkpoint, retry, release and end goes through, together with those that come at the same time.
pub(super) struct Writes(pub(super) Arc<dyn JobStorage>);

impl Batch for Writes {
    /// In a box, because it is handed on often.
    type Item = Box<JobWrite>;
    type Answer = Written;
    type Tag = ();

    /// One whose row is locked is sent again by itself.
    fn is_final(written: &Written) -> bool {
        *written != Written::Locked
    }

    fn bytes(write: &Box<JobWrite>) -> usize {
        write.bytes()
    }

    async fn send(&self, writes: &[Box<JobWrite>]) -> Result<Vec<Written>, StorageError> {
        let writes: Vec<&JobWrite> = writes.iter().map(|write| &**write).collect();
        if is_mutant("acknowledged before the commit") {
            let (storage, writes) = (Arc::clone(&self.0), writes.into_iter().cloned().collect::<Vec<_>>());
            let done = vec![Written::Done; writes.len()];
            tokio::spawn(async move { storage.write(&writes.iter().collect::<Vec<_>>()).await });
            return Ok(done);
        }
        let answer = answer(&*self.0, self.0.write(&writes)).await;
        match answer {
            Err(StorageError::Unavailable(_)) if is_mutant("in doubt is done") => Ok(vec![Written::Done; writes.len()]),
            answer => answer,
        }
    }
}
