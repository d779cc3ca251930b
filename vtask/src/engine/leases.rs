//! The jobs that this process holds, by its own account.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use vtask_storage::value::{JobId, Lease, Request};

/// The jobs that this process holds or is about to: they enter before the claim or the insert is sent and leave after the last write
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
    /// The tokens of jobs that are being inserted for this node: their ids are not known yet.
    expected: BTreeSet<i64>,
    last_serial: u64,
}

impl Held {
    fn count(&self) -> usize {
        self.jobs.len() + self.expected.len()
    }
}

struct Entry {
    /// Tells a job that was released and claimed again from its former self.
    serial: u64,
    request: watch::Sender<Request>,
}

/// A job that is being inserted, on the list until this is dropped.
pub(super) struct Expected {
    leases: Arc<Leases>,
    lease: Lease,
}

impl Expected {
    /// Goes on under the job's id.
    pub(super) fn hold(self, id: JobId) -> Hold {
        // Before the token leaves the list.
        self.leases.hold(id)
    }
}

impl Drop for Expected {
    fn drop(&mut self) {
        let mut held = self.leases.lock();
        held.expected.remove(&self.lease.0);
        self.leases.count.send_replace(held.count());
    }
}

/// One job in the list, until this is dropped.
pub(super) struct Hold {
    leases: Arc<Leases>,
    id: JobId,
    serial: u64,
    request: watch::Receiver<Request>,
}

impl Hold {
    /// Whether somebody was heard to ask something of the job's holder.
    pub(super) fn is_asked(&self) -> bool {
        *self.request.borrow() != Request::None
    }

    /// Waits until somebody is heard to ask something.
    pub(super) async fn asked(&mut self) {
        self.heard(|request| request != Request::None).await;
    }

    /// Waits until somebody is heard to ask to cancel the job.
    pub(super) async fn cancelled(&mut self) {
        self.heard(|request| request == Request::Cancel).await;
    }

    async fn heard(&mut self, what: fn(Request) -> bool) {
        if self.request.wait_for(|request| what(*request)).await.is_err() {
            // The entry was taken over by the job's next life, which is told instead.
            std::future::pending::<()>().await;
        }
    }

    /// Forgets what was heard; what is heard from now on counts again.
    pub(super) fn forget(&self) {
        let held = self.leases.lock();
        if let Some(entry) = held.jobs.get(&self.id).filter(|entry| entry.serial == self.serial) {
            entry.request.send_replace(Request::None);
        }
    }
}

impl Leases {
    pub(super) fn expect(self: &Arc<Self>, lease: Lease) -> Expected {
        let mut held = self.lock();
        held.expected.insert(lease.0);
        self.count.send_replace(held.count());
        Expected { leases: Arc::clone(self), lease }
    }

    pub(super) fn hold(self: &Arc<Self>, id: JobId) -> Hold {
        let (sender, request) = watch::channel(Request::None);
        let mut held = self.lock();
        held.last_serial += 1;
        let serial = held.last_serial;
        held.jobs.insert(id, Entry { serial, request: sender });
        self.count.send_replace(held.count());
        Hold { leases: Arc::clone(self), id, serial, request }
    }

    pub(super) fn holds(&self, id: JobId) -> bool {
        self.lock().jobs.contains_key(&id)
    }

    /// Whether a row of this id and token is one that this process holds or inserts.
    pub(super) fn knows(&self, id: JobId, lease: Lease) -> bool {
        let held = self.lock();
        held.jobs.contains_key(&id) || held.expected.contains(&lease.0)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn len(&self) -> usize {
        self.lock().count()
    }

    /// Tells whoever runs the job what is asked. A hint: he asks the database before he does it.
    pub(super) fn request(&self, id: JobId, request: Request) {
        if let Some(entry) = self.lock().jobs.get(&id) {
            entry.request.send_if_modified(|present| {
                let is_news = request != *present && request.replaces(*present);
                if is_news {
                    *present = request;
                }
                is_news
            });
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
        self.leases.count.send_replace(held.count());
    }
}
