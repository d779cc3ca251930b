//! Two lives of one host at a time, and a life whose runtime has ended.

use std::time::Duration;

use tokio::time::{sleep, timeout};
use vtask::{Client, JobCenter};

use crate::jobs::{Gated, GatedHandle, Once, OnceHandle};
use crate::setup::{center, paused_client, within};

#[tokio::test(start_paused = true)]
async fn job_that_a_replaced_life_takes_with_it_is_found_by_the_next() {
    // The old life claims at once, when it knows of the new one, and when the new one has long ceased to look after it.
    for overlap in [0, 4, 60] {
        let (client, job) = (paused_client(), Gated::closed());
        let old = center(&client).host("one").register(job.clone()).start().await.unwrap();
        sleep(Duration::from_secs(1)).await;
        let new = center(&client).host("one").register(Once::default()).start().await.unwrap();
        sleep(Duration::from_secs(overlap)).await;
        let run = GatedHandle::new(&client).invoke(()).await.unwrap();
        sleep(Duration::from_secs(1)).await;
        drop(old);
        new.shutdown().await.unwrap();
        job.gate.add_permits(10);
        let _next = center(&client).host("one").register(job).start().await.unwrap();
        let waited = timeout(Duration::from_secs(3600), run.wait()).await;
        assert_eq!(waited.expect("nobody holds it for ever").unwrap(), 1, "after {overlap} s");
    }
}

#[test]
fn center_whose_runtime_has_ended_leaves_the_jobs_to_others() {
    within(Duration::from_secs(15), || {
        let (client, job) = (Client::in_memory(), Once::default());
        let builder = |host: &str| JobCenter::builder(&client).host(host).register(job.clone());
        let first = tokio::runtime::Runtime::new().unwrap();
        let _outlives_it = first.block_on(builder("one").start()).unwrap();
        drop(first);
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let run = OnceHandle::new(&client).invoke(()).await.unwrap();
            sleep(Duration::from_millis(200)).await;
            let _second = builder("two").start().await.unwrap();
            let waited = timeout(Duration::from_secs(10), run.wait()).await;
            assert_eq!(waited.expect("the second center runs it").unwrap(), 1);
        });
        assert_eq!(job.log.all().len(), 1);
    });
}
