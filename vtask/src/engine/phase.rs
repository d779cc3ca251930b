//! How far an engine is on its way out.

use tokio::sync::watch;

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
pub(crate) struct Phases(watch::Sender<Phase>);

impl Phases {
    pub(crate) fn advance(&self, phase: Phase) {
        self.0.send_if_modified(|present| {
            let is_later = phase > *present;
            *present = phase.max(*present);
            is_later
        });
    }

    /// Whether it is in this phase or a later one.
    pub(crate) fn is(&self, phase: Phase) -> bool {
        *self.0.borrow() >= phase
    }

    /// Waits for this phase or a later one.
    pub(crate) async fn reach(&self, phase: Phase) {
        let mut phases = self.0.subscribe();
        phases.wait_for(|present| *present >= phase).await.map(drop).unwrap_or_default();
    }
}
