//! Steps that keep their thread and never wait: the engine supervises them as it does all others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use vtask::{Attempt, Client, JobCenter, job};

/// Blocks its thread in the first attempt, until the second has begun.
struct Stubborn {
    second_began: Arc<AtomicBool>,
}

#[job]
impl Stubborn {
    #[step(retry = 1, period = "10ms", timeout = "50ms")]
    async fn work(&self, attempt: &Attempt) -> Result<u32, String> {
        if attempt.number() > 1 {
            self.second_began.store(true, Ordering::Release);
            return Ok(attempt.number());
        }
        while !self.second_began.load(Ordering::Acquire) {
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(0)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attempt_that_blocks_its_thread_times_out_and_the_next_one_is_recorded() {
    let client = Client::in_memory();
    let second_began = Arc::new(AtomicBool::new(false));
    let job = Stubborn { second_began: Arc::clone(&second_began) };
    let center = JobCenter::builder(&client).host("here").grace(Duration::from_millis(50)).register(job);
    let center = center.start().await.unwrap();
    let run = StubbornHandle::new(&client).invoke(()).await.unwrap();
    // Without supervision the first attempt would wait for ever; the bound only ends a failed test.
    let output = tokio::time::timeout(Duration::from_secs(30), run.wait()).await;
    second_began.store(true, Ordering::Release);
    assert_eq!(output.expect("the next attempt begins").unwrap(), 2);
    let history = run.info().await.unwrap().history;
    assert!(history[0].error.as_deref().is_some_and(|error| error.contains("timed out")), "{history:?}");
    center.shutdown().await.unwrap();
}
