//! One job in a test.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use vtask::testing::JobTest;
use vtask::{Attempt, Callback, FailureKind, JobContext, JobFailure, Status, job, retry_after, stop};

use super::panic_of;

#[derive(Debug, Serialize, Deserialize, JobContext)]
struct Mail {
    to: String,
}

struct Send;

#[job]
impl Send {
    #[step]
    async fn send(&self, mail: &Mail) -> anyhow::Result<usize> {
        Ok(mail.to.len())
    }
}

#[derive(Debug, Serialize, Deserialize, JobContext)]
struct Order {
    #[context(keyword)]
    id: u64,
    cents: u64,
}

impl Order {
    fn of(cents: u64) -> Self {
        Self { id: 7, cents }
    }
}

/// Fails so often at first; a job without money stops.
struct Buy {
    failures: AtomicUsize,
    mails: Option<SendHandle>,
}

impl Buy {
    fn new(failures: usize, mails: Option<SendHandle>) -> Self {
        Self { failures: AtomicUsize::new(failures), mails }
    }
}

#[job]
impl Buy {
    #[step(retry = 3, period = "1h")]
    async fn pay(&self, order: &mut Order) -> anyhow::Result<String> {
        order.cents += 1;
        if order.cents == 1 {
            return Err(stop("nothing to pay"));
        }
        let left = self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        anyhow::ensure!(left.is_err(), "the bank is closed");
        Ok("receipt".to_owned())
    }

    #[step(retry = always, period = "1s", timeout = "30s")]
    async fn ship(&self, pay: &String, attempt: &Attempt) -> anyhow::Result<u32> {
        if attempt.number() == 1 {
            return Err(retry_after(Duration::from_secs(7200), anyhow::anyhow!("no van: {pay}")));
        }
        Ok(attempt.number())
    }

    #[on_success]
    async fn thank(&self, order: &Order) -> anyhow::Result<()> {
        if let Some(mails) = &self.mails {
            let mail = mails.invoke(Mail { to: format!("buyer of {}", order.id) }).await?;
            anyhow::ensure!(mail.created(), "it is mailed once");
        }
        Ok(())
    }

    #[on_failure(retry = 2, period = "1m")]
    async fn refund(&self, failure: &JobFailure) -> anyhow::Result<()> {
        anyhow::bail!("{}", failure.message())
    }
}

#[test]
fn job_runs_to_its_end_with_retries_and_callback_in_no_time() {
    let began = std::time::Instant::now();
    let done = JobTest::new(|client| Buy::new(2, Some(SendHandle::new(client)))).run(Order::of(70));
    assert!(began.elapsed() < Duration::from_secs(30), "four hours take {:?}", began.elapsed());
    assert_eq!((done.status(), *done.output()), (Status::Succeeded, 2));
    assert_eq!((done.attempts(Buy::PAY), done.attempts(Buy::SHIP), done.callbacks()), (3, 2, 1));
    let context = done.context();
    assert_eq!((context.data.cents, context.pay.as_deref(), context.ship), (71, Some("receipt"), Some(2)));
    assert_eq!(done.info().keyword, "buy/7");
    assert_eq!(done.info().callback, Callback::Done);
    let took = done.took();
    assert!(took >= Duration::from_secs(4 * 3600) && took < Duration::from_secs(4 * 3600 + 120), "{took:?}");
    let mails = done.invoked::<Send>();
    assert_eq!(mails.len(), 1);
    assert_eq!((mails[0].data.to.as_str(), mails[0].send), ("buyer of 7", None), "nobody runs it here");
    assert!(done.failure().is_none());
}

#[test]
fn other_jobs_run_beside_it() {
    let test = JobTest::new(|client| Buy::new(0, Some(SendHandle::new(client)))).beside(|_| Send);
    let mails = test.run(Order::of(70)).invoked::<Send>();
    // It was invoked by the callback, after which nobody waits: it may have run or not.
    assert_eq!(mails.len(), 1);
}

#[test]
fn failure_is_told_with_its_callback() {
    let done = JobTest::new(|_| Buy::new(99, None)).run(Order::of(70));
    assert_eq!((done.status(), done.attempts(Buy::PAY), done.callbacks()), (Status::Failed, 4, 3));
    let failure = done.failure().expect("it failed");
    assert_eq!((failure.kind(), failure.step(), failure.attempts()), (FailureKind::Exhausted, "pay", 4));
    assert_eq!(done.context().data.cents, 70, "what a failed attempt changed is gone");
    assert_eq!(done.info().callback, Callback::GivenUp);
    let message = panic_of(|| *done.output());
    assert!(message.contains("the job did not succeed") && message.contains("the bank is closed"), "{message}");
    let stopped = JobTest::new(|_| Buy::new(0, None)).run(Order::of(0));
    assert_eq!(stopped.failure().unwrap().kind(), FailureKind::Stopped);
    assert_eq!(stopped.attempts(Buy::PAY), 1);
}

#[test]
fn job_runs_until_a_step_and_no_further() {
    let done = JobTest::new(|_| Buy::new(1, None)).run_until(Buy::SHIP, Order::of(70));
    assert_eq!((done.status(), done.info().step.as_str()), (Status::Running, "ship"));
    assert_eq!((done.attempts(Buy::PAY), done.attempts(Buy::SHIP)), (2, 0));
    assert_eq!((done.context().pay.as_deref(), done.context().ship), (Some("receipt"), None));
    let message = panic_of(|| *done.output());
    assert!(message.contains("has not ended: step ship is next"), "{message}");
}

struct Hopeless;

#[job]
impl Hopeless {
    #[step(retry = always, period = "10m")]
    async fn only(&self) -> anyhow::Result<()> {
        anyhow::bail!("never")
    }
}

#[test]
fn job_that_does_not_end_is_told_from_one_that_does() {
    let message = panic_of(|| JobTest::new(|_| Hopeless).limit(Duration::from_secs(3600)).run(()));
    assert!(message.contains("not ended within 3600s") && message.contains("\"only\""), "{message}");
    assert!(message.contains("never"), "{message}");
}

struct Computes;

#[job]
impl Computes {
    #[step]
    fn sum(&self) -> anyhow::Result<u64> {
        Ok((1..=1000).sum())
    }
}

#[tokio::test]
async fn kit_may_be_used_in_an_async_test_and_a_step_may_block() {
    assert_eq!(*JobTest::new(|_| Computes).run(()).output(), 500_500);
}

struct Stores;

#[job]
impl Stores {
    #[step]
    async fn store(&self, tx: &sea_orm::DatabaseTransaction) -> anyhow::Result<()> {
        let _ = tx;
        Ok(())
    }
}

#[test]
fn step_that_needs_a_database_is_told() {
    let message = panic_of(|| JobTest::new(|_| Stores).run(()));
    assert!(message.contains("the job cannot run") && message.contains("store"), "{message}");
}
