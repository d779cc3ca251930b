//! Jobs in the memory of the process: for tests, and for work that may be lost with it.

mod overview;
mod table;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use async_trait::async_trait;

use self::table::Table;
use crate::error::StorageError;
use crate::mutant::is_mutant;
use crate::storage::{JobStorage, Lanes, ReadJobs, WriteJobs, WriteNodes};
use crate::value::{
    Beat, Boot, Bounds, Claim, Claimed, DueJobs, FormerNode, Hash, Held, Inserted, JobId, JobRow, JobSummary, JobWrite,
    Lease, ListFilter, LivingNode, NewJob, NewNode, NodeState, Nodes, Overview, Owner, Pulse, Purge, Purged, Request,
    RowError, Timestamp, Wanted, Written,
};

/// A storage in memory; clones share it.
///
/// It holds the protocol as strictly as a database does, and forgets everything with the process.
#[derive(Clone)]
pub struct MemoryStorage {
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    state: Arc<Mutex<State>>,
}

#[derive(Clone, Default)]
struct State {
    table: Table,
    nodes: Vec<Node>,
}

#[derive(Clone)]
struct Node {
    boot: Boot,
    host: String,
    seen: LivingNode,
    accuses: bool,
    plans: String,
}

impl Node {
    fn is_living(&self) -> bool {
        self.seen.state != NodeState::Dead
    }

    fn is_at_work(&self) -> bool {
        matches!(self.seen.state, NodeState::Up | NodeState::Isolating)
    }

    fn is_among(&self, seen: &[LivingNode]) -> bool {
        seen.iter().any(|seen| (seen.boot, seen.beat) == (self.seen.boot, self.seen.beat))
    }

    fn die(&mut self) {
        self.accuses |= self.is_at_work();
        self.seen.state = NodeState::Dead;
    }
}

impl State {
    fn nodes(&self) -> Nodes {
        let mut living: Vec<LivingNode> =
            self.nodes.iter().filter(|node| node.is_living()).map(|node| node.seen).collect();
        living.sort_by_key(|node| node.boot);
        let orphans = self.table.owners().filter(|boot| living.iter().all(|node| node.boot != *boot));
        let accuses = |boot| self.nodes.iter().any(|node| node.boot == boot && node.accuses);
        let orphaning = orphans.map(|boot| FormerNode { boot, accuses: accuses(boot) }).collect();
        Nodes { living, orphaning }
    }
}

impl Default for MemoryStorage {
    fn default() -> Self {
        Self::with_clock(|| SystemTime::now().into())
    }
}

impl fmt::Debug for MemoryStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStorage").field("jobs", &self.lock().table.len()).finish_non_exhaustive()
    }
}

impl MemoryStorage {
    /// Makes an empty storage whose due times follow `clock`, which plays the database's clock.
    pub fn with_clock(clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self { clock: Arc::new(clock), state: Arc::default() }
    }

    /// A storage of its own with all that this one holds now, on the same clock: to go on from one state in several ways.
    #[must_use]
    pub fn fork(&self) -> Self {
        let state = self.lock().clone();
        Self { clock: Arc::clone(&self.clock), state: Arc::new(Mutex::new(state)) }
    }

    fn now(&self) -> Timestamp {
        (self.clock)()
    }

    // No code that runs under the lock leaves the state half changed, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl JobStorage for MemoryStorage {
    fn lanes(&self) -> Lanes {
        // A call ends at once, and costs no commit.
        Lanes { most: 64, worth: 1 }
    }
}

#[async_trait]
impl ReadJobs for MemoryStorage {
    async fn find(&self, keyword: &Hash) -> Result<Option<JobSummary>, StorageError> {
        Ok(self.lock().table.by_keyword(keyword).map(|row| row.summary.clone()))
    }

    async fn summaries(&self, ids: &[JobId]) -> Result<Vec<Result<JobSummary, RowError>>, StorageError> {
        let state = self.lock();
        Ok(ids.iter().filter_map(|id| state.table.get(*id)).map(|row| Ok(row.summary.clone())).collect())
    }

    async fn row(&self, id: JobId) -> Result<Option<JobRow>, StorageError> {
        Ok(self.lock().table.get(id).cloned())
    }

    async fn list(&self, filter: &ListFilter) -> Result<Vec<Result<JobSummary, RowError>>, StorageError> {
        Ok(self.lock().table.list(filter).map(|row| Ok(row.summary.clone())).collect())
    }

