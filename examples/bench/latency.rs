//! One job on an idle system, beside as many bare commits.

use std::time::{Duration, Instant};

use anyhow::Context;
use vtask::{Client, JobCenter, JobHandle};

use crate::bare::Bare;
use crate::jobs::{Board, Measured, Parcel};

/// Times of one job after the other.
#[derive(Debug, Default)]
pub(crate) struct Latencies {
    /// From `invoke` until `wait` returned.
    pub(crate) job: Vec<Duration>,
    /// From `invoke` until the first step began.
    pub(crate) begin: Vec<Duration>,
    /// The same commits, bare.
    pub(crate) bare: Vec<Duration>,
    /// The first of these, the insert.
    pub(crate) insert: Vec<Duration>,
}

/// Runs jobs and bare commits in turn, so that noise hits both.
pub(crate) async fn measure<J: Measured>(client: &Client, bare: &mut Bare, runs: usize) -> anyhow::Result<Latencies> {
    let board = Board::new::<J>(1);
    let center = JobCenter::builder(client).host("bench").register(J::new(&board)).start().await?;
    let (jobs, mut times) = (JobHandle::<J>::new(client), Latencies::default());
    for _ in 0..runs {
        let begun = Instant::now();
        jobs.invoke(Parcel::new(0)).await?.wait().await?;
        times.job.push(begun.elapsed());
        let first = board.begun(0).context("a job that ended has begun")?;
        times.begin.push(first.saturating_duration_since(begun));

        let (begun, mut commits) = (Instant::now(), Vec::new());
        bare.batch(|_| commits.push(begun.elapsed())).await?;
        times.bare.extend(commits.last());
        times.insert.extend(commits.first());
    }
    center.shutdown().await?;
    Ok(times)
}
