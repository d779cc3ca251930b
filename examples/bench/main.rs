//! Measures vtask beside the bare limit of the database, in one run.
//!
//! ```sh
//! cargo run --release --example bench                                            # on a SQLite file of its own
//! cargo run --release --example bench -- postgres://user@host mysql://user@host  # on these; --help tells the options
//! ```
//!
//! It writes only what it removes in the end, also after Ctrl-C: a database with a random name on a server, a file that
//! was not there. The name is printed first.
//!
//! **What it measures.** On each database, through the public API:
//!
//! - *Throughput* of jobs of 3 steps and of 1 step, with some number in flight: a task for each invokes a job, and the
//!   next one when the last step of that runs. Beside it jobs that are invoked many at a time, and jobs that are also
//!   waited for. Each measurement takes a second, after a fifth of one that does not count.
//! - *Latency* of one job of 10 steps on an idle system: until `wait` returns, and until the first step begins.
//!
//! And in memory, without a database: the steps of jobs for each second of CPU, system and user.
//!
//! **The bare limit** stands beside each figure. It is hand-written SQL in the form that is fastest on that database,
//! with the same settings, on a second set of vtask's own tables, and leaves rows with the same bytes: what they hold is
//! read from a job of vtask. For throughput that is one insert of many rows and a guarded update of all of them for each
//! step, `--concurrency` rows a statement, one commit each, over `--connections` connections that are held (one to a
//! SQLite file, which has one writer). For latency it is a commit of one row for the insert and for each step, in
//! sequence. Nothing is claimed, read or waited for. vtask and bare take turns, so that noise hits both; the ratio is
//! the median over the rounds, with the least and the most beside it.
//!
//! **The budget:**
//!
//! - jobs of 3 steps, 256 in flight: at least 70 % of the bare throughput;
//! - a job of 10 steps on an idle system: at most 1.3 times its eleven bare commits;
//! - from `invoke` to the first step: at most one bare commit and 1 ms;
//! - in memory: at least 500 000 steps for a second of CPU.

mod bare;
mod connection;
mod facts;
mod jobs;
mod latency;
mod load;
mod options;
mod report;
mod sample;
mod scratch;
mod sql;

use std::sync::Arc;

use lexopt::Parser;
use tokio::task::JoinHandle;
use vtask::Client;

use bare::Bare;
use jobs::{Measured, One, Ten, Three};
use load::{Load, Rate, Way};
use options::Options;
use report::{Throughput, print_latency, print_memory, print_throughput};
use sample::Sample;
use scratch::{Kind, Scratch};

/// What is to be reached, in percent of the bare limit, and with how many in flight.
const BUDGET: (f64, usize) = (70.0, 256);
/// Instead of a URL: measures in memory only, which comes last in any case.
const MEMORY: &str = "memory";
/// Steps for a second of CPU, in memory.
const MEMORY_BUDGET: f64 = 500_000.0;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Some(options) = Options::parse(Parser::from_env())? else {
        println!("{}", options::HELP);
        return Ok(());
    };
    let mut interrupt = Interrupt(tokio::spawn(told_to_end()));
    println!("{}; {} rounds of {:?}", facts::machine(), options.rounds, options.window);
    if options.urls.is_empty() {
        on(Scratch::in_folder()?, &options, &mut interrupt).await?;
    }
    for url in options.urls.iter().filter(|url| *url != MEMORY) {
        on(Scratch::at(url).await?, &options, &mut interrupt).await?;
    }
    interrupt.or(in_memory(&options)).await
}

/// Measures on a database, and removes it, whatever comes of it.
async fn on(scratch: Scratch, options: &Options, interrupt: &mut Interrupt) -> anyhow::Result<()> {
    let measured = interrupt.or(on_database(&scratch, options)).await;
    let removed = scratch.remove().await;
    measured.and(removed)
}

/// The wish of whoever started this that it should end. It is listened for from the beginning, so that nothing that was
/// made is left.
struct Interrupt(JoinHandle<std::io::Result<()>>);

impl Interrupt {
    async fn or(&mut self, work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
        tokio::select! {
            biased;
            _ = &mut self.0 => Err(anyhow::anyhow!("interrupted")),
            done = work => done,
        }
    }
}

