//! A session that the server ends.

use std::time::Duration;

use sea_orm::{ConnectionTrait, TransactionTrait};
use tokio::time::sleep;
use vtask::storage::{OpenOptions, ReadJobs, SqlStorage, WriteJobs};

use super::row::new_job;
use crate::database::{Kind, TestDatabase, admin, on_each_server};
use crate::written::write_of;

/// Ends the session that waits for a locked row of the database.
async fn end_who_waits(database: &TestDatabase) {
    let (admin, name) = (admin(database.kind()).await, database.name());
    let (waiting, end) = match database.kind() {
        Kind::Postgres => {
            let waiting = "CAST(pid AS BIGINT) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname";
            (waiting, "SELECT pg_terminate_backend")
        }
        _ => ("CAST(id AS SIGNED) FROM information_schema.processlist WHERE info LIKE 'UPDATE%' AND db", "KILL "),
    };
    let session: i64 = loop {
        match admin.all(&format!("SELECT {waiting} = '{name}'")).await.first() {
            Some(found) => break found.try_get_by_index(0).expect("a session has a number"),
            None => sleep(Duration::from_millis(10)).await,
        }
    };
    admin.execute(&format!("{end}({session})")).await;
}

on_each_server! {
    async fn call_after_one_whose_session_was_ended_does_not_meet_it_again(database) {
        let storage = SqlStorage::open(database.url(), &OpenOptions::default()).await.unwrap();
        let id = storage.insert(&[new_job("k")]).await.unwrap()[0].id;
        let write = write_of(storage.summaries(&[id]).await.unwrap()[0].as_ref().unwrap());
        let pool = database.raw().await;
        let stranger = pool.0.begin().await.unwrap();
        stranger.execute_unprepared(&format!("UPDATE task SET host = 'mine' WHERE id = {id}")).await.unwrap();

        let writes = [&write];
        let (written, ()) = tokio::join!(storage.write(&writes), end_who_waits(&database));
        let error = written.expect_err("its session has ended");
        assert!(error.is_transient(), "{error}");
        stranger.rollback().await.unwrap();
        storage.write(&writes).await.expect("it has another session");
    }
}
