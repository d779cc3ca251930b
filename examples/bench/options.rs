//! What the command line asks for.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context;
use lexopt::{Arg, Parser, ValueExt};
use serde::Serialize;

use crate::section::Section;

pub(crate) const HELP: &str = "\
Measures vtask beside the bare limit of your database.

Usage: cargo run --release --example bench -- [OPTIONS] [URL]...

  --database URL     where to measure, as often as you like; a URL alone does the same. It is
                     sqlite://FILE (not there yet, or empty), postgres://... or mysql://... with the
                     name of an empty database, or `memory`, which measures the framework alone.
                     Without one: a SQLite file in the temporary folder
  --create           makes a scratch database on the server of each URL, and drops it in the end
  --steps N          how many steps a job has, 1 to 10 [3]
  --payload BYTES    pads the data of each job [0]
  --backlog N        also measures with N due, N delayed and 10 N finished rows [0]
  --jobs N           a measurement of throughput ends after so many jobs [10000]
  --seconds S        or after so long, whichever comes first [1]
  --rounds N         how often each is made, vtask and bare in turn [3]
  --runs N           how many jobs a latency is taken of [200]
  --in-flight A,B,C  how many jobs are on their way at a time [64,256,1024]
  --concurrency N    how many jobs run at a time, and rows a bare statement has [256]
  --connections N    how many connections the bare limit uses on a server [3]
  --only A,B         measures these alone: throughput, queue, latency, processes, memory, idle,
                     backlog, framework
  --json             prints one JSON object and nothing else; progress goes to stderr in any case
  -h, --help         prints this

Everything that it makes it removes in the end, also after Ctrl-C.";

/// What this process is to do.
pub(crate) enum Task {
    Help,
    Measure(Options),
    /// Hidden: runs jobs of so many steps for the process that started this one.
    Work(usize),
    /// Hidden: so many jobs at a time that wait, for the process that started this one.
    Hold(usize),
}

#[derive(Debug, Serialize)]
pub(crate) struct Options {
    #[serde(skip)]
    pub(crate) urls: Vec<String>,
    pub(crate) create: bool,
    pub(crate) steps: usize,
    pub(crate) payload: usize,
    pub(crate) backlog: usize,
    pub(crate) jobs: usize,
    #[serde(skip)]
    pub(crate) window: Duration,
    pub(crate) rounds: usize,
    pub(crate) runs: usize,
    pub(crate) in_flight: Vec<usize>,
    pub(crate) concurrency: usize,
    pub(crate) connections: usize,
    #[serde(skip)]
    pub(crate) only: Vec<Section>,
    #[serde(skip)]
    pub(crate) json: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            urls: Vec::new(),
            create: false,
            steps: 3,
            payload: 0,
            backlog: 0,
            jobs: 10_000,
            window: Duration::from_secs(1),
            rounds: 3,
            runs: 200,
            in_flight: vec![64, 256, 1024],
            concurrency: 256,
            connections: 3,
            only: Vec::new(),
            json: false,
        }
    }
}

impl Task {
    /// Reads the command line.
    pub(crate) fn parse(mut parser: Parser) -> anyhow::Result<Self> {
        let mut options = Options::default();
        while let Some(arg) = parser.next()? {
            match arg {
                Arg::Short('h') | Arg::Long("help") => return Ok(Self::Help),
                Arg::Long("worker") => return Ok(Self::Work(number("--worker", &text(&mut parser)?, 1..=10)?)),
                Arg::Long("holder") => return Ok(Self::Hold(number("--holder", &text(&mut parser)?, 1..=100_000)?)),
                Arg::Long("create") => options.create = true,
                Arg::Long("json") => options.json = true,
                Arg::Value(url) => options.urls.push(url.string()?),
                Arg::Long(name) => {
                    let flag = format!("--{name}");
                    let known = options.set(&flag, &mut parser)?;
                    anyhow::ensure!(known, "{flag} is no option: --help names them all");
                }
                Arg::Short(letter) => anyhow::bail!("-{letter} is no option: --help names them all"),
            }
        }
        options.check()?;
        Ok(Self::Measure(options))
    }
}

impl Options {
    /// Takes in an option that has a value; `false` if there is none of this name.
    fn set(&mut self, flag: &str, parser: &mut Parser) -> anyhow::Result<bool> {
        match flag {
            "--database" => self.urls.push(text(parser)?),
            "--steps" => self.steps = number(flag, &text(parser)?, 1..=10)?,
            // vtask takes 1 MiB of data.
            "--payload" => self.payload = number(flag, &text(parser)?, 0..=1_000_000)?,
            "--backlog" => self.backlog = number(flag, &text(parser)?, 0..=100_000_000)?,
            "--jobs" => self.jobs = number(flag, &text(parser)?, 1..=10_000_000)?,
            "--seconds" => self.window = Duration::from_secs_f64(number(flag, &text(parser)?, 0.01..=3600.0)?),
            "--rounds" => self.rounds = number(flag, &text(parser)?, 1..=100)?,
            "--runs" => self.runs = number(flag, &text(parser)?, 1..=100_000)?,
            "--in-flight" => self.in_flight = numbers(flag, &text(parser)?, 1..=100_000)?,
            // SQLite takes 32 766 parameters, and a row has up to 7.
            "--concurrency" => self.concurrency = number(flag, &text(parser)?, 1..=4000)?,
            "--connections" => self.connections = number(flag, &text(parser)?, 1..=64)?,
            "--only" => self.only = sections(&text(parser)?)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn check(&self) -> anyhow::Result<()> {
        let is_useless = self.backlog == 0 && self.only.contains(&Section::Backlog);
        anyhow::ensure!(!is_useless, "--only is \"backlog\", and --backlog is 0: say how many rows");
        Ok(())
    }

    /// Whether this section is to be measured.
    pub(crate) fn wants(&self, section: Section) -> bool {
        match section {
            Section::Backlog if self.backlog == 0 => false,
            _ => self.only.is_empty() || self.only.contains(&section),
        }
    }

    /// How many rows a bare statement has with so many jobs in flight. As those of vtask it has at most 4 MiB.
    pub(crate) fn rows(&self, in_flight: usize) -> usize {
        in_flight.min(self.concurrency).min((4 << 20) / (self.payload + 1000)).max(1)
    }
}

fn text(parser: &mut Parser) -> anyhow::Result<String> {
    Ok(parser.value()?.string()?)
}

fn number<T: FromStr + PartialOrd + Display>(flag: &str, text: &str, range: RangeInclusive<T>) -> anyhow::Result<T> {
    let number = text.trim().parse().ok().filter(|number| range.contains(number));
    number.with_context(|| format!("{flag} is {text:?}: give a number from {} to {}", range.start(), range.end()))
}

fn numbers(flag: &str, list: &str, range: RangeInclusive<usize>) -> anyhow::Result<Vec<usize>> {
    list.split(',').map(|text| number(flag, text, range.clone())).collect()
}

fn sections(list: &str) -> anyhow::Result<Vec<Section>> {
    let named = |name: &str| {
        let names = Section::ALL.map(Section::name).join(", ");
        Section::named(name.trim()).with_context(|| format!("--only is {name:?}: give some of {names}"))
    };
    list.split(',').map(named).collect()
}
