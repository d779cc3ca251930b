//! Deleting what ended long ago.

use std::time::{Duration, SystemTime};

use anyhow::bail;
use sea_orm::TransactionTrait;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use vtask::{CancelOutcome, JobContext, JobFilter, JobHandle, JobRun, RunError, Status, WaitError, job, stop};

use crate::database::{TestDatabase, on_each_database, on_each_server};
use crate::jobs::{Gated, GatedHandle, Once, OnceHandle};
use crate::log::Log;
use crate::setup::{center, start};

#[derive(Debug, Clone, Copy, Serialize, Deserialize, JobContext)]
enum End {
    Succeed,
    Fail,
    Pause,
}

struct Ends;

#[job]
impl Ends {
    #[step(on_exhausted = pause)]
    async fn only(&self, end: &End) -> anyhow::Result<u32> {
        match end {
            End::Succeed => Ok(1),
            End::Fail => Err(stop("as asked")),
            End::Pause => bail!("as asked"),
        }
    }
}

/// A job for each way to end, ended; the status is in its keyword.
async fn ended(handle: &JobHandle<Ends>, which: &str) -> Vec<JobRun<Ends>> {
    let keyword = |status: Status| format!("{which} {status:?}");
    let succeeded = handle.invoke(End::Succeed).keyword(keyword(Status::Succeeded)).await.unwrap();
    let failed = handle.invoke(End::Fail).keyword(keyword(Status::Failed)).await.unwrap();
    let cancelled = handle.invoke(End::Succeed).keyword(keyword(Status::Cancelled)).delay(HOUR).await.unwrap();
    assert_eq!(cancelled.cancel().await.unwrap(), CancelOutcome::Cancelled);
    assert_eq!(succeeded.wait().await.unwrap(), 1);
    assert!(matches!(failed.wait().await, Err(WaitError::Failed { .. })));
    vec![succeeded, failed, cancelled]
}

const HOUR: Duration = Duration::from_secs(3600);

fn tomorrow() -> SystemTime {
    SystemTime::now() + 24 * HOUR
}

async fn written(run: &JobRun<Ends>) -> SystemTime {
    run.info().await.unwrap().updated_at
}

/// Ends jobs until the database's clock, which may count in milliseconds only, has moved on; answers the last of them,
/// and how many ended before that.
async fn clock_tick(handle: &JobHandle<Ends>, after: SystemTime) -> (JobRun<Ends>, u64) {
    let mut early = 0;
    loop {
        let run = handle.invoke(End::Succeed).await.unwrap();
        run.wait().await.unwrap();
        if written(&run).await > after {
            return (run, early);
        }
        early += 1;
    }
}

/// Waits until no callback is outstanding. That of a cancelled job is, until a center has seen that there is none.
async fn assert_callbacks_end(database: &TestDatabase) {
    let (raw, outstanding) = (database.raw().await, "SELECT count(*) FROM task WHERE status <> 0 AND work = 1");
    let ended = async { while raw.number(outstanding).await > 0 {} };
    timeout(Duration::from_secs(20), ended).await.expect("they end");
}

async fn assert_purged(run: &JobRun<Ends>) {
    assert!(matches!(run.wait().await, Err(WaitError::NotFound { keyword }) if keyword == run.keyword()));
    assert!(matches!(run.info().await, Err(RunError::NotFound { keyword }) if keyword == run.keyword()));
}

