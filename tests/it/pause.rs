//! Pausing by hand: what a pause catches, and what it leaves to its course.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep, timeout};
use vtask::storage::value::Hash;
use vtask::storage::{MemoryStorage, ReadJobs, WriteJobs};
use vtask::{
    Attempt, CancelOutcome, Client, HistoryEvent, JobContext, JobFilter, JobRun, PauseOutcome, Reason, Request,
    RunError, Status, WaitError, job, retry_after, stop,
};

use crate::hooked::Hooked;
use crate::jobs::{Gated, GatedHandle};
use crate::log::Log;
use crate::setup::{center, paused_client, paused_storage, start};
use crate::written::accuse;

const SECOND: Duration = Duration::from_secs(1);
/// Less than any wait in these tests.
const AT_ONCE: Duration = Duration::from_millis(10);

/// Its first step takes 2 s.
#[derive(Clone, Default)]
struct Two {
    log: Log,
}

#[job]
impl Two {
    #[step]
    async fn first(&self, attempt: &Attempt) -> anyhow::Result<bool> {
        self.log.add("first");
        sleep(2 * SECOND).await;
        Ok(attempt.is_cancelled())
    }

    #[step]
    async fn second(&self, first: &bool) -> anyhow::Result<bool> {
        self.log.add("second");
        Ok(*first)
    }

    #[on_failure]
    async fn undo(&self) -> anyhow::Result<()> {
        self.log.add("undo");
        Ok(())
    }
}

/// How a job is paused, in the words of whoever waits for it.
async fn reason<J: vtask::Job>(run: &JobRun<J>) -> Option<Reason> {
    match run.wait().await {
        Err(WaitError::Paused { reason, .. }) => Some(reason),
        _ => None,
    }
}

#[tokio::test(start_paused = true)]
async fn step_that_runs_is_not_told_of_a_pause_and_is_recorded_with_it() {
    let (client, job) = (paused_client(), Two::default());
    let _center = start(&client, job.clone()).await;
    let run = TwoHandle::new(&client).invoke(()).await.unwrap();
    sleep(SECOND).await;
    assert_eq!(run.pause().await.unwrap(), PauseOutcome::Requested);
    let info = run.info().await.unwrap();
    assert_eq!((info.status, info.request), (Status::Running, Request::Pause));
    let error = run.wait().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("job {:?} is paused (Operator): somebody paused it; it goes on when it is resumed", run.keyword())
    );
    let info = run.info().await.unwrap();
    assert_eq!((info.status, info.reason, info.request), (Status::Paused, Some(Reason::Operator), Request::None));
    assert!(!info.is_held && info.step == "second", "{info:?}");
    for (reason, found) in [(Reason::Operator, 1), (Reason::Exhausted, 0)] {
        let page = client.list(&JobFilter::default().status(Status::Paused).reason(reason)).await.unwrap();
        assert_eq!(page.jobs.len(), found, "{reason:?}");
    }
    let history: Vec<_> = info.history.iter().map(|entry| (entry.event, entry.step.as_str())).collect();
    assert_eq!(history, [(HistoryEvent::Recorded, "first"), (HistoryEvent::Paused, "second")]);
    assert_eq!(run.output(Two::FIRST).await.unwrap(), Some(false), "it was not told to end");
    sleep(60 * SECOND).await;
    run.resume().await.unwrap();
    run.wait().await.unwrap();
    assert_eq!(job.log.all(), ["first", "second"]);
    assert!(matches!(client.pause("nobody").await, Err(RunError::NotFound { .. })));
}

/// Waits for a retry of which it has had one.
#[derive(Clone, Default)]
struct Retries {
    log: Log,
}

#[job]
impl Retries {
    #[step(retry = 1)]
    async fn only(&self, attempt: &Attempt) -> anyhow::Result<u32> {
        self.log.add(format!("attempt {}", attempt.number()));
        if self.log.all().len() == 1 {
            return Err(retry_after(10 * SECOND, "not yet"));
        }
        Ok(attempt.number())
    }
}

