//! One process invokes, another one works.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::On;
use crate::child::Child;
use crate::jobs::Parcel;
use crate::progress::say;
use crate::report::{Figure, millis};
use crate::scratch::Kind;

/// The most between `invoke` and the first step on PostgreSQL, in milliseconds. The others are asked, and look less often.
const BUDGET: f64 = 10.0;
/// The longest pause before a job: without one the worker would never come to rest.
const PAUSE: f64 = 0.05;
/// It ends after so many windows, where many runs would take long.
const WINDOWS: u32 = 10;

/// Times of one job after the other.
#[derive(Default)]
struct Times {
    begun: Vec<Duration>,
    done: Vec<Duration>,
}

pub(crate) async fn figures(on: &On<'_>) -> anyhow::Result<Vec<Figure>> {
    say(format_args!("up to {} jobs from process to process", on.options.runs));
    let mut worker = Child::start("--worker", on.options.steps, &on.scratch.url).await?;
    let times = measure(on, &mut worker).await?;
    worker.end().await?;
    let (label, rounds) = (on.subject().label(), on.options.rounds);
    let begun = Figure::latency("invoke to first step", &millis(&times.begun), rounds);
    let begun = if on.scratch.kind == Kind::Postgres { begun.at_most(BUDGET) } else { begun };
    Ok(vec![begun, Figure::latency(format!("invoke to last of {label}"), &millis(&times.done), rounds)])
}

async fn measure(on: &On<'_>, worker: &mut Child) -> anyhow::Result<Times> {
    let (client, begun, mut times) = (on.client().await?, Instant::now(), Times::default());
    let jobs = on.subject().jobs(&client);
    while times.done.len() < on.options.runs && begun.elapsed() < on.options.window * WINDOWS {
        sleep(Duration::from_secs_f64(PAUSE * rand::random::<f64>())).await;
        let begun = Instant::now();
        jobs.invoke(Parcel::new(on.options.payload)).await?;
        worker.until("begun").await?;
        times.begun.push(begun.elapsed());
        worker.until("done").await?;
        times.done.push(begun.elapsed());
    }
    Ok(times)
}
