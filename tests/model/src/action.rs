//! What happens.

use crate::token::Boot;

/// Something that happens in one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields name the process and the row")]
pub enum Action {
    /// A client invokes a job, as nobody's.
    Invoke { keyword: u8 },
    /// A process invokes a job as its own.
    Bear { node: usize, keyword: u8 },
    /// A claimer finds a row, and sends a claim.
    Look { node: usize, id: usize },
    /// A body begins.
    Begin { node: usize, id: usize },
    /// A body returns.
    Succeed { node: usize, id: usize },
    /// A body fails; its job waits for a retry in memory, or in the table.
    Fail { node: usize, id: usize, parks: bool },
    /// A body reports how far it is.
    Report { node: usize, id: usize },
    /// A runner does what it was told that somebody asks.
    Serve { node: usize, id: usize },
    /// A runner gives its row back.
    HandOver { node: usize, id: usize },
    /// The reconciler tells a runner what is asked.
    Hear { node: usize, id: usize },
    /// The wait for a retry is over, for whoever waits in memory.
    Wake { node: usize, id: usize },
    /// The wait is over by the database's clock.
    Ripen { id: usize },
    /// A statement that is not under way any more is sent again.
    Resend { node: usize, id: usize },
    /// So is an insert.
    ResendInsert { node: usize },
    /// A commit is not waited for any longer.
    Settle { node: usize, id: usize },
    /// A holder who was told that his lease is lost looks for a former form of his write.
    LookBack { node: usize, id: usize },
    /// A process finds a row of a life that is over, and sends what frees it.
    Sweep { node: usize, id: usize },
    /// A process finds a row of its own that it knows nothing of, and sends what frees it.
    Reconcile { node: usize, id: usize },
    /// Somebody calls a life dead whose process is gone.
    Bury { boot: Boot },
    /// A process finds itself called dead, and begins another life.
    Rise { node: usize },
    /// A process starts anew under the name of one that is gone.
    Start { node: usize },
    /// A statement is carried out; whoever waits for its answer gets it.
    Land { at: usize },
    /// A statement is carried out, and its answer is lost.
    LandMute { at: usize },
    /// A statement is lost.
    Lose { at: usize },
    /// A statement is sent a second time.
    Repeat { at: usize },
    /// A process dies.
    Crash { node: usize },
    /// A process that lives is called dead.
    FalseDeath { node: usize },
    /// A process dies, and one starts in its place under the name of the other.
    Twin { node: usize },
    /// A runner vanishes.
    GiveUp { node: usize, id: usize },
    /// An insert is given up by whoever sent it.
    GiveUpInsert { node: usize },
    /// The database is as it will be again.
    Save,
    /// The database forgets what came after that.
    RollBack,
    /// An operator cancels.
    Cancel { id: usize },
    /// An operator pauses.
    Pause { id: usize },
    /// An operator resumes.
    Resume { id: usize },
    /// An operator restarts at a step.
    Restart { id: usize, step: u8 },
}

impl Action {
    /// Whether it is a fault, or somebody's act: nothing that the protocol may count on to come to an end.
    #[must_use]
    pub fn is_outside(&self) -> bool {
        self.is_of_somebody() || self.is_fault()
    }

    fn is_of_somebody(&self) -> bool {
        matches!(self, Self::Invoke { .. } | Self::Bear { .. } | Self::Report { .. } | Self::HandOver { .. })
            || matches!(self, Self::Cancel { .. } | Self::Pause { .. } | Self::Resume { .. } | Self::Restart { .. })
    }

    fn is_fault(&self) -> bool {
        matches!(self, Self::Fail { .. } | Self::LandMute { .. } | Self::Lose { .. } | Self::Repeat { .. })
            || matches!(self, Self::Crash { .. } | Self::FalseDeath { .. } | Self::Twin { .. })
            || matches!(self, Self::GiveUp { .. } | Self::GiveUpInsert { .. } | Self::Save | Self::RollBack)
    }
}
