//! What runs jobs: claims them, executes their steps, records what came of it.

mod birth;
mod body;
mod claim;
mod commit;
mod conclude;
mod desk;
mod isolate;
mod leases;
mod left_out;
mod life;
mod listen;
mod observe;
mod phase;
mod place;
mod reconcile;
mod record;
mod revive;
mod runner;
mod slots;
mod strangers;
mod supervise;
mod suspects;
mod transaction;
mod walk;
mod watched;
mod within;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::{Instant, timeout};
use vtask_storage::value::{FormerNode, JobId, Limits, NodeState, Owner, Request};
use vtask_storage::{JobStorage, StorageError};

pub(crate) use self::birth::Birth;
use self::commit::Writes;
use self::desk::millis_since;
use self::isolate::Isolation;
use self::leases::Leases;
use self::left_out::LeftOut;
use self::life::Life;
pub(crate) use self::phase::{Phase, Phases};
pub(crate) use self::place::{lend_slot, writes_alone};
use self::slots::Slots;
use self::strangers::Strangers;
use self::transaction::StepConnections;
use crate::answer::answer;
use crate::client::Announcer;
use crate::client::hub::Hub;
use crate::env::{Backoff, Env};
use crate::group::Group;
use crate::job::erased::AnyJob;

/// Under this name the generation of a job's callback is counted; no step can have it.
pub(crate) const CALLBACK_GENERATION: &str = "/callback";

/// So many retries wait in memory for each slot; further ones give their row back.
const PARKED_PER_SLOT: usize = 4;

/// A body that has its runner's thread for so long gets the task for itself.
const RELIEF: Duration = Duration::from_millis(100);

/// A job that was saved in a transaction is looked for often for so long, and then as others are.
const EXPECTED: Duration = Duration::from_secs(5);

/// After the grace, the storage has so long to take what is left to write.
const LAST_WRITES: Duration = Duration::from_secs(5);
/// Where so many rows are refused, and none is taken between them, it is no single one's fault.
const MOST_REFUSED: usize = 16;

/// The jobs of a center by each of their names.
pub(crate) type Jobs = BTreeMap<&'static str, Arc<dyn AnyJob>>;

