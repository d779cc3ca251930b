//! Waiting for jobs, from inside and outside.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};
use vtask::{Attempt, Callback, Client, JobCenter, job};

use crate::hooked::Hooked;
use crate::jobs::{Gated, GatedHandle};
use crate::setup::{center, paused_client, paused_storage, start};

#[derive(Clone)]
struct Parent {
    child: ChildHandle,
}

#[job]
impl Parent {
    #[step(retry = 3, period = "1s")]
    async fn ask(&self, attempt: &Attempt) -> anyhow::Result<u32> {
        let (left, right) =
            tokio::join!(self.child.invoke(()).keyword(attempt.idempotency_key()), self.child.invoke(()));
        let (left, right) = (left?, right?);
        let (left, right) = tokio::join!(left.wait(), right.wait());
        Ok(left? + right?)
    }
}

struct Child;

#[job]
impl Child {
    #[step]
    async fn answer(&self) -> anyhow::Result<u32> {
        tokio::time::sleep(Duration::from_millis(10)).await;
        Ok(21)
    }
}

async fn one_slot(client: &Client) -> JobCenter {
    let parent = Parent { child: ChildHandle::new(client) };
    center(client).concurrency(1).register(parent).register(Child).start().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn step_that_waits_for_other_jobs_lends_them_its_slot() {
    let client = paused_client();
    let _center = one_slot(&client).await;
    let run = ParentHandle::new(&client).invoke(()).await.unwrap();
    let waited = tokio::time::timeout(Duration::from_secs(60), run.wait()).await;
    assert_eq!(waited.expect("one slot is enough").unwrap(), 42);
}

#[tokio::test(start_paused = true)]
async fn end_is_seen_from_a_client_that_does_not_run_the_job() {
    let storage = paused_storage();
    let (worker, other) = (Client::with_seed(storage.clone(), 1), Client::with_seed(storage, 2));
    let _center = one_slot(&worker).await;
    let run = ParentHandle::new(&other).invoke(()).await.unwrap();
    let began = Instant::now();
    assert_eq!(run.wait().await.unwrap(), 42);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn more_jobs_than_slots_all_end() {
    let client = paused_client();
    let _center = one_slot(&client).await;
    let runs = ParentHandle::new(&client).invoke_many(std::iter::repeat_n((), 20)).await;
    for run in runs {
        assert_eq!(run.unwrap().wait().await.unwrap(), 42);
    }
}

struct Narrow {
    running: std::sync::Arc<std::sync::atomic::AtomicUsize>,
}

#[job(concurrency = 2)]
impl Narrow {
    #[step]
    async fn only(&self) -> anyhow::Result<usize> {
        use std::sync::atomic::Ordering::SeqCst;
        let running = self.running.fetch_add(1, SeqCst) + 1;
        tokio::time::sleep(Duration::from_millis(100)).await;
        self.running.fetch_sub(1, SeqCst);
        Ok(running)
    }
}

#[tokio::test(start_paused = true)]
async fn job_never_runs_more_often_at_a_time_than_it_says() {
    let client = paused_client();
    let job = Narrow { running: std::sync::Arc::default() };
    let _center = center(&client).concurrency(10).register(job).register(Child).start().await.unwrap();
    let runs = NarrowHandle::new(&client).invoke_many(std::iter::repeat_n((), 30)).await;
    let mut most = 0;
    for run in runs {
        most = most.max(run.unwrap().wait().await.unwrap());
    }
    assert_eq!(most, 2);
}

#[tokio::test]
async fn wait_for_a_job_that_is_gone_says_so() {
    let client = Client::in_memory();
    let run = ChildHandle::new(&client).invoke(()).await.unwrap();
    let elsewhere = Client::in_memory();
    let gone = ChildHandle::new(&elsewhere).get(run.id()).await.unwrap();
    assert!(gone.is_none());
    assert!(matches!(client.find("nothing").await, Ok(None)));
}

#[tokio::test(start_paused = true)]
async fn wait_for_a_job_of_the_same_process_asks_the_storage_nothing() {
    let looks = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&looks);
    let storage = Hooked::new(paused_storage(), move |call| {
        counted.fetch_add(usize::from(matches!(call.name, "summaries" | "row" | "find")), Ordering::SeqCst);
        call.go()
    });
    let (client, job) = (Client::with_seed(storage, 1), Gated::closed());
    let _center = start(&client, job.clone()).await;
    sleep(Duration::from_secs(10)).await;
    let mut waits = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let run = GatedHandle::new(&client).invoke(()).await.unwrap();
        waits.spawn(async move { run.wait().await.unwrap() });
    }
    sleep(Duration::from_millis(400)).await;
    job.gate.add_permits(20);
    assert_eq!(waits.join_all().await, [1; 20]);
    assert_eq!(looks.load(Ordering::SeqCst), 0, "the engine tells it");
}

/// Is done at once, and celebrates until it is stopped.
struct Party {
    ends: Arc<Semaphore>,
}

#[job]
impl Party {
    #[step]
    async fn only(&self) -> anyhow::Result<u32> {
        Ok(7)
    }
    #[on_success]
    async fn celebrate(&self) -> anyhow::Result<()> {
        self.ends.acquire().await?.forget();
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn wait_that_begins_after_the_end_does_not_wait_for_the_callback() {
    let client = Client::with_seed(paused_storage(), 1);
    let ends = Arc::new(Semaphore::new(0));
    let _center = start(&client, Party { ends: Arc::clone(&ends) }).await;
    let run = PartyHandle::new(&client).invoke(()).await.unwrap();
    sleep(Duration::from_millis(100)).await;
    let begun = Instant::now();
    assert_eq!(run.wait().await.unwrap(), 7);
    assert!(begun.elapsed() < Duration::from_millis(10), "{:?}", begun.elapsed());
    ends.add_permits(1);
}

#[tokio::test(start_paused = true)]
async fn outcome_whose_callback_another_life_runs_is_answered_at_once() {
    let storage = paused_storage();
    let client = Client::with_seed(storage.clone(), 1);
    let first = start(&client, Party { ends: Arc::new(Semaphore::new(0)) }).await;
    let run = PartyHandle::new(&client).invoke(()).await.unwrap();
    sleep(Duration::from_millis(100)).await;
    first.shutdown().await.unwrap();
    let ends = Arc::new(Semaphore::new(0));
    let _second = start(&client, Party { ends: Arc::clone(&ends) }).await;
    sleep(Duration::from_millis(100)).await;
    assert_eq!(run.info().await.unwrap().callback, Callback::Due, "the callback runs again");
    let begun = Instant::now();
    assert_eq!(run.wait().await.unwrap(), 7);
    assert!(begun.elapsed() < Duration::from_millis(10), "{:?}", begun.elapsed());
    ends.add_permits(1);
}
