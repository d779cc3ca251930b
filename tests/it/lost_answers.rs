//! Operators' acts that are carried out while their answers are lost.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::sleep;
use vtask::{CancelOutcome, Client, HistoryEvent, PauseOutcome, Status, job};

use crate::hooked::{Call, Hooked, cut};
use crate::jobs::{Once, OnceHandle};
use crate::log::Log;
use crate::setup::{paused_storage, start};

/// A client that never hears of the next call of this name after `lose`: its connection breaks 5 s after the commit, in
/// which time the engine goes on with the job.
fn forgetful(name: &'static str) -> (Client, impl Fn()) {
    let lose = Arc::new(AtomicBool::new(false));
    let loses = Arc::clone(&lose);
    let storage = Hooked::new(paused_storage(), move |call| {
        let is_lost = call.name == name && loses.swap(false, Ordering::SeqCst);
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
    let ((client, lose), job) = (forgetful("write"), Once::default());
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
    let (client, lose) = forgetful("write");
    let _center = start(&client, Once::default()).await;
    let run = OnceHandle::new(&client).invoke(()).delay(Duration::from_secs(1000)).await.unwrap();
    lose();
    assert_eq!(run.cancel().await.unwrap(), CancelOutcome::Cancelled);
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
    let ((client, lose), job) = (forgetful("write"), Pauses::default());
    let _center = start(&client, job.clone()).await;
    let run = PausesHandle::new(&client).invoke(()).await.unwrap();
    run.wait().await.unwrap_err();
    lose();
    run.resume().await.unwrap();
    sleep(Duration::from_secs(60)).await;
    assert_eq!((job.log.all().len(), run.info().await.unwrap().status), (2, Status::Paused));
}

#[tokio::test(start_paused = true)]
async fn pause_whose_answer_is_lost_says_what_it_did() {
    let (client, lose) = forgetful("write");
    let run = OnceHandle::new(&client).invoke(()).delay(Duration::from_secs(1000)).await.unwrap();
    lose();
    assert_eq!(run.pause().await.unwrap(), PauseOutcome::Paused);
    let info = run.info().await.unwrap();
    let events: Vec<HistoryEvent> = info.history.iter().map(|entry| entry.event).collect();
    assert_eq!((info.status, events), (Status::Paused, vec![HistoryEvent::Paused]));
}

#[tokio::test(start_paused = true)]
async fn pause_whose_answer_is_lost_while_somebody_else_resumes_happens_once() {
    let (client, lose) = forgetful("write");
    let run = OnceHandle::new(&client).invoke(()).delay(Duration::from_secs(1000)).await.unwrap();
    lose();
    let other = run.clone();
    tokio::spawn(async move {
        sleep(Duration::from_secs(2)).await;
        other.resume().await.unwrap();
    });
    assert_eq!(run.pause().await.unwrap(), PauseOutcome::Paused);
    assert_eq!(run.info().await.unwrap().status, Status::Running, "it was resumed after that");
}

/// Its first step takes 3 s.
struct Twice;

#[job]
impl Twice {
    #[step]
    async fn first(&self) -> anyhow::Result<u32> {
        sleep(Duration::from_secs(3)).await;
        Ok(1)
    }

    #[step]
    async fn second(&self, first: &u32) -> anyhow::Result<u32> {
        Ok(first + 1)
    }
}

#[tokio::test(start_paused = true)]
async fn request_whose_answer_is_lost_was_made() {
    let (client, lose) = forgetful("request");
    let _center = start(&client, Twice).await;
    let handle = TwiceHandle::new(&client);
    for status in [Status::Paused, Status::Cancelled] {
        let run = handle.invoke(()).await.unwrap();
        sleep(Duration::from_secs(1)).await;
        lose();
        match status {
            Status::Paused => assert_eq!(run.pause().await.unwrap(), PauseOutcome::Requested),
            _ => assert_eq!(run.cancel().await.unwrap(), CancelOutcome::Requested),
        }
        assert_eq!(run.info().await.unwrap().status, status, "it was served before the answer was given up");
    }
}

#[tokio::test(start_paused = true)]
async fn request_that_is_taken_back_stays_so_when_the_answer_is_lost() {
    let (client, lose) = forgetful("request");
    let _center = start(&client, Twice).await;
    let run = TwiceHandle::new(&client).invoke(()).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(run.pause().await.unwrap(), PauseOutcome::Requested);
    lose();
    run.resume().await.unwrap();
    assert_eq!(run.info().await.unwrap().status, Status::Succeeded, "it has ended meanwhile");
}

#[tokio::test(start_paused = true)]
async fn record_of_which_a_copy_lands_after_another_was_refused_keeps_its_job() {
    let storage = paused_storage();
    let elsewhere = Client::with_seed(storage.clone(), 2);
    let (writes, late) = (AtomicUsize::new(0), Arc::new(Mutex::new(None::<Call>)));
    let hooked = Hooked::new(storage, move |call| {
        let number = if call.name == "write" { writes.fetch_add(1, Ordering::SeqCst) } else { usize::MAX };
        let (elsewhere, late) = (elsewhere.clone(), Arc::clone(&late));
        async move {
            match number {
                // Its connection breaks, and the server carries it out later.
                0 => {
                    *late.lock().unwrap() = Some(call);
                    return Err(cut());
                }
                1 => assert_eq!(elsewhere.pause("twice").await.unwrap(), PauseOutcome::Requested),
                // What serves the request comes behind the late copy, and the request is taken back before that.
                2 => {
                    elsewhere.resume("twice").await.unwrap();
                    let late = late.lock().unwrap().take().expect("there is one");
                    late.go().await.unwrap();
                }
                _ => {}
            }
            call.go().await
        }
    });
    let client = Client::with_seed(hooked, 1);
    let _center = start(&client, Twice).await;
    let begun = tokio::time::Instant::now();
    let run = TwiceHandle::new(&client).invoke(()).keyword("twice").await.unwrap();
    assert_eq!(run.wait().await.unwrap(), 2);
    assert!(begun.elapsed() < Duration::from_secs(4), "it was taken for somebody else's: {:?}", begun.elapsed());
}
