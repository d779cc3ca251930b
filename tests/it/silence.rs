//! A storage that never answers.

use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use vtask::Client;

use crate::hooked::Hooked;
use crate::jobs::{Once, OnceHandle};
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
