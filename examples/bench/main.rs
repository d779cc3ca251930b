//! Measures vtask beside the bare limit of your database, in one run.
//!
//! ```sh
//! cargo run --release --example bench                                    # on a SQLite file of its own
//! cargo run --release --example bench -- postgres://user@host/empty      # on an empty database; --help tells the options
//! cargo run --release --example bench -- mysql://user@host --create      # on one that it makes, and drops in the end
//! ```
//!
//! It takes about two minutes, says on stderr what it does, and prints tables, or with `--json` one JSON object. It
//! writes into no table that is there already, and removes in the end what it made, also after Ctrl-C.
//!
//! **What it measures**, a table each, through the public API:
//!
//! - *throughput* of jobs of 3 steps, or of `--steps`, so many in flight: 64 callers invoke one job after the other, as soon as
//!   there is room for one more because the last step of one has run; then the same by `invoke_many`, and by callers who
//!   wait for the output of their job;
//! - *queue*: jobs of 1 step that are due and in nobody's hands when a center starts;
//! - *latency* of one job of 10 steps on an idle system: until its first step begins, and until `wait` returns;
//! - *processes*: the same from this process, which only invokes, to another one that works;
//! - *memory* of such a process for each job that runs and for each that waits;
//! - *idle*: what a node asks of the database when there is nothing to do;
//! - *backlog*, with `--backlog N`: throughput with N due, N delayed and 10 N finished rows, beside that of a short queue;
//! - *framework*: steps for each second of CPU, system and user, on memory storage.
//!
//! A measurement of throughput takes `--jobs` or `--seconds`, whichever is over first, after a fifth of that which does
//! not count. Budgets of throughput are those of jobs without `--payload`.
//!
//! **The bare limit** stands beside a figure. It is hand-written SQL in the form that is fastest on that database, over
//! the same driver, with the same settings, on a second set of vtask's own tables, and leaves rows with the same bytes:
//! what they hold is read from a job of vtask.
//!
//! - For throughput it is one insert of many rows and a guarded update of all of them for each step, `--concurrency` rows
//!   a statement, one commit each, over `--connections` connections that are held (one to a SQLite file, which has one
//!   writer). Nothing is claimed, read or waited for.
//! - For the queue it is a statement that claims so many due rows and reads them, and one that finishes them.
//! - For latency it is a commit of one row for the insert and for each step, in sequence.
//!
//! vtask and bare take turns, so that noise hits both; what is printed is the median over the rounds, with the least and
//! the most beside it.
//!
//! **The budget:**
//!
//! - jobs of 3 steps, 256 in flight, and a queue of jobs of 1 step: at least 70 % of the bare limit;
//! - a job of 10 steps on an idle system: at most 1.3 times its eleven bare commits;
//! - from `invoke` to the first step: at most one bare commit and 1 ms; from another process, on PostgreSQL, 10 ms;
//! - a million waiting jobs: less than 200 MB;
//! - an idle node: less than one query a second;
//! - with a backlog: at least 90 % of the speed without one;
//! - in memory: at least 500 000 steps for a second of CPU.

mod bare;
mod child;
mod counted;
mod counters;
mod facts;
mod fill;
mod interrupt;
mod jobs;
mod load;
mod options;
mod progress;
mod rate;
mod report;
mod resident;
mod sample;
mod scratch;
mod section;
mod sections;
mod subject;
mod tables;
mod worker;

use std::process::ExitCode;

use lexopt::Parser;

use interrupt::Interrupt;
use options::{Options, Task};
use report::Report;
use scratch::Scratch;
use section::Section;
use sections::On;

/// Instead of a URL: measures the framework alone, which comes last in any case.
const MEMORY: &str = "memory";

#[tokio::main]
async fn main() -> ExitCode {
    if let Err(error) = run().await {
        eprintln!("bench: {error:#}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

async fn run() -> anyhow::Result<()> {
    match Task::parse(Parser::from_env())? {
        Task::Help => println!("{}", options::HELP),
        Task::Work(steps) => worker::work(steps).await?,
        Task::Hold(jobs) => worker::hold(jobs).await?,
        Task::Measure(options) => measure(&options).await?,
    }
    Ok(())
}

async fn measure(options: &Options) -> anyhow::Result<()> {
    let mut interrupt = Interrupt::listen();
    let mut report = Report::new(options);
    if Section::ALL.iter().any(|section| is_on_database(*section) && options.wants(*section)) {
        if options.urls.is_empty() {
            on(Scratch::in_folder()?, options, &mut report, &mut interrupt).await?;
        }
        for url in options.urls.iter().filter(|url| *url != MEMORY) {
            on(Scratch::at(url, options.create).await?, options, &mut report, &mut interrupt).await?;
        }
    }
    if options.wants(Section::Framework) {
        interrupt.or(in_memory(options, &mut report)).await?;
    }
    report.end()
}

fn is_on_database(section: Section) -> bool {
    section != Section::Framework
}

/// Measures on a database, and removes what was made there, whatever comes of it.
async fn on(
    scratch: Scratch,
    options: &Options,
    report: &mut Report<'_>,
    interrupt: &mut Interrupt,
) -> anyhow::Result<()> {
    let measured = interrupt.or(on_database(&scratch, options, report)).await;
    let removed = scratch.remove().await;
    measured.and(removed)
}

async fn on_database(scratch: &Scratch, options: &Options, report: &mut Report<'_>) -> anyhow::Result<()> {
    let on = On::new(scratch, options).await?;
    report.on(scratch.name(), facts::of(&on.database, scratch.kind).await?);
    for section in Section::ALL.into_iter().filter(|section| is_on_database(*section) && options.wants(*section)) {
        report.add(section, &on.measure(section).await?)?;
    }
    on.database.close().await?;
    Ok(())
}

async fn in_memory(options: &Options, report: &mut Report<'_>) -> anyhow::Result<()> {
    report.on(MEMORY.to_owned(), "no database".to_owned());
    report.add(Section::Framework, &sections::framework(options).await?)
}
