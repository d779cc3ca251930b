//! A deadlock that the step passes over, after which it goes on writing.

use std::sync::Arc;

use sea_orm::{ConnectionTrait, DatabaseTransaction, TransactionTrait};
use tokio::sync::Notify;
use tokio::time::timeout;
use vtask::{Attempt, HistoryEvent, job};

use super::{LONG, parcels, shop};
use crate::database::on_each_server;
use crate::setup::center;

/// Locks row 1 and then row 2, and does not mind if it gets neither.
#[derive(Clone, Default)]
struct Crossing {
    has_first: Arc<Notify>,
    other_has_second: Arc<Notify>,
}

#[job]
impl Crossing {
    #[step(retry = 1, period = "10ms", timeout = "20s")]
    async fn cross(&self, tx: &DatabaseTransaction, attempt: &Attempt) -> anyhow::Result<bool> {
        tx.execute_unprepared("INSERT INTO parcels VALUES (1)").await?;
        let mut is_victim = false;
        if attempt.number() == 1 {
            tx.execute_unprepared("UPDATE stock SET pieces = 1 WHERE id = 1").await?;
            self.has_first.notify_one();
            self.other_has_second.notified().await;
            is_victim = tx.execute_unprepared("UPDATE stock SET pieces = 1 WHERE id = 2").await.is_err();
            // What a deadlock has rolled back is gone, and this must not be there without it.
            let _ = tx.execute_unprepared("INSERT INTO parcels VALUES (2)").await;
        }
        Ok(is_victim)
    }
}

on_each_server! {
    async fn deadlock_that_was_passed_over_leaves_nothing(database) {
        let (client, raw) = shop(&database).await;
        raw.execute("CREATE TABLE stock (id INTEGER PRIMARY KEY, pieces INTEGER)").await;
        for id in 1..=40 {
            raw.execute(&format!("INSERT INTO stock VALUES ({id}, 0)")).await;
        }
        let job = Crossing::default();
        let center = center(&client).register(job.clone()).start().await.unwrap();
        let run = CrossingHandle::new(&client).invoke(()).await.unwrap();

        // The larger transaction wins on the one, the more patient one on the other.
        let other = raw.0.begin().await.unwrap();
        if database.kind() == Kind::Postgres {
            other.execute_unprepared("SET LOCAL deadlock_timeout = '15s'").await.unwrap();
        }
        other.execute_unprepared("UPDATE stock SET pieces = 2 WHERE id > 1").await.unwrap();
        job.has_first.notified().await;
        job.other_has_second.notify_one();
        other.execute_unprepared("UPDATE stock SET pieces = 2 WHERE id = 1").await.unwrap();
        other.commit().await.unwrap();

        let was_victim = timeout(LONG, run.wait()).await.expect("it ends").unwrap();
        assert!(!was_victim, "the attempt that counts is the second");
        let history = run.info().await.unwrap().history;
        let events: Vec<HistoryEvent> = history.iter().map(|entry| entry.event).collect();
        assert_eq!(events, [HistoryEvent::Failed, HistoryEvent::Recorded]);
        let error = history[0].error.as_deref().unwrap_or_default();
        assert!(error.contains("has ended the step's transaction"), "{error}");
        assert_eq!(parcels(&raw).await, 1, "the second parcel was of the attempt that failed");
        center.shutdown().await.unwrap();
    }
}
