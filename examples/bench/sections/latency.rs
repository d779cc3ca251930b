//! One job on an idle system, beside as many bare commits.

use std::time::{Duration, Instant};

use anyhow::Context;

use super::On;
use crate::bare::Bare;
use crate::jobs::{Board, Parcel};
use crate::progress::say;
use crate::report::{Figure, millis};
use crate::subject::Subject;

/// How many steps a job has whose time is taken.
const STEPS: usize = 10;
/// The most that such a job should take, in bare commits of the same number.
const BUDGET: f64 = 1.3;
/// The most that a first step should be behind the commit that saves the job.
const BEGIN: Duration = Duration::from_millis(1);

/// Times of one job after the other.
#[derive(Debug, Default)]
struct Latencies {
    /// From `invoke` until `wait` returned.
    job: Vec<Duration>,
    /// From `invoke` until the first step began.
    begin: Vec<Duration>,
    /// The same commits, bare.
    bare: Vec<Duration>,
    /// The first of these, the insert.
    insert: Vec<Duration>,
    /// All of these.
    commits: Vec<Duration>,
}

pub(crate) async fn figures(on: &On<'_>) -> anyhow::Result<Vec<Figure>> {
    say(format_args!("the latency of {} jobs of {STEPS} steps", on.options.runs));
    let times = measure(on).await?;
    let [job, begin, bare, insert, commits] =
        [&times.job, &times.begin, &times.bare, &times.insert, &times.commits].map(|times| millis(times));
    let figure = |label: &str, times: &[f64]| Figure::latency(label, times, on.options.rounds);
    let begins = figure("invoke to first step", &begin).beside_latency(&begin, &insert, on.options.rounds);
    let (text, limit) = ("≤ commit + 1 ms", BEGIN.as_secs_f64() * 1e3);
    let is_met = begins.limit.is_some_and(|insert| begins.rounds.median <= insert.median + limit);
    let ends = figure("a job of 10 steps, waited for", &job).beside_latency(&job, &bare, on.options.rounds);
    Ok(vec![
        figure("bare commit of a row", &commits),
        figure("bare: eleven in sequence", &bare),
        begins.budget(text, is_met),
        ends.at_most_of_limit(BUDGET),
    ])
}

/// Runs jobs and bare commits in turn, so that noise hits both.
async fn measure(on: &On<'_>) -> anyhow::Result<Latencies> {
    let subject = Subject::of_steps(STEPS);
    let sample = on.sample(subject).await?;
    let mut bare = Bare::open(on.scratch, &sample, 1).await?;
    let (client, board) = (on.client().await?, Board::new(subject.steps, 0));
    let center = subject.work(&client, &board, on.options.concurrency).await?;
    let (jobs, mut times) = (subject.jobs(&client), Latencies::default());
    for _ in 0..on.options.runs {
        let begun = Instant::now();
        jobs.finish(Parcel::new(on.options.payload)).await?;
        times.job.push(begun.elapsed());
        let first = board.begun().context("a job that ended has begun")?;
        times.begin.push(first.saturating_duration_since(begun));
        times.add_bare(&mut bare).await?;
    }
    center.shutdown().await?;
    Ok(times)
}

impl Latencies {
    async fn add_bare(&mut self, bare: &mut Bare) -> anyhow::Result<()> {
        let (begun, mut ends) = (Instant::now(), vec![Duration::ZERO]);
        bare.batch(|_| ends.push(begun.elapsed())).await?;
        let commits: Vec<Duration> = ends.windows(2).map(|ends| ends[1] - ends[0]).collect();
        self.bare.extend(ends.last());
        self.insert.extend(commits.first());
        self.commits.extend(commits);
        Ok(())
    }
}