#[tokio::test(start_paused = true)]
async fn job_that_waits_for_a_retry_is_paused_at_once_or_from_elsewhere_within_2_seconds() {
    let storage = paused_storage();
    for (seed, is_elsewhere) in [(1, false), (2, true)] {
        let worker = Client::with_seed(storage.clone(), seed);
        let other = if is_elsewhere { Client::with_seed(storage.clone(), 9) } else { worker.clone() };
        let _center = start(&worker, Retries::default()).await;
        let run = RetriesHandle::new(&worker).invoke(()).keyword(seed.to_string()).await.unwrap();
        sleep(5 * SECOND).await;
        let began = Instant::now();
        assert_eq!(other.pause(run.keyword()).await.unwrap(), PauseOutcome::Requested);
        assert_eq!(reason(&run).await, Some(Reason::Operator));
        let limit = if is_elsewhere { 2 * SECOND } else { AT_ONCE };
        assert!(began.elapsed() < limit, "{:?}", began.elapsed());
        let info = run.info().await.unwrap();
        assert_eq!((info.failed_attempts, info.error.as_deref()), (1, Some("not yet")));
        sleep(60 * SECOND).await;
        run.resume().await.unwrap();
        assert_eq!(timeout(SECOND, run.wait()).await.unwrap().unwrap(), 1, "with all its attempts before it");
    }
}

#[tokio::test(start_paused = true)]
async fn job_that_waits_for_a_slot_is_paused_or_cancelled_at_once() {
    for cancels in [false, true] {
        let (client, retries, gated) = (paused_client(), Retries::default(), Gated::closed());
        let one = center(&client).concurrency(1).register(retries.clone()).register(gated);
        let _center = one.start().await.unwrap();
        let run = RetriesHandle::new(&client).invoke(()).await.unwrap();
        sleep(SECOND).await;
        GatedHandle::new(&client).invoke(()).await.unwrap();
        // The retry is due, finds no slot, and waits 1 s for one.
        sleep(9 * SECOND + 500 * Duration::from_millis(1)).await;
        assert!(run.info().await.unwrap().is_held);
        let began = Instant::now();
        match cancels {
            false => assert_eq!(run.pause().await.unwrap(), PauseOutcome::Requested),
            true => assert_eq!(run.cancel().await.unwrap(), CancelOutcome::Requested),
        }
        run.wait().await.unwrap_err();
        assert!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());
        assert_eq!(retries.log.all(), ["attempt 1"]);
    }
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum How {
    Succeeds,
    Stops,
    Fails,
}

#[derive(Debug, Serialize, Deserialize, JobContext)]
struct Ending {
    how: How,
}

/// Ends after 2 s.
async fn end(ending: &Ending) -> anyhow::Result<()> {
    sleep(2 * SECOND).await;
    match ending.how {
        How::Succeeds => Ok(()),
        How::Stops => Err(stop("never")),
        How::Fails => anyhow::bail!("not now"),
    }
}

struct HasRetry;

#[job]
impl HasRetry {
    #[step(retry = 1)]
    async fn only(&self, ending: &Ending) -> anyhow::Result<()> {
        end(ending).await
    }
}

struct HasNone;

#[job]
impl HasNone {
    #[step]
    async fn only(&self, ending: &Ending) -> anyhow::Result<()> {
        end(ending).await
    }
}

struct PausesInstead;

#[job]
impl PausesInstead {
    #[step(on_exhausted = pause)]
    async fn only(&self, ending: &Ending) -> anyhow::Result<()> {
        end(ending).await
    }
}

/// Runs a job that is asked to pause while its only step runs.
async fn paused_in_step<J>(job: J, how: How) -> (Status, Reason, u32, Option<String>)
where
    J: vtask::Job<Data = Ending>,
{
    let client = paused_client();
    let _center = start(&client, job).await;
    let run = vtask::JobHandle::<J>::new(&client).invoke(Ending { how }).await.unwrap();
    sleep(SECOND).await;
    assert_eq!(run.pause().await.unwrap(), PauseOutcome::Requested);
    let _ = timeout(60 * SECOND, run.wait()).await.expect("it ends or is paused");
    let info = run.info().await.unwrap();
    assert_eq!(info.request, Request::None, "nothing is left to do");
    (info.status, info.reason.unwrap_or(Reason::None), info.failed_attempts, info.error)
}

