//! Why a job ended without success.

use std::fmt;

use vtask_storage::value::{JobSummary, Reason, Status};

/// Why a job failed or was cancelled: what `on_failure` and a failed `wait` are given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobFailure {
    kind: FailureKind,
    step: String,
    attempts: u32,
    message: String,
}

/// How a job came to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureKind {
    /// A step said [`stop`](crate::stop()).
    Stopped,
    /// A step failed in its last attempt.
    Exhausted,
    /// A step's last attempt took longer than its timeout.
    TimedOut,
    /// Somebody cancelled the job.
    Cancelled,
    /// An input, output or row grew over the limits.
    TooLarge,
    /// The job failed under the original framework, which kept no reason.
    Other,
}

impl JobFailure {
    /// A failure for a unit test of `on_failure`: of this step, after so many failed attempts.
    #[must_use]
    pub fn new(kind: FailureKind, step: impl Into<String>, attempts: u32, message: impl Into<String>) -> Self {
        Self { kind, step: step.into(), attempts, message: message.into() }
    }

    pub(crate) fn of(summary: &JobSummary) -> Self {
        let state = &summary.state;
        Self {
            kind: FailureKind::of(state.status, state.reason),
            step: state.step_name.to_string(),
            attempts: u32::try_from(state.attempt).unwrap_or(0),
            message: summary.error.clone().unwrap_or_default(),
        }
    }

    /// How it came to fail.
    #[must_use]
    pub fn kind(&self) -> FailureKind {
        self.kind
    }

    /// The stored name of the step that failed, or before which the job was cancelled.
    #[must_use]
    pub fn step(&self) -> &str {
        &self.step
    }

    /// How many attempts of that step failed, the one that said [`stop`](crate::stop()) included.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// What the last failed attempt said, with its sources, at most 8 KiB; empty if none failed.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl FailureKind {
    fn of(status: Status, reason: Reason) -> Self {
        match (status, reason) {
            (Status::Cancelled, _) => Self::Cancelled,
            (_, Reason::Stopped) => Self::Stopped,
            (_, Reason::Exhausted) => Self::Exhausted,
            (_, Reason::TimedOut) => Self::TimedOut,
            (_, Reason::TooLarge) => Self::TooLarge,
            _ => Self::Other,
        }
    }
}

impl fmt::Display for JobFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, step, attempts, message } = self;
        match kind {
            FailureKind::Cancelled => write!(f, "cancelled before step {step} was recorded"),
            FailureKind::Stopped => write!(f, "step {step} stopped the job: {message}"),
            FailureKind::Other => write!(f, "the job failed: {message}"),
            _ => {
                let plural = if *attempts == 1 { "" } else { "s" };
                write!(f, "step {step} failed after {attempts} attempt{plural}: {message}")
            }
        }
    }
}

impl std::error::Error for JobFailure {}
