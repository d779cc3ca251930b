//! Tables under names of their own.

use std::time::{Duration, SystemTime};

use tokio::time::timeout;
use vtask::{CancelOutcome, Client, JobFilter, Status};

use crate::database::{TestDatabase, on_each_database};
use crate::jobs::{Once, OnceHandle};
use crate::setup::start;

async fn under(database: &TestDatabase, prefix: &str) -> Client {
    database.builder().table_prefix(prefix).connect().await.expect("the tables are made")
}

async fn keywords(client: &Client) -> Vec<String> {
    let page = client.list(&JobFilter::default()).await.unwrap();
    page.jobs.into_iter().map(|job| job.keyword).collect()
}

on_each_database! {
    async fn prefixes_keep_their_jobs_apart_beside_a_foreign_table(database) {
        let raw = database.raw().await;
        raw.execute("CREATE TABLE task (id INTEGER, title VARCHAR(99))").await;
        raw.execute("INSERT INTO task VALUES (7, 'water the plants')").await;
        let jobs = [Once::default(), Once::default()];
        let clients = [under(&database, "one_").await, under(&database, "two_").await];
        for ((client, job), own) in clients.iter().zip(&jobs).zip(["of one", "of two"]) {
            let handle = OnceHandle::new(client);
            for keyword in ["of both", own] {
                assert!(handle.invoke(()).keyword(keyword).await.unwrap().created(), "{keyword}");
            }
            let center = start(client, job.clone()).await;
            for run in [handle.find("of both").await, handle.find(own).await] {
                assert_eq!(run.unwrap().expect("it is there").wait().await.unwrap(), 1);
            }
            center.shutdown().await.unwrap();
            assert_eq!(keywords(client).await, [own, "of both"]);
        }
        assert_eq!(jobs.map(|job| job.log.all().len()), [2, 2], "each center ran its own jobs, once");
        assert!(clients[0].find("of two").await.unwrap().is_none());
        assert_eq!(raw.number("SELECT count(*) FROM task WHERE id = 7 AND title = 'water the plants'").await, 1);
        assert_eq!(raw.number("SELECT count(*) FROM one_task").await, 2);
    }

    async fn everything_that_is_done_to_a_job_works_under_a_prefix(database) {
        let longest = format!("{}_", "billing2".repeat(4).split_at(31).0);
        let (client, other) = (under(&database, &longest).await, database.client().await);
        let job = Once::default();
        let center = start(&client, job.clone()).await;
        let handle = OnceHandle::new(&client);
        let later = handle.invoke(()).keyword("later").delay(Duration::from_secs(3600)).await.unwrap();
        assert_eq!(later.cancel().await.unwrap(), CancelOutcome::Cancelled);
        let runs = handle.invoke_many(vec![(); 3]).await;
        for run in runs {
            let run = run.unwrap();
            run.wait().await.unwrap();
            run.restart(Once::ONLY).await.unwrap();
            run.wait().await.unwrap();
        }
        assert_eq!(job.log.all().len(), 6, "each ran once, and once more");
        let cancelled = client.list(&JobFilter::default().name("once").status(Status::Cancelled)).await.unwrap();
        assert_eq!(cancelled.jobs.len(), 1);
        let tomorrow = SystemTime::now() + Duration::from_secs(86400);
        assert_eq!(other.purge(tomorrow).await.unwrap(), 0, "the tables without a prefix hold nothing");
        // The cancelled job goes only after the center has seen that it has no callback.
        let purged = async {
            let mut purged = 0;
            while purged < 4 {
                purged += client.purge(tomorrow).await.unwrap();
            }
            purged
        };
        assert_eq!(timeout(Duration::from_secs(20), purged).await.expect("all of them go"), 4);
        assert!(client.find("later").await.unwrap().is_none());
        center.shutdown().await.unwrap();
    }
}
