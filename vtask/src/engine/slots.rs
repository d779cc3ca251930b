//! How many jobs run at a time.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::Jobs;

/// The slots of a node, and those of each job that has a limit of its own.
#[derive(Clone)]
pub(crate) struct Slots {
    node: Arc<Semaphore>,
    jobs: Arc<BTreeMap<&'static str, Arc<Semaphore>>>,
    freed: Arc<Notify>,
}

/// The right to run one job; gives itself back when it is dropped.
pub(crate) struct Slot {
    permits: Vec<OwnedSemaphorePermit>,
    freed: Arc<Notify>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.permits.clear();
        self.freed.notify_one();
    }
}

impl Slots {
    pub(super) fn new(concurrency: usize, jobs: &Jobs) -> Self {
        let plans = jobs.values().map(|job| job.plan());
        let limited = plans.filter_map(|plan| Some((plan.name, semaphore(plan.concurrency?))));
        Self { node: semaphore(concurrency), jobs: Arc::new(limited.collect()), freed: Arc::default() }
    }

    /// How many more jobs may run.
    pub(super) fn free(&self) -> usize {
        self.node.available_permits()
    }

    /// How many more jobs of this name may run.
    pub(super) fn free_for(&self, job: &str) -> usize {
        self.jobs.get(job).map_or(usize::MAX, |slots| slots.available_permits()).min(self.free())
    }

    /// Waits until a slot is given back.
    pub(super) async fn freed(&self) {
        self.freed.notified().await;
    }

    /// A slot for this job, if there is one.
    pub(super) fn try_take(&self, job: &str) -> Option<Slot> {
        let mut permits = vec![Arc::clone(&self.node).try_acquire_owned().ok()?];
        if let Some(slots) = self.jobs.get(job) {
            permits.push(Arc::clone(slots).try_acquire_owned().ok()?);
        }
        Some(self.slot(permits))
    }

    /// The next slot that is free: whoever waits here comes before any claim.
    pub(super) async fn take(&self, job: &str) -> Slot {
        let mut permits = Vec::with_capacity(2);
        if let Some(slots) = self.jobs.get(job) {
            permits.extend(Arc::clone(slots).acquire_owned().await.ok());
        }
        permits.extend(Arc::clone(&self.node).acquire_owned().await.ok());
        self.slot(permits)
    }

    fn slot(&self, permits: Vec<OwnedSemaphorePermit>) -> Slot {
        Slot { permits, freed: Arc::clone(&self.freed) }
    }
}

fn semaphore(slots: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(slots.min(Semaphore::MAX_PERMITS)))
}

/// The slot of a job that runs, which the job may lend while it waits for another one.
pub(super) struct Place {
    slots: Slots,
    job: &'static str,
    slot: Mutex<Option<Slot>>,
    lent: AtomicUsize,
}

impl Place {
    pub(super) fn new(slots: Slots, job: &'static str, slot: Option<Slot>) -> Arc<Self> {
        Arc::new(Self { slots, job, slot: Mutex::new(slot), lent: AtomicUsize::new(0) })
    }

    /// Gives the slot back for a while.
    pub(super) fn leave(&self) {
        drop(self.put(None));
    }

    /// Waits for a slot, if it has none.
    pub(super) async fn enter(&self) {
        if self.is_empty() {
            let slot = self.slots.take(self.job).await;
            drop(self.put(Some(slot)));
        }
    }

    /// Takes the slot out, for whoever outlives the job's turn.
    pub(super) fn take(&self) -> Option<Slot> {
        self.put(None)
    }

    /// Runs a body only while it has a slot: one that dropped a wait half-way takes a slot again before it goes on.
    pub(super) async fn run<T>(self: Arc<Self>, mut body: Pin<Box<dyn Future<Output = T> + Send>>) -> T {
        loop {
            let step = poll_fn(|context| match self.lacks_slot() {
                true => Poll::Ready(None),
                false => body.as_mut().poll(context).map(Some),
            });
            match step.await {
                Some(result) => return result,
                None => self.enter().await,
            }
        }
    }

    fn lacks_slot(&self) -> bool {
        self.lent.load(Ordering::Relaxed) == 0 && self.is_empty()
    }

    fn is_empty(&self) -> bool {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    fn put(&self, slot: Option<Slot>) -> Option<Slot> {
        std::mem::replace(&mut *self.slot.lock().unwrap_or_else(PoisonError::into_inner), slot)
    }
}

tokio::task_local! {
    /// The place of the job whose step runs in this task.
    pub(super) static PLACE: Arc<Place>;
}

/// A slot that is lent until this is dropped.
pub(crate) struct Lent(Option<Arc<Place>>);

/// Lends the slot of the step that runs in this task, if one does.
pub(crate) fn lend_slot() -> Lent {
    let place = PLACE.try_with(Arc::clone).ok();
    if let Some(place) = &place
        && place.lent.fetch_add(1, Ordering::Relaxed) == 0
    {
        place.leave();
    }
    Lent(place)
}

impl Lent {
    /// Takes a slot again, unless the step still waits elsewhere.
    pub(crate) async fn take_back(self) {
        if let Some(place) = &self.0
            && place.lent.load(Ordering::Relaxed) == 1
        {
            place.enter().await;
            // Another wait of the step has begun meanwhile.
            if place.lent.load(Ordering::Relaxed) > 1 {
                place.leave();
            }
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(place) = &self.0 {
            place.lent.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
