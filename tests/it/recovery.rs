//! What a process leaves behind, and how the next one takes it up.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use vtask::{Attempt, Client, HistoryEvent, JobContext, Status, job};

use crate::database::on_each_database;
use crate::log::Log;
use crate::setup::{center, paused_client};

#[derive(Debug, Serialize, Deserialize, JobContext)]
struct Trip {
    stops: Vec<String>,
}

#[derive(Clone)]
struct Travel {
    log: Log,
    gate: Arc<Semaphore>,
}

impl Travel {
    fn closed() -> Self {
        Self { log: Log::default(), gate: Arc::new(Semaphore::new(0)) }
    }
}

#[job]
impl Travel {
    #[step]
    async fn book(&self, trip: &mut Trip) -> anyhow::Result<u32> {
        self.log.add("book");
        trip.stops.push("booked".to_owned());
        Ok(1)
    }

    #[step]
    async fn go(&self, trip: &mut Trip, book: &u32, attempt: &Attempt) -> anyhow::Result<u32> {
        self.log.add(format!("go {}", attempt.number()));
        trip.stops.push("gone".to_owned());
        self.gate.acquire().await?.forget();
        Ok(book + 1)
    }
}

fn trip() -> Trip {
    Trip { stops: Vec::new() }
}

#[tokio::test(start_paused = true)]
async fn crash_repeats_the_step_that_ran_and_no_recorded_one() {
    let (client, job) = (paused_client(), Travel::closed());
    let (log, gate) = (job.log.clone(), Arc::clone(&job.gate));
    let first = center(&client).host("one").register(job.clone()).start().await.unwrap();
    let run = TravelHandle::new(&client).invoke(trip()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(log.all(), ["book", "go 1"]);
    drop(first);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(run.info().await.unwrap().status, Status::Running);
    gate.add_permits(1);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(run.output(Travel::GO).await.unwrap(), None, "a dropped center records nothing more");

    gate.add_permits(1);
    let _second = center(&client).host("one").register(job).start().await.unwrap();
    assert_eq!(run.wait().await.unwrap(), 2);
    assert_eq!(log.all(), ["book", "go 1", "go 1"], "a crash spends no attempt");
    assert_eq!(run.context().await.unwrap().data.stops, ["booked", "gone"], "it began with the data as recorded");
    let history = run.info().await.unwrap().history;
    let events: Vec<HistoryEvent> = history.iter().map(|entry| entry.event).collect();
    assert_eq!(events, [HistoryEvent::Recorded, HistoryEvent::Crashed, HistoryEvent::Recorded]);
}

#[tokio::test(start_paused = true)]
async fn another_host_leaves_alone_what_a_host_holds() {
    let (client, job) = (paused_client(), Travel::closed());
    let (log, gate) = (job.log.clone(), Arc::clone(&job.gate));
    let _first = center(&client).host("one").register(job.clone()).start().await.unwrap();
    TravelHandle::new(&client).invoke(trip()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let _second = center(&client).host("two").register(job).start().await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(log.all(), ["book", "go 1"]);
    gate.add_permits(1);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(log.all(), ["book", "go 1"]);
}

#[tokio::test(start_paused = true)]
async fn second_life_of_a_host_takes_the_leases_of_the_first_while_it_still_runs() {
    let (client, job) = (paused_client(), Travel::closed());
    let (log, gate) = (job.log.clone(), Arc::clone(&job.gate));
    let _first = center(&client).host("one").register(job.clone()).start().await.unwrap();
    let run = TravelHandle::new(&client).invoke(trip()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let _second = center(&client).host("one").register(job).start().await.unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(log.all(), ["book", "go 1", "go 1"]);
    // Both bodies end now; the first one's checkpoint is refused.
    gate.add_permits(2);
    assert_eq!(run.wait().await.unwrap(), 2);
    assert_eq!(run.context().await.unwrap().data.stops, ["booked", "gone"]);
    let recorded = |entry: &&vtask::HistoryEntry| entry.event == HistoryEvent::Recorded;
    assert_eq!(run.info().await.unwrap().history.iter().filter(recorded).count(), 2);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(log.all().len(), 3, "who has lost a job lets go of it: {:?}", log.all());
}

#[tokio::test(start_paused = true)]
async fn shutdown_lets_the_step_end_records_it_and_hands_the_job_over() {
    let (client, job) = (paused_client(), Travel::closed());
    let (log, gate) = (job.log.clone(), Arc::clone(&job.gate));
    let first = center(&client).host("one").register(job.clone()).start().await.unwrap();
    let handle = TravelHandle::new(&client);
    let held = handle.invoke(trip()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let opened = Arc::clone(&gate);
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(10)).await;
        opened.add_permits(1);
    });
    let began = tokio::time::Instant::now();
    let shutdown = first.shutdown().await.unwrap();
    assert_eq!(began.elapsed().as_secs(), 10);
    assert_eq!((shutdown.finished, shutdown.handed_over, shutdown.dropped), (1, 0, 0));
    assert_eq!(held.wait().await.unwrap(), 2, "the step that ended during the shutdown is saved");
    let late = handle.invoke(trip()).await.unwrap();
    assert!(late.created(), "an invoke needs only the database");
    assert_eq!(log.all(), ["book", "go 1"]);
}

#[tokio::test(start_paused = true)]
async fn step_that_outlasts_the_grace_is_dropped_without_spending_an_attempt() {
    let (client, job) = (paused_client(), Travel::closed());
    let (log, gate) = (job.log.clone(), Arc::clone(&job.gate));
    let grace = Duration::from_secs(3);
    let first = center(&client).host("one").grace(grace).register(job.clone()).start().await.unwrap();
    let run = TravelHandle::new(&client).invoke(trip()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let began = tokio::time::Instant::now();
    let shutdown = first.shutdown().await.unwrap();
    assert_eq!((began.elapsed().as_secs(), shutdown.dropped), (3, 1));
    let info = run.info().await.unwrap();
    assert_eq!((info.is_held, info.failed_attempts, info.crashes), (false, 0, 0));
    gate.add_permits(1);
    let _second = center(&client).host("two").register(job).start().await.unwrap();
    assert_eq!(run.wait().await.unwrap(), 2);
    assert_eq!(log.all(), ["book", "go 1", "go 1"]);
}

struct Retries;

#[job]
impl Retries {
    #[step(retry = always, period = "30s")]
    async fn only(&self, attempt: &Attempt) -> anyhow::Result<u32> {
        anyhow::ensure!(attempt.number() > 3, "not yet");
        Ok(attempt.number())
    }
}

#[tokio::test(start_paused = true)]
async fn attempts_and_the_due_time_survive_crash_and_shutdown() {
    let client = paused_client();
    let began = tokio::time::Instant::now();
    let first = center(&client).host("one").register(Retries).start().await.unwrap();
    let run = RetriesHandle::new(&client).invoke(()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(run.info().await.unwrap().failed_attempts, 1);
    drop(first);
    let second = center(&client).host("one").register(Retries).start().await.unwrap();
    tokio::time::sleep(Duration::from_secs(30)).await;
    let shutdown = second.shutdown().await.unwrap();
    assert_eq!(shutdown.handed_over, 1, "a job that waits for a retry is handed over at once");
    let info = run.info().await.unwrap();
    assert_eq!((info.failed_attempts, info.crashes), (2, 0), "who waited for a retry did not crash");
    let _third = center(&client).host("two").register(Retries).start().await.unwrap();
    assert_eq!(run.wait().await.unwrap(), 4);
    let took = began.elapsed().as_secs();
    assert!((90..=94).contains(&took), "three waits of 30 s, not {took} s");
}

on_each_database! {
    async fn everything_holds_on_a_thread_of_its_own_and_a_file(database) {
        let client = database.client().await;
        let job = Travel::closed();
        job.gate.add_permits(1000);
        let center = vtask::JobCenter::builder(&client).host("one").register(job).start().await.unwrap();
        let runs = TravelHandle::new(&client).invoke_many((0..300).map(|_| trip())).await;
        for run in runs {
            assert_eq!(run.unwrap().wait().await.unwrap(), 2);
        }
        let shutdown = center.shutdown().await.unwrap();
        assert_eq!(shutdown.dropped, 0);
        let again = Client::connect(database.url()).await.unwrap();
        let page = again.list(&vtask::JobFilter::default().status(Status::Succeeded).limit(1000)).await.unwrap();
        assert_eq!(page.jobs.len(), 300);
    }
}
