//! The one way on which the engine changes jobs.

use std::sync::Arc;

use vtask_storage::value::{JobWrite, Written};
use vtask_storage::{JobStorage, StorageError};

use crate::answer::answer;
use crate::group::Batch;

/// The call that every checkpoint, retry, release and end goes through, together with those that come at the same time.
pub(super) struct Writes(pub(super) Arc<dyn JobStorage>);

impl Batch for Writes {
    type Item = JobWrite;
    type Answer = Written;
    type Tag = ();

    /// One whose row is locked is sent again by itself.
    fn is_final(written: &Written) -> bool {
        *written != Written::Locked
    }

    fn bytes(write: &JobWrite) -> usize {
        write.bytes()
    }

    async fn send(&self, writes: &[JobWrite]) -> Result<Vec<Written>, StorageError> {
        answer(&*self.0, self.0.write(writes)).await
    }
}
