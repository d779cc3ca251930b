//! Jobs through the public API, so many in flight, as a service invokes them.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use cpu_time::ProcessTime;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use vtask::{Client, JobCenter, JobHandle};

use crate::jobs::{Board, Measured, Parcel};

/// A job that has not ended by then will not end.
const PATIENCE: Duration = Duration::from_secs(60);
/// With [`Way::InvokeMany`] the jobs in flight are invoked in so many parts, so that there is work while one is saved.
const PARTS: usize = 4;

/// How jobs are invoked, and how it is seen that they end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// A task for each job in flight; the last step tells it to go on.
    Invoke,
    /// Few tasks that invoke many at a time.
    InvokeMany,
    /// As `Invoke`, and each waits for the output of its job.
    Wait,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) in_flight: usize,
    pub(crate) concurrency: usize,
    pub(crate) window: Duration,
    pub(crate) way: Way,
}

/// What was seen in a window of time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate {
    /// Jobs a second.
    pub(crate) jobs: f64,
    /// Microseconds of CPU that this process took for a job, without the server's.
    pub(crate) cpu: f64,
}

/// Keeps jobs in flight, and looks how many end.
pub(crate) async fn measure<J: Measured>(client: &Client, load: Load) -> anyhow::Result<Rate> {
    let board = Board::new::<J>(load.in_flight);
    let center = JobCenter::builder(client).host("bench").concurrency(load.concurrency).register(J::new(&board));
    let center = center.start().await?;
    let is_over = Arc::new(AtomicBool::new(false));
    let part = if load.way == Way::InvokeMany { load.in_flight.div_ceil(PARTS) } else { 1 };
    let mut callers = JoinSet::new();
    for start in (0..load.in_flight).step_by(part) {
        let places = start..load.in_flight.min(start + part);
        let caller = Caller { jobs: JobHandle::<J>::new(client), board: Arc::clone(&board), places, way: load.way };
        callers.spawn(caller.run(Arc::clone(&is_over)));
    }
    let rate = watch(board.done(), load.window).await;
    is_over.store(true, Ordering::Relaxed);
    while let Some(ended) = callers.join_next().await {
        ended??;
    }
    center.shutdown().await?;
    Ok(rate)
}

/// Looks how fast a count rises, once it rises steadily.
pub(crate) async fn watch(done: &AtomicU64, window: Duration) -> Rate {
    sleep(window / 5).await;
    let (before, cpu, begun) = (done.load(Ordering::Relaxed), ProcessTime::now(), Instant::now());
    sleep(window).await;
    let count = u32::try_from(done.load(Ordering::Relaxed) - before).unwrap_or(u32::MAX);
    let jobs = f64::from(count);
    Rate { jobs: jobs / begun.elapsed().as_secs_f64(), cpu: cpu.elapsed().as_secs_f64() * 1e6 / jobs.max(1.0) }
}

/// A task of a service that invokes jobs, one after the other or some at a time.
struct Caller<J: Measured> {
    jobs: JobHandle<J>,
    board: Arc<Board>,
    places: Range<usize>,
    way: Way,
}

impl<J: Measured> Caller<J> {
    async fn run(self, is_over: Arc<AtomicBool>) -> anyhow::Result<()> {
        while !is_over.load(Ordering::Relaxed) {
            timeout(PATIENCE, self.round())
                .await
                .with_context(|| format!("a job did not end within {PATIENCE:?}"))??;
        }
        Ok(())
    }

    async fn round(&self) -> anyhow::Result<()> {
        if self.way == Way::InvokeMany {
            let runs = self.jobs.invoke_many(self.places.clone().map(Parcel::new)).await;
            runs.into_iter().try_for_each(|run| run.map(drop))?;
        } else {
            let run = self.jobs.invoke(Parcel::new(self.places.start)).await?;
            if self.way == Way::Wait {
                run.wait().await?;
            }
        }
        for place in self.places.clone() {
            self.board.ended(place).await;
        }
        Ok(())
    }
}
