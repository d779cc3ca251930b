//! Making the tables: many at once, one after the other, and again after a death.

use std::time::Duration;

use tokio::task::JoinSet;
use vtask::{Client, ConnectError};

use crate::database::{Kind, Raw, TestDatabase, on_each_database, on_each_server, on_server};
use crate::jobs::{Once, OnceHandle};
use crate::setup::start;

async fn assert_serves(client: &Client) {
    let center = start(client, Once::default()).await;
    assert_eq!(OnceHandle::new(client).invoke(()).await.unwrap().wait().await.unwrap(), 1);
    center.shutdown().await.unwrap();
}

on_each_database! {
    async fn many_that_start_at_once_on_an_empty_database_all_come_up(database) {
        let mut starts = JoinSet::new();
        for _ in 0..40 {
            starts.spawn(database.builder().connect());
        }
        let started: Result<Vec<Client>, ConnectError> = starts.join_all().await.into_iter().collect();
        let clients = started.expect("each of them comes up");
        for client in [&clients[0], &clients[39]] {
            assert_serves(client).await;
        }
        let versions = "SELECT count(*) FROM vtask_migrations";
        assert_eq!(database.raw().await.number(versions).await, 1, "one of them made the tables");
    }
}

/// Begins so many starts, and answers them once the server says that each waits for whoever migrates.
async fn waiting_starts(database: &TestDatabase, count: i64) -> JoinSet<Result<Client, ConnectError>> {
    let ([_, _, waiting], raw) = (lock_of(database.kind()), database.raw().await);
    let mut starts = JoinSet::new();
    for _ in 0..count {
        starts.spawn(database.builder().connect());
    }
    let seen = async {
        while raw.number(waiting).await < count {
            assert!(starts.try_join_next().is_none(), "a start waits for nobody");
        }
    };
    tokio::time::timeout(Duration::from_secs(40), seen).await.expect("the server sees them wait");
    starts
}

/// What takes the lock of this database's migrations, what gives it back, and what counts those who wait for it.
fn lock_of(kind: Kind) -> [&'static str; 3] {
    match kind {
        Kind::MySql => [
            "SELECT GET_LOCK(concat('vtask.', md5(concat(database(), '.'))), 0)",
            "SELECT RELEASE_LOCK(concat('vtask.', md5(concat(database(), '.'))))",
            "SELECT count(*) FROM information_schema.processlist WHERE db = database() AND state = 'User lock'",
        ],
        _ => [
            "SELECT pg_try_advisory_lock(hashtext('vtask'), hashtext(current_schema() || '.'))::int::bigint",
            "SELECT pg_advisory_unlock(hashtext('vtask'), hashtext(current_schema() || '.'))::int::bigint",
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'",
        ],
    }
}

on_each_server! {
    async fn starts_wait_for_whoever_migrates_and_then_come_up(database) {
        let [lock, unlock, _] = lock_of(database.kind());
        let holder = Raw::single(database.url()).await;
        assert_eq!(holder.number(lock).await, 1, "nobody has the lock");
        let starts = waiting_starts(&database, 10).await;
        let tables = "SELECT count(*) FROM information_schema.tables WHERE table_name = 'task' AND table_schema = ";
        let schema = if database.kind() == Kind::MySql { "database()" } else { "'public'" };
        assert_eq!(holder.number(&format!("{tables}{schema}")).await, 0, "none has made anything yet");
        assert_eq!(holder.number(unlock).await, 1, "the lock was held");
        let started: Result<Vec<Client>, ConnectError> = starts.join_all().await.into_iter().collect();
        assert_serves(&started.expect("each of them comes up")[0]).await;
        assert_eq!(holder.number("SELECT count(*) FROM vtask_migrations").await, 1, "one of them made the tables");
        assert_eq!(holder.number(lock).await, 1, "and all have given the lock back");
    }

    async fn start_on_tables_that_are_there_waits_for_nobody(database) {
        drop(database.client().await);
        let holder = Raw::single(database.url()).await;
        assert_eq!(holder.number(lock_of(database.kind())[0]).await, 1, "nobody has the lock");
        let start = tokio::time::timeout(Duration::from_secs(20), database.builder().connect());
        drop(start.await.expect("it does not wait").expect("it comes up"));
    }
}

on_server! { MySql:
    async fn migration_that_was_cut_anywhere_is_finished_by_the_next_start(database) {
        let (raw, sql) = (database.raw().await, database.builder().schema_sql().unwrap());
        let statements: Vec<&str> = sql.split(';').filter(|statement| !statement.trim().is_empty()).collect();
        assert_eq!(statements.len(), 4, "two tables, that of the versions before them, and the version after");
        for carried_out in 1..statements.len() {
            for statement in &statements[..carried_out] {
                raw.execute(statement).await;
            }
            assert_serves(&database.client().await).await;
            let versions = "SELECT count(*) FROM vtask_migrations WHERE version = 1";
            assert_eq!(raw.number(versions).await, 1, "after {carried_out} of the statements");
            raw.execute("DROP TABLE task, task_node, vtask_migrations").await;
        }
    }
}
