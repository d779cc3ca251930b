//! What the parts of one process tell each other without the database.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::watch;
use vtask_storage::value::{JobId, JobSummary, NewJob, Request};

use crate::codec::Outputs;
use crate::engine::{Birth, Engine};

/// The engines of a client, and who waits for which job. A hint only: whoever waits also looks for himself.
#[derive(Default)]
pub(crate) struct Hub {
    engines: Mutex<Vec<Weak<Engine>>>,
    waiters: Mutex<BTreeMap<JobId, Waiters>>,
}

/// Those who wait for one job.
#[derive(Default)]
struct Waiters {
    news: watch::Sender<Option<Arc<Settled>>>,
    count: usize,
}

/// A job as its engine has just recorded it, with an outcome or paused.
pub(crate) struct Settled {
    pub(crate) summary: JobSummary,
    pub(crate) outputs: Outputs,
}

impl Hub {
    pub(crate) fn add(&self, engine: &Arc<Engine>) {
        let mut engines = lock(&self.engines);
        engines.retain(|engine| engine.strong_count() > 0);
        engines.push(Arc::downgrade(engine));
    }

    /// Something may be due now.
    pub(crate) fn poke(&self) {
        self.engines().iter().for_each(|engine| engine.poke());
    }

    /// Something will be due when a transaction commits, soon or not.
    pub(crate) fn expect(&self) {
        self.engines().iter().for_each(|engine| engine.expect());
    }

    /// Finds the engine that can start a new job at once, and makes the job its own.
    pub(crate) fn adopt(&self, new: &mut NewJob) -> Option<Birth> {
        self.engines().iter().find_map(|engine| engine.adopt(new))
    }

    /// Somebody asked this of the holder of the job.
    pub(crate) fn request(&self, id: JobId, request: Request) {
        self.engines().iter().for_each(|engine| engine.request(id, request));
    }

    /// The job ended or paused, or something else that is worth a look.
    pub(crate) fn settled(&self, id: JobId, settled: impl FnOnce() -> Option<Settled>) {
        if let Some(waiters) = lock(&self.waiters).get(&id) {
            waiters.news.send_replace(settled().map(Arc::new));
        }
    }

    /// Somebody has changed a job that nobody holds: what an engine may still tell of it is old.
    pub(crate) fn changed(&self, id: JobId) {
        self.engines().iter().for_each(|engine| engine.settle(id));
        self.settled(id, || None);
    }

    /// Whether the job is in the hands of an engine of this client, which has not told its end yet. Whoever asks listens
    /// first: then he hears it.
    pub(crate) fn will_tell(&self, id: JobId) -> bool {
        self.engines().iter().any(|engine| engine.will_tell(id))
    }

    /// Listens for [`settled`](Self::settled), from now on.
    pub(crate) fn listen(self: &Arc<Self>, id: JobId) -> Listener {
        let notices = {
            let mut all = lock(&self.waiters);
            let waiters = all.entry(id).or_default();
            waiters.count += 1;
            waiters.news.subscribe()
        };
        Listener { hub: Arc::clone(self), id, notices }
    }

    fn engines(&self) -> Vec<Arc<Engine>> {
        lock(&self.engines).iter().filter_map(Weak::upgrade).collect()
    }
}

/// One who waits for a job.
pub(crate) struct Listener {
    hub: Arc<Hub>,
    id: JobId,
    notices: watch::Receiver<Option<Arc<Settled>>>,
}

impl Listener {
    /// Waits for news; they may say no more than that a look is worth it.
    pub(crate) async fn settled(&mut self) -> Option<Arc<Settled>> {
        if self.notices.changed().await.is_err() {
            // Only a listener takes its entry away, and this one still listens.
            std::future::pending::<()>().await;
        }
        self.notices.borrow_and_update().clone()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut all = lock(&self.hub.waiters);
        if let Some(waiters) = all.get_mut(&self.id) {
            waiters.count -= 1;
            if waiters.count == 0 {
                all.remove(&self.id);
            }
        }
    }
}

// Nothing under these locks can panic half-way.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_listener_takes_its_entry_away() {
        let hub = Arc::new(Hub::default());
        let [first, second] = [hub.listen(JobId(1)), hub.listen(JobId(1))];
        drop(first);
        assert_eq!(lock(&hub.waiters).len(), 1);
        drop(second);
        assert!(lock(&hub.waiters).is_empty());
    }
}
