//! Rows as a caller of the storage itself changes them.

use vtask::storage::value::{Change, Due, Guard, JobSummary, JobWrite, Lease, RequestGuard};
use vtask::storage::{MemoryStorage, ReadJobs, WriteJobs};
use vtask::{Job, JobRun};

/// A write that passes its guard and changes nothing but the token.
pub(crate) fn write_of(seen: &JobSummary) -> JobWrite {
    JobWrite {
        id: seen.id,
        guard: Guard { lease: seen.lease, status: seen.state.status, step: seen.state.step },
        lease: Lease(seen.lease.0 ^ 2),
        request: RequestGuard::Keep,
        change: Change::Any,
        state: seen.state.clone(),
        due: Due::Keep,
        error: None,
        progress: None,
        input: None,
        outputs: None,
        history: None,
        generations: None,
    }
}

/// Leaves a job of nobody as one of which so many processes died.
pub(crate) async fn accuse<J: Job>(storage: &MemoryStorage, run: &JobRun<J>, crashes: i32) {
    let mut summary = storage.summaries(&[run.id()]).await.unwrap().remove(0).unwrap();
    summary.state.crashes = crashes;
    storage.write(&[&write_of(&summary)]).await.unwrap();
}
