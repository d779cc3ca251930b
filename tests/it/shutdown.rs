//! Ending a center while something is in the way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use vtask::storage::MemoryStorage;
use vtask::{Attempt, Client, JobCenter, JobFilter, ShutdownError, Status, job};

use crate::hooked::{Hooked, cut};
use crate::jobs::{Gated, GatedHandle, Once, OnceHandle};
use crate::log::Log;
use crate::setup::{Sqlite, center, paused_storage, within};

fn threads(count: usize) -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(count).enable_all().build().unwrap()
}

async fn start_once(client: &Client) -> JobCenter {
    JobCenter::builder(client).host("one").register(Once::default()).start().await.unwrap()
}

const SLOW: Duration = Duration::from_millis(300);

/// A storage that is slow to say what is due, and whose claims find the only thread of the bodies busy.
fn slow(is_slow: &Arc<AtomicBool>, bodies: tokio::runtime::Handle) -> Hooked {
    let is_slow = Arc::clone(is_slow);
    Hooked::new(MemoryStorage::default(), move |call| {
        let slow = if is_slow.load(Ordering::SeqCst) { call.name } else { "" };
        let bodies = bodies.clone();
        async move {
            let answer = call.go().await;
            match slow {
                "due" => sleep(SLOW).await,
                "claim" => drop(bodies.spawn(async { std::thread::sleep(SLOW) })),
                _ => {}
            }
            answer
        }
    })
}

#[test]
fn job_that_the_claimer_is_looking_at_is_free_after_the_shutdown() {
    within(Duration::from_secs(10), || {
        let runtime = threads(1);
        runtime.block_on(async {
            let is_slow = Arc::new(AtomicBool::new(false));
            let client = Client::with_storage(slow(&is_slow, runtime.handle().clone()));
            let center = start_once(&client).await;
            sleep(Duration::from_millis(100)).await;
            is_slow.store(true, Ordering::SeqCst);
            let run = OnceHandle::new(&client).invoke(()).await.unwrap();
            // The claimer has seen the job and is not told so yet.
            sleep(SLOW / 6).await;
            center.shutdown().await.unwrap();
            is_slow.store(false, Ordering::SeqCst);
            assert!(!run.info().await.unwrap().is_held, "the center is gone");
            let _next = start_once(&client).await;
            assert_eq!(run.wait().await.unwrap(), 1);
        });
    });
}

#[test]
fn shutdown_right_after_an_invoke_leaves_no_job_held() {
    within(Duration::from_secs(15), || {
        threads(4).block_on(async {
            let sqlite = Sqlite::new();
            let client = sqlite.client().await;
            let began = Instant::now();
            for number in (0..400_u64).take_while(|_| began.elapsed() < Duration::from_secs(3)) {
                let center = start_once(&client).await;
                sleep(Duration::from_millis(number % 7)).await;
                let handle = OnceHandle::new(&client);
                let invoked = tokio::spawn(async move { handle.invoke(()).await.unwrap() });
                sleep(Duration::from_micros(number * 37 % 3000)).await;
                center.shutdown().await.unwrap();
                let run = invoked.await.unwrap();
                sleep(Duration::from_millis(5)).await;
                assert!(!run.info().await.unwrap().is_held, "shutdown number {number}");
            }
            let left = client.list(&JobFilter::default().status(Status::Running).limit(1000)).await.unwrap();
            assert!(left.jobs.iter().all(|job| !job.is_held), "{left:?}");
        });
    });
}

