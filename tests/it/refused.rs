//! Writes that the storage refuses.

use std::time::Duration;

use tokio::time::sleep;
use vtask::{Attempt, Client, InvokeError, Status, StorageError, job};

use crate::hooked::{Fault, Hooked, faulty};
use crate::jobs::{OnceHandle, Thanks, ThanksHandle};
use crate::log::Log;
use crate::setup::start;

/// A storage that refuses one write, by its number from 1.
fn refuses_write(refused: u32) -> Hooked {
    let mut writes = 0;
    faulty(move |name| {
        writes += u32::from(name == "write");
        (name == "write" && writes == refused).then_some(Fault::Refuse)
    })
}

#[tokio::test(start_paused = true)]
async fn refused_write_of_a_callback_gives_it_up_and_keeps_the_outcome() {
    let (client, job) = (Client::with_seed(refuses_write(2), 1), Thanks::default());
    let _center = start(&client, job.clone()).await;
    let run = ThanksHandle::new(&client).invoke(()).await.unwrap();
    assert_eq!(run.wait().await.unwrap(), 1);
    sleep(Duration::from_secs(60)).await;
    let info = run.info().await.unwrap();
    assert_eq!((info.status, info.is_held), (Status::Succeeded, false), "{:?}", info.error);
    assert_eq!(job.log.all(), ["thank"]);
}

#[derive(Clone, Default)]
struct Tells {
    log: Log,
}

#[job]
impl Tells {
    #[step]
    async fn only(&self, attempt: &Attempt) -> anyhow::Result<u32> {
        self.log.add("only");
        attempt.progress(0.5, "half");
        sleep(Duration::from_secs(5)).await;
        Ok(1)
    }
}

#[tokio::test(start_paused = true)]
async fn refused_report_of_progress_does_not_touch_the_job() {
    let (client, job) = (Client::with_seed(refuses_write(1), 1), Tells::default());
    let _center = start(&client, job.clone()).await;
    let run = TellsHandle::new(&client).invoke(()).await.unwrap();
    assert_eq!(run.wait().await.unwrap(), 1);
    assert_eq!(job.log.all(), ["only"]);
}

#[tokio::test(start_paused = true)]
async fn refusal_is_told_to_each_of_many() {
    let client = Client::with_seed(faulty(|name| (name == "insert").then_some(Fault::Refuse)), 1);
    for refused in OnceHandle::new(&client).invoke_many([(), ()]).await {
        assert!(matches!(refused, Err(InvokeError::Storage { source: StorageError::Refused(_), .. })), "{refused:?}");
    }
}
