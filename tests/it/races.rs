//! What one sees of a job while somebody else changes it.

use std::time::Duration;

use tokio::time::{sleep, timeout};
use vtask::{Attempt, CancelOutcome, Client, WaitError, job};

use crate::hooked::Hooked;
use crate::setup::{paused_storage, start};

/// A memory storage whose calls of this name begin 2 s late.
fn late(inner: vtask::storage::MemoryStorage, name: &'static str) -> Hooked {
    Hooked::new(inner, move |call| async move {
        if call.name == name {
            sleep(Duration::from_secs(2)).await;
        }
        call.go().await
    })
}

struct Retries;

#[job]
impl Retries {
    #[step(retry = 1, period = "1d")]
    async fn only(&self) -> anyhow::Result<u32> {
        sleep(Duration::from_secs(1)).await;
        anyhow::bail!("not today")
    }
}

#[tokio::test(start_paused = true)]
async fn cancel_that_meets_a_release_cancels_at_once() {
    let client = Client::with_seed(late(paused_storage(), "request"), 1);
    let _center = start(&client, Retries).await;
    let run = RetriesHandle::new(&client).invoke(()).await.unwrap();
    sleep(Duration::from_millis(500)).await;
    let cancelled = run.cancel().await.unwrap();
    let waited = timeout(Duration::from_secs(60), run.wait()).await;
    assert!(matches!(waited, Ok(Err(WaitError::Cancelled { .. }))), "cancel said {cancelled:?}, wait {waited:?}");
    assert_eq!(run.cancel().await.unwrap(), CancelOutcome::AlreadyEnded);
}

struct Again;

#[job]
impl Again {
    #[step]
    async fn only(&self, attempt: &Attempt) -> anyhow::Result<Option<u32>> {
        if attempt.restarts() > 0 {
            sleep(Duration::from_secs(60)).await;
        }
        Ok(Some(attempt.restarts()))
    }
}

#[tokio::test(start_paused = true)]
async fn wait_that_meets_a_restart_waits_for_its_end() {
    let storage = paused_storage();
    let (worker, other) = (Client::with_seed(storage.clone(), 1), Client::with_seed(late(storage, "row"), 2));
    let _center = start(&worker, Again).await;
    let run = AgainHandle::new(&other).invoke(()).keyword("k").await.unwrap();
    sleep(Duration::from_secs(5)).await;
    // The wait has seen the success and not yet the output when the job begins again.
    tokio::spawn(async move {
        sleep(Duration::from_secs(1)).await;
        worker.restart("k", "only").await.unwrap();
    });
    assert_eq!(run.wait().await.unwrap(), Some(1));
}