#[tokio::test(start_paused = true)]
async fn failed_attempt_is_counted_with_the_pause() {
    let error = Some("not now".to_owned());
    assert_eq!(paused_in_step(HasRetry, How::Fails).await, (Status::Paused, Reason::Operator, 1, error));
}

#[tokio::test(start_paused = true)]
async fn last_step_and_last_failure_end_the_job_in_spite_of_a_pause() {
    let (stopped, failed) = (Some("never".to_owned()), Some("not now".to_owned()));
    let outcome = paused_in_step(HasNone, How::Succeeds).await;
    assert_eq!(outcome, (Status::Succeeded, Reason::None, 0, None));
    let outcome = paused_in_step(HasRetry, How::Stops).await;
    assert_eq!(outcome, (Status::Failed, Reason::Stopped, 1, stopped));
    let outcome = paused_in_step(HasNone, How::Fails).await;
    assert_eq!(outcome, (Status::Failed, Reason::Exhausted, 1, failed.clone()));
    let outcome = paused_in_step(PausesInstead, How::Fails).await;
    assert_eq!(outcome, (Status::Paused, Reason::Exhausted, 1, failed), "it is told why the step paused it");
}

/// When something is asked: before the next write of the engine, or right after it.
#[derive(Debug, Clone, Copy)]
enum Asks {
    Before(Request),
    After(Request),
}

/// Runs a job of two steps that is asked to do things by its row alone, around its writes from the record of the first
/// step on; first of all, to pause while that runs, if it is to be.
async fn asked(is_paused: bool, asks: &[Asks]) -> (JobRun<Two>, Log) {
    let (storage, left) = (paused_storage(), Arc::new(Mutex::new(VecDeque::new())));
    let (inner, queue) = (storage.clone(), Arc::clone(&left));
    let hooked = Hooked::new(storage.clone(), move |call| {
        let next = if call.name == "write" { queue.lock().unwrap().pop_front() } else { None };
        let inner = inner.clone();
        async move {
            if let Some(Asks::Before(request)) = next {
                ask(&inner, request).await;
            }
            let answer = call.go().await;
            if let Some(Asks::After(request)) = next {
                ask(&inner, request).await;
            }
            answer
        }
    });
    let (client, job) = (Client::with_seed(hooked, 1), Two::default());
    let _center = start(&client, job.clone()).await;
    let run = TwoHandle::new(&client).invoke(()).keyword("k").await.unwrap();
    sleep(SECOND).await;
    if is_paused {
        ask(&storage, Request::Pause).await;
    }
    left.lock().unwrap().extend(asks.iter().copied());
    let _ = timeout(60 * SECOND, run.wait()).await.expect("it ends or is paused");
    sleep(SECOND).await;
    assert!(left.lock().unwrap().is_empty(), "all was asked");
    (run, job.log)
}

async fn ask(storage: &MemoryStorage, request: Request) {
    let (hash, id) = (Hash::of("k"), storage.find(&Hash::of("k")).await.unwrap().unwrap().id);
    assert!(storage.request(id, &hash, request).await.unwrap(), "somebody holds it");
}

async fn check_asked(is_paused: bool, asks: &[Asks], status: Status, ran: &[&str]) {
    let (run, log) = asked(is_paused, asks).await;
    let info = run.info().await.unwrap();
    assert_eq!((info.status, info.request), (status, Request::None), "{asks:?}");
    assert_eq!(log.all(), ran, "{asks:?}");
    assert_eq!(run.output(Two::FIRST).await.unwrap(), Some(false), "{asks:?}: the step is recorded in any case");
}

#[tokio::test(start_paused = true)]
async fn pause_that_comes_between_the_end_of_a_step_and_its_record_is_served_with_it() {
    check_asked(false, &[Asks::Before(Request::Pause)], Status::Paused, &["first"]).await;
}

#[tokio::test(start_paused = true)]
async fn cancel_that_meets_the_write_of_a_pause_wins() {
    check_asked(true, &[Asks::After(Request::Cancel)], Status::Cancelled, &["first", "undo"]).await;
}

