//! Panics in what a user writes outside of a step's body.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tokio::time::timeout;
use vtask::{Job, JobContext, JobInfo, JobRun, Status, WaitError, job};

use crate::jobs::{Once, OnceHandle};
use crate::log::Log;
use crate::setup::{center, paused_client};

const LONG: Duration = Duration::from_secs(3600);

/// What `wait` said, and what the job looks like then.
async fn ended<J: Job>(run: &JobRun<J>) -> (WaitError, JobInfo)
where
    J::Output: fmt::Debug,
{
    let error = timeout(LONG, run.wait()).await.expect("the job comes to an end").unwrap_err();
    (error, run.info().await.unwrap())
}

#[derive(Debug, Clone, Deserialize)]
struct NotWritten;

impl Serialize for NotWritten {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("in Serialize")
    }
}

#[derive(Clone, Default)]
struct Outputs {
    log: Log,
}

#[job]
impl Outputs {
    #[step]
    async fn charge(&self) -> anyhow::Result<NotWritten> {
        self.log.add("charged");
        Ok(NotWritten)
    }
}

#[tokio::test(start_paused = true)]
async fn panic_in_serialize_of_an_output_is_a_failed_attempt() {
    let (client, job) = (paused_client(), Outputs::default());
    let _center = center(&client).register(job.clone()).register(Once::default()).start().await.unwrap();
    let (_, info) = ended(&OutputsHandle::new(&client).invoke(()).await.unwrap()).await;
    assert_eq!((info.status, info.failed_attempts, info.crashes), (Status::Failed, 1, 0));
    assert!(info.error.as_deref().is_some_and(|error| error.contains("in Serialize")), "{:?}", info.error);
    assert_eq!(job.log.all(), ["charged"]);
    assert_eq!(OnceHandle::new(&client).invoke(()).await.unwrap().wait().await.unwrap(), 1, "the center goes on");
}

#[derive(Debug)]
struct NotShown;

impl fmt::Display for NotShown {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("in Display")
    }
}

impl std::error::Error for NotShown {}

#[derive(Clone, Default)]
struct Errs {
    log: Log,
}

#[job]
impl Errs {
    #[step]
    async fn charge(&self) -> Result<u32, NotShown> {
        self.log.add("charged");
        Err(NotShown)
    }
}

#[tokio::test(start_paused = true)]
async fn panic_in_display_of_an_error_is_a_failed_attempt() {
    let (client, job) = (paused_client(), Errs::default());
    let _center = center(&client).register(job.clone()).register(Once::default()).start().await.unwrap();
    let (_, info) = ended(&ErrsHandle::new(&client).invoke(()).await.unwrap()).await;
    assert_eq!((info.status, info.failed_attempts, info.crashes), (Status::Failed, 1, 0));
    assert_eq!(job.log.all(), ["charged"]);
    assert_eq!(OnceHandle::new(&client).invoke(()).await.unwrap().wait().await.unwrap(), 1, "the center goes on");
}

#[derive(Debug, Serialize, JobContext)]
struct NotRead {
    #[context(keyword)]
    id: u32,
}

impl<'de> Deserialize<'de> for NotRead {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        panic!("in Deserialize")
    }
}

#[derive(Clone, Default)]
struct Reads {
    log: Log,
}

#[job]
impl Reads {
    #[step]
    async fn charge(&self, data: &NotRead) -> anyhow::Result<u32> {
        self.log.add("charged");
        Ok(data.id)
    }
}

#[tokio::test(start_paused = true)]
async fn panic_in_deserialize_of_the_data_ends_the_wait() {
    let (client, job) = (paused_client(), Reads::default());
    let _center = center(&client).register(job.clone()).register(Once::default()).start().await.unwrap();
    let (error, info) = ended(&ReadsHandle::new(&client).invoke(NotRead { id: 1 }).await.unwrap()).await;
    assert!(matches!(error, WaitError::Paused { .. } | WaitError::Failed { .. }), "{error:?}");
    assert_eq!((info.is_held, job.log.all().len()), (false, 0));
    assert_eq!(OnceHandle::new(&client).invoke(()).await.unwrap().wait().await.unwrap(), 1, "the center goes on");
}
