//! How far an engine is on its way out.

use super::watched::Watched;

/// How far an engine is on its way out; it never goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Phase {
    /// It claims and runs.
    #[default]
    Working,
    /// It claims nothing more, and steps that run may finish.
    Stopping,
    /// The grace is over: steps are dropped.
    Dropping,
    /// Nothing is left to do.
    Ended,
    /// It was dropped without a shutdown: it writes nothing more.
    Abandoned,
}

/// The present phase, to look at and to wait for.
#[derive(Debug, Default)]
pub(crate) struct Phases(Watched<Phase>);

impl Phases {
    pub(crate) fn advance(&self, phase: Phase) {
        self.0.change(|present| {
            let is_later = phase > *present;
            *present = phase.max(*present);
            is_later
        });
    }

    /// Whether it is in this phase or a later one.
    pub(crate) fn is(&self, phase: Phase) -> bool {
        self.0.get() >= phase
    }

    /// Waits for this phase or a later one.
    pub(crate) async fn reach(&self, phase: Phase) {
        self.0.wait_until(|present| present >= phase).await;
    }
}
