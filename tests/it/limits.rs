//! Numbers without bound, and texts without bound.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::{sleep, timeout};
use vtask::{CancelOutcome, JobContext, WaitError, job};

use crate::jobs::{Gated, GatedHandle, Once, OnceHandle};
use crate::setup::{center, paused_client, start};

#[tokio::test(start_paused = true)]
async fn concurrency_has_no_upper_bound() {
    let client = paused_client();
    let _center = center(&client).concurrency(usize::MAX).register(Once::default()).start().await.unwrap();
    assert_eq!(OnceHandle::new(&client).invoke(()).await.unwrap().wait().await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn step_has_all_the_time_of_a_grace_without_bound() {
    let (client, job) = (paused_client(), Gated::closed());
    let _center = center(&client).grace(Duration::MAX).register(job.clone()).start().await.unwrap();
    let run = GatedHandle::new(&client).invoke(()).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(run.cancel().await.unwrap(), CancelOutcome::Requested);
    let early = timeout(Duration::from_secs(3600), run.wait()).await;
    assert!(early.is_err(), "the body still runs: {early:?}");
    job.gate.add_permits(1);
    run.wait().await.unwrap();
    assert_eq!(job.log.all().len(), 1);
}

#[derive(Debug, Serialize, Deserialize, JobContext)]
struct Number {
    number: u32,
}

struct Counts;

#[job]
impl Counts {
    #[step]
    async fn only(&self, number: &Number) -> anyhow::Result<u32> {
        Ok(number.number)
    }
}

#[tokio::test(start_paused = true)]
async fn text_of_a_decode_error_is_cut() {
    let client = paused_client();
    let input = format!(r#"{{"number":"{}"}}"#, "x".repeat(500_000));
    let run = client.invoke_json("counts", input, "k").await.unwrap();
    let _center = start(&client, Counts).await;
    let WaitError::Paused { message, .. } = run.wait().await.unwrap_err() else { panic!("it has to be paused") };
    assert!(message.len() <= 8 << 10, "{} bytes", message.len());
    let saved = run.info().await.unwrap().error.unwrap();
    assert!(saved.len() <= 8 << 10, "{} bytes", saved.len());
}
