//! What the engine's statements read: guards against plans that go through what has ended, or the whole table.

use std::time::Duration;

use vtask::{JobCenter, job};

use crate::database::{Kind, Raw, TestDatabase, on_each_server};
use crate::fleet::eventually;

/// So many jobs run before those that are counted, and leave what they have changed in the indexes.
const BEFORE: usize = 1000;
const COUNTED: usize = 500;
/// Three records, a claim and a look read some five entries of indexes a job; heartbeats and looks for nodes a few more.
const MOST_READS: i64 = 40;

/// Until jobs are due.
const SOON: Duration = Duration::from_millis(1);

struct Walk;

#[job]
impl Walk {
    #[step]
    async fn left(&self) -> anyhow::Result<()> {
        Ok(())
    }
    #[step]
    async fn right(&self) -> anyhow::Result<()> {
        Ok(())
    }
    #[step]
    async fn home(&self) -> anyhow::Result<()> {
        Ok(())
    }
}

/// Runs so many jobs, and lets go of every connection: then the server has counted what they did.
async fn walk(database: &TestDatabase, jobs: usize) {
    let client = database.client().await;
    let center = JobCenter::builder(&client).concurrency(64).register(Walk).start().await.unwrap();
    // What is due at once may start without a claim.
    for run in WalkHandle::new(&client).invoke_many(vec![(); jobs]).delay(SOON).await {
        run.unwrap().wait().await.unwrap();
    }
    center.shutdown().await.unwrap();
}

impl TestDatabase {
    /// How many rows and entries of indexes of the jobs the server has read until now.
    async fn reads(&self, raw: &Raw, jobs: usize) -> i64 {
        let (written, read) = match self.kind() {
            Kind::Postgres => (
                "SELECT n_tup_ins FROM pg_stat_user_tables WHERE relname = 'task'".to_owned(),
                "SELECT (sum(idx_tup_read) + (SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'task'))::bigint \
                 FROM pg_stat_user_indexes WHERE relname = 'task'"
                    .to_owned(),
            ),
            _ => {
                let of_task = |column: &str| {
                    format!(
                        "SELECT cast(coalesce(sum({column}), 0) AS signed) FROM information_schema.table_statistics WHERE table_schema \
                         = '{}' AND table_name = 'task'",
                        self.name()
                    )
                };
                // Each job is inserted, claimed and recorded three times.
                (of_task("rows_changed div 5"), of_task("rows_read"))
            }
        };
        let all = i64::try_from(jobs).unwrap();
        eventually("the server has counted all", || async { raw.number(&written).await >= all }).await;
        raw.number(&read).await
    }
}

on_each_server! {
    async fn job_reads_no_more_the_more_have_ended(database) {
        let raw = database.raw().await;
        drop(database.client().await);
        match database.kind() {
            // Else what has ended is cleared away in the middle of it, or not.
            Kind::Postgres => drop(raw.execute("ALTER TABLE task SET (autovacuum_enabled = false)").await),
            _ => drop(raw.execute("SET GLOBAL userstat = ON").await),
        }
        walk(&database, BEFORE).await;
        let before = database.reads(&raw, BEFORE).await;
        walk(&database, COUNTED).await;
        let reads = database.reads(&raw, BEFORE + COUNTED).await - before;
        let a_job = reads / i64::try_from(COUNTED).unwrap();
        assert!(a_job <= MOST_READS, "{a_job} rows or entries were read for each job");
    }
}
