//! Rows that somebody else's transaction has locked, as a storage tells of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::{sleep, timeout};
use vtask::storage::value::Claimed;
use vtask::{Client, StorageError};

use crate::hooked::{Answer, Hooked};
use crate::jobs::{Once, OnceHandle};
use crate::setup::{paused_storage, start};

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
    assert!((5..14).contains(&claims), "each waits for the lock, and holds up all others: {claims} in a minute");
    is_locked.store(false, Ordering::SeqCst);
    assert_eq!(timeout(Duration::from_secs(8), run.wait()).await.expect("it is tried again").unwrap(), 1);
}
