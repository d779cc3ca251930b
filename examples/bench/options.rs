//! What the command line asks for.

use std::str::FromStr;
use std::time::Duration;

use anyhow::Context;
use lexopt::{Arg, Parser, ValueExt};

pub(crate) const HELP: &str = "\
Measures vtask beside the bare limit of the database.

Usage: cargo run --release --example bench -- [OPTIONS] [URL]...

A URL is sqlite://FILE (not there yet, or empty), postgres://... or mysql://... On a server it makes
a scratch database and drops it in the end. Without a URL: a file in the temporary folder. In memory
it measures in any case; `memory` in the place of a URL does that only.

  --seconds N        how long one measurement takes [1]
  --rounds N         how often each is made, vtask and bare in turn [3]
  --in-flight A,B,C  how many jobs are on their way at a time [64,256,1024]
  --concurrency N    how many jobs run at a time, and rows a bare statement has [256]
  --connections N    how many connections the bare limit uses on a server [3]
  --runs N           how many jobs the latency is taken of [200]
  -h, --help         prints this";

/// The most rows that vtask puts into a statement.
const MOST_ROWS: usize = 256;

#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) urls: Vec<String>,
    pub(crate) window: Duration,
    pub(crate) rounds: usize,
    pub(crate) in_flight: Vec<usize>,
    pub(crate) concurrency: usize,
    pub(crate) connections: usize,
    pub(crate) runs: usize,
}

impl Options {
    /// Reads the command line; `None` if it asks for help.
    pub(crate) fn parse(mut parser: Parser) -> anyhow::Result<Option<Self>> {
        let mut options = Self {
            urls: Vec::new(),
            window: Duration::from_secs(1),
            rounds: 3,
            in_flight: vec![64, 256, 1024],
            concurrency: 256,
            connections: 3,
            runs: 200,
        };
        while let Some(arg) = parser.next()? {
            match arg {
                Arg::Short('h') | Arg::Long("help") => return Ok(None),
                Arg::Long("seconds") => options.window = seconds(&mut parser)?,
                Arg::Long("rounds") => options.rounds = count(&mut parser)?,
                Arg::Long("in-flight") => options.in_flight = counts(&parser.value()?.string()?)?,
                Arg::Long("concurrency") => options.concurrency = count(&mut parser)?,
                Arg::Long("connections") => options.connections = count(&mut parser)?,
                Arg::Long("runs") => options.runs = count(&mut parser)?,
                Arg::Value(url) => options.urls.push(url.string()?),
                other => return Err(other.unexpected().into()),
            }
        }
        Ok(Some(options))
    }

    /// How many rows a bare statement has with so many jobs in flight.
    pub(crate) fn rows(&self, in_flight: usize) -> usize {
        in_flight.min(self.concurrency).min(MOST_ROWS)
    }
}

fn seconds(parser: &mut Parser) -> anyhow::Result<Duration> {
    let seconds: f64 = parser.value()?.parse()?;
    anyhow::ensure!((0.01..=3600.0).contains(&seconds), "--seconds is {seconds}: give 0.01 to 3600");
    Ok(Duration::from_secs_f64(seconds))
}

fn count(parser: &mut Parser) -> anyhow::Result<usize> {
    positive(&parser.value()?.string()?)
}

fn counts(list: &str) -> anyhow::Result<Vec<usize>> {
    list.split(',').map(positive).collect()
}

fn positive(text: &str) -> anyhow::Result<usize> {
    let number = usize::from_str(text.trim()).with_context(|| format!("{text:?} is no number"))?;
    anyhow::ensure!(number > 0, "{text:?} has to be at least 1");
    Ok(number)
}
