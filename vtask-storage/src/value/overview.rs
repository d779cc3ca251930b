//! What a storage tells of the whole of its jobs.

use std::time::Duration;

use super::code::Reason;

/// How far an overview goes: no count of a job table is cheap without a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// At most so many names of jobs with work of nobody are looked at, due or not.
    pub names: u32,
    /// At most so many paused jobs are counted.
    pub paused: u32,
}

/// How the jobs are getting on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overview {
    /// The names of jobs of which work of nobody is due.
    pub waiting: Vec<Waiting>,
    /// Whether there may be names that were not looked at.
    pub names_are_cut: bool,
    /// The paused jobs by reason, each reason once: all, or the newest.
    pub paused: Vec<Paused>,
    /// Whether there may be paused jobs that were not counted.
    pub paused_are_cut: bool,
    /// What each node that takes jobs can run, as [`NewNode::plans`](super::NewNode::plans) said.
    pub plans: Vec<String>,
}

/// Due work of nobody, of one name.
///
/// Names that differ in blanks at their end only may count as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The name of the jobs.
    pub name: String,
    /// How long the oldest has been due.
    pub due_for: Duration,
}

/// Jobs that are paused for one reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paused {
    /// The reason; `None` for those that this version does not know.
    pub reason: Option<Reason>,
    /// How many there are.
    pub count: u32,
}
