//! What happens to a job while its step is in a transaction.

use tokio::time::timeout;
use vtask::{CancelOutcome, WaitError};

use super::{Fault, LONG, Sell, SellHandle, ended, parcels, sale, shop};
use crate::database::{on_each_database, on_each_server};
use crate::setup::center;

on_each_database! {
    async fn cancel_is_answered_with_the_step_recorded(database) {
        let (client, raw) = shop(&database).await;
        let job = Sell::new();
        let center = center(&client).register(job.clone()).start().await.unwrap();
        let run = SellHandle::new(&client).invoke(sale(1, Fault::Wait)).await.unwrap();
        job.began.notified().await;
        let cancel = { let run = run.clone(); tokio::spawn(async move { run.cancel().await }) };
        // On SQLite the request waits for the writer, and may come too late.
        if database.kind() != Kind::Sqlite {
            assert_eq!(cancel.await.unwrap().unwrap(), CancelOutcome::Requested);
        }
        job.gate.add_permits(1);
        let outcome = ended(&run).await;
        let is_cancelled = matches!(outcome, Err(WaitError::Cancelled { .. }));
        assert!(is_cancelled || database.kind() == Kind::Sqlite, "{outcome:?}");
        assert_eq!(run.output(Sell::SHIP).await.unwrap(), Some(1));
        assert_eq!(parcels(&raw).await, 1);
        center.shutdown().await.unwrap();
    }

    async fn shutdown_records_a_step_that_ends_within_the_grace_and_takes_back_one_that_does_not(database) {
        let (client, raw) = shop(&database).await;
        let (handle, job) = (SellHandle::new(&client), Sell::new());
        for (id, permits, expected) in [(1, 1, 1), (2, 0, 1)] {
            let center = center(&client).grace(LONG / 100).register(job.clone()).start().await.unwrap();
            let run = handle.invoke(sale(id, Fault::Wait)).await.unwrap();
            job.began.notified().await;
            job.gate.add_permits(permits);
            timeout(LONG, center.shutdown()).await.expect("it ends").unwrap();
            assert_eq!(parcels(&raw).await, expected);
            assert_eq!(run.output(Sell::SHIP).await.unwrap().is_some(), permits > 0);
            assert_eq!(run.info().await.unwrap().failed_attempts, 0);
        }
    }
}

on_each_server! {
    async fn step_of_a_job_that_was_taken_over_leaves_nothing(database) {
        let (client, raw) = shop(&database).await;
        let job = Sell::new();
        let center = center(&client).register(job.clone()).start().await.unwrap();
        let run = SellHandle::new(&client).invoke(sale(1, Fault::Wait)).await.unwrap();
        job.began.notified().await;
        raw.execute("UPDATE task SET lease = lease + 1, boot = 0, wake_at = wake_at + 3600000000").await;
        job.gate.add_permits(1);
        // The connection of the first transaction is free again when another step has run.
        let other = SellHandle::new(&client).invoke(sale(2, Fault::None)).await.unwrap();
        assert_eq!(ended(&other).await.unwrap(), 2);
        center.shutdown().await.unwrap();
        assert_eq!(run.output(Sell::SHIP).await.unwrap(), None);
        assert_eq!(parcels(&raw).await, 1);
    }
}
