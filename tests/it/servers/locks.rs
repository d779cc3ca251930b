//! Rows that a transaction of somebody else has locked.

use std::time::Duration;

use sea_orm::{ConnectionTrait, TransactionTrait};
use tokio::time::{sleep, timeout};
use vtask::storage::value::{Boot, Claim, JobWrite, Lease, NewJob, Owner, Wanted, Written};
use vtask::storage::{OpenOptions, ReadJobs, SqlStorage, WriteJobs};
use vtask::{Client, JobCenter, StorageError};

use super::row::new_job;
use crate::database::{TestDatabase, on_each_server};
use crate::jobs::{Gated, GatedHandle, Once, OnceHandle};
use crate::written::write_of;

/// Longer than a lease, a wait for a lock, and all that is tried meanwhile.
const LONG: Duration = Duration::from_secs(60);

on_each_server! {
    async fn locked_row_does_not_stop_its_neighbours(database) {
        let storage = SqlStorage::open(database.url(), &OpenOptions::default()).await.unwrap();
        let jobs: Vec<NewJob> = (0..9).map(|number| new_job(&number.to_string())).collect();
        let ids: Vec<_> = storage.insert(&jobs).await.unwrap().iter().map(|row| row.id).collect();
        let pool = database.raw().await;
        let stranger = pool.0.begin().await.unwrap();
        stranger.execute_unprepared(&format!("UPDATE task SET host = 'mine' WHERE id = {}", ids[4])).await.unwrap();

        let rows = storage.summaries(&ids).await.unwrap();
        let writes: Vec<JobWrite> = rows.into_iter().map(|row| write_of(&row.unwrap())).collect();
        let writes: Vec<&JobWrite> = writes.iter().collect();
        let expected = |write: &&JobWrite| if write.id == ids[4] { Written::Locked } else { Written::Done };
        let expected: Vec<Written> = writes.iter().map(expected).collect();
        // The statement that waited in vain may still hold a row for a moment after it has failed.
        let all_others = async { while storage.write(&writes).await.unwrap() != expected {} };
        timeout(LONG, all_others).await.expect("all but the locked one are written");
        let locked = writes.iter().find(|write| write.id == ids[4]).unwrap();
        let alone = storage.write(&[locked]).await;
        assert!(matches!(alone, Err(StorageError::Locked(_))), "{alone:?}");

        let owner = Owner { boot: Boot(5), host: "five".into() };
        let wanted = Wanted { name: "once".to_owned(), limit: 99, most_crashes: 9, after: None };
        let due = storage.due(&[wanted], false).await.unwrap().candidates;
        let claims: Vec<Claim> =
            due.iter().map(|found| Claim { id: found.id, seen: found.lease, lease: Lease(9) }).collect();
        assert_eq!(claims.len(), 9);
        let all_others = async { while storage.claim(&owner, &claims).await.unwrap().len() < 8 {} };
        timeout(LONG, all_others).await.expect("all but the locked one are claimed");
        assert_eq!(storage.claim(&owner, &claims).await.unwrap().len(), 8, "and that is not");

        stranger.rollback().await.unwrap();
        assert_eq!(storage.write(&[locked]).await.unwrap(), [Written::Done]);
    }

    async fn open_transaction_delays_only_the_jobs_whose_rows_it_holds(database) {
        let client = database.client().await;
        let (gated, once) = (Gated::closed(), Once::default());
        let center = JobCenter::builder(&client).host("one").lease(Duration::from_secs(5));
        let center = center.register(gated.clone()).register(once.clone()).start().await.unwrap();
        let (handle, onces) = (GatedHandle::new(&client), OnceHandle::new(&client));
        let held = handle.invoke(()).await.unwrap();
        let waiting = onces.invoke(()).delay(Duration::from_secs(1)).await.unwrap();
        while gated.log.all().is_empty() {
            sleep(Duration::from_millis(10)).await;
        }
        let boot = boot_of(&database).await;

        let pool = database.raw().await;
        let stranger = pool.0.begin().await.unwrap();
        let lock = format!("UPDATE task SET host = host WHERE id IN ({}, {})", held.id(), waiting.id());
        stranger.execute_unprepared(&lock).await.unwrap();
        // The record of the one waits for the transaction, and so does the claim of the other.
        gated.gate.add_permits(99);
        let until = tokio::time::Instant::now() + Duration::from_secs(12);
        while tokio::time::Instant::now() < until {
            for run in [handle.invoke(()).await.unwrap(), handle.invoke(()).await.unwrap()] {
                assert_eq!(timeout(LONG, run.wait()).await.expect("it is not in its way").unwrap(), 1);
            }
            let other = Client::connect(database.url()).await.unwrap();
            let run = OnceHandle::new(&other).invoke(()).await.unwrap();
            assert_eq!(timeout(LONG, run.wait()).await.expect("it is not in its way").unwrap(), 1);
        }
        stranger.commit().await.unwrap();
        assert_eq!(timeout(LONG, held.wait()).await.expect("it goes on").unwrap(), 1);
        assert_eq!(timeout(LONG, waiting.wait()).await.expect("it goes on").unwrap(), 1);
        assert_eq!(held.info().await.unwrap().history.len(), 1, "its step ran once");
        assert_eq!(boot_of(&database).await, boot, "the node lives on");
        center.shutdown().await.unwrap();
    }

    async fn locked_rows_at_the_head_of_a_queue_stop_nothing_behind_them(database) {
        let client = database.client().await;
        let mut runs = Vec::new();
        for _ in 0..9 {
            runs.push(OnceHandle::new(&client).invoke(()).await.unwrap());
        }
        let behind = runs.split_off(7);
        let raw = database.raw().await;
        let stranger = raw.0.begin().await.unwrap();
        // One by one: of so many of a small table MariaDB would lock them all.
        for run in &runs {
            let lock = format!("UPDATE task SET host = host WHERE id = {}", run.id());
            stranger.execute_unprepared(&lock).await.unwrap();
        }
        let center = JobCenter::builder(&client).host("one").concurrency(1).register(Once::default());
        let center = center.start().await.unwrap();
        for run in behind {
            assert_eq!(timeout(LONG, run.wait()).await.expect("they are not in its way").unwrap(), 1);
        }
        stranger.commit().await.unwrap();
        for run in runs {
            assert_eq!(timeout(LONG, run.wait()).await.expect("it has its turn").unwrap(), 1);
        }
        center.shutdown().await.unwrap();
    }

    async fn locked_row_of_a_dead_node_keeps_no_other_from_being_freed(database) {
        let client = database.client().await;
        let (handle, raw) = (OnceHandle::new(&client), database.raw().await);
        let runs = [handle.invoke(()).await.unwrap(), handle.invoke(()).await.unwrap(), handle.invoke(()).await.unwrap()];
        // Each is held by another node that is no more.
        for (boot, run) in (1001..).zip(&runs) {
            raw.execute(&format!("UPDATE task SET boot = {boot}, host = 'gone' WHERE id = {}", run.id())).await;
        }
        let [before, locked, after] = runs;
        let stranger = raw.0.begin().await.unwrap();
        stranger.execute_unprepared(&format!("UPDATE task SET host = host WHERE id = {}", locked.id())).await.unwrap();
        let center = JobCenter::builder(&client).host("one").register(Once::default()).start().await.unwrap();
        for free in [before, after] {
            assert_eq!(timeout(LONG, free.wait()).await.expect("the locked one is not in its way").unwrap(), 1);
        }
        stranger.commit().await.unwrap();
        assert_eq!(timeout(LONG, locked.wait()).await.expect("it is freed, too").unwrap(), 1);
        center.shutdown().await.unwrap();
    }

    async fn keyword_that_an_open_transaction_inserts_delays_no_other(database) {
        let client = database.client().await;
        let pool = database.raw().await;
        let columns = "uuid, name, step, status, responses, input, host, create_time, update_time, key_hash, \
                       input_hash, boot, birth, lease, work, wake_at, step_name, plan, steps, history, generations";
        let first = OnceHandle::new(&client).invoke(()).keyword("copied").await.unwrap();
        let stranger = pool.0.begin().await.unwrap();
        let hash = match database.kind() {
            Kind::Postgres => "sha256('taken')",
            _ => "unhex(sha2('taken', 256))",
        };
        let copied = columns.replace("uuid", "'taken'").replace("key_hash", hash);
        let insert = format!("INSERT INTO task ({columns}) SELECT {copied} FROM task WHERE id = {}", first.id());
        stranger.execute_unprepared(&insert).await.unwrap();

        let handle = OnceHandle::new(&client);
        let mut invokes = tokio::task::JoinSet::new();
        for keyword in ["a", "taken", "b", "c", "d"] {
            let handle = handle.clone();
            invokes.spawn(async move { handle.invoke(()).keyword(keyword).await.unwrap().keyword().to_owned() });
        }
        let mut done = Vec::new();
        while done.len() < 4 {
            let keyword = timeout(LONG, invokes.join_next()).await.expect("it is not in its way").unwrap().unwrap();
            assert_ne!(keyword, "taken", "nobody knows yet whether it is");
            done.push(keyword);
        }
        stranger.rollback().await.unwrap();
        assert_eq!(timeout(LONG, invokes.join_next()).await.expect("it goes on").unwrap().unwrap(), "taken");
    }
}

async fn boot_of(database: &TestDatabase) -> i64 {
    database.raw().await.number("SELECT boot FROM task_node WHERE state = 0").await
}
