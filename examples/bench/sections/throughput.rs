//! Jobs that are invoked as fast as they end.

use std::sync::Arc;

use super::On;
use crate::bare;
use crate::counters::Counters;
use crate::load::{self, Load, Way};
use crate::progress::say;
use crate::rate::Rate;
use crate::report::{Figure, median};
use crate::sample::Sample;

/// The least that vtask should reach of the bare limit, in percent; of what jobs, and with how many in flight.
const BUDGET: f64 = 70.0;
const BUDGET_STEPS: u32 = 3;
const BUDGET_IN_FLIGHT: usize = 256;

/// One kind of load.
struct Line {
    in_flight: usize,
    way: Way,
    rounds: Vec<Round>,
}

struct Round {
    vtask: Rate,
    bare: Rate,
    /// Of a job, by the server's own account.
    rows: f64,
    commits: f64,
}

pub(crate) async fn figures(on: &On<'_>) -> anyhow::Result<Vec<Figure>> {
    let sample = on.sample(on.subject()).await?;
    let mut lines = Vec::new();
    for &in_flight in &on.options.in_flight {
        lines.extend(of(on, &sample, in_flight).await?);
    }
    let limit = lines.iter().find(|line| is_main(on, line.in_flight)).map(|line| limit(on, line));
    Ok(limit.into_iter().chain(lines.iter().map(|line| figure(on, line))).collect())
}

/// The number in flight that is measured in each way: that of the budget, or the last one.
fn is_main(on: &On<'_>, in_flight: usize) -> bool {
    let all = &on.options.in_flight;
    in_flight == BUDGET_IN_FLIGHT || !all.contains(&BUDGET_IN_FLIGHT) && all.last() == Some(&in_flight)
}

async fn of(on: &On<'_>, sample: &Arc<Sample>, in_flight: usize) -> anyhow::Result<Vec<Line>> {
    let ways: &[Way] = if is_main(on, in_flight) { &[Way::Invoke, Way::InvokeMany, Way::Wait] } else { &[Way::Invoke] };
    let mut lines: Vec<Line> = ways.iter().map(|&way| Line { in_flight, way, rounds: Vec::new() }).collect();
    for round in 1..=on.options.rounds {
        say(format_args!("{in_flight} in flight, round {round} of {}", on.options.rounds));
        let rows = on.options.rows(in_flight);
        let bare = bare::measure(on.scratch, sample, rows, on.connections(), on.span()).await?;
        for line in &mut lines {
            let round = vtask(on, line, bare).await?;
            line.rounds.push(round);
        }
    }
    Ok(lines)
}

async fn vtask(on: &On<'_>, line: &Line, bare: Rate) -> anyhow::Result<Round> {
    let client = on.client().await?;
    let load = Load {
        subject: on.subject(),
        way: line.way,
        in_flight: line.in_flight,
        concurrency: on.options.concurrency,
        payload: on.options.payload,
        span: on.span(),
    };
    let mut before = Counters::default();
    let started = async {
        before = Counters::read(on).await?;
        Ok(())
    };
    let seen = load::measure(&client, load, started).await?;
    drop(client);
    let counted = Counters::settled(on).await?.since(before);
    let jobs = seen.jobs as f64;
    Ok(Round { vtask: seen.rate, bare, rows: counted.rows / jobs, commits: counted.commits / jobs })
}

fn figure(on: &On<'_>, line: &Line) -> Figure {
    let subject = on.subject();
    let of = |value: fn(&Round) -> f64| line.rounds.iter().map(value).collect::<Vec<f64>>();
    let middle = |value: fn(&Round) -> f64| median(&of(value));
    let (vtask, bare) = (of(|round| round.vtask.a_second), of(|round| round.bare.a_second));
    let label = match line.way {
        Way::Invoke => format!("{}, {} in flight", subject.label(), line.in_flight),
        Way::InvokeMany => "  by invoke_many".to_owned(),
        Way::Wait => "  and waited for".to_owned(),
    };
    let figure = Figure::new(label, "jobs/s", &vtask).beside(&vtask, &bare);
    let is_judged = (subject.steps, line.in_flight, line.way) == (BUDGET_STEPS, BUDGET_IN_FLIGHT, Way::Invoke);
    let figure = if is_judged && on.has_budget() { figure.at_least_of_limit(BUDGET) } else { figure };
    figure
        .detail(median(&vtask) * f64::from(subject.steps), "steps/s")
        .detail(middle(|round| round.rows), "rows a job")
        .detail(middle(|round| round.commits), "commits a job")
        .detail(middle(|round| round.vtask.cpu), "µs of CPU a job")
        .detail(middle(|round| round.bare.cpu), "µs bare")
}

/// The limit by itself.
fn limit(on: &On<'_>, line: &Line) -> Figure {
    let rows = f64::from(on.subject().steps + 1);
    let bare: Vec<f64> = line.rounds.iter().map(|round| round.bare.a_second * rows).collect();
    Figure::new(format!("bare, {} rows a commit", on.options.rows(line.in_flight)), "rows/s", &bare)
}