    async fn due(&self, wanted: &[Wanted], nodes: bool) -> Result<DueJobs, StorageError> {
        let state = self.lock();
        let nodes = nodes.then(|| state.nodes());
        Ok(DueJobs { nodes, ..state.table.due(wanted, self.now()) })
    }

    async fn held(&self, boots: &[Boot], after: JobId, limit: u32) -> Result<Vec<Held>, StorageError> {
        Ok(self.lock().table.held(boots, after, limit, self.now()))
    }

    async fn overview(&self, bounds: Bounds) -> Result<Overview, StorageError> {
        let state = self.lock();
        let up = state.nodes.iter().filter(|node| node.is_at_work());
        let plans = up.map(|node| node.plans.clone()).collect();
        Ok(Overview { plans, ..state.table.overview(bounds, self.now()) })
    }
}

#[async_trait]
impl WriteJobs for MemoryStorage {
    async fn insert(&self, jobs: &[NewJob]) -> Result<Vec<Inserted>, StorageError> {
        let (now, mut state) = (self.now(), self.lock());
        Ok(jobs.iter().map(|job| state.table.insert(job, now)).collect())
    }

    async fn claim(&self, owner: &Owner, claims: &[Claim]) -> Result<Vec<Claimed>, StorageError> {
        let (now, mut state) = (self.now(), self.lock());
        Ok(claims.iter().filter_map(|claim| state.table.claim(owner, claim, now)).collect())
    }

    async fn write(&self, writes: &[&JobWrite]) -> Result<Vec<Written>, StorageError> {
        let (now, mut state) = (self.now(), self.lock());
        Ok(writes.iter().map(|write| state.table.write(write, now)).collect())
    }

    async fn pause_unreadable(&self, id: JobId, seen: Lease, lease: Lease, error: &str) -> Result<bool, StorageError> {
        let now = self.now();
        Ok(self.lock().table.pause_unreadable(id, seen, lease, error, now))
    }

    async fn request(&self, id: JobId, keyword: &Hash, request: Request) -> Result<bool, StorageError> {
        Ok(self.lock().table.request(id, keyword, request))
    }

    async fn purge(&self, purge: &Purge) -> Result<Purged, StorageError> {
        Ok(self.lock().table.purge(purge))
    }
}

#[async_trait]
impl WriteNodes for MemoryStorage {
    async fn join(&self, node: &NewNode) -> Result<Vec<FormerNode>, StorageError> {
        let mut state = self.lock();
        let former = |known: &&mut Node| known.host == node.host && known.boot != node.boot;
        state.nodes.iter_mut().filter(former).for_each(Node::die);
        if !state.nodes.iter().any(|known| known.boot == node.boot) {
            let seen = LivingNode { boot: node.boot, beat: 0, lease_ms: node.lease_ms, state: NodeState::Up };
            let (host, plans) = (node.host.clone(), node.plans.clone());
            state.nodes.push(Node { boot: node.boot, host, seen, accuses: false, plans });
        }
        let dead = state.nodes.iter().filter(|known| known.host == node.host && !known.is_living());
        Ok(dead.map(|known| FormerNode { boot: known.boot, accuses: known.accuses }).collect())
    }

    async fn beat(&self, beat: &Beat) -> Result<Pulse, StorageError> {
        let mut state = self.lock();
        let Some(node) = state.nodes.iter_mut().find(|node| node.boot == beat.boot) else { return Ok(Pulse::Dead) };
        if node.is_living() || is_mutant("beat of any boot") {
            node.seen.beat = beat.number;
            return Ok(Pulse::Alive);
        }
        let host = node.host.clone();
        let is_taken = state.nodes.iter().any(|node| node.is_living() && node.host == host);
        Ok(if is_taken { Pulse::Replaced } else { Pulse::Dead })
    }

    async fn declare_dead(&self, seen: &[LivingNode]) -> Result<(), StorageError> {
        let mut state = self.lock();
        state.nodes.iter_mut().filter(|node| node.is_living() && node.is_among(seen)).for_each(Node::die);
        Ok(())
    }

    async fn enter(&self, boot: Boot, state: NodeState) -> Result<(), StorageError> {
        let mut present = self.lock();
        for known in present.nodes.iter_mut().filter(|known| known.boot == boot && known.is_at_work()) {
            known.seen.state = state;
        }
        Ok(())
    }

    async fn forget(&self, boots: &[Boot]) -> Result<(), StorageError> {
        self.lock().nodes.retain(|known| !boots.contains(&known.boot));
        Ok(())
    }
}
