//! Jobs that the process which invokes them starts itself.

use std::future::IntoFuture;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};
use vtask::storage::ReadJobs;
use vtask::storage::value::Boot;
use vtask::{Client, JobContext, StorageError, job};

use crate::hooked::{Hooked, cut};
use crate::jobs::{Gated, GatedHandle, Once, OnceHandle};
use crate::log::Log;
use crate::setup::{center, paused_storage};

#[tokio::test(start_paused = true)]
async fn job_starts_in_the_process_that_invokes_it_without_a_claim() {
    let (claims, counted) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&claims);
    let storage = Hooked::new(paused_storage(), move |call| {
        count.fetch_add(usize::from(call.name == "claim"), Ordering::SeqCst);
        call.go()
    });
    let client = Client::with_seed(storage, 1);
    let _center = center(&client).concurrency(8).register(Once::default()).start().await.unwrap();
    sleep(Duration::from_secs(10)).await;
    let handle = OnceHandle::new(&client);
    for _ in 0..20 {
        let begun = Instant::now();
        assert_eq!(handle.invoke(()).await.unwrap().wait().await.unwrap(), 1);
        assert_eq!(begun.elapsed(), Duration::ZERO, "nobody waits for a look");
        counted.fetch_add(1, Ordering::SeqCst);
    }
    assert_eq!(claims.load(Ordering::SeqCst), 0, "nothing was left to claim");
    let begun = Instant::now();
    for run in handle.invoke_many([(); 8]).await.all().unwrap() {
        run.wait().await.unwrap();
    }
    assert_eq!(begun.elapsed(), Duration::ZERO, "nor if they are invoked together");
    assert_eq!(claims.load(Ordering::SeqCst), 0, "nothing was left to claim");
}

#[tokio::test(start_paused = true)]
async fn jobs_that_are_invoked_together_start_also_if_nobody_waits_for_the_answer() {
    let slow = Hooked::new(paused_storage(), |call| async move {
        if call.name == "insert" {
            sleep(Duration::from_millis(100)).await;
        }
        call.go().await
    });
    let (client, job) = (Client::with_seed(slow, 1), Gated::closed());
    let _center = center(&client).concurrency(8).register(job.clone()).start().await.unwrap();
    sleep(Duration::from_secs(10)).await;
    let invoke = GatedHandle::new(&client).invoke_many([(); 20]).into_future();
    assert!(tokio::time::timeout(Duration::from_millis(50), invoke).await.is_err(), "the future is dropped half-way");
    sleep(Duration::from_millis(51)).await;
    assert_eq!(job.log.all().len(), 8, "those for which there was room have begun");
    job.gate.add_permits(20);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(job.log.all().len(), 20, "the others were claimed");
}

#[tokio::test(start_paused = true)]
async fn slots_do_not_wait_for_jobs_that_cannot_be_saved_yet() {
    let (storage, is_busy) = (paused_storage(), Arc::new(AtomicBool::new(true)));
    let busy = Arc::clone(&is_busy);
    let hooked = Hooked::new(storage.clone(), move |call| {
        let fails = call.name == "insert" && busy.load(Ordering::SeqCst);
        async move { if fails { Err(StorageError::Busy("somebody has the keyword".into())) } else { call.go().await } }
    });
    let (client, job) = (Client::with_seed(hooked, 1), Once::default());
    let _center = center(&client).concurrency(8).register(job.clone()).start().await.unwrap();
    sleep(Duration::from_secs(10)).await;
    let many = tokio::spawn(OnceHandle::new(&client).invoke_many([(); 8]).into_future());
    sleep(Duration::from_secs(1)).await;
    // Of another process.
    let other = OnceHandle::new(&Client::with_seed(storage, 2)).invoke(()).await.unwrap();
    sleep(Duration::from_secs(3)).await;
    assert_eq!(job.log.all().len(), 1, "there is room for what others invoke");
    is_busy.store(false, Ordering::SeqCst);
    for run in many.await.unwrap().all().unwrap() {
        run.wait().await.unwrap();
    }
    other.wait().await.unwrap();
    assert_eq!(job.log.all().len(), 9);
}

#[tokio::test(start_paused = true)]
async fn delayed_job_is_left_to_whoever_is_there_when_it_is_due() {
    let (client, job) = (Client::with_seed(paused_storage(), 1), Once::default());
    let _center = center(&client).register(job.clone()).start().await.unwrap();
    sleep(Duration::from_secs(10)).await;
    let run = OnceHandle::new(&client).invoke(()).delay(Duration::from_secs(60)).await.unwrap();
    assert!(!run.info().await.unwrap().is_held);
    sleep(Duration::from_secs(59)).await;
    assert!(job.log.all().is_empty());
    assert_eq!(run.wait().await.unwrap(), 1);
}

