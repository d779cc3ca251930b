//! What happened in a step, to show that the model gets to where it is hard.

/// Something that a search has to have met, if it is to mean anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Event {
    /// A statement landed after its sender had died.
    LandedAfterDeath,
    /// A claim of a life that is over landed.
    LateClaim,
    /// A late write was refused.
    LateRefused,
    /// A write landed, and its answer was lost.
    AnswerLost,
    /// A write that was sent again found that it had landed.
    FoundLanded,
    /// A holder was told that he lost the lease.
    LeaseLost,
    /// He had not, for a form of his write had landed that was refused before.
    FormerLanded,
    /// A row of a life that is over was freed.
    TakenOver,
    /// A process freed a row of its own that it knew nothing of.
    Reconciled,
    /// A job was born leased, and began without a claim.
    BornLeased,
    /// An insert found that the keyword was taken.
    KeywordTaken,
    /// A row was there already, made by the same insert.
    InsertedTwice,
    /// A step was recorded.
    Recorded,
    /// The last step was recorded, and with it the outcome.
    Succeeded,
    /// A failed attempt was recorded, and another follows.
    Retried,
    /// The last attempt failed.
    Failed,
    /// A report of progress was saved.
    Reported,
    /// A callback was over.
    CalledBack,
    /// A callback was given up.
    CallbackGivenUp,
    /// A cancel of what nobody held.
    CancelledDirectly,
    /// The holder served a cancel.
    CancelServed,
    /// The holder recorded a step and the cancel in one write.
    RecordedAndCancelled,
    /// The holder served a pause.
    PauseServed,
    /// A job was resumed.
    Resumed,
    /// A job was restarted.
    Restarted,
    /// A row was freed with a request in it.
    FreedWithRequest,
    /// A request landed on a run that was begun after it had been sent: a request names its job, and not the run.
    RequestOutlivedRun,
    /// Somebody who had lost the lease began a body.
    StrangerBegan,
    /// A commit was in doubt, and had landed.
    DoubtLanded,
    /// A commit was in doubt, had not landed, and never will.
    DoubtFenced,
    /// A process called dead began another life.
    RoseAgain,
    /// A process went on under another name.
    Renamed,
    /// The database forgot a row.
    RowForgotten,
    /// The database forgot a recorded step.
    StepForgotten,
    /// A write landed again after the database had forgotten it.
    LandedAgain,
}

/// A set of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Events(u64);

impl Events {
    /// Whether it is in there.
    #[must_use]
    pub fn has(self, event: Event) -> bool {
        self.0 & (1 << event as u64) != 0
    }

    /// Adds one.
    pub fn add(&mut self, event: Event) {
        self.0 |= 1 << event as u64;
    }

    /// Adds one, if.
    pub(crate) fn add_if(&mut self, condition: bool, event: Event) {
        if condition {
            self.add(event);
        }
    }

    /// Adds all of another set.
    pub fn join(&mut self, others: Self) {
        self.0 |= others.0;
    }
}
