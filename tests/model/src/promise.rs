//! What the protocol promises of a job.

/// A promise that can be broken in one instant. That everything comes to an end is checked on the whole graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Promise {
    /// A recorded step is not overwritten and does not begin again, unless somebody restarts it.
    RecordedStays,
    /// A step begins after the one before it was committed.
    StepsInOrder,
    /// There is one valid lease, whoever has it knows the row, and nobody else changes anything.
    OneLease,
    /// Only who has no valid lease is told that it is lost.
    LostMeansLost,
    /// A keyword is one row.
    OneKeyword,
    /// A failure costs one attempt, and nothing else does.
    AttemptsCount,
    /// A run has one outcome, whose callback is due in the same commit and is not forgotten.
    OneOutcome,
    /// What a transactional step does happens once, and exactly if it is recorded.
    EffectOnce,
    /// Who lives by the list of nodes keeps what he holds.
    LivingKeeps,
    /// A request to cancel stands until the job has ended, and reaches the job that it was meant for.
    CancelStands,
    /// A twin ends one life of the other, and no more.
    TwinsPart,
}

impl Promise {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::RecordedStays,
        Self::StepsInOrder,
        Self::OneLease,
        Self::LostMeansLost,
        Self::OneKeyword,
        Self::AttemptsCount,
        Self::OneOutcome,
        Self::EffectOnce,
        Self::LivingKeeps,
        Self::CancelStands,
        Self::TwinsPart,
    ];
}

/// A set of promises: those that were broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Promises(u16);

impl Promises {
    /// Whether none is in it.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether this one is in it.
    #[must_use]
    pub fn has(self, promise: Promise) -> bool {
        self.0 & bit(promise) != 0
    }

    /// A set of these.
    #[must_use]
    pub fn of(promises: &[Promise]) -> Self {
        Self(promises.iter().fold(0, |set, promise| set | bit(*promise)))
    }

    /// Those that are in both.
    #[must_use]
    pub fn among(self, others: Self) -> Self {
        Self(self.0 & others.0)
    }

    pub(crate) fn add(&mut self, promise: Promise) {
        self.0 |= bit(promise);
    }
}

fn bit(promise: Promise) -> u16 {
    1 << promise as u16
}
