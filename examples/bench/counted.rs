//! A storage that counts how often it is called, for a database that counts nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use async_trait::async_trait;
use vtask::storage::value::{
    Beat, Boot, Bounds, Claim, Claimed, DueJobs, FormerNode, Hash, Held, Inserted, JobRow, JobSummary, JobWrite, Lease,
    Limits, ListFilter, LivingNode, NewJob, NewNode, NodeState, Overview, Owner, Pulse, Purge, Purged, Request,
    RowError, Wanted, Written,
};
use vtask::storage::{Announcements, JobStorage, Lanes, ReadJobs, Transactions, WriteJobs, WriteNodes};
use vtask::{JobId, StorageError};

type Answer<T> = Result<T, StorageError>;

/// Counts each call of a storage that goes to the database.
pub(crate) struct Counted {
    inner: Arc<dyn JobStorage>,
    calls: Arc<AtomicU64>,
}

impl Counted {
    pub(crate) fn new(inner: Arc<dyn JobStorage>, calls: Arc<AtomicU64>) -> Self {
        Self { inner, calls }
    }

    fn called(&self) -> &dyn JobStorage {
        self.calls.fetch_add(1, Ordering::Relaxed);
        &*self.inner
    }
}

impl JobStorage for Counted {
    fn for_engine(&self) -> Option<Arc<dyn JobStorage>> {
        let inner = self.inner.for_engine()?;
        Some(Arc::new(Self { inner, calls: Arc::clone(&self.calls) }))
    }
    fn lanes(&self) -> Lanes {
        self.inner.lanes()
    }
    fn give_up(&self, begun: Instant) -> bool {
        self.inner.give_up(begun)
    }
    fn look_elsewhere(&self, begun: Instant, error: &StorageError) {
        self.inner.look_elsewhere(begun, error);
    }
    fn announcements(&self) -> Option<Arc<dyn Announcements>> {
        self.inner.announcements()
    }
    fn transactions(&self) -> Option<Arc<dyn Transactions>> {
        self.inner.transactions()
    }
}

#[async_trait]
impl ReadJobs for Counted {
    fn limits(&self) -> Limits {
        self.inner.limits()
    }
    async fn find(&self, keyword: &Hash) -> Answer<Option<JobSummary>> {
        self.called().find(keyword).await
    }
    async fn summaries(&self, ids: &[JobId]) -> Answer<Vec<Result<JobSummary, RowError>>> {
        self.called().summaries(ids).await
    }
    async fn row(&self, id: JobId) -> Answer<Option<JobRow>> {
        self.called().row(id).await
    }
    async fn list(&self, filter: &ListFilter) -> Answer<Vec<Result<JobSummary, RowError>>> {
        self.called().list(filter).await
    }
    async fn due(&self, wanted: &[Wanted], nodes: bool) -> Answer<DueJobs> {
        self.called().due(wanted, nodes).await
    }
    async fn held(&self, boots: &[Boot], after: JobId, limit: u32) -> Answer<Vec<Held>> {
        self.called().held(boots, after, limit).await
    }
    async fn overview(&self, bounds: Bounds) -> Answer<Overview> {
        self.called().overview(bounds).await
    }
}

#[async_trait]
impl WriteJobs for Counted {
    async fn insert(&self, jobs: &[NewJob]) -> Answer<Vec<Inserted>> {
        self.called().insert(jobs).await
    }
    async fn claim(&self, owner: &Owner, claims: &[Claim]) -> Answer<Vec<Claimed>> {
        self.called().claim(owner, claims).await
    }
    async fn write(&self, writes: &[&JobWrite]) -> Answer<Vec<Written>> {
        self.called().write(writes).await
    }
    async fn pause_unreadable(&self, id: JobId, seen: Lease, lease: Lease, error: &str) -> Answer<bool> {
        self.called().pause_unreadable(id, seen, lease, error).await
    }
    async fn request(&self, id: JobId, keyword: &Hash, request: Request) -> Answer<bool> {
        self.called().request(id, keyword, request).await
    }
    async fn purge(&self, purge: &Purge) -> Answer<Purged> {
        self.called().purge(purge).await
    }
}

#[async_trait]
impl WriteNodes for Counted {
    async fn join(&self, node: &NewNode) -> Answer<Vec<FormerNode>> {
        self.called().join(node).await
    }
    async fn beat(&self, beat: &Beat) -> Answer<Pulse> {
        self.called().beat(beat).await
    }
    async fn declare_dead(&self, seen: &[LivingNode]) -> Answer<()> {
        self.called().declare_dead(seen).await
    }
    async fn enter(&self, boot: Boot, state: NodeState) -> Answer<()> {
        self.called().enter(boot, state).await
    }
    async fn forget(&self, boots: &[Boot]) -> Answer<()> {
        self.called().forget(boots).await
    }
}
