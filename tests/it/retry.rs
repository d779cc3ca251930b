//! What comes after a failed attempt.

use std::time::Duration;

use tokio::time::Instant;
use vtask::{Attempt, FailureKind, HistoryEvent, Reason, Status, WaitError, job, retry_after};

use crate::log::Log;
use crate::setup::{paused_client, start};

#[derive(Default)]
struct Failing {
    log: Log,
}

#[job]
impl Failing {
    #[step(retry = 2, period = "10s")]
    async fn panics_twice(&self, attempt: &Attempt) -> Result<u32, String> {
        self.log.add(attempt.idempotency_key());
        assert!(attempt.number() > 2, "attempt {}", attempt.number());
        Ok(attempt.number())
    }

    #[step(retry = 1, period = "1s", timeout = "5s")]
    async fn hangs(&self) -> Result<(), String> {
        std::future::pending::<()>().await;
        Ok(())
    }

    #[on_failure]
    async fn record(
        &self,
        failure: &vtask::JobFailure,
        panics_twice: Option<&u32>,
        hangs: Option<&()>,
    ) -> Result<(), String> {
        self.log.add(format!("{:?} {panics_twice:?} {hangs:?}", failure.kind()));
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn panic_and_timeout_are_failed_attempts() {
    let (client, job, began) = (paused_client(), Failing::default(), Instant::now());
    let log = job.log.clone();
    let center = start(&client, job).await;
    let run = FailingHandle::new(&client).invoke(()).await.unwrap();
    let WaitError::Failed { failure, .. } = run.wait().await.unwrap_err() else { panic!("the job has to fail") };
    assert_eq!((failure.kind(), failure.step(), failure.attempts()), (FailureKind::TimedOut, "hangs", 2));
    assert_eq!(failure.message(), "timed out after 5s");
    let took = began.elapsed().as_secs();
    assert!((31..=33).contains(&took), "two waits of 10 s, two attempts of 5 s and a wait of 1 s, not {took} s");
    assert_eq!(run.output(Failing::PANICS_TWICE).await.unwrap(), Some(3));
    let info = run.info().await.unwrap();
    let told: Vec<_> = info.history.iter().map(|entry| (entry.event, entry.attempt)).collect();
    let failed = |number| (HistoryEvent::Failed, number);
    assert_eq!(told[..5], [failed(1), failed(2), (HistoryEvent::Recorded, 3), failed(1), failed(2)]);
    assert_eq!(info.history[0].error.as_deref(), Some("panicked: attempt 1"));
    center.shutdown().await.unwrap();
    let log = log.all();
    assert_eq!(log.len(), 4, "{log:?}");
    assert!(log[..3].iter().all(|key| *key == log[0]), "a retry has the key of the first attempt: {log:?}");
    assert_eq!(log[3], "TimedOut Some(3) None");
}

struct Pauses;

#[job]
impl Pauses {
    #[step(retry = 1, period = "1s", on_exhausted = pause)]
    async fn only(&self, attempt: &Attempt) -> anyhow::Result<()> {
        anyhow::bail!("attempt {}", attempt.number())
    }
}

#[tokio::test(start_paused = true)]
async fn exhausted_step_pauses_where_asked_and_resume_gives_it_all_attempts_again() {
    let client = paused_client();
    let _center = start(&client, Pauses).await;
    let run = PausesHandle::new(&client).invoke(()).keyword("k").await.unwrap();
    for _ in 0..2 {
        let WaitError::Paused { reason, message, .. } = run.wait().await.unwrap_err() else {
            panic!("it has to pause")
        };
        assert_eq!((reason, message.as_str()), (Reason::Exhausted, "attempt 2"));
        let info = run.info().await.unwrap();
        assert_eq!((info.status, info.step_number, info.is_held), (Status::Paused, 1, false));
        client.resume("k").await.unwrap();
    }
}

#[derive(Default)]
struct Waits {
    log: Log,
}

#[job]
impl Waits {
    #[step(retry = 3, period = "1s")]
    async fn only(&self, attempt: &Attempt) -> anyhow::Result<()> {
        self.log.add("attempt");
        if attempt.number() == 1 {
            return Err(retry_after(Duration::from_secs(3600), "closed until tomorrow"));
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn retry_after_waits_as_long_as_it_says_and_holds_nothing_meanwhile() {
    let (client, job, began) = (paused_client(), Waits::default(), Instant::now());
    let log = job.log.clone();
    let _center = start(&client, job).await;
    let run = WaitsHandle::new(&client).invoke(()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1800)).await;
    let info = run.info().await.unwrap();
    assert_eq!((info.is_held, info.failed_attempts), (false, 1));
    assert_eq!(info.error.as_deref(), Some("closed until tomorrow"));
    run.wait().await.unwrap();
    assert_eq!(began.elapsed().as_secs(), 3600);
    assert_eq!(log.all().len(), 2);
}

#[derive(Default)]
struct Blocking {
    log: Log,
}

#[job]
impl Blocking {
    #[step]
    fn blocks(&self, attempt: &Attempt) -> Result<String, std::io::Error> {
        std::thread::sleep(Duration::from_millis(1));
        self.log.add("blocked");
        Ok(attempt.step().to_owned())
    }

    #[step]
    async fn follows(&self, blocks: &String) -> Result<usize, std::io::Error> {
        Ok(blocks.len())
    }
}

#[tokio::test]
async fn step_that_is_not_async_runs_beside_the_runtime() {
    let client = vtask::Client::in_memory();
    let _center = start(&client, Blocking::default()).await;
    let run = BlockingHandle::new(&client).invoke(()).await.unwrap();
    assert_eq!(run.wait().await.unwrap(), "blocks".len());
}

#[derive(Debug, serde::Serialize, serde::Deserialize, vtask::JobContext)]
struct Measured {
    value: f64,
    #[serde(skip_deserializing)]
    lost: u32,
}

struct Lossy;

#[job]
impl Lossy {
    #[step(retry = 1, period = "1ms")]
    async fn only(&self, data: &mut Measured, attempt: &Attempt) -> anyhow::Result<f64> {
        data.lost = 5;
        Ok(if attempt.number() == 1 { 0.1 } else { f64::NAN })
    }
}

#[tokio::test(start_paused = true)]
async fn what_does_not_read_back_fails_the_attempt_that_made_it() {
    let client = paused_client();
    let _center = start(&client, Lossy).await;
    let run = LossyHandle::new(&client).invoke(Measured { value: 0.1, lost: 0 }).await.unwrap();
    let WaitError::Failed { failure, .. } = run.wait().await.unwrap_err() else { panic!("the job has to fail") };
    assert_eq!(failure.kind(), FailureKind::Exhausted);
    assert!(failure.message().starts_with("the data of job lossy: what was saved reads back"), "{failure}");
}

#[derive(Debug, Default, serde::Serialize, serde::Deserialize, vtask::JobContext)]
struct Cached {
    kept: u32,
    #[serde(skip)]
    cache: Option<u32>,
}

struct Forgets;

#[job]
impl Forgets {
    #[step]
    async fn fill(&self, data: &mut Cached) -> anyhow::Result<()> {
        data.kept = 1;
        data.cache = Some(1);
        Ok(())
    }

    #[step]
    async fn look(&self, data: &Cached) -> anyhow::Result<Option<u32>> {
        Ok(data.cache)
    }
}

/// A release build may hand the context on in memory; a test has to show what a crash would do.
#[cfg(debug_assertions)]
#[tokio::test(start_paused = true)]
async fn every_step_of_a_debug_build_begins_with_what_was_saved() {
    let client = paused_client();
    let _center = start(&client, Forgets).await;
    let run = ForgetsHandle::new(&client).invoke(Cached::default()).await.unwrap();
    assert_eq!(run.wait().await.unwrap(), None);
}

#[derive(Debug, serde::Serialize, serde::Deserialize, vtask::JobContext)]
struct Wanted {
    data: usize,
    output: usize,
    error: usize,
    grown: String,
}

#[derive(Default)]
struct Grows {
    log: Log,
}

#[job]
impl Grows {
    #[step(retry = always, period = "1s")]
    async fn grow(&self, wanted: &mut Wanted) -> anyhow::Result<String> {
        self.log.add("attempt");
        wanted.grown = "x".repeat(wanted.data);
        if wanted.error > 0 {
            return Err(vtask::stop("é\0".repeat(wanted.error)));
        }
        Ok("x".repeat(wanted.output))
    }
}

async fn grown(data: usize, output: usize, error: usize) -> (vtask::JobFailure, usize, usize) {
    let (client, job) = (paused_client(), Grows::default());
    let log = job.log.clone();
    let _center = start(&client, job).await;
    let run = GrowsHandle::new(&client).invoke(Wanted { data, output, error, grown: String::new() }).await.unwrap();
    let WaitError::Failed { failure, .. } = run.wait().await.unwrap_err() else { panic!("the job has to fail") };
    let saved = run.context().await.unwrap().data.grown.len();
    (failure, log.all().len(), saved)
}

#[tokio::test(start_paused = true)]
async fn what_is_too_large_fails_the_job_at_once_and_says_what_and_by_how_much() {
    let mebibyte = 1 << 20;
    for (data, output, part) in
        [(mebibyte, 0, "the data after the step has 1048"), (0, mebibyte, "the output of the step has 1048578 bytes")]
    {
        let (failure, attempts, saved) = grown(data, output, 0).await;
        assert_eq!((failure.kind(), attempts, saved), (FailureKind::TooLarge, 1, 0), "{failure}");
        assert!(failure.message().starts_with(part), "{failure}");
        assert!(failure.message().ends_with("the limit is 1048576: store it elsewhere and keep its key"), "{failure}");
    }
}

#[tokio::test(start_paused = true)]
async fn text_of_an_error_is_cut_and_loses_its_nul() {
    let (failure, _, saved) = grown(5, 0, 4000).await;
    assert_eq!((failure.kind(), saved), (FailureKind::Stopped, 5));
    assert!((8180..=8192).contains(&failure.message().len()), "{}", failure.message().len());
    assert!(failure.message().starts_with("é\u{fffd}é"));
}
