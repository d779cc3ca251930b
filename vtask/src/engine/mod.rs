//! What runs jobs: claims them, executes their steps, records what came of it.

mod claim;
mod commit;
mod conclude;
mod leases;
mod phase;
mod reconcile;
mod record;
mod runner;
mod slots;
mod supervise;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore};
use vtask_storage::value::{FormerNode, JobId, Limits, Owner};
use vtask_storage::{JobStorage, StorageError};

use self::commit::Writes;
use self::leases::Leases;
pub(crate) use self::phase::{Phase, Phases};
use self::slots::Slots;
pub(crate) use self::slots::lend_slot;
use crate::client::hub::Hub;
use crate::env::{Backoff, Env};
use crate::group::Group;
use crate::job::erased::AnyJob;

/// Under this name the generation of a job's callback is counted; no step can have it.
pub(crate) const CALLBACK_GENERATION: &str = "/callback";

/// So many retries wait in memory for each slot; further ones give their row back.
const PARKED_PER_SLOT: usize = 4;

/// The jobs of a center by each of their names.
pub(crate) type Jobs = BTreeMap<&'static str, Arc<dyn AnyJob>>;

/// How an engine is set up.
pub(crate) struct Setup {
    pub(crate) storage: Arc<dyn JobStorage>,
    pub(crate) env: Env,
    pub(crate) hub: Arc<Hub>,
    pub(crate) limits: Limits,
    pub(crate) owner: Owner,
    pub(crate) former: Vec<FormerNode>,
    pub(crate) jobs: Jobs,
    pub(crate) concurrency: usize,
    pub(crate) grace: Duration,
    /// Where the engine's own tasks run.
    pub(crate) engine_runtime: Handle,
    /// Where the bodies of the steps run.
    pub(crate) user_runtime: Handle,
}

/// One life of a node.
pub(crate) struct Engine {
    storage: Arc<dyn JobStorage>,
    env: Env,
    hub: Arc<Hub>,
    limits: Limits,
    owner: Owner,
    former: Vec<FormerNode>,
    jobs: Jobs,
    grace: Duration,
    user_runtime: Handle,
    slots: Slots,
    leases: Arc<Leases>,
    writer: Group<Writes>,
    pub(crate) phases: Phases,
    poked: Notify,
    /// How many retries may wait in memory.
    parking: Arc<Semaphore>,
    pub(crate) counts: Counts,
}

/// What became of the jobs that an engine held when it was told to stop.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) finished: AtomicU64,
    pub(crate) handed_over: AtomicU64,
    pub(crate) dropped: AtomicU64,
}

impl Counts {
    /// Counts a job that the stopping engine let go of.
    fn add(&self, was_dropped: bool, has_work: bool) {
        let counter = match (was_dropped, has_work) {
            (true, _) => &self.dropped,
            (false, true) => &self.handed_over,
            (false, false) => &self.finished,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

impl Engine {
    pub(crate) fn new(setup: Setup) -> Arc<Self> {
        let writes = Writes(Arc::clone(&setup.storage));
        let engine = Self {
            writer: Group::new(writes, setup.env.clone(), Some(setup.engine_runtime), None),
            slots: Slots::new(setup.concurrency, &setup.jobs),
            storage: setup.storage,
            env: setup.env,
            hub: setup.hub,
            limits: setup.limits,
            owner: setup.owner,
            former: setup.former,
            jobs: setup.jobs,
            grace: setup.grace,
            user_runtime: setup.user_runtime,
            leases: Arc::default(),
            phases: Phases::default(),
            poked: Notify::new(),
            parking: Arc::new(Semaphore::new(
                setup.concurrency.saturating_mul(PARKED_PER_SLOT).min(Semaphore::MAX_PERMITS),
            )),
            counts: Counts::default(),
        };
        Arc::new(engine)
    }

    /// Works until it is told to stop and everything it holds is done or handed over.
    pub(crate) async fn run(self: Arc<Self>) {
        tokio::join!(self.claim_until_stopped(), self.reconcile_until_ended());
        while !self.writer.is_idle() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Something may be due now.
    pub(crate) fn poke(&self) {
        self.poked.notify_one();
    }

    /// Somebody asked to cancel this job.
    pub(crate) fn cancel(&self, id: JobId) {
        self.leases.cancel(id);
    }

    /// Stops: no new claims; what runs may finish its step within the grace; the rest is handed over.
    pub(crate) async fn stop(&self) {
        self.phases.advance(Phase::Stopping);
        self.poke();
        let boot = self.owner.boot;
        self.repeat(|| self.storage.stopping(boot)).await;
        if tokio::time::timeout(self.grace, self.leases.empty()).await.is_err() {
            self.phases.advance(Phase::Dropping);
            self.leases.empty().await;
        }
        self.phases.advance(Phase::Ended);
        self.repeat(|| self.storage.forget(std::slice::from_ref(&boot))).await;
    }

    /// Ends as a crash does: nothing more is written.
    pub(crate) fn abandon(&self) {
        self.phases.advance(Phase::Abandoned);
        self.writer.close();
        self.poke();
    }

    /// Makes a call until the storage answers or the engine is abandoned; only for tasks that nobody drops.
    async fn repeat<T, F>(&self, call: impl Fn() -> F) -> Option<T>
    where
        F: Future<Output = Result<T, StorageError>> + Send,
    {
        let mut backoff = Backoff::default();
        loop {
            match call().await {
                Ok(answer) => return Some(answer),
                Err(error) => {
                    tracing::warn!(error = %crate::flow::message(&error), "the storage failed");
                    if !error.is_transient() || self.phases.is(Phase::Abandoned) {
                        return None;
                    }
                }
            }
            backoff.wait(&self.env).await;
        }
    }
}
