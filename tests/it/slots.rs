//! Slots: freed ones, and those of steps that wait for other jobs.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::{sleep, timeout};
use vtask::{Client, JobContext, JobFilter, Status, job};

use crate::hooked::Hooked;
use crate::jobs::{Once, OnceHandle};
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
