//! A center that is at work while something happens to its database.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use vtask::{Client, JobCenter, JobRun, job};

use super::eventually;
use crate::database::{Raw, TestDatabase};
use crate::log::Log;

const JOBS: usize = 40;
/// Longer than any of these faults, so that no step runs twice.
const LEASE: Duration = Duration::from_secs(90);
/// It takes 1.5 to 2 s, and longer on a machine that does other work.
pub(super) const SOON: Duration = Duration::from_secs(20);

#[derive(Clone, Default)]
pub(super) struct Plods {
    log: Log,
}

impl Plods {
    async fn step(&self) -> anyhow::Result<u32> {
        self.log.add("step");
        sleep(Duration::from_millis(200)).await;
        Ok(1)
    }
}

#[job]
impl Plods {
    #[step]
    async fn one(&self) -> anyhow::Result<u32> {
        self.step().await
    }

    #[step]
    async fn two(&self, one: &u32) -> anyhow::Result<u32> {
        Ok(one + self.step().await?)
    }

    #[step]
    async fn three(&self, two: &u32) -> anyhow::Result<u32> {
        Ok(two + self.step().await?)
    }
}

/// A center that is at work, and the eyes of the test.
pub(super) struct Work {
    pub(super) client: Client,
    job: Plods,
    raw: Raw,
    pub(super) runs: Vec<JobRun<Plods>>,
    _center: JobCenter,
}

impl Work {
    /// Begins, at this URL, and has some steps recorded when it returns.
    pub(super) async fn begun(database: &TestDatabase, url: &str) -> Self {
        let (client, job) = (Client::connect(url).await.expect("it can be reached"), Plods::default());
        let center = JobCenter::builder(&client).host("one").concurrency(10).lease(LEASE);
        let center = center.register(job.clone()).start().await.unwrap();
        let mut work = Self { client, job, raw: database.raw().await, runs: Vec::new(), _center: center };
        work.add_jobs().await;
        work
    }

    /// Gives it more to do, and has some of that recorded when it returns.
    pub(super) async fn add_jobs(&mut self) {
        let before = self.recorded().await;
        let runs = PlodsHandle::new(&self.client).invoke_many(vec![(); JOBS]).await;
        self.runs.extend(runs.into_iter().map(|run| run.unwrap()));
        eventually("some steps are recorded", || async { self.recorded().await > before + 12 }).await;
    }

    pub(super) async fn recorded(&self) -> i64 {
        self.raw.number("SELECT count(*) FROM task WHERE step > 1").await
            + self.raw.number("SELECT count(*) FROM task WHERE step > 2").await
            + self.raw.number("SELECT count(*) FROM task WHERE step > 3").await
    }

    /// Waits until something is recorded, and answers how long that took.
    pub(super) async fn resumed(&self, before: i64) -> Duration {
        let begun = Instant::now();
        eventually("a step is recorded", || async { self.recorded().await > before }).await;
        begun.elapsed()
    }

    /// Waits for all ends. No step ran twice: its lease outlives the fault.
    pub(super) async fn check(self) {
        for run in &self.runs {
            assert_eq!(timeout(Duration::from_secs(60), run.wait()).await.expect("it ends").unwrap(), 3);
            let info = run.info().await.unwrap();
            assert_eq!((info.failed_attempts, info.crashes, info.history.len()), (0, 0, 3), "{info:#?}");
        }
        assert_eq!(self.job.log.all().len(), 3 * self.runs.len());
    }
}
