//! Pools of the user's own.

use std::time::Duration;

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, TransactionTrait};
use tokio::time::timeout;
use vtask::Client;

use crate::database::{Kind, Raw, on_each_database, on_server};
use crate::jobs::{Once, OnceHandle};
use crate::setup::start;

/// What vtask sets in its own sessions, as a session shows it.
fn settings(kind: Kind) -> &'static str {
    match kind {
        Kind::Sqlite => "SELECT CAST(synchronous AS TEXT) FROM pragma_synchronous",
        Kind::Postgres => {
            "SELECT concat_ws(', ', current_setting('enable_seqscan'), current_setting('lock_timeout'), \
             current_setting('statement_timeout'), current_setting('search_path'))"
        }
        Kind::MySql => {
            "SELECT CAST(concat_ws(', ', @@sql_mode, @@time_zone, @@wait_timeout, @@innodb_lock_wait_timeout) AS CHAR)"
        }
    }
}

async fn shown(pool: &Raw, kind: Kind) -> String {
    pool.all(settings(kind)).await[0].try_get_by_index(0).unwrap()
}

on_each_database! {
    async fn jobs_run_beside_the_only_connection_of_the_pool(database) {
        let pool = Raw::single(&database.raw_url()).await;
        let before = shown(&pool, database.kind()).await;
        let client = Client::from_connection(&pool.0).await.expect("a pool serves");
        let center = start(&client, Once::default()).await;
        let handle = OnceHandle::new(&client);

        let transaction = pool.0.begin().await.unwrap();
        transaction.execute_unprepared("SELECT count(*) FROM task").await.unwrap();
        let run = timeout(Duration::from_secs(20), handle.invoke(())).await.expect("it has a connection of its own");
        assert_eq!(run.unwrap().wait().await.unwrap(), 1);
        transaction.rollback().await.unwrap();

        assert_eq!(pool.number("SELECT count(*) FROM task").await, 1, "the pool still works");
        assert_eq!(shown(&pool, database.kind()).await, before, "and its session is as it was");
        pool.0.close().await.unwrap();
        assert_eq!(handle.invoke(()).await.unwrap().wait().await.unwrap(), 1, "vtask goes on without it");
        center.shutdown().await.unwrap();
    }

    async fn pool_outlives_the_client(database) {
        let pool = database.raw().await;
        for jobs in 1..=2 {
            let client = Client::from_connection(&pool.0).await.expect("a pool serves");
            OnceHandle::new(&client).invoke(()).await.unwrap();
            drop(client);
            assert_eq!(pool.number("SELECT count(*) FROM task").await, jobs);
        }
    }
}

/// A pool that looks for its tables in this schema.
async fn pool_of_schema(url: &str, schema: &str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    options.sqlx_logging(false).set_schema_search_path(schema);
    Database::connect(options).await.expect("the database can be reached")
}

on_server! { Postgres:
    async fn tables_are_in_the_schema_of_the_pool(database) {
        let raw = database.raw().await;
        for schema in ["tenant_1", "Tenant 2"] {
            raw.execute(&format!("CREATE SCHEMA \"{schema}\"")).await;
            let pool = pool_of_schema(database.url(), schema).await;
            let client = Client::from_connection(&pool).await.expect("it makes its tables");
            let center = start(&client, Once::default()).await;
            let handle = OnceHandle::new(&client);
            let run = handle.invoke(()).keyword("k").await.unwrap();
            assert!(run.created(), "a job of another schema is another job");
            run.wait().await.unwrap();
            for run in handle.invoke_many(vec![(); 3]).await {
                run.unwrap().wait().await.unwrap();
            }
            center.shutdown().await.unwrap();
            assert_eq!(raw.number(&format!("SELECT count(*) FROM \"{schema}\".task")).await, 4);
        }
        let elsewhere = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'";
        assert_eq!(raw.number(elsewhere).await, 0, "no table is anywhere else");
    }
}

on_server! { MySql:
    async fn database_is_the_one_that_the_session_uses(database) {
        let pool = Raw::single(&Kind::MySql.server()).await;
        pool.execute(&format!("USE {}", database.name())).await;
        let client = Client::from_connection(&pool.0).await.expect("the session uses a database");
        OnceHandle::new(&client).invoke(()).await.unwrap();
        assert_eq!(database.raw().await.number("SELECT count(*) FROM task").await, 1);
    }
}

on_server! { Postgres:
    async fn tables_that_are_changed_under_a_fleet_hold_nobody_up(database) {
        let (client, raw) = (database.client().await, database.raw().await);
        let _center = start(&client, Once::default()).await;
        let run = OnceHandle::new(&client).invoke(()).keyword("before").await.unwrap();
        assert_eq!(run.wait().await.unwrap(), 1);
        run.info().await.unwrap();
        // What each connection has prepared answers other types than before from now on.
        raw.execute("ALTER TABLE task ALTER COLUMN host TYPE varchar(300), ALTER COLUMN uuid TYPE varchar(400)").await;
        let elsewhere = database.client().await;
        let goes_on = async {
            run.info().await.unwrap();
            assert!(client.find("before").await.unwrap().is_some());
            // Claimed, and not born here.
            let other = OnceHandle::new(&elsewhere).invoke(()).keyword("after").await.unwrap();
            assert_eq!(other.wait().await.unwrap(), 1);
        };
        timeout(Duration::from_secs(20), goes_on).await.expect("it goes on");
    }
}
