//! Several handles of one database, as several processes would have them.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use vtask::storage::value::{
    Beat, Boot, Bounds, Claim, Claimed, DueJobs, FormerNode, Hash, Held, Inserted, JobId, JobRow, JobSummary, JobWrite,
    Lease, Limits, ListFilter, LivingNode, NewJob, NewNode, NodeState, Overview, Owner, Pulse, Purge, Purged, Request,
    RowError, Wanted, Written,
};
use vtask::storage::{JobStorage, ReadJobs, StorageError, WriteJobs, WriteNodes};

/// Sends each call through the next handle, so that no two neighbouring calls share one.
pub(crate) struct Handles<S> {
    handles: Vec<S>,
    calls: AtomicUsize,
}

impl<S: JobStorage> Handles<S> {
    pub(crate) fn new(handles: Vec<S>) -> Self {
        Self { handles, calls: AtomicUsize::new(0) }
    }

    fn next(&self) -> &S {
        &self.handles[self.calls.fetch_add(1, Ordering::Relaxed) % self.handles.len()]
    }
}

type Answer<T> = Result<T, StorageError>;

impl<S: JobStorage> JobStorage for Handles<S> {}

#[async_trait]
impl<S: JobStorage> ReadJobs for Handles<S> {
    fn limits(&self) -> Limits {
        self.next().limits()
    }

    async fn find(&self, keyword: &Hash) -> Answer<Option<JobSummary>> {
        self.next().find(keyword).await
    }

    async fn summaries(&self, ids: &[JobId]) -> Answer<Vec<Result<JobSummary, RowError>>> {
        self.next().summaries(ids).await
    }

    async fn row(&self, id: JobId) -> Answer<Option<JobRow>> {
        self.next().row(id).await
    }

    async fn list(&self, filter: &ListFilter) -> Answer<Vec<Result<JobSummary, RowError>>> {
        self.next().list(filter).await
    }

    async fn due(&self, wanted: &[Wanted], nodes: bool) -> Answer<DueJobs> {
        self.next().due(wanted, nodes).await
    }

    async fn held(&self, boots: &[Boot], after: JobId, limit: u32) -> Answer<Vec<Held>> {
        self.next().held(boots, after, limit).await
    }

    async fn overview(&self, bounds: Bounds) -> Answer<Overview> {
        self.next().overview(bounds).await
    }
}

#[async_trait]
impl<S: JobStorage> WriteJobs for Handles<S> {
    async fn insert(&self, jobs: &[NewJob]) -> Answer<Vec<Inserted>> {
        self.next().insert(jobs).await
    }

    async fn claim(&self, owner: &Owner, claims: &[Claim]) -> Answer<Vec<Claimed>> {
        self.next().claim(owner, claims).await
    }

    async fn write(&self, writes: &[&JobWrite]) -> Answer<Vec<Written>> {
        self.next().write(writes).await
    }

    async fn pause_unreadable(&self, id: JobId, seen: Lease, lease: Lease, error: &str) -> Answer<bool> {
        self.next().pause_unreadable(id, seen, lease, error).await
    }

    async fn request(&self, id: JobId, keyword: &Hash, request: Request) -> Answer<bool> {
        self.next().request(id, keyword, request).await
    }

    async fn purge(&self, purge: &Purge) -> Answer<Purged> {
        self.next().purge(purge).await
    }
}

#[async_trait]
impl<S: JobStorage> WriteNodes for Handles<S> {
    async fn join(&self, node: &NewNode) -> Answer<Vec<FormerNode>> {
        self.next().join(node).await
    }

    async fn beat(&self, beat: &Beat) -> Answer<Pulse> {
        self.next().beat(beat).await
    }

    async fn declare_dead(&self, seen: &[LivingNode]) -> Answer<()> {
        self.next().declare_dead(seen).await
    }

    async fn enter(&self, boot: Boot, state: NodeState) -> Answer<()> {
        self.next().enter(boot, state).await
    }

    async fn forget(&self, boots: &[Boot]) -> Answer<()> {
        self.next().forget(boots).await
    }
}
