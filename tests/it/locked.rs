//! Rows that somebody else's transaction has locked, as a storage tells of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::{sleep, timeout};
use vtask::storage::value::Claimed;
use vtask::{Attempt, Client, FailureKind, StorageError, WaitError, job};

use crate::hooked::{Answer, Hooked};
use crate::jobs::{Gated, GatedHandle, Once, OnceHandle};
use crate::log::Log;
use crate::setup::{center, paused_storage, start};

const MINUTE: Duration = Duration::from_secs(60);

/// A storage whose calls of one name find their rows locked, until it is told otherwise; and how many there were.
fn locked(name: &'static str) -> (Hooked, Arc<AtomicBool>, Arc<AtomicUsize>) {
    let (is_locked, calls) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicUsize::new(0)));
    let (locked, counted) = (Arc::clone(&is_locked), Arc::clone(&calls));
    let storage = Hooked::new(paused_storage(), move |call| {
        let is_locked = call.name == name && locked.load(Ordering::SeqCst);
        counted.fetch_add(usize::from(is_locked), Ordering::SeqCst);
        async move {
            match (is_locked, name) {
                (false, _) => call.go().await,
                (true, "claim") => Ok(Answer::new(Vec::<Claimed>::new())),
                (true, _) => Err(StorageError::Locked("a row is locked".into())),
            }
        }
    });
    (storage, is_locked, calls)
}

#[tokio::test(start_paused = true)]
async fn each_locked_write_is_tried_about_once_a_second_however_many_there_are() {
    let (storage, is_locked, calls) = locked("write");
    let client = Client::with_seed(storage, 1);
    let mut runs = Vec::new();
    for _ in 0..20 {
        runs.push(OnceHandle::new(&client).invoke(()).await.unwrap());
    }
    let job = Once::default();
    let _center = start(&client, job.clone()).await;
    sleep(MINUTE).await;
    let rounds = calls.load(Ordering::SeqCst) / runs.len();
    assert!((30..150).contains(&rounds), "{rounds} tries each");
    is_locked.store(false, Ordering::SeqCst);
    for run in &runs {
        assert_eq!(timeout(Duration::from_secs(3), run.wait()).await.expect("all go on together").unwrap(), 1);
    }
    assert_eq!(job.log.all().len(), 20, "each ran once");
}

#[tokio::test(start_paused = true)]
async fn row_that_a_claim_did_not_get_is_left_alone_for_some_seconds() {
    let (storage, is_locked, calls) = locked("claim");
    let client = Client::with_seed(storage, 1);
    let run = OnceHandle::new(&client).invoke(()).await.unwrap();
    let _center = start(&client, Once::default()).await;
    sleep(MINUTE).await;
    let claims = calls.load(Ordering::SeqCst);
    assert!((4..14).contains(&claims), "each waits for the lock, and holds up all others: {claims} in a minute");
    is_locked.store(false, Ordering::SeqCst);
    assert_eq!(timeout(Duration::from_secs(23), run.wait()).await.expect("it is tried again").unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn invoke_that_waits_for_a_lock_keeps_no_slot() {
    let (storage, is_locked, _) = locked("insert");
    let other = Client::with_seed(storage.inner.clone(), 2);
    let client = Client::with_seed(storage, 1);
    let _center = center(&client).concurrency(1).register(Once::default()).start().await.unwrap();
    let waits = tokio::spawn(OnceHandle::new(&client).invoke(()).into_future());
    sleep(Duration::from_secs(3)).await;
    let run = OnceHandle::new(&other).invoke(()).await.unwrap();
    assert_eq!(timeout(Duration::from_secs(3), run.wait()).await.expect("the slot is free").unwrap(), 1);
    assert!(!waits.is_finished(), "it is still locked");
    is_locked.store(false, Ordering::SeqCst);
    let run = waits.await.unwrap().unwrap();
    assert_eq!(timeout(Duration::from_secs(3), run.wait()).await.expect("it is claimed").unwrap(), 1);
}

/// Reports that it has begun, and goes on for an hour.
#[derive(Clone, Default)]
struct Reports {
    log: Log,
}

/// Says that it is dropped.
struct Dropped(Log);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.add("dropped");
    }
}

#[job]
impl Reports {
    #[step(timeout = "30s")]
    async fn only(&self, attempt: &Attempt) -> anyhow::Result<u32> {
        let _dropped = Dropped(self.log.clone());
        attempt.progress(0.5, "begun");
        sleep(60 * MINUTE).await;
        Ok(1)
    }
}

#[tokio::test(start_paused = true)]
async fn step_is_watched_while_its_report_waits_for_a_lock() {
    let (storage, is_locked, _) = locked("write");
    let client = Client::with_seed(storage, 1);
    let job = Reports::default();
    let _center = start(&client, job.clone()).await;
    let run = ReportsHandle::new(&client).invoke(()).await.unwrap();
    sleep(Duration::from_secs(29)).await;
    assert!(job.log.all().is_empty());
    sleep(Duration::from_secs(2)).await;
    assert_eq!(job.log.all(), ["dropped"], "its timeout is over");
    is_locked.store(false, Ordering::SeqCst);
    let failed = timeout(MINUTE, run.wait()).await.expect("it is recorded").unwrap_err();
    assert!(
        matches!(&failed, WaitError::Failed { failure, .. } if failure.kind() == FailureKind::TimedOut),
        "{failed:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn node_whose_claims_find_the_table_locked_lives_on() {
    let storage = paused_storage();
    let locked = Hooked::new(storage.clone(), |call| async move {
        if call.name == "claim" { Err(StorageError::Locked("the table is locked".into())) } else { call.go().await }
    });
    let (client, other) = (Client::with_seed(locked, 1), Client::with_seed(storage, 2));
    let gated = Gated::closed();
    let _one = center(&client).register(gated.clone()).register(Once::default()).start().await.unwrap();
    let _two = start(&other, gated.clone()).await;
    let run = GatedHandle::new(&client).invoke(()).await.unwrap();
    OnceHandle::new(&other).invoke(()).await.unwrap();
    sleep(5 * MINUTE).await;
    assert_eq!(run.info().await.unwrap().crashes, 0, "its node was not called dead");
    gated.gate.add_permits(1);
    assert_eq!(timeout(MINUTE, run.wait()).await.expect("it is recorded").unwrap(), 1);
    assert_eq!(gated.log.all().len(), 1, "and ran once");
}
