//! Statements that take long, or for ever: guards that only the job that they are for waits, that its node keeps its lease,
//! and that its step does not run again.

use std::time::Duration;

use tokio::time::{Instant, timeout};
use vtask::storage::value::JobWrite;
use vtask::storage::{OpenOptions, ReadJobs, SqlStorage, WriteJobs};
use vtask::{Client, JobCenter, JobRun, StorageError};

use crate::database::{Kind, TestDatabase, on_each_server};
use crate::jobs::{Once, OnceHandle};
use crate::written::write_of;

const LEASE: Duration = Duration::from_secs(5);
const LONG: Duration = Duration::from_secs(90);

/// Has the record of the job of this keyword take so many seconds; all the others of its batch wait with it. `first_only` is
/// for one that would be the first to be sent, and not for those after it.
async fn delay_record(database: &TestDatabase, seconds: u32, first_only: bool) {
    let raw = database.raw().await;
    let is_slow = "OLD.uuid = 'slow' AND NEW.responses <> OLD.responses";
    // A sequence is not rolled back with its statement.
    raw.execute("CREATE SEQUENCE tries").await;
    match database.kind() {
        Kind::Postgres => {
            let is_met = if first_only { "nextval('tries') = 1" } else { "true" };
            raw.execute(&format!(
                "CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                 IF {is_met} THEN PERFORM pg_sleep({seconds}); END IF; RETURN NEW; END $$"
            ))
            .await;
            raw.execute(&format!(
                "CREATE TRIGGER lingers BEFORE UPDATE ON task FOR EACH ROW WHEN ({is_slow}) EXECUTE FUNCTION linger()"
            ))
            .await;
        }
        _ => {
            let is_met = if first_only { "NEXT VALUE FOR tries = 1" } else { "true" };
            raw.execute(&format!(
                "CREATE TRIGGER lingers BEFORE UPDATE ON task FOR EACH ROW \
                 IF {is_slow} THEN IF {is_met} THEN DO SLEEP({seconds}); END IF; END IF"
            ))
            .await;
        }
    }
}

/// Runs the slow job on a node with a short lease, and others meanwhile. Answers it, and how long it took.
async fn run_slow(database: &TestDatabase) -> (JobRun<Once>, Duration) {
    let client = database.client().await;
    let (job, other) = (Once::default(), Client::connect(database.url()).await.unwrap());
    let center = JobCenter::builder(&client).host("one").lease(LEASE).register(job.clone()).start().await.unwrap();
    let handle = OnceHandle::new(&other);
    let begun = Instant::now();
    let slow = handle.invoke(()).keyword("slow").await.unwrap();
    let mut others = 0;
    while !slow.info().await.unwrap().status.is_ended() {
        assert!(begun.elapsed() < LONG, "it does not end");
        let run = handle.invoke(()).await.unwrap();
        timeout(LONG, run.wait()).await.expect("it is not held up for good").unwrap();
        others += 1;
    }
    let took = begun.elapsed();
    println!("it took {took:?}, and {others} others ended meanwhile");
    assert_eq!(job.log.all().len(), others + 1, "each ran once");
    let raw = database.raw().await;
    assert_eq!(raw.number("SELECT count(*) FROM task_node").await, 1, "the node lives on");
    center.shutdown().await.unwrap();
    (slow, took)
}

on_each_server! {
    async fn record_that_takes_nearly_three_leases_is_waited_for(database) {
        drop(database.client().await);
        delay_record(&database, 14, false).await;
        let (slow, took) = run_slow(&database).await;
        assert!(took >= Duration::from_secs(14), "{took:?}");
        assert_eq!(slow.info().await.unwrap().crashes, 0);
    }

    async fn statement_that_takes_for_ever_is_stopped_by_the_server(database) {
        let run = OnceHandle::new(&database.client().await).invoke(()).keyword("slow").await.unwrap();
        delay_record(&database, 3600, false).await;
        let storage = SqlStorage::open(database.url(), &OpenOptions::default()).await.unwrap();
        let seen = storage.summaries(&[run.id()]).await.unwrap().remove(0).unwrap();
        let write = JobWrite { outputs: Some("[]".to_owned()), ..write_of(&seen) };
        let stopped = timeout(LONG, storage.write(&[&write])).await.expect("nobody else stops it");
        assert!(matches!(stopped, Err(StorageError::Busy(_))), "{stopped:?}");
        assert_eq!(storage.summaries(&[run.id()]).await.unwrap()[0].as_ref().unwrap().lease, seen.lease);
    }

    async fn record_that_takes_for_ever_is_stopped_and_sent_again(database) {
        drop(database.client().await);
        delay_record(&database, 3600, true).await;
        let (slow, _) = run_slow(&database).await;
        assert_eq!(slow.info().await.unwrap().crashes, 0);
    }
}
