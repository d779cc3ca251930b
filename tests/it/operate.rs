//! Cancelling, restarting and resuming.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use vtask::{Attempt, CancelOutcome, Client, JobContext, JobFailure, RunError, Status, WaitError, job};

use crate::log::Log;
use crate::setup::{center, paused_client, start};

#[derive(Debug, Serialize, Deserialize, JobContext)]
struct Data {
    total: u32,
}

/// Its second step waits for a permit, so that a test decides when it goes on.
#[derive(Clone)]
struct Gated {
    log: Log,
    gate: Arc<Semaphore>,
}

impl Gated {
    fn closed() -> Self {
        Self { log: Log::default(), gate: Arc::new(Semaphore::new(0)) }
    }
}

#[job]
impl Gated {
    #[step]
    async fn first(&self, data: &mut Data, attempt: &Attempt) -> anyhow::Result<u32> {
        self.log.add(format!("first {}", attempt.idempotency_key()));
        data.total += 1;
        Ok(data.total)
    }

    #[step]
    async fn second(&self, data: &mut Data, attempt: &Attempt) -> anyhow::Result<u32> {
        self.log.add(format!("second {}", attempt.idempotency_key()));
        attempt.progress(0.5, "at the gate");
        tokio::select! {
            permit = self.gate.acquire() => permit?.forget(),
            () = attempt.cancelled() => self.log.add("told to cancel"),
        }
        data.total += 10;
        Ok(data.total)
    }

    #[step]
    async fn third(&self, data: &Data, first: &u32, second: &u32) -> anyhow::Result<u32> {
        Ok(data.total + first + second)
    }

    #[on_failure]
    async fn undo(&self, failure: &JobFailure, second: Option<&u32>) -> anyhow::Result<()> {
        self.log.add(format!("undo {:?} {second:?}", failure.kind()));
        Ok(())
    }
}

fn data() -> Data {
    Data { total: 0 }
}

