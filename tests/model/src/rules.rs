//! The rules of the protocol, each of which can be left out.

/// A rule of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// A write lands only while the row has the lease that it shows.
    GuardByLease,
    /// A claim lands only while the row has the lease that it was found with.
    GuardClaims,
    /// A write lands only while the row has the status and the step that it shows.
    GuardByPlace,
    /// A write leaves a new lease.
    NewLease,
    /// A lease is random; without the rule the database counts leases, and forgets the count with all else.
    RandomLease,
    /// A write holds absolute values; without the rule a failed attempt adds one to what it finds.
    AbsoluteValues,
    /// A process knows of a write only after its commit.
    AnswerAfterCommit,
    /// What the dead hold is looked for again and again, not only when they are called dead.
    RepeatedSweep,
    /// A process frees rows of its own that it knows nothing of.
    Reconcile,
    /// A token is known to its process before the statement that brings it is sent.
    KnownBeforeSent,
    /// The outcome and its callback are one write.
    CallbackWithOutcome,
    /// A row whose callback is due is claimed as one that runs.
    CallbackIsWork,
    /// A keyword is unique in the table.
    UniqueKeyword,
    /// A write that leaves the job unfinished demands that nothing is asked.
    RequestGuard,
    /// A holder who is told that his lease is lost looks whether a form of his write has landed that was refused before.
    LooksForFormerForm,
    /// Whoever frees a row hands on what is asked of it.
    FreeKeepsRequest,
    /// To end a job that somebody holds, one asks him.
    AskTheHolder,
    /// A request says for which keyword it is meant.
    RequestNamesKeyword,
    /// A job whose callback is due is not restarted.
    RestartWaitsForCallback,
    /// A transactional step and its record are one commit.
    EffectWithRecord,
    /// A transactional step whose commit is in doubt runs again, if it is found not to be recorded.
    UndecidedRunsAgain,
    /// A commit in doubt is settled by a write that it cannot survive; without the rule by a look.
    FenceSettles,
    /// A process whose host another has taken goes on under another name.
    TwinTakesOtherName,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 23] = [
        Self::GuardByLease,
        Self::GuardClaims,
        Self::GuardByPlace,
        Self::NewLease,
        Self::RandomLease,
        Self::AbsoluteValues,
        Self::AnswerAfterCommit,
        Self::RepeatedSweep,
        Self::Reconcile,
        Self::KnownBeforeSent,
        Self::CallbackWithOutcome,
        Self::CallbackIsWork,
        Self::UniqueKeyword,
        Self::RequestGuard,
        Self::LooksForFormerForm,
        Self::FreeKeepsRequest,
        Self::AskTheHolder,
        Self::RequestNamesKeyword,
        Self::RestartWaitsForCallback,
        Self::EffectWithRecord,
        Self::UndecidedRunsAgain,
        Self::FenceSettles,
        Self::TwinTakesOtherName,
    ];
}

/// The rules that hold: all but those that were left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Rules {
    left_out: u32,
}

impl Rules {
    /// Leaves a rule out.
    #[must_use]
    pub fn without(self, rule: Rule) -> Self {
        Self { left_out: self.left_out | bit(rule) }
    }

    /// Whether a rule holds.
    #[must_use]
    pub fn has(self, rule: Rule) -> bool {
        self.left_out & bit(rule) == 0
    }
}

fn bit(rule: Rule) -> u32 {
    1 << rule as u32
}