#[tokio::test(start_paused = true)]
async fn shutdown_gives_up_on_a_storage_that_stays_away_and_the_next_life_goes_on() {
    let is_away = Arc::new(AtomicBool::new(false));
    let away = Arc::clone(&is_away);
    let storage = Hooked::new(paused_storage(), move |call| {
        let is_away = away.load(Ordering::SeqCst);
        async move { if is_away { Err(cut()) } else { call.go().await } }
    });
    let (client, job) = (Client::with_seed(storage, 1), Gated::closed());
    for held in [0, 1] {
        let grace = Duration::from_secs(30);
        let first = center(&client).host("one").grace(grace).register(job.clone()).start().await.unwrap();
        let run = GatedHandle::new(&client).invoke(()).delay(Duration::from_secs(3600 * (1 - held))).await.unwrap();
        sleep(Duration::from_secs(1)).await;
        is_away.store(true, Ordering::SeqCst);
        let began = Instant::now();
        let ended = timeout(Duration::from_secs(3600), first.shutdown()).await.expect("it ends without the storage");
        match ended {
            Ok(_) => assert_eq!(held, 0, "nothing was lost"),
            Err(error) => assert!(matches!(error, ShutdownError::Unrecorded { held: 1 }), "{error:?}"),
        }
        assert!(began.elapsed() <= grace + Duration::from_secs(7), "{:?} with {held} held", began.elapsed());
        is_away.store(false, Ordering::SeqCst);
        job.gate.add_permits(1);
        let next = center(&client).host("one").register(job.clone()).start().await.unwrap();
        assert_eq!(timeout(Duration::from_secs(7200), run.wait()).await.expect("the job ends").unwrap(), 1);
        next.shutdown().await.unwrap();
    }
}

/// Blocks its thread until the test ends.
struct Blocks {
    end: Arc<std::sync::Mutex<mpsc::Receiver<()>>>,
}

#[job]
impl Blocks {
    #[step]
    fn only(&self) -> anyhow::Result<u32> {
        let _ = self.end.lock().unwrap().recv();
        Ok(1)
    }
}

/// On the real clock: a paused one stands still while a thread is blocked.
#[tokio::test]
async fn step_that_blocks_its_thread_holds_up_a_shutdown_by_the_grace_and_a_second() {
    let (end, blocked) = mpsc::channel();
    let job = Blocks { end: Arc::new(std::sync::Mutex::new(blocked)) };
    let client = Client::in_memory();
    let center = center(&client).grace(Duration::from_millis(2500)).register(job).start().await.unwrap();
    let run = BlocksHandle::new(&client).invoke(()).await.unwrap();
    while !run.info().await.unwrap().is_held {
        tokio::task::yield_now().await;
    }
    sleep(Duration::from_millis(50)).await;
    let began = Instant::now();
    let shutdown = center.shutdown().await.unwrap();
    assert!((2500..4200).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
    assert_eq!(shutdown.dropped, 1);
    assert!(!run.info().await.unwrap().is_held);
    drop(end);
}

/// Ends when it is told to, and says so by an error or a panic.
#[derive(Clone)]
struct Obeys {
    log: Log,
    panics: bool,
}

#[job]
impl Obeys {
    #[step]
    fn only(&self, attempt: &Attempt) -> anyhow::Result<u32> {
        self.log.add("only");
        while !attempt.is_cancelled() {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(!self.panics, "told to end");
        anyhow::bail!("told to end")
    }
}

/// On the real clock: a paused one stands still while a thread is blocked.
#[tokio::test]
async fn step_that_ends_because_it_is_told_to_costs_no_attempt() {
    for panics in [false, true] {
        let (client, job) = (Client::in_memory(), Obeys { log: Log::default(), panics });
        let center = center(&client).grace(Duration::from_millis(100)).register(job.clone()).start().await.unwrap();
        let run = ObeysHandle::new(&client).invoke(()).await.unwrap();
        while job.log.all().is_empty() {
            sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(center.shutdown().await.unwrap().dropped, 1);
        let info = run.info().await.unwrap();
        assert_eq!((info.status, info.failed_attempts, info.is_held), (Status::Running, 0, false), "{info:?}");
        assert_eq!(info.error, None);
    }
}

#[tokio::test(start_paused = true)]
async fn shutdown_says_how_many_jobs_another_process_has_taken_meanwhile() {
    let (storage, job) = (paused_storage(), Gated::closed());
    let client = Client::with_seed(storage.clone(), 1);
    let first = center(&client).host("one").register(job.clone()).start().await.unwrap();
    for _ in 0..2 {
        GatedHandle::new(&client).invoke(()).await.unwrap();
    }
    while job.log.all().len() < 2 {
        sleep(Duration::from_millis(5)).await;
    }
    let ending = tokio::spawn(first.shutdown());
    sleep(Duration::from_secs(1)).await;
    let _second = center(&Client::with_seed(storage, 2)).host("one").register(job).start().await.unwrap();
    let error = ending.await.unwrap().unwrap_err();
    assert!(matches!(error, ShutdownError::Unrecorded { held: 2 }), "{error:?}");
}
