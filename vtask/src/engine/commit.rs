//! The one way on which the engine changes jobs.

use std::sync::Arc;

use vtask_storage::value::{JobWrite, Written};
use vtask_storage::{JobStorage, StorageError};

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
        answer(&*self.0, self.0.write(&writes)).await
    }
}
