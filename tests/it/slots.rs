//! Slots: freed ones, and those of steps that wait for other jobs.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep, timeout};
use vtask::storage::MemoryStorage;
use vtask::{Client, Job, JobCenter, JobCenterBuilder, JobContext, JobFilter, JobHandle, Status, WaitError, job};

use crate::hooked::Hooked;
use crate::jobs::{Once, OnceHandle};
use crate::log::Log;
use crate::setup::{center, paused_client, paused_storage};

/// Waits a little for a job that is not due, and then works.
#[derive(Clone)]
struct Peeks {
    never: OnceHandle,
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

#[job(concurrency = 1)]
impl Peeks {
    #[step]
    async fn only(&self) -> anyhow::Result<u32> {
        let run = self.never.invoke(()).keyword("never").delay(Duration::from_secs(100_000)).await?;
        timeout(Duration::from_millis(100), run.wait()).await.unwrap_err();
        tokio::task::yield_now().await;
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        sleep(Duration::from_secs(10)).await;
        self.now.fetch_sub(1, Ordering::SeqCst);
        Ok(1)
    }
}

#[tokio::test(start_paused = true)]
async fn step_whose_wait_is_dropped_counts_again_from_its_next_await_on() {
    let client = paused_client();
    let job = Peeks { never: OnceHandle::new(&client), now: Arc::default(), most: Arc::default() };
    let _center = center(&client).concurrency(4).register(job.clone()).start().await.unwrap();
    for run in PeeksHandle::new(&client).invoke_many([(); 20]).await {
        assert_eq!(run.unwrap().wait().await.unwrap(), 1);
    }
    assert_eq!(job.most.load(Ordering::SeqCst), 1);
}

/// Leaves a wait that it has begun to a task, and waits itself in its next step.
struct Leaves {
    child: OnceHandle,
}

#[job]
impl Leaves {
    #[step]
    async fn first(&self) -> anyhow::Result<()> {
        let run = self.child.invoke(()).keyword("child").delay(Duration::from_secs(10)).await?;
        let mut waits = Box::pin(async move { run.wait().await });
        timeout(Duration::from_millis(100), &mut waits).await.unwrap_err();
        tokio::spawn(waits);
        Ok(())
    }

