//! The framework alone: what a step costs where the storage costs next to nothing.

use vtask::Client;

use crate::load::{self, Load, Way};
use crate::options::Options;
use crate::progress::say;
use crate::rate::{Rate, Span};
use crate::report::{Figure, median};
use crate::subject::Subject;

/// Steps for a second of CPU.
const BUDGET: f64 = 500_000.0;
const IN_FLIGHT: usize = 256;

pub(crate) async fn figures(options: &Options) -> anyhow::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for steps in [3, 10] {
        let subject = Subject::of_steps(steps);
        let mut rates = Vec::new();
        for round in 1..=options.rounds {
            say(format_args!("in memory, {steps} steps, round {round} of {}", options.rounds));
            rates.push(measure(subject, options).await?);
        }
        figures.push(figure(subject, &rates));
    }
    Ok(figures)
}

/// Each round has a storage of its own, because nothing that ended leaves it.
async fn measure(subject: Subject, options: &Options) -> anyhow::Result<Rate> {
    let load = Load {
        subject,
        way: Way::Invoke,
        in_flight: IN_FLIGHT,
        concurrency: options.concurrency,
        payload: options.payload,
        // The number of jobs is made for databases; here it would be over in no time.
        span: Span { count: u64::from(u32::MAX), window: options.window },
    };
    Ok(load::measure(&Client::in_memory(), load, async { Ok(()) }).await?.rate)
}

fn figure(subject: Subject, rates: &[Rate]) -> Figure {
    let of = |value: fn(&Rate) -> f64| rates.iter().map(value).collect::<Vec<f64>>();
    let steps = f64::from(subject.steps);
    let a_cpu_second: Vec<f64> = of(|rate| rate.cpu).iter().map(|cpu| steps * 1e6 / cpu).collect();
    let label = format!("{}, a second of CPU", subject.label());
    Figure::new(label, "steps", &a_cpu_second)
        .budget("≥ 500 000", median(&a_cpu_second) >= BUDGET)
        .detail(median(&of(|rate| rate.a_second)), "jobs/s")
        .detail(steps * median(&of(|rate| rate.a_second)), "steps/s")
}