#[tokio::test(start_paused = true)]
async fn resume_that_meets_the_write_of_a_pause_wins() {
    check_asked(true, &[Asks::After(Request::None)], Status::Succeeded, &["first", "second"]).await;
    let flips = [Asks::After(Request::None), Asks::Before(Request::Pause)];
    check_asked(true, &flips, Status::Paused, &["first"]).await;
}

#[tokio::test(start_paused = true)]
async fn pause_that_was_taken_back_leaves_the_job_to_its_course() {
    let (client, job) = (paused_client(), Two::default());
    let _center = start(&client, job.clone()).await;
    let run = TwoHandle::new(&client).invoke(()).await.unwrap();
    sleep(SECOND).await;
    assert_eq!(run.pause().await.unwrap(), PauseOutcome::Requested);
    run.resume().await.unwrap();
    assert!(matches!(run.resume().await, Err(RunError::NotPaused { status: Status::Running, .. })));
    run.wait().await.unwrap();
    assert_eq!(job.log.all(), ["first", "second"]);
}

#[tokio::test(start_paused = true)]
async fn pause_outlives_the_shutdown_of_its_node() {
    let (client, job) = (paused_client(), Gated::closed());
    let center = center(&client).grace(SECOND).register(job.clone()).start().await.unwrap();
    let run = GatedHandle::new(&client).invoke(()).await.unwrap();
    sleep(SECOND).await;
    assert_eq!(run.pause().await.unwrap(), PauseOutcome::Requested);
    center.shutdown().await.unwrap();
    assert_eq!(reason(&run).await, Some(Reason::Operator));
    job.gate.add_permits(1);
    let _next = start(&client, job.clone()).await;
    sleep(60 * SECOND).await;
    assert_eq!(job.log.all(), ["only"]);
    run.resume().await.unwrap();
    assert_eq!(run.wait().await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn pause_of_a_job_that_kills_its_process_does_not_hide_why_it_is_run_no_more() {
    let storage = paused_storage();
    let (client, job) = (Client::with_seed(storage.clone(), 1), Gated::closed());
    let run = GatedHandle::new(&client).invoke(()).await.unwrap();
    accuse(&storage, &run, 7).await;
    let first = center(&client).host("one").register(job.clone()).start().await.unwrap();
    sleep(10 * SECOND).await;
    assert_eq!(job.log.all(), ["only"]);
    assert_eq!(run.pause().await.unwrap(), PauseOutcome::Requested);
    drop(first);
    let _next = center(&client).host("one").register(job.clone()).start().await.unwrap();
    assert_eq!(reason(&run).await, Some(Reason::Poison));
    assert_eq!(run.info().await.unwrap().request, Request::None);
}

#[tokio::test(start_paused = true)]
async fn pause_that_is_taken_back_before_it_is_served_leaves_the_wait_for_a_retry_as_it_was() {
    let storage = paused_storage();
    let other = Client::with_seed(storage.clone(), 9);
    let (takes_back, operator) = (Arc::new(AtomicBool::new(false)), other.clone());
    let armed = Arc::clone(&takes_back);
    let hooked = Hooked::new(storage, move |call| {
        let is_taken_back = call.name == "write" && armed.swap(false, Ordering::SeqCst);
        let operator = operator.clone();
        async move {
            if is_taken_back {
                operator.resume("k").await.unwrap();
            }
            call.go().await
        }
    });
    let (worker, job) = (Client::with_seed(hooked, 1), Retries::default());
    let _center = start(&worker, job.clone()).await;
    let run = RetriesHandle::new(&worker).invoke(()).keyword("k").await.unwrap();
    let began = Instant::now();
    sleep(SECOND).await;
    takes_back.store(true, Ordering::SeqCst);
    assert_eq!(other.pause("k").await.unwrap(), PauseOutcome::Requested);
    assert_eq!(run.wait().await.unwrap(), 2);
    assert!(!takes_back.load(Ordering::SeqCst), "it was taken back");
    assert!(began.elapsed() >= 10 * SECOND, "{:?}", began.elapsed());
}
