//! The slot of a job that runs, and lending it.

use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::Engine;
use super::slots::{Slot, Slots};
use super::suspects::MOST_SHARED;
use crate::client::hub::Hub;

/// The slot of a job that runs, which the job may lend while it waits for another one.
pub(super) struct Place {
    slots: Slots,
    hub: Weak<Hub>,
    job: &'static str,
    /// How many processes died of the job's next step.
    crashes: AtomicI32,
    slot: Mutex<Option<Slot>>,
    /// How many waits of the body that runs have lent it. A task that a body has left behind may go on with one of that body's.
    waits: Mutex<Arc<AtomicUsize>>,
    /// Whether its step works in a transaction that keeps every other write of this client waiting.
    writes_alone: AtomicBool,
}

impl Place {
    pub(super) fn new(engine: &Engine, job: &'static str, crashes: i32, slot: Option<Slot>) -> Arc<Self> {
        Arc::new(Self {
            slots: engine.slots.clone(),
            hub: Arc::downgrade(&engine.hub),
            job,
            crashes: AtomicI32::new(crashes),
            slot: Mutex::new(slot),
            waits: Mutex::default(),
            writes_alone: AtomicBool::new(false),
        })
    }

    /// Says that a body begins, and whether it works in a transaction that keeps every other write of its client waiting.
    pub(super) fn begin(&self, writes_alone: bool) {
        *self.lock_waits() = Arc::default();
        self.writes_alone.store(writes_alone, Ordering::Relaxed);
    }

    /// The job is no suspect any more.
    pub(super) fn clear(&self) {
        if self.crashes.swap(0, Ordering::Relaxed) > 0
            && let Some(slot) = &mut *self.lock()
        {
            slot.clear();
        }
    }

    /// Gives the slot back for a while.
    pub(super) fn leave(&self) {
        drop(self.put(None));
    }

    /// Waits for a slot, if it has none. A job that ran alone and has lent its slots goes on beside others: the whole node
    /// is not to be had in the middle of a step.
    pub(super) async fn enter(&self) {
        if self.is_empty() {
            let crashes = self.crashes.load(Ordering::Relaxed).min(MOST_SHARED);
            let slot = self.slots.take(self.job, crashes).await;
            drop(self.put(Some(slot)));
        }
    }

    /// Takes the slot out, for whoever outlives the job's turn.
    pub(super) fn take(&self) -> Option<Slot> {
        self.put(None)
    }

    /// Whether a body that runs here has to take a slot again before it goes on.
    pub(super) fn lacks_slot(&self) -> bool {
        self.lock_waits().load(Ordering::Relaxed) == 0 && self.is_empty()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().is_none()
    }

    fn put(&self, slot: Option<Slot>) -> Option<Slot> {
        std::mem::replace(&mut *self.lock(), slot)
    }

    // Nothing under these locks can panic half-way.
    fn lock(&self) -> MutexGuard<'_, Option<Slot>> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_waits(&self) -> MutexGuard<'_, Arc<AtomicUsize>> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

tokio::task_local! {
    /// The place of the job whose step runs in this task.
    pub(super) static PLACE: Arc<Place>;
}

/// Whether the step that runs in this task has a transaction that keeps every other write of this client waiting, and so
/// would wait for itself.
pub(crate) fn writes_alone(hub: &Arc<Hub>) -> bool {
    let is_so = |place: &Arc<Place>| {
        place.writes_alone.load(Ordering::Relaxed) && Weak::ptr_eq(&place.hub, &Arc::downgrade(hub))
    };
    PLACE.try_with(is_so).unwrap_or(false)
}

/// A slot that is lent until this is dropped.
pub(crate) struct Lent(Option<(Arc<Place>, Arc<AtomicUsize>)>);

/// Lends the slot of the step that runs in this task, if one does.
pub(crate) fn lend_slot() -> Lent {
    let lent = PLACE.try_with(|place| (Arc::clone(place), Arc::clone(&place.lock_waits()))).ok();
    if let Some((place, waits)) = &lent
        && waits.fetch_add(1, Ordering::Relaxed) == 0
    {
        place.leave();
    }
    Lent(lent)
}

impl Lent {
    /// Takes a slot again, unless the step still waits elsewhere.
    pub(crate) async fn take_back(self) {
        let Some((place, waits)) = &self.0 else { return };
        let is_of_the_body = Arc::ptr_eq(waits, &place.lock_waits());
        if is_of_the_body && waits.load(Ordering::Relaxed) == 1 {
            place.enter().await;
            // Another wait of the step has begun meanwhile.
            if waits.load(Ordering::Relaxed) > 1 {
                place.leave();
            }
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some((_, waits)) = &self.0 {
            waits.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
