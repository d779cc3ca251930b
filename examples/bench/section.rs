//! The parts of the benchmark.

use std::fmt;

use crate::options::Options;

/// A part of the benchmark, which is a table of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    Throughput,
    Queue,
    Latency,
    Processes,
    Memory,
    Idle,
    Backlog,
    Framework,
}

impl Section {
    /// In the order in which they are measured.
    pub(crate) const ALL: [Self; 8] = [
        Self::Throughput,
        Self::Queue,
        Self::Latency,
        Self::Processes,
        Self::Memory,
        Self::Idle,
        Self::Backlog,
        Self::Framework,
    ];

    /// What the command line and the JSON call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Throughput => "throughput",
            Self::Queue => "queue",
            Self::Latency => "latency",
            Self::Processes => "processes",
            Self::Memory => "memory",
            Self::Idle => "idle",
            Self::Backlog => "backlog",
            Self::Framework => "framework",
        }
    }

    /// The line above its table.
    pub(crate) fn title(self, options: &Options) -> String {
        let Options { jobs, backlog, .. } = options;
        match self {
            Self::Throughput => "throughput: jobs invoked by 64 callers, beside the same rows in batches".to_owned(),
            Self::Queue => {
                format!("queue: {jobs} due jobs of 1 step, beside batches that claim and finish the same rows")
            }
            Self::Latency => "latency: one job at a time, beside commits of one row".to_owned(),
            Self::Processes => "processes: one job at a time, invoked here and run in another process".to_owned(),
            Self::Memory => "memory: of a process that works".to_owned(),
            Self::Idle => "idle: a node with nothing to do".to_owned(),
            Self::Backlog => {
                format!(
                    "backlog: {backlog} due, {backlog} delayed and {} finished rows, beside {jobs} due ones",
                    10 * backlog
                )
            }
            Self::Framework => "framework: alone, on memory storage, 256 in flight".to_owned(),
        }
    }

    /// The one of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|section| section.name() == name)
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
