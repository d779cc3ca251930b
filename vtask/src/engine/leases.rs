//! The jobs that this process holds, by its own account.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use vtask_storage::value::JobId;

/// The jobs that this process holds or is about to: they enter before the claim is sent and leave after the last write
/// has been answered, so that a row of this node that is not in here is nobody's.
#[derive(Default)]
pub(super) struct Leases {
    held: Mutex<Held>,
    /// How many there are.
    count: watch::Sender<usize>,
}

#[derive(Default)]
struct Held {
    jobs: BTreeMap<JobId, Entry>,
    last_serial: u64,
}

struct Entry {
    /// Tells a job that was released and claimed again from its former self.
    serial: u64,
    cancel: watch::Sender<bool>,
}

/// One job in the list, until this is dropped.
pub(super) struct Hold {
    leases: Arc<Leases>,
    id: JobId,
    serial: u64,
    cancel: watch::Receiver<bool>,
}

impl Hold {
    /// Whether somebody asked to cancel the job.
    pub(super) fn is_cancelled(&self) -> bool {
        *self.cancel.borrow()
    }

    /// Waits until somebody asks to cancel the job.
    pub(super) async fn cancelled(&mut self) {
        if self.cancel.wait_for(|cancelled| *cancelled).await.is_err() {
            // The entry was taken over by the job's next life, which is told instead.
            std::future::pending::<()>().await;
        }
    }
}

impl Leases {
    pub(super) fn hold(self: &Arc<Self>, id: JobId) -> Hold {
        let (sender, cancel) = watch::channel(false);
        let mut held = self.lock();
        held.last_serial += 1;
        let serial = held.last_serial;
        held.jobs.insert(id, Entry { serial, cancel: sender });
        self.count.send_replace(held.jobs.len());
        Hold { leases: Arc::clone(self), id, serial, cancel }
    }

    pub(super) fn holds(&self, id: JobId) -> bool {
        self.lock().jobs.contains_key(&id)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn len(&self) -> usize {
        self.lock().jobs.len()
    }

    pub(super) fn cancel(&self, id: JobId) {
        if let Some(entry) = self.lock().jobs.get(&id) {
            entry.cancel.send_replace(true);
        }
    }

    /// Waits until none is held.
    pub(super) async fn empty(&self) {
        let mut count = self.count.subscribe();
        count.wait_for(|count| *count == 0).await.map(drop).unwrap_or_default();
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut held = self.leases.lock();
        if held.jobs.get(&self.id).is_some_and(|entry| entry.serial == self.serial) {
            held.jobs.remove(&self.id);
        }
        self.leases.count.send_replace(held.jobs.len());
    }
}
