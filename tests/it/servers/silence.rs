//! A server that falls silent in the middle of a call.

use std::time::{Duration, Instant};

use tokio::time::timeout;
use vtask::storage::value::NewJob;
use vtask::storage::{JobStorage, OpenOptions, ReadJobs, SqlStorage, WriteJobs};
use vtask::{Client, StorageError};

use super::proxy::{Fate, Proxy};
use super::row::new_job;
use crate::database::on_each_server;
use crate::jobs::{Once, OnceHandle};
use crate::setup::start;

const LONG: Duration = Duration::from_secs(60);

/// More than one statement takes, so that they are one transaction of several.
fn many() -> Vec<NewJob> {
    (0..600).map(|number| NewJob { birth: number, ..new_job(&format!("job {number}")) }).collect()
}

on_each_server! {
    async fn connection_of_steps_is_left_where_the_pool_was_given_up(database) {
        let storage = SqlStorage::open(database.url(), &OpenOptions::default()).await.expect("it opens");
        let transactions = storage.transactions().expect("it has transactions");
        let old = transactions.step_connection(Duration::from_secs(5));
        assert!(old.is_current());
        assert!(storage.give_up(Instant::now()));
        assert!(!old.is_current(), "the server may be another one now");
        assert!(transactions.step_connection(Duration::from_secs(5)).is_current());
    }

    async fn call_that_is_given_up_leaves_nothing_open_and_is_made_again(database) {
        let proxy = Proxy::to(&database, "job 599").await;
        let storage = SqlStorage::open(proxy.url(), &OpenOptions::default()).await.unwrap();
        let (begun, first) = (Instant::now(), storage.clone());
        let call = tokio::spawn(async move { first.insert(&many()).await });
        proxy.reach(Fate::Silent).await;
        assert!(storage.give_up(begun));
        call.abort();
        proxy.reach(Fate::Closed).await;

        let inserted = loop {
            match timeout(LONG, storage.insert(&many())).await.expect("it has another connection") {
                // The server has not noticed yet that the first one is gone.
                Err(StorageError::Locked(_)) => {}
                inserted => break inserted.unwrap(),
            }
        };
        assert!(inserted.len() == 600 && inserted.iter().all(|row| row.created), "nothing was left of the first call");
        let raw = database.raw().await;
        assert_eq!(raw.number("SELECT count(*) FROM task").await, 600);
    }

    async fn connections_that_are_newer_than_the_call_are_not_given_up(database) {
        let proxy = Proxy::to(&database, "no request has this in it").await;
        let storage = SqlStorage::open(proxy.url(), &OpenOptions::default()).await.unwrap();
        let (begun, before) = (Instant::now(), proxy.accepted());
        for _ in 0..10 {
            assert!(storage.give_up(begun));
            storage.due(&[], true).await.unwrap();
        }
        let accepted = proxy.accepted() - before;
        assert!(accepted <= 2, "other calls of that time have got new ones already: {accepted}");
    }

    async fn job_goes_on_after_an_answer_that_never_comes(database) {
        let proxy = Proxy::to(&database, "what it recorded").await;
        let client = Client::connect(proxy.url()).await.unwrap();
        let _center = start(&client, Once::default()).await;
        let run = OnceHandle::new(&client).invoke(()).keyword("what it recorded").await.unwrap();
        assert!(run.created());
        assert_eq!(timeout(LONG, run.wait()).await.expect("it ends").unwrap(), 1);
        proxy.reach(Fate::Closed).await;
    }
}
