//! A connection that is lost in the middle of a step.

use std::sync::Arc;

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, Statement};
use tokio::time::timeout;
use vtask::{HistoryEvent, job};

use super::{LONG, parcels, shop};
use crate::database::{Raw, on_each_server};
use crate::log::Log;
use crate::setup::center;

/// Loses the connection of its first run.
#[derive(Clone)]
struct Cut {
    raw: Arc<Raw>,
    log: Log,
}

#[job]
impl Cut {
    #[step]
    async fn cut(&self, tx: &DatabaseTransaction) -> anyhow::Result<usize> {
        self.log.add("run");
        tx.execute_unprepared("INSERT INTO parcels VALUES (1)").await?;
        if self.log.all().len() == 1 {
            let backend = tx.get_database_backend();
            let (ask, end) = match backend {
                DbBackend::Postgres => ("SELECT pg_backend_pid()::bigint", "SELECT pg_terminate_backend("),
                _ => ("SELECT CAST(CONNECTION_ID() AS SIGNED)", "KILL ("),
            };
            let row = tx.query_one_raw(Statement::from_string(backend, ask)).await?.expect("it has a number");
            self.raw.execute(&format!("{end}{})", row.try_get_by_index::<i64>(0)?)).await;
            tx.execute_unprepared("INSERT INTO parcels VALUES (2)").await?;
        }
        Ok(self.log.all().len())
    }
}

on_each_server! {
    async fn step_that_loses_its_connection_runs_again_and_has_spent_no_attempt(database) {
        let (client, raw) = shop(&database).await;
        let job = Cut { raw: Arc::new(raw), log: Log::default() };
        let center = center(&client).register(job.clone()).start().await.unwrap();
        let run = CutHandle::new(&client).invoke(()).await.unwrap();
        assert_eq!(timeout(LONG, run.wait()).await.expect("it ends").expect("it may not fail at all"), 2);
        let history = run.info().await.unwrap().history;
        assert_eq!(history.iter().map(|entry| entry.event).collect::<Vec<_>>(), [HistoryEvent::Recorded]);
        assert_eq!(parcels(&job.raw).await, 1);
        center.shutdown().await.unwrap();
    }
}
