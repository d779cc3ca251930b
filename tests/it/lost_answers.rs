//! Operators' acts that are carried out while their answers are lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::sleep;
use vtask::{Cancelled, Client, Status, job};

use crate::hooked::{Hooked, cut};
use crate::jobs::{Once, OnceHandle};
use crate::log::Log;
use crate::setup::{paused_storage, start};

/// A client that never hears of the write after `lose`: its connection breaks 5 s after the commit, in which time the
/// engine goes on with the job.
fn forgetful() -> (Client, impl Fn()) {
    let lose = Arc::new(AtomicBool::new(false));
    let loses = Arc::clone(&lose);
    let storage = Hooked::new(paused_storage(), move |call| {
        let is_lost = call.name == "write" && loses.swap(false, Ordering::SeqCst);
        async move {
            let answer = call.go().await;
            if is_lost {
                sleep(Duration::from_secs(5)).await;
                return Err(cut());
            }
            answer
        }
    });
    (Client::with_seed(storage, 1), move || lose.store(true, Ordering::SeqCst))
}

#[tokio::test(start_paused = true)]
async fn restart_whose_answer_is_lost_happens_once() {
    let ((client, lose), job) = (forgetful(), Once::default());
    let _center = start(&client, job.clone()).await;
    let run = OnceHandle::new(&client).invoke(()).await.unwrap();
    run.wait().await.unwrap();
    lose();
    run.restart(Once::ONLY).await.unwrap();
    sleep(Duration::from_secs(60)).await;
    assert_eq!((job.log.all().len(), run.info().await.unwrap().restarts), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn cancel_whose_answer_is_lost_says_what_it_did() {
    let (client, lose) = forgetful();
    let _center = start(&client, Once::default()).await;
    let run = OnceHandle::new(&client).invoke(()).delay(Duration::from_secs(1000)).await.unwrap();
    lose();
    assert_eq!(run.cancel().await.unwrap(), Cancelled::Cancelled);
    assert_eq!(run.info().await.unwrap().status, Status::Cancelled);
}

#[derive(Clone, Default)]
struct Pauses {
    log: Log,
}

#[job]
impl Pauses {
    #[step(on_exhausted = pause)]
    async fn only(&self) -> anyhow::Result<u32> {
        self.log.add("only");
        anyhow::bail!("not today")
    }
}

#[tokio::test(start_paused = true)]
async fn resume_whose_answer_is_lost_happens_once() {
    let ((client, lose), job) = (forgetful(), Pauses::default());
    let _center = start(&client, job.clone()).await;
    let run = PausesHandle::new(&client).invoke(()).await.unwrap();
    run.wait().await.unwrap_err();
    lose();
    run.resume().await.unwrap();
    sleep(Duration::from_secs(60)).await;
    assert_eq!((job.log.all().len(), run.info().await.unwrap().status), (2, Status::Paused));
}
