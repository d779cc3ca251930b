//! How a center and its jobs are getting on, as an endpoint or an operator asks it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep};
use vtask::storage::value::{Boot, NewNode};
use vtask::storage::{MemoryStorage, ReadJobs, WriteNodes};
use vtask::{Client, EngineState, Health, JobCenter, Reason, StorageError, job};

use crate::database::on_each_database;
use crate::hooked::{Hooked, cut, refused};
use crate::jobs::{Gated, GatedHandle, Once, OnceHandle};
use crate::setup::{center, paused_client, paused_storage, start};

const MINUTE: Duration = Duration::from_secs(60);

/// A job under a name that a careless writer of JSON would spoil: its accent is a character of its own.
struct Odd;

#[job(name = "o\u{301} \"dd\"")]
impl Odd {
    #[step]
    async fn only(&self) -> anyhow::Result<u32> {
        Ok(1)
    }
}

/// Names and whether somebody runs them.
fn waiting(health: &Health) -> Vec<(&str, bool)> {
    health.due.iter().map(|waiting| (waiting.name.as_str(), waiting.has_runner)).collect()
}

on_each_database! {
    async fn job_that_no_node_runs_is_told(database) {
        let client = database.client().await;
        let center = JobCenter::builder(&client).register(Once::default()).start().await.unwrap();
        assert_eq!(center.health().await.unwrap().to_string(), "the engine works");
        GatedHandle::new(&client).invoke(()).await.unwrap();
        OnceHandle::new(&client).invoke(()).delay(MINUTE).await.unwrap();
        let health = center.health().await.unwrap();
        assert_eq!(waiting(&health), [("gated", false)]);
        assert!(!health.is_well() && health.engine == EngineState::Working, "{health}");
        assert!(health.oldest_due().unwrap() < MINUTE, "{health}");
        let job = Gated::closed();
        let second = JobCenter::builder(&client).register(job.clone()).start().await.unwrap();
        assert!(center.health().await.unwrap().is_well(), "a node has come that runs it");
        job.gate.add_permits(1);
        second.shutdown().await.unwrap();
        center.shutdown().await.unwrap();
    }

    async fn paused_jobs_are_counted_by_reason(database) {
        let client = database.client().await;
        let center = JobCenter::builder(&client).register(Once::default()).start().await.unwrap();
        let run = client.invoke_json("once", "7", "does not decode").await.unwrap();
        run.wait().await.unwrap_err();
        // One that a newer version has paused.
        client.invoke_json("once", "7", "newer").await.unwrap().wait().await.unwrap_err();
        database.raw().await.execute("UPDATE task SET reason = 99 WHERE uuid = 'newer'").await;
        let health = center.health().await.unwrap();
        let paused: Vec<_> = health.paused.iter().map(|paused| (paused.reason, paused.count)).collect();
        assert_eq!(paused, [(Some(Reason::Undecodable), 1), (None, 1)]);
        assert!(health.is_well() && !health.more_paused, "{health}");
        let lines = "the engine works\n1 paused: Undecodable\n1 paused for a reason that a newer version has set";
        assert_eq!(health.to_string(), lines);
        center.shutdown().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn oldest_due_grows_while_nobody_runs_it() {
    let client = paused_client();
    let center = start(&client, Once::default()).await;
    assert_eq!(center.health().await.unwrap().oldest_due(), None);
    GatedHandle::new(&client).invoke(()).delay(MINUTE).await.unwrap();
    sleep(MINUTE / 2).await;
    assert!(center.health().await.unwrap().is_well(), "it is not due yet");
    sleep(MINUTE).await;
    let health = center.health().await.unwrap();
    assert_eq!(health.oldest_due(), Some(MINUTE / 2));
    let lines = "the engine works; the oldest job that nobody holds has been due for 30 s\n\
                 no living node runs \"gated\": jobs have been due for 30 s";
    assert_eq!(health.to_string(), lines);
    let json = r#"{"engine":"working","due":[{"name":"gated","due_for_seconds":30.0,"has_runner":false}],"#;
    assert!(serde_json::to_string(&health).unwrap().starts_with(json), "{}", serde_json::to_string(&health).unwrap());
}

#[tokio::test(start_paused = true)]
async fn backlog_of_a_node_at_work_is_no_fault() {
    let (client, job) = (paused_client(), Gated::closed());
    let center = center(&client).concurrency(1).register(job.clone()).start().await.unwrap();
    let handle = GatedHandle::new(&client);
    assert!(handle.invoke_many([(), (), ()]).await.iter().all(Result::is_ok));
    sleep(MINUTE).await;
    let health = center.health().await.unwrap();
    assert_eq!((waiting(&health), health.is_well()), (vec![("gated", true)], true), "{health}");
    assert_eq!(health.oldest_due(), Some(MINUTE));
    job.gate.add_permits(9);
}

#[tokio::test(start_paused = true)]
async fn name_of_any_characters_is_told_from_others() {
    let client = paused_client();
    let center = start(&client, Odd).await;
    GatedHandle::new(&client).invoke(()).await.unwrap();
    assert_eq!(waiting(&center.health().await.unwrap()), [("gated", false)], "the node says what it runs");
    OddHandle::new(&client).invoke(()).await.unwrap().wait().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn node_that_does_not_say_what_it_runs_may_run_all() {
    let storage = paused_storage();
    let client = Client::with_seed(storage.clone(), 1);
    let center = start(&client, Once::default()).await;
    GatedHandle::new(&client).invoke(()).await.unwrap();
    assert!(!center.health().await.unwrap().is_well());
    let node = NewNode {
        boot: Boot(7),
        host: "other".to_owned(),
        lease_ms: 60_000,
        version: "99".to_owned(),
        plans: "as of now in another form".to_owned(),
    };
    storage.join(&node).await.unwrap();
    assert_eq!(waiting(&center.health().await.unwrap()), [("gated", true)]);
}

#[tokio::test(start_paused = true)]
async fn center_that_stops_says_so_and_counts_no_more_as_a_runner() {
    let (client, job) = (paused_client(), Gated::closed());
    let center = start(&client, job.clone()).await;
    let probe = center.health_probe();
    let handle = GatedHandle::new(&client);
    handle.invoke(()).await.unwrap();
    sleep(MINUTE).await;
    let shutdown = tokio::spawn(center.shutdown());
    sleep(Duration::from_secs(1)).await;
    handle.invoke(()).await.unwrap();
    let health = probe.health().await.unwrap();
    assert_eq!((health.engine, waiting(&health)), (EngineState::Stopping, vec![("gated", false)]), "{health}");
    job.gate.add_permits(1);
    shutdown.await.unwrap().unwrap();
    assert_eq!(probe.engine(), EngineState::Ended);
    assert!(!probe.health().await.unwrap().is_well());
}

#[tokio::test(start_paused = true)]
async fn center_that_was_dropped_has_ended() {
    let client = paused_client();
    let center = start(&client, Once::default()).await;
    let probe = center.health_probe();
    assert_eq!(probe.engine(), EngineState::Working);
    drop(center);
    assert_eq!(probe.engine(), EngineState::Ended);
}

/// A client on a storage that fails in some calls while the switch is on.
fn failing(fails: fn(&str) -> bool) -> (Client, MemoryStorage, Arc<AtomicBool>) {
    let (storage, is_on) = (paused_storage(), Arc::new(AtomicBool::new(false)));
    let switch = Arc::clone(&is_on);
    let hooked = Hooked::new(storage.clone(), move |call| {
        let fails = switch.load(Ordering::SeqCst) && fails(call.name);
        async move { if fails { Err(cut()) } else { call.go().await } }
    });
    (Client::with_seed(hooked, 1), storage, is_on)
}

#[tokio::test(start_paused = true)]
async fn storage_that_fails_is_an_error_at_once() {
    let (client, _, away) = failing(|_| true);
    let center = start(&client, Once::default()).await;
    away.store(true, Ordering::SeqCst);
    let asked = Instant::now();
    assert!(matches!(center.health().await, Err(StorageError::Unavailable(_))));
    assert!(asked.elapsed() < Duration::from_secs(1), "it was waited for: {:?}", asked.elapsed());
    assert_eq!(center.health_probe().engine(), EngineState::Working, "nobody calls it dead yet");
    sleep(MINUTE).await;
    assert_eq!(center.health_probe().engine(), EngineState::Unsure);
    away.store(false, Ordering::SeqCst);
    sleep(Duration::from_secs(10)).await;
    assert!(center.health().await.unwrap().is_well());
}

#[tokio::test(start_paused = true)]
async fn engine_without_heartbeats_is_unsure_after_its_lease() {
    let (client, _, mute) = failing(|call| call == "beat");
    let center = start(&client, Once::default()).await;
    sleep(MINUTE).await;
    mute.store(true, Ordering::SeqCst);
    sleep(Duration::from_secs(5)).await;
    assert!(center.health().await.unwrap().is_well(), "the lease is 15 s");
    sleep(Duration::from_secs(16)).await;
    let health = center.health().await.unwrap();
    assert!(health.engine == EngineState::Unsure && !health.is_well(), "{health}");
    mute.store(false, Ordering::SeqCst);
    sleep(Duration::from_secs(2)).await;
    assert!(center.health().await.unwrap().is_well(), "the first heartbeat that arrives will do");
}

#[tokio::test(start_paused = true)]
async fn engine_that_was_called_dead_is_unsure_until_its_next_life() {
    let (client, storage, shut) = failing(|call| call == "join");
    let center = start(&client, Once::default()).await;
    sleep(MINUTE).await;
    shut.store(true, Ordering::SeqCst);
    let living = storage.due(&[], true).await.unwrap().nodes.unwrap().living;
    storage.declare_dead(&living).await.unwrap();
    sleep(Duration::from_secs(10)).await;
    assert_eq!(center.health().await.unwrap().engine, EngineState::Unsure);
    shut.store(false, Ordering::SeqCst);
    sleep(Duration::from_secs(2)).await;
    assert!(center.health().await.unwrap().is_well());
}

#[tokio::test(start_paused = true)]
async fn engine_that_may_not_live_again_has_ended() {
    let (storage, joined) = (paused_storage(), AtomicBool::new(false));
    let hooked = Hooked::new(storage.clone(), move |call| {
        let fails = call.name == "join" && joined.swap(true, Ordering::SeqCst);
        async move { if fails { Err(refused()) } else { call.go().await } }
    });
    let client = Client::with_seed(hooked, 1);
    let center = start(&client, Once::default()).await;
    let living = storage.due(&[], true).await.unwrap().nodes.unwrap().living;
    storage.declare_dead(&living).await.unwrap();
    sleep(MINUTE).await;
    assert_eq!(center.health().await.unwrap().engine, EngineState::Ended);
}
