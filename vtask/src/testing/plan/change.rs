//! What a difference means for jobs that are under way.

use std::fmt;

/// What becomes of jobs that are under way; the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    /// What they have saved is not read any more.
    WouldNotDecode,
    /// Some do not go on.
    Strands,
    /// They go on if a former name is told.
    NeedsWas,
    /// There is nothing by which to tell, or only what is made up.
    Untried,
    /// They go on.
    Safe,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) verdict: Verdict,
    /// The job, and the step if it is about one.
    pub(super) place: String,
    pub(super) text: String,
}

impl Change {
    pub(super) fn new(verdict: Verdict, place: impl Into<String>, text: impl Into<String>) -> Self {
        Self { verdict, place: place.into(), text: text.into() }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::WouldNotDecode => "would not decode",
            Verdict::Strands => "strands jobs",
            Verdict::NeedsWas => "needs `was`",
            Verdict::Untried => "not tried",
            Verdict::Safe => "safe",
        };
        write!(f, "{verdict}: {}: {}", self.place, self.text)
    }
}
