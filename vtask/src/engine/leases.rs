//! The jobs that this process holds, by its own account.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use vtask_storage::value::{JobId, Lease, Request};

use super::desk::Desk;
use crate::client::hub::Hub;
use crate::told::until;

/// The jobs that this process holds or is about to: they enter before the claim or the insert is sent and leave after the last write
/// has been answered, so that a row of this node that is not in here is nobody's.
pub(super) struct Leases {
    hub: Arc<Hub>,
    held: Mutex<Held>,
    /// There are none any more.
    emptied: Notify,
    /// There are some again.
    filled: Notify,
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
    desk: Arc<Desk>,
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
        self.leases.change(|held| held.expected.remove(&self.lease.0));
    }
}

/// One job in the list, until this is dropped.
pub(super) struct Hold {
    leases: Arc<Leases>,
    id: JobId,
    serial: u64,
    desk: Arc<Desk>,
}

impl Hold {
    /// Where the rest of the engine reaches whoever runs the job.
    pub(super) fn desk(&self) -> &Arc<Desk> {
        &self.desk
    }

    /// Whether somebody was heard to ask something of the job's holder.
    pub(super) fn is_asked(&self) -> bool {
        self.desk.request() != Request::None
    }

    /// Waits until somebody is heard to ask something.
    pub(super) async fn asked(&self) {
        self.desk.asked(|request| request != Request::None).await;
    }

    /// Waits until somebody is heard to ask to cancel the job.
    pub(super) async fn cancelled(&self) {
        self.desk.asked(|request| request == Request::Cancel).await;
    }

    /// Says that the end of the job is about to be told to all who wait for it. Whether it was not told before.
    pub(super) fn settle(&self) -> bool {
        self.desk.settle()
    }

    /// Forgets what was heard; what is heard from now on counts again.
    pub(super) fn forget(&self) {
        self.desk.forget();
    }
}

impl Leases {
    pub(super) fn new(hub: Arc<Hub>) -> Arc<Self> {
        Arc::new(Self { hub, held: Mutex::default(), emptied: Notify::new(), filled: Notify::new() })
    }

    pub(super) fn expect(self: &Arc<Self>, lease: Lease) -> Expected {
        self.change(|held| held.expected.insert(lease.0));
        Expected { leases: Arc::clone(self), lease }
    }

    pub(super) fn hold(self: &Arc<Self>, id: JobId) -> Hold {
        let desk = Arc::<Desk>::default();
        let serial = self.change(|held| {
            held.last_serial += 1;
            held.jobs.insert(id, Entry { serial: held.last_serial, desk: Arc::clone(&desk) });
            held.last_serial
        });
        Hold { leases: Arc::clone(self), id, serial, desk }
    }

    pub(super) fn holds(&self, id: JobId) -> bool {
        self.lock().jobs.contains_key(&id)
    }

    /// Whether this process holds the job and has not told its end.
    pub(super) fn will_tell(&self, id: JobId) -> bool {
        self.lock().jobs.get(&id).is_some_and(|entry| !entry.desk.is_settled())
    }

    /// Somebody else has changed the job: whoever waits for it does not wait for what this process may tell.
    pub(super) fn settle(&self, id: JobId) {
        if let Some(entry) = self.lock().jobs.get(&id) {
            entry.desk.settle();
        }
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
            entry.desk.ask(request);
        }
    }

    /// The desks of all jobs.
    pub(super) fn desks(&self) -> Vec<Arc<Desk>> {
        self.lock().jobs.values().map(|entry| Arc::clone(&entry.desk)).collect()
    }

    /// Waits until none is held.
    pub(super) async fn empty(&self) {
        until(&self.emptied, || self.is_empty()).await;
    }

    /// Waits until some are held.
    pub(super) async fn filled(&self) {
        until(&self.filled, || !self.is_empty()).await;
    }

    /// Changes the list, and tells those who wait for it to be empty or not.
    fn change<T>(&self, change: impl FnOnce(&mut Held) -> T) -> T {
        let (before, changed, after) = {
            let mut held = self.lock();
            let before = held.count();
            let changed = change(&mut held);
            (before, changed, held.count())
        };
        match (before, after) {
            (0, 1..) => self.filled.notify_waiters(),
            (1.., 0) => self.emptied.notify_waiters(),
            _ => {}
        }
        changed
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.leases.change(|held| {
            if held.jobs.get(&self.id).is_some_and(|entry| entry.serial == self.serial) {
                held.jobs.remove(&self.id);
            }
        });
        // Whoever waits to be told has to look now.
        if self.desk.settle() {
            self.leases.hub.settled(self.id, || None);
        }
    }
}
