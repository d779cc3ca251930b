//! Callbacks: at least once, after the outcome, never changing it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use vtask::{Attempt, JobContext, JobFailure, Status, job, stop};

use crate::log::Log;
use crate::setup::{center, paused_client, start};

#[derive(Debug, Serialize, Deserialize, JobContext)]
struct Order {
    #[context(keyword)]
    id: u64,
    fails: bool,
}

#[derive(Clone, Default)]
struct Called {
    log: Log,
    callback_fails: u32,
}

#[job]
impl Called {
    #[step]
    async fn charge(&self, order: &Order) -> anyhow::Result<String> {
        Ok(format!("receipt {}", order.id))
    }

    #[step]
    async fn ship(&self, order: &Order, charge: &String) -> anyhow::Result<usize> {
        if order.fails {
            return Err(stop("no address"));
        }
        Ok(charge.len())
    }

    #[on_success(retry = 5, period = "1s")]
    async fn thank(&self, order: &Order, ship: &usize, attempt: &Attempt) -> anyhow::Result<()> {
        self.log.add(format!("thank {} {ship} {}", order.id, attempt.number()));
        anyhow::ensure!(attempt.number() > self.callback_fails, "the mail is down");
        Ok(())
    }

    #[on_failure]
    async fn refund(&self, charge: Option<&String>, ship: Option<&usize>, failure: &JobFailure) -> anyhow::Result<()> {
        self.log.add(format!("refund {charge:?} {ship:?}: {failure}"));
        anyhow::bail!("the bank is down")
    }
}

#[tokio::test(start_paused = true)]
async fn success_callback_is_retried_and_wait_does_not_wait_for_it() {
    let (client, job) = (paused_client(), Called { callback_fails: 2, ..Called::default() });
    let log = job.log.clone();
    let _center = start(&client, job).await;
    let run = CalledHandle::new(&client).invoke(Order { id: 7, fails: false }).await.unwrap();
    assert_eq!(run.keyword(), "called/7");
    assert_eq!(run.wait().await.unwrap(), 9);
    assert!(log.all().len() <= 1, "{:?}", log.all());
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(log.all(), ["thank 7 9 1", "thank 7 9 2", "thank 7 9 3"]);
    let info = run.info().await.unwrap();
    assert_eq!((info.status, info.is_held), (Status::Succeeded, false));
}

#[tokio::test(start_paused = true)]
async fn failure_callback_sees_what_was_recorded_and_cannot_change_the_outcome() {
    let (client, job) = (paused_client(), Called::default());
    let log = job.log.clone();
    let _center = start(&client, job).await;
    let run = CalledHandle::new(&client).invoke(Order { id: 7, fails: true }).await.unwrap();
    run.wait().await.unwrap_err();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(log.all(), ["refund Some(\"receipt 7\") None: step ship stopped the job: no address"]);
    let info = run.info().await.unwrap();
    assert_eq!((info.status, info.is_held, info.error.as_deref()), (Status::Failed, false, Some("no address")));
}

#[tokio::test(start_paused = true)]
async fn callback_survives_a_crash_and_runs_after_the_restart() {
    let (client, job) = (paused_client(), Called { callback_fails: u32::MAX, ..Called::default() });
    let log = job.log.clone();
    let first = center(&client).host("one").register(job).start().await.unwrap();
    let run = CalledHandle::new(&client).invoke(Order { id: 7, fails: false }).await.unwrap();
    run.wait().await.unwrap();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    drop(first);
    assert!(!log.all().is_empty());
    let failed = log.all().len();
    let job = Called { log: log.clone(), callback_fails: 0 };
    let _second = center(&client).host("one").register(job).start().await.unwrap();
    tokio::time::sleep(Duration::from_secs(10)).await;
    let number = failed + 1;
    assert_eq!(log.all().last(), Some(&format!("thank 7 9 {number}")), "a crash keeps the count: {:?}", log.all());
    assert_eq!(log.all().len(), number);
}