/// How an engine is set up.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) storage: Arc<dyn JobStorage>,
    pub(crate) env: Env,
    pub(crate) hub: Arc<Hub>,
    pub(crate) announcer: Arc<Announcer>,
    pub(crate) limits: Limits,
    pub(crate) owner: Owner,
    /// When the node was put on the list, or somewhat before that.
    pub(crate) joined: Instant,
    pub(crate) jobs: Jobs,
    pub(crate) concurrency: usize,
    /// How many steps at a time work in transactions.
    pub(crate) transactions: usize,
    pub(crate) grace: Duration,
    /// How long others watch this node before they call it dead.
    pub(crate) lease: Duration,
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
    announcer: Arc<Announcer>,
    limits: Limits,
    owner: Owner,
    life: Life,
    /// Lives that are over and hold rows.
    orphaning: watch::Sender<Vec<FormerNode>>,
    jobs: Jobs,
    grace: Duration,
    engine_runtime: Handle,
    user_runtime: Handle,
    slots: Slots,
    transactions: StepConnections,
    leases: Arc<Leases>,
    /// What the clock of the desks counts from.
    epoch: Instant,
    writer: Group<Writes>,
    pub(crate) phases: Phases,
    poked: Notify,
    /// Until when a transaction of this process is expected to commit something.
    expects_until: watch::Sender<Option<Instant>>,
    /// Whether the last look found more than there was room for: then what is inserted now has to wait its turn.
    has_backlog: AtomicBool,
    /// Whether other processes are heard when they have something.
    hears: AtomicBool,
    isolation: Mutex<Isolation>,
    left_out: LeftOut,
    strangers: Strangers,
    /// Becomes true when nothing more is claimed.
    claims_ended: watch::Sender<bool>,
    /// How many jobs were held when the engine was abandoned.
    held_at_end: OnceLock<u64>,
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
            writer: Group::new(
                writes,
                setup.storage.lanes(),
                setup.env.clone(),
                Some(setup.engine_runtime.clone()),
                None,
            ),
            slots: Slots::new(setup.concurrency, &setup.jobs),
            transactions: StepConnections::new(&*setup.storage, &setup.jobs, setup.transactions),
            storage: setup.storage,
            env: setup.env,
            leases: Leases::new(Arc::clone(&setup.hub)),
            hub: setup.hub,
            announcer: setup.announcer,
            limits: setup.limits,
            owner: setup.owner,
            life: Life::new(setup.lease, setup.joined),
            orphaning: watch::Sender::default(),
            jobs: setup.jobs,
            grace: setup.grace,
            engine_runtime: setup.engine_runtime,
            user_runtime: setup.user_runtime,
            epoch: Instant::now(),
            phases: Phases::default(),
            poked: Notify::new(),
            expects_until: watch::Sender::new(None),
            has_backlog: AtomicBool::new(true),
            hears: AtomicBool::new(false),
            isolation: Mutex::default(),
            left_out: LeftOut::default(),
            strangers: Strangers::default(),
            claims_ended: watch::Sender::new(false),
            held_at_end: OnceLock::new(),
            parking: Arc::new(Semaphore::new(
                setup.concurrency.saturating_mul(PARKED_PER_SLOT).min(Semaphore::MAX_PERMITS),
            )),
            counts: Counts::default(),
        };
        Arc::new(engine)
    }

    /// Works until it is told to stop and everything it holds is done or handed over.
    pub(crate) async fn run(self: Arc<Self>) {
        let _sentinel = self.end_with_the_users_runtime();
        let claims = async {
            let _ended = Told(&self.claims_ended);
            self.claim_until_stopped().await;
        };
        tokio::join!(
            claims,
            self.reconcile_until_ended(),
            self.sweep_until_ended(),
            self.beat_until_ended(),
            self.relieve_until_ended(),
            self.say_when_stopping(),
            self.listen_until_stopped(),
            self.revive_until_stopped(),
        );
        while !self.writer.is_idle() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // A row that stays behind does no harm: the next start of this host finds it with nothing to do.
        let (storage, boot) = (&self.storage, [self.owner.boot]);
        self.repeat(|| storage.forget(&boot)).await;
    }

    /// Looks for bodies that do not come back from their first poll: their runners go on elsewhere, and see to timeouts,
    /// cancels and the end of the node as they do for all others.
    async fn relieve_until_ended(&self) {
        while !self.phases.is(Phase::Ended) {
            tokio::select! {
                biased;
                () = self.phases.reach(Phase::Ended) => return,
                () = self.leases.filled() => {}
            }
            tokio::time::sleep(RELIEF).await;
            let now = millis_since(self.epoch, Instant::now());
            for (runner, task) in self.leases.desks().iter().filter_map(|desk| desk.relieve(now, RELIEF)) {
                runner.start_beside(task);
            }
        }
    }

    async fn say_when_stopping(&self) {
        self.phases.reach(Phase::Stopping).await;
        let (storage, boot) = (&self.storage, self.owner.boot);
        self.repeat(|| storage.enter(boot, NodeState::Stopping)).await;
    }

    /// Sees to it that the engine does not go on claiming jobs that it has no place to run.
    fn end_with_the_users_runtime(self: &Arc<Self>) -> tokio::task::JoinHandle<()> {
        let ended = AbandonUnlessEnded(Arc::clone(self));
        self.user_runtime.spawn(async move {
            ended.0.phases.reach(Phase::Ended).await;
            drop(ended);
        })
    }

    /// Something may be due now.
    pub(crate) fn poke(&self) {
        self.poked.notify_one();
    }

    /// Whether this engine holds the job and has not told its end. One that others may have called dead makes no promise.
    pub(crate) fn will_tell(&self, id: JobId) -> bool {
        self.life.is_sure() && !self.phases.is(Phase::Abandoned) && self.leases.will_tell(id)
    }

    /// Somebody else has changed the job.
    pub(crate) fn settle(&self, id: JobId) {
        self.leases.settle(id);
    }

    /// A transaction of this process may commit something soon.
    pub(crate) fn expect(&self) {
        self.expects_until.send_replace(Some(Instant::now() + EXPECTED));
        self.poke();
    }

    // Nothing under this lock can panic half-way.
    fn isolation(&self) -> MutexGuard<'_, Isolation> {
        self.isolation.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody asked this of the holder of a job.
    pub(crate) fn request(&self, id: JobId, request: Request) {
        self.leases.request(id, request);
    }

    /// Stops: no new claims; what runs may finish its step within the grace; the rest is handed over.
    ///
    /// A storage that is away is not waited for longer than that: then the engine ends as in a crash.
    /// Then the answer is how many jobs were held.
    pub(crate) async fn stop(&self) -> Result<(), u64> {
        self.phases.advance(Phase::Stopping);
        self.poke();
        if timeout(self.grace, self.drained()).await.is_err() {
            self.phases.advance(Phase::Dropping);
            if timeout(LAST_WRITES, self.drained()).await.is_err() {
                tracing::error!("the storage did not take the last writes; the node ends as in a crash");
                self.abandon();
            }
        }
        if let Some(held) = self.held_at_end.get() {
            return Err(*held);
        }
        self.phases.advance(Phase::Ended);
        Ok(())
    }

    /// Waits until nothing is held, and nothing is about to be: a claim that is being looked for is not in the list yet.
    async fn drained(&self) {
        let mut ended = self.claims_ended.subscribe();
        ended.wait_for(|ended| *ended).await.map(drop).unwrap_or_default();
        self.leases.empty().await;
    }

    /// Ends as a crash does: nothing more is written.
    pub(crate) fn abandon(&self) {
        self.held_at_end.get_or_init(|| self.leases.len() as u64);
        self.phases.advance(Phase::Abandoned);
        self.writer.close();
        self.poke();
    }

    /// Makes a call until the storage answers or the engine is abandoned; only for tasks that nobody drops.
    async fn repeat<T, F>(&self, call: impl Fn() -> F) -> Option<T>
    where
        F: Future<Output = Result<T, StorageError>>,
    {
        self.repeat_while(StorageError::is_transient, call).await.ok()
    }

    /// As [`repeat`](Self::repeat), but leaves what somebody's open transaction has locked: the next round makes the call
    /// again, and others do not wait for it until then.
    async fn repeat_unlocked<T, F>(&self, call: impl Fn() -> F) -> Option<T>
    where
        F: Future<Output = Result<T, StorageError>>,
    {
        self.repeat_while(is_passing_and_no_lock, call).await.ok()
    }

    /// As [`repeat_unlocked`](Self::repeat_unlocked), for many at a time: where the storage refuses all for the sake of one it
    /// is asked for each half, until that one is alone and left out. What it does not come to is for the next round, which
    /// begins elsewhere.
    async fn repeat_in_parts<'a, I, T, F>(
        &self,
        items: &'a [I],
        id: impl Fn(&I) -> JobId,
        call: impl Fn(&'a [I]) -> F,
    ) -> Vec<T>
    where
        F: Future<Output = Result<Vec<T>, StorageError>>,
    {
        let (mut parts, mut answers, mut refused) = (vec![items], Vec::new(), 0);
        // Whoever waits in here for longer shows no life.
        let until = Instant::now() + self.life.lease / 3;
        while let Some(part) = parts.pop() {
            match (self.repeat_while(is_passing_and_no_lock, || call(part)).await, part) {
                (Ok(some), _) => {
                    answers.extend(some);
                    refused = 0;
                }
                (Err(Some(error)), _) if error.is_transient() => {}
                (Err(Some(_)), [alone]) => {
                    tracing::error!(job.id = %id(alone), "the storage refuses every change of this job; it is left as it is");
                    refused += 1;
                }
                (Err(Some(_)), _) => {
                    let (first, second) = part.split_at(part.len() / 2);
                    let mut halves = [first, second];
                    self.env.shuffle(&mut halves);
                    parts.extend(halves);
                }
                (Err(None), _) => break,
            }
            if refused >= MOST_REFUSED || Instant::now() >= until {
                break;
            }
        }
        answers
    }

    /// The answer, or the error that does not pass; none where the engine was abandoned.
    async fn repeat_while<T, F>(
        &self,
        is_passing: impl Fn(&StorageError) -> bool,
        call: impl Fn() -> F,
    ) -> Result<T, Option<StorageError>>
    where
        F: Future<Output = Result<T, StorageError>>,
    {
        let mut backoff = Backoff::default();
        while !self.phases.is(Phase::Abandoned) {
            match answer(&*self.storage, call()).await {
                Ok(answer) => return Ok(answer),
                Err(error) => {
                    tracing::warn!(error = %crate::flow::message(&error), "the storage failed");
                    if !is_passing(&error) {
                        return Err(Some(error));
                    }
                }
            }
            backoff.wait(&self.env).await;
        }
        Err(None)
    }
}

fn is_passing_and_no_lock(error: &StorageError) -> bool {
    error.is_transient() && !matches!(error, StorageError::Locked(_))
}

/// Tells that something is over, however it ends.
struct Told<'a>(&'a watch::Sender<bool>);

impl Drop for Told<'_> {
    fn drop(&mut self) {
        self.0.send_replace(true);
    }
}

/// Abandons the engine when the runtime of its bodies ends before it does.
struct AbandonUnlessEnded(Arc<Engine>);

impl Drop for AbandonUnlessEnded {
    fn drop(&mut self) {
        if !self.0.phases.is(Phase::Ended) {
            tracing::error!("the runtime that runs the steps has ended; the node ends as in a crash");
            self.0.abandon();
        }
    }
}
