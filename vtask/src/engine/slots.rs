//! How many jobs run at a time.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};

use super::Jobs;
use super::suspects::{MOST_SHARED, is_alone, share};

/// For so many slots one new job may wait for the next of them.
const QUEUED: usize = 8;

/// From so many names on they share what each look finds beyond the room there is.
const NAMES: usize = 4;

/// Nobody closes a semaphore of this module.
const NEVER_CLOSED: &str = "the semaphore is never closed";

/// The slots of a node, those of each job that has a limit of its own, and those that suspects share.
#[derive(Clone)]
pub(crate) struct Slots {
    node: Arc<Semaphore>,
    /// How many the node has.
    count: u32,
    /// How many jobs of one name to look for beyond those that may run.
    spare: usize,
    jobs: Arc<BTreeMap<&'static str, Arc<Semaphore>>>,
    /// The share of the jobs of which at least 1, 2, … processes died.
    suspects: Arc<[Arc<Semaphore>]>,
    freed: Arc<Notify>,
    /// The only one that was free of a job with a limit of its own.
    own_freed: Arc<Notify>,
    /// Room for new jobs that take the next slot although none is free now: one is, most likely, before they are saved.
    queue: Arc<Semaphore>,
}

/// The right to run one job; gives itself back when it is dropped.
pub(crate) struct Slot {
    /// One of the node's slots; all of them, where the job runs alone.
    node: Option<OwnedSemaphorePermit>,
    /// One of the job's own, if it has a limit.
    own: Option<OwnedSemaphorePermit>,
    /// One of each share that it falls under.
    shares: Vec<OwnedSemaphorePermit>,
    /// Tells by its end that the job runs alone no longer.
    pub(super) isolation: Option<oneshot::Sender<()>>,
    freed: Arc<Notify>,
    own_freed: Arc<Notify>,
}

impl Slot {
    /// What is left of it when others have what a job needs only as a suspect.
    pub(super) fn cleared(mut self) -> Self {
        self.clear();
        self
    }

    /// Leaves to others what a job needs only as a suspect.
    pub(super) fn clear(&mut self) {
        if let Some(node) = &mut self.node
            && let Some(one) = node.split(1)
        {
            self.node = Some(one);
        }
        self.shares.clear();
        self.isolation = None;
        self.freed.notify_one();
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.node = None;
        self.shares.clear();
        if let Some(own) = self.own.take() {
            let was_full = own.semaphore().available_permits() == 0;
            drop(own);
            if was_full {
                self.own_freed.notify_one();
            }
        }
        self.isolation = None;
        self.freed.notify_one();
    }
}

/// What is free, for whoever chooses what to claim.
pub(super) struct Room {
    node: usize,
    suspects: Vec<usize>,
}

impl Room {
    /// Whether there is room for one more job of so many crashes, which it then takes.
    pub(super) fn take(&mut self, crashes: i32) -> bool {
        let shares = &mut self.suspects[..shares_of(crashes)];
        let has_room = self.node > 0 && shares.iter().all(|share| *share > 0);
        if has_room {
            self.node -= 1;
            shares.iter_mut().for_each(|share| *share -= 1);
        }
        has_room
    }
}

impl Slots {
    pub(super) fn new(concurrency: usize, jobs: &Jobs) -> Self {
        let plans = jobs.values().map(|job| job.plan());
        let limited = plans.filter_map(|plan| Some((plan.name, semaphore(plan.concurrency?))));
        let count = u32::try_from(concurrency).unwrap_or(u32::MAX);
        Self {
            node: semaphore(count as usize),
            count,
            spare: (count as usize).div_ceil(2) / (jobs.len() / NAMES).max(1) + 1,
            jobs: Arc::new(limited.collect()),
            suspects: (1..=MOST_SHARED).map(|crashes| semaphore(share(concurrency, crashes))).collect(),
            freed: Arc::default(),
            own_freed: Arc::default(),
            queue: semaphore(concurrency.div_ceil(QUEUED)),
        }
    }

    /// The right to wait for the next slot, for one of a few; not where the job's own limit is in the way.
    pub(super) fn try_queue(&self, job: &str) -> Option<OwnedSemaphorePermit> {
        self.has_own(job).then(|| Arc::clone(&self.queue).try_acquire_owned().ok()).flatten()
    }

