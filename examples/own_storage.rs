//! A storage of one's own: here one that keeps an audit trail of every change, in front of the memory storage.
//!
//! Run it with `cargo run --example own_storage`. It first passes the suite that every storage has to pass.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use async_trait::async_trait;
use vtask::storage::value::{
    Beat, Boot, Bounds, Claim, Claimed, DueJobs, FormerNode, Hash, Held, Inserted, JobRow, JobSummary, JobWrite, Lease,
    Limits, ListFilter, LivingNode, NewJob, NewNode, NodeState, Overview, Owner, Pulse, Purge, Purged, Request,
    RowError, Wanted, Written,
};
use vtask::storage::{
    Announcements, JobStorage, Lanes, MemoryStorage, ReadJobs, Transactions, WriteJobs, WriteNodes, conformance,
};
use vtask::{Client, JobCenter, JobId, StorageError, job};

/// Writes down what was changed, once it was.
#[derive(Clone, Default)]
struct Audited {
    inner: MemoryStorage,
    trail: Arc<Mutex<Vec<String>>>,
}

impl Audited {
    fn note(&self, line: String) {
        self.trail.lock().expect("nobody panics while he writes a line").push(line);
    }
}

/// The memory storage has no need of these; one with a network does, so whoever stands in front passes them on.
impl JobStorage for Audited {
    fn for_engine(&self) -> Option<Arc<dyn JobStorage>> {
        // It would have to note what is changed through that, too.
        self.inner.for_engine()
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
impl ReadJobs for Audited {
    fn limits(&self) -> Limits {
        self.inner.limits()
    }
    async fn find(&self, keyword: &Hash) -> Result<Option<JobSummary>, StorageError> {
        self.inner.find(keyword).await
    }
    async fn summaries(&self, ids: &[JobId]) -> Result<Vec<Result<JobSummary, RowError>>, StorageError> {
        self.inner.summaries(ids).await
    }
    async fn row(&self, id: JobId) -> Result<Option<JobRow>, StorageError> {
        self.inner.row(id).await
    }
    async fn list(&self, filter: &ListFilter) -> Result<Vec<Result<JobSummary, RowError>>, StorageError> {
        self.inner.list(filter).await
    }
    async fn due(&self, wanted: &[Wanted], nodes: bool) -> Result<DueJobs, StorageError> {
        self.inner.due(wanted, nodes).await
    }
    async fn held(&self, boots: &[Boot], after: JobId, limit: u32) -> Result<Vec<Held>, StorageError> {
        self.inner.held(boots, after, limit).await
    }
    async fn overview(&self, bounds: Bounds) -> Result<Overview, StorageError> {
        self.inner.overview(bounds).await
    }
}

#[async_trait]
impl WriteJobs for Audited {
    async fn insert(&self, jobs: &[NewJob]) -> Result<Vec<Inserted>, StorageError> {
        let inserted = self.inner.insert(jobs).await?;
        for (job, row) in jobs.iter().zip(&inserted).filter(|(_, row)| row.created) {
            self.note(format!("job {}: invoked as {}", row.id, job.keyword));
        }
        Ok(inserted)
    }
    async fn claim(&self, owner: &Owner, claims: &[Claim]) -> Result<Vec<Claimed>, StorageError> {
        let claimed = self.inner.claim(owner, claims).await?;
        claimed.iter().for_each(|row| self.note(format!("job {}: claimed by {}", row.id, owner.host)));
        Ok(claimed)
    }
    async fn write(&self, writes: &[&JobWrite]) -> Result<Vec<Written>, StorageError> {
        let written = self.inner.write(writes).await?;
        for (write, _) in writes.iter().zip(&written).filter(|(_, written)| **written == Written::Done) {
            let (from, to) = (write.guard.step, write.state.step);
            self.note(format!("job {}: {:?}, step {from} to {to}", write.id, write.state.status));
        }
        Ok(written)
    }
    async fn pause_unreadable(&self, id: JobId, seen: Lease, lease: Lease, error: &str) -> Result<bool, StorageError> {
        let paused = self.inner.pause_unreadable(id, seen, lease, error).await?;
        if paused {
            self.note(format!("job {id}: paused, for it cannot be read: {error}"));
        }
        Ok(paused)
    }
    async fn request(&self, id: JobId, keyword: &Hash, request: Request) -> Result<bool, StorageError> {
        let asked = self.inner.request(id, keyword, request).await?;
        if asked {
            self.note(format!("job {id}: asked to {request:?}"));
        }
        Ok(asked)
    }
    async fn purge(&self, purge: &Purge) -> Result<Purged, StorageError> {
        let purged = self.inner.purge(purge).await?;
        if purged.deleted > 0 {
            self.note(format!("{} jobs behind {}: deleted", purged.deleted, purge.after));
        }
        Ok(purged)
    }
}

#[async_trait]
impl WriteNodes for Audited {
    async fn join(&self, node: &NewNode) -> Result<Vec<FormerNode>, StorageError> {
        self.inner.join(node).await
    }
    async fn beat(&self, beat: &Beat) -> Result<Pulse, StorageError> {
        self.inner.beat(beat).await
    }
    async fn declare_dead(&self, seen: &[LivingNode]) -> Result<(), StorageError> {
        self.inner.declare_dead(seen).await
    }
    async fn enter(&self, boot: Boot, state: NodeState) -> Result<(), StorageError> {
        self.inner.enter(boot, state).await
    }
    async fn forget(&self, boots: &[Boot]) -> Result<(), StorageError> {
        self.inner.forget(boots).await
    }
}

struct Count;

#[job]
impl Count {
    #[step]
    async fn one(&self) -> anyhow::Result<u32> {
        Ok(1)
    }
    #[step]
    async fn two(&self, one: &u32) -> anyhow::Result<u32> {
        Ok(one + 1)
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    conformance::run_all(async || Arc::new(Audited::default()) as _).await;
    println!("conformance: {} checks passed", conformance::checks().len());

    let storage = Audited::default();
    let client = Client::with_storage(storage.clone());
    let center = JobCenter::builder(&client).host("audited").register(Count).start().await?;
    let run = CountHandle::new(&client).invoke(()).keyword("count").await?;
    println!("counted to {}", run.wait().await?);
    center.shutdown().await?;
    let trail = storage.trail.lock().expect("nobody panics while he writes a line");
    trail.iter().for_each(|line| println!("{line}"));
    Ok(())
}
