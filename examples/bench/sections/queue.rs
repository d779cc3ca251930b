//! One-step jobs that are there beforehand, worked off as fast as can be.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use vtask::Client;

use super::On;
use crate::bare;
use crate::jobs::{Board, Parcel};
use crate::load::Seen;
use crate::progress::say;
use crate::rate::{Rate, Span, watch};
use crate::report::{Figure, median};
use crate::sample::Sample;
use crate::subject::Subject;

/// The least that vtask should reach of the bare limit, in percent.
const BUDGET: f64 = 70.0;

pub(crate) async fn figures(on: &On<'_>) -> anyhow::Result<Vec<Figure>> {
    let subject = Subject::of_steps(1);
    let (sample, client) = (on.sample(subject).await?, on.client().await?);
    let (mut vtask, mut bare) = (Vec::new(), Vec::new());
    for round in 1..=on.options.rounds {
        say(format_args!("a queue of jobs of 1 step, round {round} of {}", on.options.rounds));
        bare.push(of_bare(on, &sample).await?);
        vtask.push(of_vtask(on, &client, subject).await?);
    }
    let of = |rates: &[Rate], value: fn(&Rate) -> f64| rates.iter().map(value).collect::<Vec<f64>>();
    let [jobs, rows] = [&vtask, &bare].map(|rates| of(rates, |rate| rate.a_second));
    let label = format!("1 step, {} at a time", on.options.concurrency);
    let figure = Figure::new(label, "jobs/s", &jobs).beside(&jobs, &rows);
    let figure = if on.has_budget() { figure.at_least_of_limit(BUDGET) } else { figure };
    let [vtask, bare] = [&vtask, &bare].map(|rates| median(&of(rates, |rate| rate.cpu)));
    Ok(vec![figure.detail(vtask, "µs of CPU a job").detail(bare, "µs bare")])
}

async fn of_vtask(on: &On<'_>, client: &Client, subject: Subject) -> anyhow::Result<Rate> {
    on.empty("task").await?;
    let parcels = (0..length(on)).map(|_| Parcel::new(on.options.payload)).collect();
    subject.jobs(client).invoke_many(parcels).await?;
    Ok(drain(client, subject, on.options.concurrency, on.span()).await?.rate)
}

async fn of_bare(on: &On<'_>, sample: &Arc<Sample>) -> anyhow::Result<Rate> {
    on.empty("bare_task").await?;
    let rows = on.options.rows(on.options.concurrency);
    bare::queue::fill(on.scratch, sample, rows, length(on)).await?;
    bare::queue::measure(on.scratch, sample, rows, on.connections(), on.span()).await
}

/// How many jobs a queue needs, so that it has not run dry when the measurement ends.
pub(super) fn length(on: &On<'_>) -> usize {
    on.options.jobs + on.options.jobs.div_ceil(5) + on.options.concurrency * (on.connections() + 4)
}

/// Works off what is due, and looks how fast.
pub(super) async fn drain(client: &Client, subject: Subject, concurrency: usize, span: Span) -> anyhow::Result<Seen> {
    let board = Board::new(subject.steps, 0);
    let center = subject.work(client, &board, concurrency).await?;
    let rate = watch(board.done(), span).await?;
    center.shutdown().await?;
    Ok(Seen { rate, jobs: board.done().load(Ordering::Relaxed) })
}