#[tokio::test(start_paused = true)]
async fn running_job_is_cancelled_after_its_step_is_recorded() {
    let (client, job) = (paused_client(), Gated::closed());
    let log = job.log.clone();
    let _center = start(&client, job).await;
    let run = GatedHandle::new(&client).invoke(data()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(
        matches!(run.restart(Gated::FIRST).await, Err(RunError::Held { host: Some(host), .. }) if host.starts_with("test-"))
    );
    assert_eq!(run.cancel().await.unwrap(), CancelOutcome::Requested);
    assert!(matches!(run.wait().await, Err(WaitError::Cancelled { .. })));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(log.count("told to cancel"), 1);
    assert_eq!(log.all().last().map(String::as_str), Some("undo Cancelled Some(11)"));
    let context = run.context().await.unwrap();
    assert_eq!((context.data.total, context.second, context.third), (11, Some(11), None));
    assert_eq!(run.cancel().await.unwrap(), CancelOutcome::AlreadyEnded);
}

#[tokio::test(start_paused = true)]
async fn request_to_cancel_from_another_client_is_heard() {
    let storage = crate::setup::paused_storage();
    let (worker, other) = (Client::with_seed(storage.clone(), 1), Client::with_seed(storage, 2));
    let _center = start(&worker, Gated::closed()).await;
    let run = GatedHandle::new(&worker).invoke(data()).keyword("k").await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(other.cancel("k").await.unwrap(), CancelOutcome::Requested);
    assert!(matches!(run.wait().await, Err(WaitError::Cancelled { .. })));
}

/// A step that hears nothing.
struct Deaf;

#[job]
impl Deaf {
    #[step(retry = always, period = "1s")]
    async fn only(&self) -> anyhow::Result<()> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn step_that_ignores_a_cancel_is_dropped_after_the_grace() {
    let client = paused_client();
    let _center = center(&client).grace(Duration::from_secs(7)).register(Deaf).start().await.unwrap();
    let run = DeafHandle::new(&client).invoke(()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let began = tokio::time::Instant::now();
    assert_eq!(run.cancel().await.unwrap(), CancelOutcome::Requested);
    assert!(matches!(run.wait().await, Err(WaitError::Cancelled { .. })));
    assert_eq!(began.elapsed().as_secs(), 7);
    assert_eq!(run.info().await.unwrap().failed_attempts, 0);
}

struct SlowUndo {
    log: Log,
}

#[job]
impl SlowUndo {
    #[step]
    async fn only(&self, attempt: &Attempt) -> anyhow::Result<()> {
        attempt.cancelled().await;
        anyhow::bail!("told to cancel")
    }

    #[on_failure]
    async fn undo(&self, attempt: &Attempt) -> anyhow::Result<()> {
        tokio::time::sleep(Duration::from_secs(60)).await;
        self.log.add(format!("undone, cancelled: {}", attempt.is_cancelled()));
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn cancel_of_a_job_does_not_reach_its_callback() {
    let (client, log) = (paused_client(), Log::default());
    let job = SlowUndo { log: log.clone() };
    let _center = center(&client).grace(Duration::from_secs(5)).register(job).start().await.unwrap();
    let run = SlowUndoHandle::new(&client).invoke(()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    run.cancel().await.unwrap();
    assert!(matches!(run.wait().await, Err(WaitError::Cancelled { .. })));
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert_eq!(log.all(), ["undone, cancelled: false"]);
}

#[tokio::test(start_paused = true)]
async fn job_that_nobody_holds_is_cancelled_at_once_and_its_callback_runs_later() {
    let (client, job) = (paused_client(), Gated::closed());
    let log = job.log.clone();
    let run = GatedHandle::new(&client).invoke(data()).delay(Duration::from_secs(60)).await.unwrap();
    assert_eq!(run.cancel().await.unwrap(), CancelOutcome::Cancelled);
    assert!(matches!(run.wait().await, Err(WaitError::Cancelled { .. })));
    assert!(matches!(run.restart(Gated::FIRST).await, Err(RunError::Held { .. })), "its callback is due");
    let _center = start(&client, job).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(log.all(), ["undo Cancelled None"]);
    run.restart(Gated::FIRST).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn restart_drops_the_outputs_from_its_step_on_and_gives_those_steps_new_keys() {
    let (client, job) = (paused_client(), Gated::closed());
    let (log, gate) = (job.log.clone(), Arc::clone(&job.gate));
    gate.add_permits(10);
    let _center = start(&client, job).await;
    let run = GatedHandle::new(&client).invoke(data()).await.unwrap();
    assert_eq!(run.wait().await.unwrap(), 11 + 1 + 11);
    run.restart(Gated::SECOND).await.unwrap();
    assert_eq!(run.wait().await.unwrap(), 21 + 1 + 21, "it goes on with the data as last saved");
    run.restart(Gated::FIRST).data(Data { total: 100 }).await.unwrap();
    assert_eq!(run.wait().await.unwrap(), 111 + 101 + 111);
    let keys = log.all();
    assert_eq!(keys.len(), 5, "{keys:?}");
    let distinct: std::collections::BTreeSet<_> = keys.iter().collect();
    assert_eq!(distinct.len(), 5, "each dropped output means a new effect: {keys:?}");
    assert_eq!(run.info().await.unwrap().restarts, 2);
}

#[tokio::test(start_paused = true)]
async fn restart_of_a_step_that_was_never_recorded_keeps_its_key() {
    let (client, job) = (paused_client(), Gated::closed());
    let (log, gate) = (job.log.clone(), Arc::clone(&job.gate));
    let first = start(&client, job.clone()).await;
    let run = GatedHandle::new(&client).invoke(data()).keyword("k").await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(matches!(run.restart(Gated::THIRD).await, Err(RunError::Held { .. })));
    run.cancel().await.unwrap();
    run.wait().await.unwrap_err();
    first.shutdown().await.unwrap();
    // The cancelled step was recorded; take it back, and stop it before it is recorded again.
    client.restart("k", "second").await.unwrap();
    let second = center(&client).grace(Duration::ZERO).register(job.clone()).start().await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    second.shutdown().await.unwrap();
    run.restart(Gated::SECOND).await.unwrap();
    gate.add_permits(1);
    let _third = start(&client, job).await;
    run.wait().await.unwrap();
    let keys: Vec<String> = log.all().into_iter().filter(|entry| entry.starts_with("second")).collect();
    assert_eq!(keys.len(), 3, "{keys:?}");
    assert_ne!(keys[0], keys[1], "a recorded output was dropped");
    assert_eq!(keys[1], keys[2], "nothing was recorded in between");
}

#[tokio::test(start_paused = true)]
async fn restart_at_a_step_that_is_not_there_or_not_reached_is_refused() {
    let client = paused_client();
    let run = GatedHandle::new(&client).invoke(data()).keyword("k").await.unwrap();
    let error = run.restart(Gated::THIRD).await.unwrap_err();
    assert_eq!(error.to_string(), "job \"k\" has not reached step third: first is not recorded");
    let error = client.restart("k", "fourth").await.unwrap_err();
    assert_eq!(error.to_string(), "job \"k\" has no step \"fourth\" that is recorded or next: those are first");
    assert!(matches!(client.restart("nobody", "first").await, Err(RunError::NotFound { .. })));
    assert!(matches!(run.resume().await, Err(RunError::NotPaused { status: Status::Running, .. })));
}

#[tokio::test(start_paused = true)]
async fn progress_is_shown_until_the_step_is_recorded() {
    let (client, job) = (paused_client(), Gated::closed());
    let gate = Arc::clone(&job.gate);
    let _center = start(&client, job).await;
    let run = GatedHandle::new(&client).invoke(data()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let progress = run.info().await.unwrap().progress.unwrap();
    assert_eq!((progress.fraction, progress.text.as_str()), (0.5, "at the gate"));
    gate.add_permits(1);
    run.wait().await.unwrap();
    assert_eq!(run.info().await.unwrap().progress, None);
}
