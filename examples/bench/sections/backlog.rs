//! Work off what is due in a table of millions of rows, beside the same in one that holds little else.

use std::convert::Infallible;
use std::time::Duration;

use tokio::time::sleep;
use vtask::{Client, JobId};

use super::On;
use super::queue::{drain, length};
use crate::fill::{self, Due};
use crate::jobs::{Board, Parcel};
use crate::load::Seen;
use crate::progress::say;
use crate::report::{Figure, median};
use crate::resident;

/// The least part of the speed that should be left, in percent.
const BUDGET: f64 = 90.0;
/// The most that the process should grow, in megabytes.
const MEMORY: f64 = 200.0;

pub(crate) async fn figures(on: &On<'_>) -> anyhow::Result<Vec<Figure>> {
    let client = on.client().await?;
    let mut short = short_rounds(on, &client).await?;
    let before = resident::bytes();
    let waiting = fill_up(on, &client).await?;
    let (peak, long) = with_peak(long_rounds(on, &client, waiting)).await;
    let long = long?;
    // Once more, because a machine is not as fast in the end as it was in the beginning.
    short.extend(short_rounds(on, &client).await?);
    let (long, limit) = (long.as_slice(), vec![median(&short); long.len()]);
    let label = format!("{}, from the backlog", on.subject().label());
    let mut figures = vec![Figure::new(label, "jobs/s", long).beside(long, &limit).at_least_of_limit(BUDGET)];
    if let Some(before) = before {
        let grown = peak.saturating_sub(before) as f64 / 1e6;
        figures.push(Figure::new("memory meanwhile, in addition", "MB", &[grown]).at_most(MEMORY));
    }
    Ok(figures)
}

/// The speed with no more than a short queue.
async fn short_rounds(on: &On<'_>, client: &Client) -> anyhow::Result<Vec<f64>> {
    let mut speeds = Vec::new();
    for round in 1..=on.options.rounds {
        say(format_args!("without a backlog, round {round} of {}", on.options.rounds));
        on.empty("task").await?;
        let waiting = waiting(on, client).await?;
        fill::copy(&on.database, on.scratch.kind, waiting, length(on), Due::Now).await?;
        speeds.push(speed(on, client).await?.rate.a_second);
    }
    Ok(speeds)
}

/// The speed with the backlog, which is as long in the beginning of each round.
async fn long_rounds(on: &On<'_>, client: &Client, waiting: JobId) -> anyhow::Result<Vec<f64>> {
    let mut speeds = Vec::new();
    for round in 1..=on.options.rounds {
        say(format_args!("with the backlog, round {round} of {}", on.options.rounds));
        let seen = speed(on, client).await?;
        speeds.push(seen.rate.a_second);
        let done = usize::try_from(seen.jobs)?;
        fill::copy(&on.database, on.scratch.kind, waiting, done, Due::Now).await?;
    }
    Ok(speeds)
}

async fn speed(on: &On<'_>, client: &Client) -> anyhow::Result<Seen> {
    drain(client, on.subject(), on.options.concurrency, on.span()).await
}

/// Fills the table, and answers a job that waits for good.
async fn fill_up(on: &On<'_>, client: &Client) -> anyhow::Result<JobId> {
    on.empty("task").await?;
    let (backlog, kind, subject) = (on.options.backlog, on.scratch.kind, on.subject());
    let center = subject.work(client, &Board::new(subject.steps, 0), 1).await?;
    let finished = subject.jobs(client).finish(Parcel::new(on.options.payload)).await?;
    center.shutdown().await?;
    say(format_args!("fills the table with {} rows", 12 * backlog));
    fill::copy(&on.database, kind, finished, 10 * backlog, Due::Same).await?;
    let waiting = waiting(on, client).await?;
    fill::copy(&on.database, kind, waiting, backlog, Due::Later).await?;
    fill::copy(&on.database, kind, waiting, backlog.max(length(on)), Due::Now).await?;
    Ok(waiting)
}

/// A job to copy, which is not due itself.
async fn waiting(on: &On<'_>, client: &Client) -> anyhow::Result<JobId> {
    on.subject().jobs(client).invoke_later(Parcel::new(on.options.payload)).await
}

/// Looks at the memory as long as this takes, and answers the most.
async fn with_peak<T>(work: impl Future<Output = T>) -> (u64, T) {
    let mut peak = 0;
    let done = tokio::select! {
        biased;
        done = work => done,
        never = watch_memory(&mut peak) => match never {},
    };
    (peak, done)
}

async fn watch_memory(peak: &mut u64) -> Infallible {
    loop {
        *peak = resident::bytes().unwrap_or_default().max(*peak);
        sleep(Duration::from_millis(10)).await;
    }
}
