//! How a center and the jobs of its database are getting on.

mod probe;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::de::IgnoredAny;
use serde::{Serialize, Serializer};
use vtask_storage::value::{Bounds, Overview, Reason, Waiting};

pub use self::probe::HealthProbe;

/// So far a look at a table goes that may have millions of rows. A paused one is read, and on SQLite past its data.
const BOUNDS: Bounds = Bounds { names: 500, paused: 1000 };

/// How a center and the jobs of its database are getting on: for a readiness endpoint, an alert, and, as its `Display`
/// with a line for each problem, a log.
///
/// As JSON it has the fields by name, and durations in seconds, as `due_for_seconds`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Health {
    /// How far the center's own engine is.
    pub engine: EngineState,
    /// The names of jobs of which some are due and in nobody's hands; of the first 500 names with such jobs, due or not.
    pub due: Vec<DueJobs>,
    /// Whether there may be more names than that.
    pub more_due: bool,
    /// The newest 1000 paused jobs, by reason.
    pub paused: Vec<PausedJobs>,
    /// Whether there may be more paused jobs than that.
    pub more_paused: bool,
}

/// Jobs of one name that are due and in nobody's hands.
///
/// On MySQL and MariaDB names that differ in blanks at their end only count as one.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DueJobs {
    /// The name of the jobs.
    pub name: String,
    /// How long the oldest of them has been due.
    #[serde(rename = "due_for_seconds", serialize_with = "seconds")]
    pub due_for: Duration,
    /// Whether a living node that is not stopping runs jobs of this name; also true where a node does not say what it
    /// runs.
    pub has_runner: bool,
}

/// Jobs that are paused for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PausedJobs {
    /// The reason; `None` for those that a newer version has set.
    pub reason: Option<Reason>,
    /// How many there are.
    pub count: u32,
}

/// How far the engine of a center is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EngineState {
    /// It claims and runs jobs.
    Working,
    /// None of its heartbeats has arrived for a whole lease, or other nodes have called it dead: it begins no step until
    /// that is over.
    Unsure,
    /// It takes no more jobs and lets running steps finish.
    Stopping,
    /// It has ended, by a shutdown or as in a crash.
    Ended,
}

impl Health {
    /// Whether the engine works and each name of due jobs has a living node that runs it.
    ///
    /// A backlog is no fault by this, nor is a paused job: look at [`oldest_due`](Self::oldest_due) and
    /// [`paused`](Self::paused) with limits of your own.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.engine == EngineState::Working && self.due.iter().all(|waiting| waiting.has_runner)
    }

    /// How long the oldest due job that nobody holds has been due; `None` if none is.
    #[must_use]
    pub fn oldest_due(&self) -> Option<Duration> {
        self.due.iter().map(|waiting| waiting.due_for).max()
    }

    fn new(engine: EngineState, overview: Overview) -> Self {
        let known = Runners::new(&overview.plans);
        let paused = overview.paused.iter();
        Self {
            engine,
            due: overview.waiting.into_iter().map(|waiting| known.of(waiting)).collect(),
            more_due: overview.names_are_cut,
            paused: paused.map(|paused| PausedJobs { reason: paused.reason, count: paused.count }).collect(),
            more_paused: overview.paused_are_cut,
        }
    }
}

/// The names that nodes run, and whether one of them does not say which.
struct Runners(BTreeSet<String>, bool);

impl Runners {
    fn new(plans: &[String]) -> Self {
        let mut runners = Self(BTreeSet::new(), false);
        for plans in plans {
            match serde_json::from_str::<BTreeMap<String, IgnoredAny>>(plans) {
                Ok(names) => runners.0.extend(names.into_keys()),
                Err(_) => runners.1 = true,
            }
        }
        runners
    }

    fn of(&self, waiting: Waiting) -> DueJobs {
        let has_runner = self.1 || self.0.contains(&waiting.name);
        DueJobs { name: waiting.name, due_for: waiting.due_for, has_runner }
    }
}

fn seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}
