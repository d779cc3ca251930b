//! The memory of a process that works, for each job that it runs and for each that waits.

use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::time::sleep;
use vtask::{JobHandle, JobId};

use super::On;
use crate::child::Child;
use crate::fill::{self, Due};
use crate::jobs::{PATIENCE, Parcel};
use crate::progress::say;
use crate::report::Figure;
use crate::resident;
use crate::worker::Hold;

/// At most so many jobs run at a time.
const RUNNING: usize = 2000;
/// For each of these that runs, so many wait.
const WAITING: usize = 10;
/// Bytes for each that waits: 200 MB for a million.
const BUDGET: f64 = 200.0;
/// Of fewer, the bytes for each mean nothing.
const ENOUGH: usize = 50_000;

pub(crate) async fn figures(on: &On<'_>) -> anyhow::Result<Vec<Figure>> {
    if resident::bytes().is_none() {
        say("memory: this system does not say how much a process has");
        return Ok(Vec::new());
    }
    on.empty("task").await?;
    let running = RUNNING.min(on.options.jobs);
    say(format_args!("the memory of {running} jobs that run and {} that wait", WAITING * on.options.jobs));
    let mut holder = Child::start("--holder", running, &on.scratch.url).await?;
    let jobs = JobHandle::new(&on.client().await?);
    let figures = measure(on, &jobs, &mut holder, running).await?;
    holder.end().await?;
    // Some were running.
    on.empty("task").await?;
    Ok(figures)
}

async fn measure(
    on: &On<'_>,
    jobs: &JobHandle<Hold>,
    holder: &mut Child,
    running: usize,
) -> anyhow::Result<Vec<Figure>> {
    // What the first ones need is needed once.
    let first = running.div_ceil(10);
    let before = hold(on, jobs, holder, first, first).await?;
    let with_running = hold(on, jobs, holder, running - first, running).await?;
    let last = invoke(on, jobs, 1).await?;
    let waiting = WAITING * on.options.jobs;
    fill::copy(&on.database, on.scratch.kind, last, waiting, Due::Now).await?;
    // It looks every two seconds, and finds them.
    sleep(on.options.window * 3).await;
    let with_waiting = look(holder).await?.1;
    let each = |more: f64, less: f64, count: usize| (more - less).max(0.0) / count.max(1) as f64;
    let each_running = each(with_running, before, running - first);
    let each_waiting = each(with_waiting, with_running, waiting);
    let runs = Figure::new("a job that runs", "B", &[each_running]).detail(with_running / 1e6, "MB in all");
    let waits = Figure::new("a job that waits", "B", &[each_waiting]).detail(with_waiting / 1e6, "MB in all");
    Ok(vec![runs, if waiting >= ENOUGH { waits.at_most(BUDGET) } else { waits }])
}

/// Invokes so many more, and answers the memory when so many run.
async fn hold(on: &On<'_>, jobs: &JobHandle<Hold>, holder: &mut Child, more: usize, all: usize) -> anyhow::Result<f64> {
    if more > 0 {
        invoke(on, jobs, more).await?;
    }
    let begun = Instant::now();
    loop {
        let (running, bytes) = look(holder).await?;
        if running >= all {
            return Ok(bytes);
        }
        anyhow::ensure!(begun.elapsed() < PATIENCE, "only {running} of {all} jobs run after {PATIENCE:?}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// Saves jobs that do not end, and answers the last one.
async fn invoke(on: &On<'_>, jobs: &JobHandle<Hold>, count: usize) -> anyhow::Result<JobId> {
    let parcels = (0..count).map(|_| Parcel::new(on.options.payload));
    let last = jobs.invoke_many(parcels).await.into_iter().last();
    Ok(last.context("it has invoked some")??.id())
}

async fn look(holder: &mut Child) -> anyhow::Result<(usize, f64)> {
    holder.tell("look").await?;
    let line = holder.line().await?;
    let (running, bytes) = line.split_once(' ').context("it says two numbers")?;
    Ok((running.parse()?, bytes.parse()?))
}