    /// Whether the job's own limit lets one more run.
    pub(super) fn has_own(&self, job: &str) -> bool {
        self.jobs.get(job).is_none_or(|slots| slots.available_permits() > 0)
    }

    /// How many more jobs may run.
    pub(super) fn free(&self) -> usize {
        self.node.available_permits()
    }

    /// How many jobs of this name to look for: those that may run now, and some that may by the time of the answer.
    pub(super) fn worth_a_look(&self, job: &str) -> usize {
        self.free_for(job).saturating_add(self.spare)
    }

    /// Whether so many are more than those for which there is room, and a few that come and go.
    pub(super) fn are_exceeded_by(&self, waiting: usize) -> bool {
        waiting > self.free() + (self.count as usize).div_ceil(QUEUED)
    }

    /// Whether fewer than an eighth are free.
    pub(super) fn is_nearly_full(&self) -> bool {
        self.free() < (self.count as usize).div_ceil(QUEUED)
    }

    /// How many more jobs of this name may run.
    pub(super) fn free_for(&self, job: &str) -> usize {
        self.jobs.get(job).map_or(usize::MAX, |slots| slots.available_permits()).min(self.free())
    }

    pub(super) fn room(&self) -> Room {
        Room { node: self.free(), suspects: self.suspects.iter().map(|share| share.available_permits()).collect() }
    }

    /// How many crashes a job may have to find room beside others.
    pub(super) fn most_crashes(&self) -> i32 {
        let open = self.suspects.iter().take_while(|share| share.available_permits() > 0).count();
        i32::try_from(open).unwrap_or(MOST_SHARED)
    }

    /// Waits until a job whose own limit was in the way may run.
    pub(super) async fn own_freed(&self) {
        self.own_freed.notified().await;
    }

    /// Waits until a slot is given back.
    pub(super) async fn freed(&self) {
        self.freed.notified().await;
    }

    /// A slot for this job, if there is one.
    pub(super) fn try_take(&self, job: &str, crashes: i32) -> Option<Slot> {
        let own = match self.jobs.get(job) {
            Some(slots) => Some(Arc::clone(slots).try_acquire_owned().ok()?),
            None => None,
        };
        let mut shares = Vec::new();
        for slots in self.shares(crashes) {
            shares.push(Arc::clone(slots).try_acquire_owned().ok()?);
        }
        let node = Arc::clone(&self.node).try_acquire_many_owned(self.needs(crashes)).ok()?;
        Some(self.slot(node, own, shares))
    }

    /// The next slot that is free: whoever waits here comes before any claim. For a job that runs alone that is all of
    /// them, and nothing else begins until it has them.
    ///
    /// What a job needs is taken in one order, so nobody waits in a ring.
    pub(super) async fn take(&self, job: &str, crashes: i32) -> Slot {
        let own = match self.jobs.get(job) {
            Some(slots) => Some(Arc::clone(slots).acquire_owned().await.expect(NEVER_CLOSED)),
            None => None,
        };
        let mut shares = Vec::new();
        for slots in self.shares(crashes) {
            shares.push(Arc::clone(slots).acquire_owned().await.expect(NEVER_CLOSED));
        }
        let node = Arc::clone(&self.node).acquire_many_owned(self.needs(crashes)).await.expect(NEVER_CLOSED);
        self.slot(node, own, shares)
    }

    /// The shares that a job of so many crashes falls under, the scarcest first.
    fn shares(&self, crashes: i32) -> impl Iterator<Item = &Arc<Semaphore>> {
        self.suspects[..shares_of(crashes)].iter().rev()
    }

    fn needs(&self, crashes: i32) -> u32 {
        if is_alone(crashes) { self.count } else { 1 }
    }

    fn slot(
        &self,
        node: OwnedSemaphorePermit,
        own: Option<OwnedSemaphorePermit>,
        shares: Vec<OwnedSemaphorePermit>,
    ) -> Slot {
        let (freed, own_freed) = (Arc::clone(&self.freed), Arc::clone(&self.own_freed));
        Slot { node: Some(node), own, shares, isolation: None, freed, own_freed }
    }
}

fn semaphore(slots: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(slots.min(Semaphore::MAX_PERMITS)))
}

/// How many of the shares a job of so many crashes falls under.
fn shares_of(crashes: i32) -> usize {
    usize::try_from(crashes.clamp(0, MOST_SHARED)).unwrap_or(0)
}
