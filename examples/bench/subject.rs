//! A type of job as a value, so that the command line can say how many steps it has.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use vtask::{Client, JobCenter, JobHandle, JobId};

use crate::jobs::{Board, Eight, Five, Four, Measured, Nine, One, Parcel, Seven, Six, Ten, Three, Two};

/// A type of job.
#[derive(Clone, Copy)]
pub(crate) struct Subject {
    pub(crate) steps: u32,
    register: fn(vtask::JobCenterBuilder, &Arc<Board>) -> vtask::JobCenterBuilder,
    handle: fn(&Client) -> Arc<dyn Jobs>,
}

const ALL: [Subject; 10] = [
    Subject::of::<One>(),
    Subject::of::<Two>(),
    Subject::of::<Three>(),
    Subject::of::<Four>(),
    Subject::of::<Five>(),
    Subject::of::<Six>(),
    Subject::of::<Seven>(),
    Subject::of::<Eight>(),
    Subject::of::<Nine>(),
    Subject::of::<Ten>(),
];

impl Subject {
    const fn of<J: Measured>() -> Self {
        Self {
            steps: J::STEPS,
            register: |builder, board| builder.register(J::new(board)),
            handle: |client| Arc::new(JobHandle::<J>::new(client)),
        }
    }

    /// The job of 1 to 10 steps.
    pub(crate) fn of_steps(steps: usize) -> Self {
        ALL[steps - 1]
    }

    /// Starts to run jobs, so many at a time.
    pub(crate) async fn work(
        self,
        client: &Client,
        board: &Arc<Board>,
        concurrency: usize,
    ) -> anyhow::Result<JobCenter> {
        let center = JobCenter::builder(client).host("bench").concurrency(concurrency);
        Ok((self.register)(center, board).start().await?)
    }

    pub(crate) fn jobs(self, client: &Client) -> Arc<dyn Jobs> {
        (self.handle)(client)
    }

    /// "1 step", "3 steps".
    pub(crate) fn label(self) -> String {
        if self.steps == 1 { "1 step".to_owned() } else { format!("{} steps", self.steps) }
    }
}

/// The handle of a type of job.
#[async_trait]
pub(crate) trait Jobs: Send + Sync {
    /// Saves a job.
    async fn invoke(&self, parcel: Parcel) -> anyhow::Result<JobId>;

    /// Saves a job that is due in a year.
    async fn invoke_later(&self, parcel: Parcel) -> anyhow::Result<JobId>;

    /// Saves a job and waits for its output.
    async fn finish(&self, parcel: Parcel) -> anyhow::Result<JobId>;

    /// Saves jobs together.
    async fn invoke_many(&self, parcels: Vec<Parcel>) -> anyhow::Result<()>;
}

#[async_trait]
impl<J: Measured> Jobs for JobHandle<J> {
    async fn invoke(&self, parcel: Parcel) -> anyhow::Result<JobId> {
        Ok(self.invoke(parcel).await?.id())
    }

    async fn invoke_later(&self, parcel: Parcel) -> anyhow::Result<JobId> {
        Ok(self.invoke(parcel).delay(Duration::from_secs(365 * 24 * 3600)).await?.id())
    }

    async fn finish(&self, parcel: Parcel) -> anyhow::Result<JobId> {
        let run = self.invoke(parcel).await?;
        run.wait().await?;
        Ok(run.id())
    }

    async fn invoke_many(&self, parcels: Vec<Parcel>) -> anyhow::Result<()> {
        self.invoke_many(parcels).await.into_iter().try_for_each(|run| run.map(drop))?;
        Ok(())
    }
}