#[derive(Debug, Serialize, Deserialize, JobContext)]
struct Named {
    name: String,
}

fn named(name: String) -> Named {
    Named { name }
}

/// Says whose turn it is.
#[derive(Clone)]
struct Turn(Log);

#[job]
impl Turn {
    #[step]
    async fn only(&self, named: &Named) -> anyhow::Result<()> {
        self.0.add(&named.name);
        sleep(Duration::from_secs(1)).await;
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn backlog_comes_before_what_is_invoked_later() {
    let storage = paused_storage();
    // Whoever ends a job is told sooner than the claimer what is due.
    let slow = Hooked::new(storage.clone(), |call| async move {
        sleep(Duration::from_millis(if call.name == "due" { 5 } else { 0 })).await;
        call.go().await
    });
    let (client, other) = (Client::with_seed(slow, 1), Client::with_seed(storage, 2));
    let log = Log::default();
    let _center = center(&client).concurrency(2).register(Turn(log.clone())).start().await.unwrap();
    sleep(Duration::from_secs(10)).await;
    let (own, others) = (TurnHandle::new(&client), TurnHandle::new(&other));
    let mut first = Vec::new();
    for number in 0..2 {
        first.push(own.invoke(named(format!("first {number}"))).await.unwrap());
    }
    for number in 0..10 {
        others.invoke(named(format!("backlog {number:02}"))).await.unwrap();
    }
    // Whenever one ends, the process itself has another one ready.
    let mut last = first.remove(0);
    for number in 0..10 {
        last.wait().await.unwrap();
        last = own.invoke(named(format!("later {number}"))).await.unwrap();
    }
    last.wait().await.unwrap();
    let log = log.all();
    let at = |name: &str| log.iter().position(|entry| entry == name).unwrap();
    assert!(at("backlog 09") < at("later 1"), "{log:?}");
}

#[tokio::test(start_paused = true)]
async fn lone_job_of_another_process_is_not_passed_for_long_by_what_is_invoked_later() {
    let storage = paused_storage();
    let (client, other) = (Client::with_seed(storage.clone(), 1), Client::with_seed(storage, 2));
    let log = Log::default();
    let _center = center(&client).concurrency(16).register(Turn(log.clone())).start().await.unwrap();
    sleep(Duration::from_secs(10)).await;
    // All slots are taken, and two jobs wait for the next ones: so whenever one is freed, somebody has it already.
    let own = TurnHandle::new(&client);
    for number in 0..18 {
        let own = own.clone();
        tokio::spawn(async move {
            sleep(Duration::from_millis(50 * number)).await;
            loop {
                own.invoke(named(format!("own {number}"))).await.unwrap().wait().await.unwrap();
            }
        });
    }
    sleep(Duration::from_secs(10)).await;
    let run = TurnHandle::new(&other).invoke(named("lone".to_owned())).await.unwrap();
    let begins = async {
        while !log.all().contains(&"lone".to_owned()) {
            sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(3), begins).await.expect("it comes in its turn");
    run.wait().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn insert_whose_answer_is_late_starts_its_job_once() {
    let lost = Arc::new(Mutex::new(vec![(); 3]));
    let storage = Hooked::new(paused_storage(), move |call| {
        let is_lost = call.name == "insert" && lost.lock().unwrap().pop().is_some();
        async move {
            let answer = call.go().await;
            if is_lost {
                // Long enough for the node to compare what it holds.
                sleep(Duration::from_secs(7)).await;
                return Err(cut());
            }
            answer
        }
    });
    let (client, job) = (Client::with_seed(storage, 1), Once::default());
    let _center = center(&client).register(job.clone()).start().await.unwrap();
    sleep(Duration::from_secs(10)).await;
    let invoke = tokio::spawn(OnceHandle::new(&client).invoke(()).keyword("late").into_future());
    sleep(Duration::from_secs(15)).await;
    assert!(job.log.all().is_empty(), "it starts when the insert is known to have happened");
    let run = client.find("late").await.unwrap().expect("it is in the storage");
    assert!(run.info().await.unwrap().is_held, "nobody takes it away from the node that waits for it");
    assert!(invoke.await.unwrap().unwrap().created());
    sleep(Duration::from_secs(60)).await;
    assert_eq!(job.log.all(), ["only"]);
}

#[tokio::test(start_paused = true)]
async fn job_whose_caller_has_left_starts_all_the_same() {
    let begun = Arc::new(Notify::new());
    let begins = Arc::clone(&begun);
    let storage = Hooked::new(paused_storage(), move |call| {
        let (is_insert, begins) = (call.name == "insert", Arc::clone(&begins));
        async move {
            if is_insert {
                begins.notify_one();
                sleep(Duration::from_secs(1)).await;
            }
            call.go().await
        }
    });
    let (client, job) = (Client::with_seed(storage, 1), Once::default());
    let _center = center(&client).register(job.clone()).start().await.unwrap();
    sleep(Duration::from_secs(10)).await;
    tokio::select! {
        biased;
        answer = OnceHandle::new(&client).invoke(()).into_future() => panic!("it takes a second: {answer:?}"),
        () = begun.notified() => {}
    }
    sleep(Duration::from_millis(1001)).await;
    assert_eq!(job.log.all(), ["only"]);
}

#[tokio::test(start_paused = true)]
async fn insert_that_fails_gives_its_slot_back() {
    let fails = Arc::new(AtomicUsize::new(usize::MAX));
    let left = Arc::clone(&fails);
    let storage = Hooked::new(paused_storage(), move |call| {
        let is_refused = call.name == "insert" && left.load(Ordering::SeqCst) > 0;
        async move { if is_refused { Err(crate::hooked::refused()) } else { call.go().await } }
    });
    let (client, job) = (Client::with_seed(storage, 1), Gated::closed());
    let center = center(&client).concurrency(1).register(job.clone()).start().await.unwrap();
    sleep(Duration::from_secs(10)).await;
    let handle = GatedHandle::new(&client);
    handle.invoke(()).await.unwrap_err();
    fails.store(0, Ordering::SeqCst);
    let run = handle.invoke(()).await.unwrap();
    job.gate.add_permits(1);
    assert_eq!(run.wait().await.unwrap(), 1);
    assert_eq!(center.shutdown().await.unwrap().dropped, 0);
}

#[tokio::test(start_paused = true)]
async fn node_that_others_may_have_called_dead_takes_no_jobs() {
    let storage = paused_storage();
    let is_mute = Arc::new(AtomicBool::new(false));
    let mute = Arc::clone(&is_mute);
    let hooked = Hooked::new(storage.clone(), move |call| {
        let is_lost = call.name == "beat" && mute.load(Ordering::SeqCst);
        async move { if is_lost { Err(cut()) } else { call.go().await } }
    });
    let (client, job) = (Client::with_seed(hooked, 1), Once::default());
    let _center = center(&client).register(job.clone()).start().await.unwrap();
    sleep(Duration::from_secs(10)).await;
    is_mute.store(true, Ordering::SeqCst);
    sleep(Duration::from_secs(20)).await;
    let run = OnceHandle::new(&client).invoke(()).await.unwrap();
    let row = storage.row(run.id()).await.unwrap().expect("it is in the storage");
    assert_eq!(row.summary.state.boot, Boot::NOBODY, "any node may take it");
    sleep(Duration::from_secs(10)).await;
    let row = storage.row(run.id()).await.unwrap().expect("it is in the storage");
    assert_eq!(row.summary.state.boot, Boot::NOBODY, "if this one dies, nothing is accused");
    is_mute.store(false, Ordering::SeqCst);
    assert_eq!(run.wait().await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn node_that_stops_adopts_nothing() {
    let storage = paused_storage();
    let (client, job) = (Client::with_seed(storage.clone(), 1), Gated::closed());
    let center = center(&client).register(job.clone()).start().await.unwrap();
    sleep(Duration::from_secs(10)).await;
    let running = GatedHandle::new(&client).invoke(()).await.unwrap();
    let shutdown = tokio::spawn(center.shutdown());
    sleep(Duration::from_secs(1)).await;
    let run = GatedHandle::new(&client).invoke(()).await.unwrap();
    let row = storage.row(run.id()).await.unwrap().expect("it is in the storage");
    assert_eq!(row.summary.state.boot, Boot::NOBODY);
    job.gate.add_permits(1);
    let shutdown = shutdown.await.unwrap().unwrap();
    assert_eq!((shutdown.finished, shutdown.handed_over), (1, 0), "it never had the other one");
    assert_eq!(running.wait().await.unwrap(), 1);
}
