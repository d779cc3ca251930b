//! Nested transactions that a step leaves to a task, or loses with the outer one.

use std::sync::Arc;

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, TransactionTrait};
use tokio::sync::{Notify, Semaphore};
use tokio::time::timeout;
use vtask::{Attempt, HistoryEvent, JobContext, job};

use super::{LONG, parcels, shop};
use crate::database::{on_each_server, on_server};
use crate::setup::center;

/// Leaves a nested transaction to a task in its first attempt, which comes to nothing.
#[derive(Clone)]
struct Leaves {
    gate: Arc<Semaphore>,
    ended: Arc<Notify>,
}

/// How the first attempt ends.
#[derive(Debug, serde::Serialize, serde::Deserialize, JobContext)]
enum First {
    /// With an error, while the task does nothing.
    Fails,
    /// By its timeout, while the task waits for an answer.
    TimesOut,
}

#[job]
impl Leaves {
    #[step(retry = 1, period = "10ms", timeout = "1s")]
    async fn leave(&self, first: &First, tx: &DatabaseTransaction, attempt: &Attempt) -> anyhow::Result<()> {
        if attempt.number() > 1 {
            tx.execute_unprepared("INSERT INTO parcels VALUES (3)").await?;
            return Ok(());
        }
        tx.execute_unprepared("INSERT INTO parcels VALUES (1)").await?;
        let (nested, job) = (tx.begin().await?, self.clone());
        let sleep = if tx.get_database_backend() == DbBackend::Postgres { "pg_sleep" } else { "SLEEP" };
        let sleep = matches!(first, First::TimesOut).then(|| format!("SELECT {sleep}(3)"));
        let hangs = sleep.is_some();
        tokio::spawn(async move {
            if let Some(sleep) = sleep {
                nested.execute_unprepared(&sleep).await.unwrap();
            } else {
                job.gate.acquire().await.unwrap().forget();
            }
            // Whatever becomes of them.
            drop(nested.execute_unprepared("INSERT INTO parcels VALUES (2)").await);
            drop(nested.commit().await);
            job.ended.notify_one();
        });
        if hangs {
            std::future::pending::<()>().await;
        }
        anyhow::bail!("the label is torn")
    }
}

/// Allows the statements of all steps to take longer than the other one may.
struct Long;

#[job]
impl Long {
    #[step(timeout = "20s")]
    async fn long(&self, _tx: &DatabaseTransaction) -> anyhow::Result<()> {
        Ok(())
    }
}

on_each_server! {
    async fn nothing_of_a_failed_attempt_is_committed_by_a_task_that_it_has_left_behind(database) {
        for first in [First::Fails, First::TimesOut] {
            let (client, raw) = shop(&database).await;
            let job = Leaves { gate: Arc::new(Semaphore::new(0)), ended: Arc::default() };
            let center = center(&client).register(job.clone()).register(Long).start().await.unwrap();
            let said = format!("{first:?}");
            let run = LeavesHandle::new(&client).invoke(first).keyword(&said).await.unwrap();
            timeout(LONG, run.wait()).await.expect("it ends").expect("its second attempt succeeds");
            job.gate.add_permits(1);
            timeout(LONG, job.ended.notified()).await.expect("the task ends");
            assert_eq!(parcels(&raw).await, 1, "{said}");
            let events: Vec<_> = run.info().await.unwrap().history.iter().map(|entry| entry.event).collect();
            assert_eq!(events, [HistoryEvent::Failed, HistoryEvent::Recorded], "{said}");
            raw.execute("DROP TABLE parcels").await;
            center.shutdown().await.unwrap();
        }
    }
}

/// Goes on after an error, with a nested transaction: that does not begin, and the driver rolls back the outer one.
struct Stumbles;

#[job]
impl Stumbles {
    #[step(retry = 1, period = "10ms")]
    async fn stumble(&self, tx: &DatabaseTransaction, attempt: &Attempt) -> anyhow::Result<()> {
        if attempt.number() == 1 {
            tx.execute_unprepared("INSERT INTO nowhere VALUES (1)").await.unwrap_err();
            tx.begin().await.unwrap_err();
            tx.execute_unprepared("INSERT INTO parcels VALUES (1)").await.unwrap_err();
            // By now it is one of its own.
            let other = tx.begin().await?;
            other.execute_unprepared("INSERT INTO parcels VALUES (2)").await.unwrap_err();
        }
        tx.execute_unprepared("INSERT INTO parcels VALUES (3)")
            .await
            .map(drop)
            .or_else(|error| if attempt.number() == 1 { Ok(()) } else { Err(error.into()) })
    }
}

on_server! { Postgres:
    async fn what_a_step_writes_after_its_transaction_has_ended_is_refused(database) {
        let (client, raw) = shop(&database).await;
        let center = center(&client).register(Stumbles).start().await.unwrap();
        let run = StumblesHandle::new(&client).invoke(()).await.unwrap();
        timeout(LONG, run.wait()).await.expect("it ends").unwrap();
        assert_eq!(run.info().await.unwrap().history.len(), 2, "an attempt has failed, and one has not");
        assert_eq!(raw.number("SELECT count(*) FROM parcels WHERE id = 3").await, 1);
        assert_eq!(parcels(&raw).await, 1);
        center.shutdown().await.unwrap();
    }
}
