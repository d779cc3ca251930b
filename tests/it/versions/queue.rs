//! Rows that a program leaves to others stand in nobody's way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};
use vtask::storage::value::{Due, Lease, NewJob};
use vtask::storage::{OpenOptions, SqlStorage};
use vtask::{Client, JobStorage};

use super::{Shared, old};
use crate::database::on_each_database;
use crate::hooked::Hooked;
use crate::setup::paused_storage;

/// More than a program looks at in one round that finds nothing.
const MANY: i64 = 9000;

/// Puts jobs before all others whose step nobody at work knows.
async fn crowd(storage: &dyn JobStorage, count: i64) {
    let unknown = |number: i64| NewJob {
        keyword: format!("unknown-{number}"),
        is_keyword_drawn: false,
        name: "parcel".to_owned(),
        input: "null".to_owned(),
        step_name: "x".into(),
        steps: 4,
        plan: number % 20,
        generations: "{}".to_owned(),
        birth: number + 1,
        lease: Lease(number + 1),
        due: Due::NOW,
        owner: None,
    };
    let jobs: Vec<NewJob> = (0..count).map(unknown).collect();
    for jobs in jobs.chunks(500) {
        storage.insert(jobs).await.unwrap();
    }
}

on_each_database! {
    async fn unknown_rows_do_not_starve_known_ones(database) {
        crowd(&SqlStorage::open(database.url(), &OpenOptions::default()).await.unwrap(), MANY).await;
        let (client, elsewhere, shared) = (database.client().await, database.client().await, Shared::default());
        let _center = old::PROGRAM.start(&client, &shared).await;
        let mut longest = Duration::ZERO;
        for number in 0..5 {
            let run = old::PROGRAM.invoke(&elsewhere, &format!("k{number}")).await;
            let began = Instant::now();
            run.wait().await.unwrap();
            longest = longest.max(began.elapsed());
        }
        assert!(longest < Duration::from_secs(20), "{longest:?}");
        assert_eq!(shared.log.all().len(), 15, "nothing but the known jobs ran");
    }
}

#[tokio::test(start_paused = true)]
async fn looks_past_unknown_rows_are_few_and_find_what_is_behind() {
    let (storage, looks) = (paused_storage(), Arc::new(AtomicUsize::new(0)));
    crowd(&storage, MANY).await;
    let counted = Arc::clone(&looks);
    let hooked = Hooked::new(storage.clone(), move |call| {
        counted.fetch_add(usize::from(call.name == "due"), Ordering::SeqCst);
        call.go()
    });
    let (client, elsewhere, shared) = (Client::with_seed(hooked, 1), Client::with_seed(storage, 2), Shared::default());
    let _center = old::PROGRAM.start(&client, &shared).await;
    sleep(Duration::from_secs(60)).await;
    let idle = looks.swap(0, Ordering::SeqCst);
    assert!((40..300).contains(&idle), "{idle} looks in a minute");
    for number in 0..20 {
        let run = old::PROGRAM.invoke(&elsewhere, &format!("k{number}")).await;
        timeout(Duration::from_secs(8), run.wait()).await.expect("it is found").unwrap();
        sleep(Duration::from_millis(700)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn job_that_comes_before_unknown_rows_is_found_again() {
    let storage = paused_storage();
    let (client, shared) = (Client::with_seed(storage.clone(), 1), Shared::default());
    let run = old::PROGRAM.run_until(&client, &shared, "b").await;
    let elsewhere = Client::with_seed(storage.clone(), 2);
    crowd(&storage, MANY).await;
    // It holds the job, the first of the queue, until it goes.
    shared.stop_at(Some("b"));
    let first = old::PROGRAM.start(&elsewhere, &shared).await;
    while shared.log.count("stays at b") == 0 {
        sleep(Duration::from_millis(5)).await;
    }
    shared.stop_at(None);
    let _second = old::PROGRAM.start(&client, &shared).await;
    sleep(Duration::from_secs(3)).await;
    first.shutdown().await.unwrap();
    timeout(Duration::from_secs(30), run.wait()).await.expect("it is found").unwrap();
}
