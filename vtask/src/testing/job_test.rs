//! Running one job as a node does.

use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::time::{sleep, timeout};
use vtask_storage::MemoryStorage;
use vtask_storage::value::{Callback, JobId, Status};

use super::clock::Clock;
use super::outcome::Outcome;
use super::stage::{Script, Staged};
use crate::center::{JobCenter, JobCenterBuilder};
use crate::client::Client;
use crate::flow::{message, panic_message};
use crate::handle::JobHandle;
use crate::info::JobInfo;
use crate::job::erased::{Method, Registered};
use crate::job::{Job, Step};
use crate::run::JobRun;

type Make<'a, J> = Box<dyn Fn(&Client) -> J + Send + Sync + 'a>;
type Register<'a> = Box<dyn Fn(&Client, JobCenterBuilder) -> JobCenterBuilder + Send + Sync + 'a>;

/// A job has ended by then, on its own clock.
const LIMIT: Duration = Duration::from_secs(24 * 60 * 60);

/// Runs a job in memory, on a clock that nobody waits for.
///
/// A simulated hour takes some 0.1 s in a debug build, because the node lives on meanwhile; all else is as fast as the steps.
///
/// Each [`run`](Self::run) has a storage of its own and begins at the same time; what it does follows from the job alone. It
/// blocks the thread that calls it, for as long as the steps really compute, and may be called inside an async test, too.
///
/// The clock jumps whenever all tasks wait. So a step that waits for a socket or for another thread sees its timeout come at once:
/// give the job a stand-in that answers by itself, as a fake bank does, or that only sleeps on tokio's clock.
pub struct JobTest<'a, J> {
    make: Make<'a, J>,
    beside: Vec<Register<'a>>,
    limit: Duration,
}

impl<J: Job> fmt::Debug for JobTest<'_, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobTest").field("job", &J::TABLE.name).field("limit", &self.limit).finish_non_exhaustive()
    }
}

impl<'a, J: Job> JobTest<'a, J> {
    /// Tests the job that `make` makes. The client is for handles of other jobs.
    pub fn new(make: impl Fn(&Client) -> J + Send + Sync + 'a) -> Self {
        Self { make: Box::new(make), beside: Vec::new(), limit: LIMIT }
    }

    /// Also runs this other job, which the first one invokes. One that is invoked and not here is saved and does not run.
    ///
    /// The first one is waited for, and no other: one that a callback invokes may not have run in the end.
    #[must_use]
    pub fn beside<K: Job>(mut self, make: impl Fn(&Client) -> K + Send + Sync + 'a) -> Self {
        self.beside.push(Box::new(move |client, center| center.register(make(client))));
        self
    }

    /// How long the job may take on its own clock; 24 h unless this says otherwise.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Runs the job until it has ended and was called back, or is paused.
    ///
    /// # Panics
    ///
    /// If it has not come so far within the [`limit`](Self::limit), or cannot be invoked or registered.
    #[track_caller]
    pub fn run(&self, data: J::Data) -> Outcome<J> {
        self.run_in(World::default(), data)
    }

    /// Runs the job until `step` is next, which has not begun then; or until it has ended, if it does not come there.
    ///
    /// # Panics
    ///
    /// As [`run`](Self::run).
    #[track_caller]
    pub fn run_until<T>(&self, step: Step<J, T>, data: J::Data) -> Outcome<J> {
        let world = World::default();
        world.script.end_before(Method::Step(step.index()));
        self.run_in(world, data)
    }

    #[track_caller]
    fn run_in(&self, mut world: World, data: J::Data) -> Outcome<J> {
        on_a_thread(|| {
            self.live(&mut world, Some(data));
            Outcome::look(world)
        })
    }

    /// Runs one life of the process.
    pub(super) fn live(&self, world: &mut World, data: Option<J::Data>) -> End {
        let (runtime, clock, script) = (runtime(), world.clock.clone(), Arc::clone(&world.script));
        world.lives += 1;
        let end = runtime.block_on(async {
            clock.begin();
            let client = Client::with_seed(world.storage.clone(), world.lives);
            let run = job_of(&client, world, data).await;
            let end = tokio::select! {
                biased;
                () = script.struck() => End::Died,
                end = timeout(self.limit, self.play(&client, &run, &script)) => match end {
                    Ok(()) => End::Done,
                    Err(_) => panic!("{}", still_runs(self.limit, &info(&run).await)),
                },
            };
            clock.end();
            end
        });
        // A body that blocks its thread is not waited for.
        runtime.shutdown_background();
        end
    }

    /// Has a node do all that is to be done for the job.
    async fn play(&self, client: &Client, run: &JobRun<J>, script: &Arc<Script>) {
        let job = Arc::new(Registered::new((self.make)(client)));
        let center = JobCenter::builder(client).host("test").on_this_runtime();
        let center = center.register_any(Arc::new(Staged { job, script: Arc::clone(script) }));
        let center = self.beside.iter().fold(center, |center, register| register(client, center));
        let _center = center.start().await.unwrap_or_else(|error| panic!("the job cannot run: {}", message(&error)));
        // Whether it ends well is not asked here.
        let _ = run.wait().await;
        while !is_over(&info(run).await) {
            sleep(Duration::from_millis(100)).await;
        }
    }
}

/// What outlives the lives of the process.
pub(super) struct World {
    pub(super) storage: MemoryStorage,
    pub(super) clock: Clock,
    pub(super) script: Arc<Script>,
    pub(super) job: Option<JobId>,
    lives: u64,
}

impl Default for World {
    fn default() -> Self {
        let clock = Clock::default();
        let times = clock.clone();
        let storage = MemoryStorage::with_clock(move || times.now());
        Self { storage, clock, script: Arc::default(), job: None, lives: 0 }
    }
}

/// How a life has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Done,
    Died,
}

/// Has a thread of its own do it: another runtime may be at work on this one. What that says when it panics is said again,
/// at the line of the test.
#[track_caller]
pub(super) fn on_a_thread<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    match thread::scope(|scope| scope.spawn(work).join()) {
        Ok(done) => done,
        Err(panic) => panic!("{}", panic_message(&*panic)),
    }
}

/// A runtime whose clock jumps to the next moment at which something is due.
pub(super) fn runtime() -> Runtime {
    let builder = &mut Builder::new_current_thread();
    builder.enable_all().start_paused(true).build().expect("the system has what a runtime needs")
}

/// The job, invoked if it is not there yet.
async fn job_of<J: Job>(client: &Client, world: &mut World, data: Option<J::Data>) -> JobRun<J> {
    let handle = JobHandle::<J>::new(client);
    if let Some(data) = data {
        let run =
            handle.invoke(data).await.unwrap_or_else(|error| panic!("the job cannot be invoked: {}", message(&error)));
        world.job = Some(run.id());
        return run;
    }
    let id = world.job.expect("the first life has invoked it");
    handle.get(id).await.expect("memory does not fail").expect("nobody deletes it")
}

async fn info<J: Job>(run: &JobRun<J>) -> JobInfo {
    run.info().await.expect("memory does not fail, and nobody deletes the job")
}

fn is_over(info: &JobInfo) -> bool {
    info.status == Status::Paused || (info.status.is_ended() && info.callback != Callback::Due)
}

fn still_runs(limit: Duration, info: &JobInfo) -> String {
    let JobInfo { status, step, failed_attempts, error, .. } = info;
    let error = error.as_deref().unwrap_or("nothing");
    format!(
        "the job has not ended within {limit:?} of its own clock: it is {status:?} at step {step:?} after {failed_attempts} \
         failed attempts, of which the last said: {error}; a step that waits for another job needs that `beside` it"
    )
}
