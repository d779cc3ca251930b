//! A storage that never answers, or fails for long.

use std::future::pending;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use vtask::storage::{Cause, ReadJobs, WriteNodes};
use vtask::{Client, StorageError};

use crate::hooked::Hooked;
use crate::jobs::{Gated, GatedHandle, Once, OnceHandle};
use crate::setup::{paused_storage, start};

/// The longest wait for one call, and something for the next try.
const GIVEN_UP: Duration = Duration::from_secs(22);

/// Never answers the next call of each of these names.
fn silent(names: &[&'static str]) -> Hooked {
    let names = Mutex::new(names.to_vec());
    let mut storage = Hooked::new(paused_storage(), move |call| {
        let mut names = names.lock().unwrap();
        let found = names.iter().position(|name| *name == call.name);
        let is_silent = found.map(|at| names.swap_remove(at)).is_some();
        async move {
            if is_silent {
                pending::<()>().await;
            }
            call.go().await
        }
    });
    storage.gives_up = true;
    storage
}

#[tokio::test(start_paused = true)]
async fn call_that_is_never_answered_is_made_again() {
    for call in ["insert", "due", "claim", "write", "beat", "held", "summaries", "row"] {
        let client = Client::with_seed(silent(&[call]), 1);
        let job = Once::default();
        let begun = Instant::now();
        let invoke = async { OnceHandle::new(&client).invoke(()).await.unwrap() };
        let run = timeout(2 * GIVEN_UP, invoke).await.unwrap_or_else(|_| panic!("{call}: the insert never ended"));
        let _center = start(&client, job.clone()).await;
        let ended = timeout(3 * GIVEN_UP, run.wait()).await;
        assert_eq!(ended.unwrap_or_else(|_| panic!("{call}: it never ended")).unwrap(), 1);
        assert_eq!(job.log.all(), ["only"], "{call}");
        assert!(begun.elapsed() < 4 * GIVEN_UP, "{call}: {:?}", begun.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn storage_that_cannot_give_up_a_call_is_waited_for() {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let storage = Hooked::new(paused_storage(), move |call| {
        let is_first = call.name == "insert" && count.fetch_add(1, Ordering::SeqCst) == 0;
        async move {
            if is_first {
                sleep(Duration::from_secs(3600)).await;
            }
            call.go().await
        }
    });
    let client = Client::with_seed(storage, 1);
    let begun = Instant::now();
    assert!(OnceHandle::new(&client).invoke(()).await.unwrap().created());
    assert_eq!(begun.elapsed(), Duration::from_secs(3600));
    assert_eq!(calls.load(Ordering::SeqCst), 1, "a call that may still be carried out is not made beside it");
}

#[tokio::test(start_paused = true)]
async fn every_failure_that_may_pass_is_waited_out() {
    let failures: [fn(Cause) -> StorageError; 5] = [
        StorageError::Busy,
        StorageError::Locked,
        StorageError::Unavailable,
        StorageError::Full,
        StorageError::ReadOnly,
    ];
    for failure in failures {
        let fails = Arc::new(AtomicBool::new(false));
        let failing = Arc::clone(&fails);
        let storage = Hooked::new(paused_storage(), move |call| {
            let fails = failing.load(Ordering::SeqCst);
            async move { if fails { Err(failure("for a while".into())) } else { call.go().await } }
        });
        let (client, job) = (Client::with_seed(storage, 1), Gated::closed());
        let _center = start(&client, job.clone()).await;
        let run = GatedHandle::new(&client).invoke(()).await.unwrap();
        sleep(Duration::from_secs(5)).await;
        fails.store(true, Ordering::SeqCst);
        job.gate.add_permits(1);
        sleep(Duration::from_secs(600)).await;
        fails.store(false, Ordering::SeqCst);
        let name = failure("".into());
        let output = timeout(Duration::from_secs(5), run.wait()).await;
        assert_eq!(output.unwrap_or_else(|_| panic!("{name}: it does not go on")).unwrap(), 1);
        assert_eq!(job.log.all(), ["only"], "{name}");
        assert_eq!(run.info().await.unwrap().failed_attempts, 0, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn node_whose_next_life_is_not_answered_begins_it_all_the_same() {
    let (memory, joins) = (paused_storage(), AtomicUsize::new(0));
    let mut storage = Hooked::new(memory.clone(), move |call| {
        let is_silent = call.name == "join" && joins.fetch_add(1, Ordering::SeqCst) == 1;
        async move {
            if is_silent {
                pending::<()>().await;
            }
            call.go().await
        }
    });
    storage.gives_up = true;
    let client = Client::with_seed(storage, 1);
    let _center = start(&client, Once::default()).await;
    let living = memory.due(&[], true).await.unwrap().nodes.unwrap().living;
    memory.declare_dead(&living).await.unwrap();
    let run = OnceHandle::new(&client).invoke(()).delay(GIVEN_UP).await.unwrap();
    assert_eq!(timeout(2 * GIVEN_UP, run.wait()).await.expect("it has begun a new life").unwrap(), 1);
}