#[cfg(unix)]
async fn told_to_end() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        biased;
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn told_to_end() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}

async fn on_database(scratch: &Scratch, options: &Options) -> anyhow::Result<()> {
    let client = Client::connect(&scratch.url).await?;
    // For its tables only.
    Client::builder(scratch.url.as_str()).table_prefix("bare_").connect().await?;
    let database = scratch::connect(&scratch.url).await?;
    println!("\n{}\n  {}", scratch.name(), facts::of(&database, scratch.kind).await?);

    let ten = Arc::new(Sample::of::<Ten>(&client, &database).await?);
    eprintln!("  latency of {} jobs", options.runs);
    let mut bare = Bare::open(scratch, &ten, 1).await?;
    let latencies = latency::measure::<Ten>(&client, &mut bare, options.runs).await?;
    print_latency(&latencies, options.rounds);

    let three = Arc::new(Sample::of::<Three>(&client, &database).await?);
    let mut lines = throughput::<Three>(&client, scratch, &three, options).await?;
    let one = Arc::new(Sample::of::<One>(&client, &database).await?);
    lines.extend(throughput::<One>(&client, scratch, &one, options).await?);
    print_throughput(&lines);
    database.close().await?;
    Ok(())
}

/// Throughput of jobs with so many steps, under each load.
async fn throughput<J: Measured>(
    client: &Client,
    scratch: &Scratch,
    sample: &Arc<Sample>,
    options: &Options,
) -> anyhow::Result<Vec<Throughput>> {
    let connections = if scratch.kind == Kind::Sqlite { 1 } else { options.connections };
    let mut lines = Vec::new();
    for &in_flight in &options.in_flight {
        let ways: &[Way] = match in_flight == BUDGET.1 && J::STEPS == 3 {
            true => &[Way::Invoke, Way::InvokeMany, Way::Wait],
            false => &[Way::Invoke],
        };
        let mut of_ways: Vec<Throughput> = ways.iter().map(|way| line::<J>(in_flight, *way)).collect();
        for round in 1..=options.rounds {
            eprintln!("  {} steps, {in_flight} in flight, round {round}", J::STEPS);
            let rows = options.rows(in_flight);
            let mut rates = Vec::new();
            for way in ways {
                rates.push(load::measure::<J>(client, load(options, in_flight, *way)).await?);
            }
            let bare = bare::measure(scratch, sample, rows, connections, options.window).await?;
            of_ways.iter_mut().zip(rates).for_each(|(line, rate)| line.rounds.push((rate, bare)));
        }
        lines.extend(of_ways);
    }
    Ok(lines)
}

fn line<J: Measured>(in_flight: usize, way: Way) -> Throughput {
    let label = match way {
        Way::Invoke if J::STEPS == 1 => format!("1 step, {in_flight} in flight"),
        Way::Invoke => format!("{} steps, {in_flight} in flight", J::STEPS),
        Way::InvokeMany => "  by invoke_many".to_owned(),
        Way::Wait => "  and waited for".to_owned(),
    };
    let is_measured_by = way == Way::Invoke && J::STEPS == 3 && in_flight == BUDGET.1;
    Throughput { label, steps: J::STEPS, budget: is_measured_by.then_some(BUDGET.0), rounds: Vec::new() }
}

fn load(options: &Options, in_flight: usize, way: Way) -> Load {
    Load { in_flight, concurrency: options.concurrency, window: options.window, way }
}

/// The framework alone.
async fn in_memory(options: &Options) -> anyhow::Result<()> {
    println!("\nin memory, {} in flight", BUDGET.1);
    print_memory("3 steps", Three::STEPS, &in_memory_rounds::<Three>(options).await?, MEMORY_BUDGET);
    print_memory("10 steps", Ten::STEPS, &in_memory_rounds::<Ten>(options).await?, MEMORY_BUDGET);
    Ok(())
}

/// Each round has a storage of its own, because nothing that ended leaves it.
async fn in_memory_rounds<J: Measured>(options: &Options) -> anyhow::Result<Vec<Rate>> {
    let mut rates = Vec::new();
    for _ in 0..options.rounds {
        let load = load(options, BUDGET.1, Way::Invoke);
        rates.push(load::measure::<J>(&Client::in_memory(), load).await?);
    }
    Ok(rates)
}
