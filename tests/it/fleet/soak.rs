//! A node at work for long: guards that nothing grows with time, and that jobs begin as soon at the end as at the beginning.
//!
//! `tests/soak` has it go on for as long as one likes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use vtask::{Attempt, Client, JobCenter, job};

use super::number;
use crate::database::{Kind, Raw, TestDatabase, on_each_database};

/// How long it takes, unless somebody says otherwise.
const SHORT: Duration = Duration::from_secs(20);
/// So many samples are taken; the first third of them is the warm-up.
const SAMPLES: u32 = 30;
/// Ended jobs are deleted so soon.
const KEPT: Duration = Duration::from_secs(5);

struct Ticks;

#[job]
impl Ticks {
    #[step]
    async fn first(&self, attempt: &Attempt) -> anyhow::Result<usize> {
        Ok(attempt.keyword().len())
    }

    #[step]
    async fn second(&self, first: &usize) -> anyhow::Result<usize> {
        tokio::task::yield_now().await;
        Ok(*first)
    }

    #[step]
    async fn third(&self, second: &usize) -> anyhow::Result<usize> {
        Ok(*second)
    }
}

/// What must not grow.
#[derive(Debug, Clone, Copy, Default)]
struct Sample {
    /// Of the process, in kB.
    memory: f64,
    descriptors: f64,
    tasks: f64,
    /// To the database.
    connections: f64,
    /// In the table.
    rows: f64,
    /// From the invocation to the output, in ms: the median of some jobs.
    latency: f64,
    /// Transactions that stand open.
    open: f64,
}

impl Sample {
    async fn take(client: &Client, database: &TestDatabase, raw: &Raw) -> Self {
        Self {
            memory: memory(),
            descriptors: std::fs::read_dir("/proc/self/fd").map_or(0.0, |files| files.count() as f64),
            tasks: Handle::current().metrics().num_alive_tasks() as f64,
            connections: connections(database, raw).await,
            rows: raw.number("SELECT count(*) FROM task").await as f64,
            latency: latency(client).await,
            open: open_transactions(database, raw).await,
        }
    }
}

fn memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0.0)
}

async fn connections(database: &TestDatabase, raw: &Raw) -> f64 {
    let sql = match database.kind() {
        Kind::Sqlite => return 0.0,
        Kind::Postgres => "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()",
        Kind::MySql => "SELECT count(*) FROM information_schema.processlist WHERE db = database()",
    };
    raw.number(sql).await as f64
}

/// Those in which nothing has been said for 2 s.
async fn open_transactions(database: &TestDatabase, raw: &Raw) -> f64 {
    let sql = match database.kind() {
        Kind::Sqlite => return 0.0,
        Kind::Postgres => {
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%' AND \
             state_change < now() - interval '2 seconds'"
        }
        Kind::MySql => {
            "SELECT count(*) FROM information_schema.innodb_trx t JOIN information_schema.processlist p ON p.id = \
             t.trx_mysql_thread_id WHERE p.db = database() AND p.command = 'Sleep' AND p.time >= 2"
        }
    };
    raw.number(sql).await as f64
}

async fn latency(client: &Client) -> f64 {
    let mut times = Vec::new();
    for _ in 0..15 {
        let begun = Instant::now();
        let run = TicksHandle::new(client).invoke(()).await.unwrap();
        run.wait().await.unwrap();
        times.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// So many jobs a second, for ever; counts those that were saved.
async fn load(client: Client, rate: u32, saved: Arc<AtomicU64>) {
    let mut ticks = interval(Duration::from_secs(1) / rate);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    loop {
        ticks.tick().await;
        let (handle, saved) = (TicksHandle::new(&client), Arc::clone(&saved));
        tokio::spawn(async move {
            if handle.invoke(()).await.is_ok() {
                saved.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
}

async fn purge(client: Client) {
    loop {
        sleep(Duration::from_secs(1)).await;
        client.purge(std::time::SystemTime::now() - KEPT).await.expect("the database is there");
    }
}

fn median(samples: &[Sample], of: fn(&Sample) -> f64) -> f64 {
    let mut values: Vec<f64> = samples.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Compares the second third of the samples with the last.
fn check(samples: &[Sample], is_long: bool) {
    let third = samples.len() / 3;
    let (middle, end) = (&samples[third..2 * third], &samples[2 * third..]);
    let is_flat = |what: &str, of: fn(&Sample) -> f64, slack: f64| {
        let (before, after) = (median(middle, of), median(end, of));
        println!("{what}: {before:.1}, {after:.1}");
        assert!(after <= before * 1.1 + slack, "{what} has grown from {before} to {after}");
    };
    is_flat("memory in kB", |sample| sample.memory, 4096.0);
    is_flat("file descriptors", |sample| sample.descriptors, 4.0);
    is_flat("tasks", |sample| sample.tasks, 20.0);
    is_flat("connections", |sample| sample.connections, 2.0);
    is_flat("rows", |sample| sample.rows, 200.0);
    if is_long {
        // Another program on the machine shows in a short one.
        is_flat("ms a job", |sample| sample.latency, 5.0);
    }
    assert!(samples.iter().all(|sample| sample.open == 0.0), "a transaction stands open: {samples:?}");
}

on_each_database! {
    async fn nothing_grows_with_time(database) {
        let length = number("VTASK_SOAK_MINUTES").map_or(SHORT, |minutes| Duration::from_secs(60) * minutes);
        let rate = number("VTASK_SOAK_RATE").unwrap_or(100);
        let (client, raw) = (database.client().await, database.raw().await);
        let center = JobCenter::builder(&client).host("one").register(Ticks).start().await.unwrap();
        let saved = Arc::default();
        let work = [tokio::spawn(load(client.clone(), rate, Arc::clone(&saved))), tokio::spawn(purge(client.clone()))];
        let mut samples = Vec::new();
        for number in 1..=SAMPLES {
            sleep(length / SAMPLES).await;
            samples.push(Sample::take(&client, &database, &raw).await);
            if number.is_multiple_of(10) {
                println!("{number} of {SAMPLES}: {:?}", samples.last());
            }
        }
        work.iter().for_each(|task| assert!(!task.is_finished(), "the load goes on to the end"));
        work.iter().for_each(tokio::task::JoinHandle::abort);
        check(&samples, length > SHORT);
        let done = saved.load(Ordering::Relaxed);
        println!("{done} jobs of 3 steps in {length:?}");
        assert!(done as f64 > 0.5 * f64::from(rate) * length.as_secs_f64(), "only {done} jobs");
        center.shutdown().await.unwrap();
    }
}