on_each_database! {
    async fn only_what_ended_before_the_instant_is_deleted(database) {
        let (client, gated) = (database.client().await, Gated::closed());
        let center = center(&client).register(Ends).register(gated.clone()).start().await.unwrap();
        let (handle, gated_handle) = (JobHandle::<Ends>::new(&client), GatedHandle::new(&client));
        let running = gated_handle.invoke(()).await.unwrap();
        let delayed = handle.invoke(End::Succeed).delay(HOUR).await.unwrap();
        let paused = handle.invoke(End::Pause).await.unwrap();
        assert!(matches!(paused.wait().await, Err(WaitError::Paused { .. })));
        let old = ended(&handle, "old").await;
        assert_callbacks_end(&database).await;
        let mut last = written(&old[0]).await;
        for run in &old[1..] {
            last = last.max(written(run).await);
        }
        let (tick, early) = clock_tick(&handle, last).await;
        let new = ended(&handle, "new").await;
        assert_callbacks_end(&database).await;

        assert_eq!(client.purge(written(&tick).await).await.unwrap(), 3 + early);
        for run in &old {
            assert_purged(run).await;
        }
        assert_eq!(tick.wait().await.unwrap(), 1, "it did not end before the instant at which it ended");
        for run in &new {
            assert!(run.info().await.is_ok(), "{} ended later", run.keyword());
        }

        assert_eq!(client.purge(tomorrow()).await.unwrap(), 4, "tomorrow those ended long ago");
        let mut left = client.list(&JobFilter::default()).await.unwrap().jobs;
        left.retain(|job| ![running.id(), delayed.id(), paused.id()].contains(&job.id));
        assert_eq!(left, []);
        assert_eq!(paused.info().await.unwrap().status, Status::Paused);
        assert_eq!(delayed.info().await.unwrap().status, Status::Running);
        gated.gate.add_permits(1);
        assert_eq!(running.wait().await.unwrap(), 1, "it is not disturbed");
        center.shutdown().await.unwrap();
    }

    async fn more_than_a_slice_of_jobs_is_deleted(database) {
        let client = database.client().await;
        let center = start(&client, Ends).await;
        for run in JobHandle::<Ends>::new(&client).invoke_many(vec![End::Succeed; 600]).await {
            run.unwrap().wait().await.unwrap();
        }
        assert_eq!(client.purge(tomorrow()).await.unwrap(), 600);
        assert_eq!(client.list(&JobFilter::default()).await.unwrap().jobs, []);
        assert_eq!(client.purge(tomorrow()).await.unwrap(), 0);
        center.shutdown().await.unwrap();
    }

    async fn purged_keyword_may_be_invoked_again(database) {
        let client = database.client().await;
        let center = start(&client, Ends).await;
        let handle = JobHandle::<Ends>::new(&client);
        let first = handle.invoke(End::Fail).keyword("k").await.unwrap();
        assert!(matches!(first.wait().await, Err(WaitError::Failed { .. })));
        assert!(!handle.invoke(End::Succeed).keyword("k").await.unwrap().created());
        assert_eq!(client.purge(tomorrow()).await.unwrap(), 1);
        let second = handle.invoke(End::Succeed).keyword("k").await.unwrap();
        assert!(second.created() && second.id() != first.id());
        assert_eq!(second.wait().await.unwrap(), 1);
        assert_purged(&first).await;
        center.shutdown().await.unwrap();
    }

    async fn job_whose_callback_is_due_is_not_deleted(database) {
        let (client, job) = (database.client().await, Thanks::default());
        let center = start(&client, job.clone()).await;
        let run = ThanksHandle::new(&client).invoke(()).await.unwrap();
        assert_eq!(run.wait().await.unwrap(), 1);
        assert_eq!(client.purge(tomorrow()).await.unwrap(), 0, "its callback has not ended");
        job.gate.add_permits(1);
        let deleted = async { while client.purge(tomorrow()).await.unwrap() == 0 {} };
        timeout(Duration::from_secs(20), deleted).await.expect("it goes once its callback has ended");
        assert_eq!(job.log.all(), ["thanked"]);
        assert!(client.find(run.keyword()).await.unwrap().is_none());
        center.shutdown().await.unwrap();
    }
}

/// Its callback waits for a permit.
#[derive(Clone)]
struct Thanks {
    log: Log,
    gate: std::sync::Arc<Semaphore>,
}

impl Default for Thanks {
    fn default() -> Self {
        Self { log: Log::default(), gate: std::sync::Arc::new(Semaphore::new(0)) }
    }
}

#[job]
impl Thanks {
    #[step]
    async fn only(&self) -> anyhow::Result<u32> {
        Ok(1)
    }

    #[on_success]
    async fn thank(&self) -> anyhow::Result<()> {
        self.gate.acquire().await?.forget();
        self.log.add("thanked");
        Ok(())
    }
}

on_each_server! {
    async fn locked_job_is_left_to_the_next_purge_and_stops_it_from_nothing(database) {
        let (client, raw) = (database.client().await, database.raw().await);
        let handle = OnceHandle::new(&client);
        let center = start(&client, Once::default()).await;
        for keyword in ["a", "locked", "c"] {
            handle.invoke(()).keyword(keyword).await.unwrap().wait().await.unwrap();
        }
        center.shutdown().await.unwrap();
        // Whoever invokes a keyword within a transaction holds it until the end.
        let stranger = raw.0.begin().await.unwrap();
        handle.invoke(()).keyword("locked").within(&stranger).await.unwrap();
        assert_eq!(timeout(Duration::from_secs(20), client.purge(tomorrow())).await.expect("it waits for nobody").unwrap(), 2);
        stranger.commit().await.unwrap();
        assert_eq!(client.purge(tomorrow()).await.unwrap(), 1);
    }
}

on_each_database! {
    async fn purge_reads_little_of_what_is_newer(database) {
        let (client, raw) = (database.client().await, database.raw().await);
        for invoked in OnceHandle::new(&client).invoke_many((0..600).map(|_| ())).await {
            invoked.unwrap();
        }
        raw.execute("UPDATE task SET status = 2, work = 0").await;
        let last = raw.number("SELECT max(id) FROM task").await;
        raw.execute(&format!("UPDATE task SET create_time = 1, update_time = 1 WHERE id = {last}")).await;
        let yesterday = SystemTime::now() - 24 * HOUR;
        // No job is as old behind as many new ones; it shows how far is read.
        assert_eq!(client.purge(yesterday).await.unwrap(), 0);
        raw.execute(&format!("UPDATE task SET create_time = create_time + 4000000000000000 WHERE id < {last}")).await;
        assert_eq!(client.purge(yesterday).await.unwrap(), 1, "what came in the future is passed over");
        let last = raw.number("SELECT max(id) FROM task").await;
        raw.execute("UPDATE task SET create_time = 1").await;
        raw.execute(&format!("UPDATE task SET update_time = 1 WHERE id = {last}")).await;
        assert_eq!(client.purge(yesterday).await.unwrap(), 1, "what is kept of that age is passed over");
    }
}