    #[step]
    async fn second(&self) -> anyhow::Result<u32> {
        let run = self.child.invoke(()).keyword("child").await?;
        Ok(run.wait().await?)
    }
}

#[tokio::test(start_paused = true)]
async fn step_lends_its_slot_though_a_task_of_an_earlier_one_still_waits() {
    let client = paused_client();
    let job = Leaves { child: OnceHandle::new(&client) };
    let _center = center(&client).concurrency(1).register(job).register(Once::default()).start().await.unwrap();
    let run = LeavesHandle::new(&client).invoke(()).await.unwrap();
    assert_eq!(timeout(Duration::from_secs(60), run.wait()).await.expect("it ends").unwrap(), 1);
}

#[derive(Debug, Serialize, Deserialize, JobContext)]
struct Nap {
    ms: u64,
}

struct Naps;

#[job]
impl Naps {
    #[step]
    async fn only(&self, nap: &Nap) -> anyhow::Result<u32> {
        sleep(Duration::from_millis(nap.ms)).await;
        Ok(1)
    }
}

struct Forks {
    child: NapsHandle,
}

#[job]
impl Forks {
    #[step]
    async fn only(&self) -> anyhow::Result<u32> {
        let first = self.child.invoke(Nap { ms: 100 }).await?;
        let right = async {
            // By then `first` has ended, and its wait queues for the slot, which another job has.
            sleep(Duration::from_millis(150)).await;
            let second = self.child.invoke(Nap { ms: 100 }).await?;
            anyhow::Ok(second.wait().await?)
        };
        let (left, right) = tokio::join!(first.wait(), right);
        Ok(left? + right?)
    }
}

#[tokio::test(start_paused = true)]
async fn slot_that_one_wait_takes_back_is_lent_again_to_another_wait_of_the_step() {
    let client = paused_client();
    let forks = Forks { child: NapsHandle::new(&client) };
    let _center = center(&client).concurrency(1).register(forks).register(Naps).start().await.unwrap();
    let run = ForksHandle::new(&client).invoke(()).await.unwrap();
    sleep(Duration::from_millis(50)).await;
    let _takes_the_slot_of_first = NapsHandle::new(&client).invoke(Nap { ms: 200 }).await.unwrap();
    let waited = timeout(Duration::from_secs(3600), run.wait()).await;
    assert_eq!(waited.expect("one slot is enough").unwrap(), 2);
}

/// Takes a while.
#[derive(Clone, Default)]
struct Takes;

const WHILE: Duration = Duration::from_millis(100);

#[job]
impl Takes {
    #[step]
    async fn only(&self) -> anyhow::Result<()> {
        sleep(WHILE).await;
        Ok(())
    }
}

/// Takes a while, one at a time.
#[derive(Clone, Default)]
struct TakesTurns;

#[job(concurrency = 1)]
impl TakesTurns {
    #[step]
    async fn only(&self) -> anyhow::Result<()> {
        sleep(WHILE).await;
        Ok(())
    }
}

/// How long so many jobs of another process take, one after the other.
async fn one_after_the_other<J>(job: impl FnOnce(JobCenterBuilder) -> JobCenterBuilder, jobs: u32) -> Duration
where
    J: Job<Data = ()>,
{
    let storage = paused_storage();
    let (client, other) = (Client::with_seed(storage.clone(), 1), Client::with_seed(storage, 2));
    let _center = job(center(&client).concurrency(1)).start().await.unwrap();
    // What is busy is looked at often.
    sleep(Duration::from_secs(60)).await;
    let (handle, mut runs) = (JobHandle::<J>::new(&other), Vec::new());
    for _ in 0..jobs {
        runs.push(handle.invoke(()).await.unwrap());
    }
    let first = runs.remove(0);
    while !first.info().await.unwrap().is_held {
        sleep(Duration::from_millis(1)).await;
    }
    let began = Instant::now();
    for run in runs {
        while !run.info().await.unwrap().status.is_ended() {
            sleep(Duration::from_millis(1)).await;
        }
    }
    began.elapsed()
}

/// Takes longer than a queue is busy.
struct TakesLong;

#[job(concurrency = 1)]
impl TakesLong {
    #[step]
    async fn only(&self) -> anyhow::Result<()> {
        sleep(Duration::from_secs(10)).await;
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn job_that_waits_for_the_only_slot_gets_it_at_once() {
    let took = one_after_the_other::<Takes>(|center| center.register(Takes), 2).await;
    assert!(took < 2 * WHILE + Duration::from_millis(20), "{took:?} on a node of one slot");
    let took = one_after_the_other::<TakesLong>(|center| center.concurrency(9).register(TakesLong), 3).await;
    assert!(took < Duration::from_secs(30) + Duration::from_millis(20), "{took:?} of a job that runs once at a time");
}

#[tokio::test(start_paused = true)]
async fn slot_that_is_freed_is_filled_at_once() {
    for (concurrency, of_job) in [(1, false), (8, true)] {
        let storage = paused_storage();
        let (client, other) = (Client::with_seed(storage.clone(), 1), Client::with_seed(storage, 2));
        let center = center(&client).concurrency(concurrency).register(Takes).register(TakesTurns);
        let _center = center.start().await.unwrap();
        sleep(Duration::from_secs(10)).await;
        for _ in 0..20 {
            match of_job {
                true => drop(TakesTurnsHandle::new(&other).invoke(()).await.unwrap()),
                false => drop(TakesHandle::new(&other).invoke(()).await.unwrap()),
            }
        }
        // The first is found by a look, and each next one when the one before it has ended.
        sleep(Duration::from_secs(2) + 20 * WHILE + Duration::from_millis(20)).await;
        let left = other.list(&JobFilter::default().status(Status::Running)).await.unwrap();
        assert_eq!(left.jobs.len(), 0, "with {concurrency} slots");
    }
}

/// A storage that has a job of its own client fill the only slot while the answer to the first claim is on its way.
fn filled_while_claiming(naps: Arc<OnceLock<NapsHandle>>) -> Hooked {
    let is_filled = Arc::new(AtomicBool::new(false));
    Hooked::new(paused_storage(), move |call| {
        let (naps, is_filled) = (Arc::clone(&naps), Arc::clone(&is_filled));
        async move {
            if call.name != "claim" || is_filled.swap(true, Ordering::SeqCst) {
                return call.go().await;
            }
            let answer = call.go().await;
            naps.get().expect("it is set").invoke(Nap { ms: 3_600_000 }).await.expect("it is saved");
            answer
        }
    })
}

#[tokio::test(start_paused = true)]
async fn claimed_job_whose_slot_another_got_goes_to_whoever_has_room() {
    let naps = Arc::new(OnceLock::new());
    let storage = filled_while_claiming(Arc::clone(&naps));
    let (client, other) = (Client::with_seed(storage.clone(), 1), Client::with_seed(storage, 2));
    assert!(naps.set(NapsHandle::new(&client)).is_ok());
    let claimed = OnceHandle::new(&other).invoke(()).await.unwrap();
    let _full = center(&client).concurrency(1).register(Naps).register(Once::default()).start().await.unwrap();
    while !claimed.info().await.unwrap().is_held {
        sleep(Duration::from_millis(10)).await;
    }
    let _idle = center(&other).register(Once::default()).start().await.unwrap();
    let ended = timeout(Duration::from_secs(10), claimed.wait()).await;
    assert_eq!(ended.expect("it does not wait for the hour that the slot is taken").unwrap(), 1);
}

/// Blocks the thread of its step until the test ends.
#[derive(Clone)]
struct Stuck {
    end: Arc<std::sync::Mutex<mpsc::Receiver<()>>>,
    log: Log,
}

#[job(concurrency = 1)]
impl Stuck {
    #[step(timeout = "50ms")]
    async fn only(&self) -> anyhow::Result<()> {
        let _ = self.end.lock().unwrap().recv();
        Ok(())
    }

    #[on_failure]
    async fn undo(&self) -> anyhow::Result<()> {
        self.log.add("undo");
        Ok(())
    }
}

/// On the real clock: a paused one stands still while a thread is blocked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callback_that_finds_no_slot_where_its_step_blocks_runs_elsewhere() {
    let storage = MemoryStorage::default();
    let (client, other) = (Client::with_storage(storage.clone()), Client::with_storage(storage));
    let (end, blocked) = mpsc::channel();
    let job = Stuck { end: Arc::new(std::sync::Mutex::new(blocked)), log: Log::default() };
    let grace = Duration::from_millis(200);
    let one = JobCenter::builder(&client).host("one").grace(grace).register(job.clone()).start().await.unwrap();
    let run = StuckHandle::new(&client).invoke(()).await.unwrap();
    let failed = timeout(Duration::from_secs(30), run.wait()).await.expect("it has timed out").unwrap_err();
    assert!(matches!(failed, WaitError::Failed { .. }), "{failed:?}");
    let _two = JobCenter::builder(&other).host("two").register(job.clone()).start().await.unwrap();
    let called = async {
        while job.log.all().is_empty() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(30), called).await.expect("the other node has room");
    drop(end);
    one.shutdown().await.unwrap();
}
