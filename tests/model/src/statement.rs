//! What is sent to the database.

use crate::database::{Request, Row, Status};
use crate::token::{Boot, Lease};

/// A statement under way: it may land now, later or never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Statement {
    /// Makes a row, unless its keyword is taken.
    Insert(Row),
    /// Leases a row of nobody.
    Claim(Claim),
    /// Changes a row.
    Write(Write),
    /// Commits the transaction of a step: what it wrote, and its record.
    Commit(Write),
    /// Asks something of the holder.
    Ask(Ask),
}

/// To lease a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Claim {
    /// The row.
    pub id: usize,
    /// The token that it was found with.
    pub seen: Lease,
    /// The token that the claim leaves.
    pub lease: Lease,
    /// Who claims.
    pub boot: Boot,
}

/// To ask something of the holder of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ask {
    /// The row.
    pub id: usize,
    /// The job that is meant.
    pub keyword: u8,
    /// Which run of it was meant; the database does not see this.
    pub run: u8,
    /// What is asked.
    pub request: Request,
}

/// A guarded write of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Write {
    /// Why it is sent; the database does not see this.
    pub kind: Kind,
    /// The row.
    pub id: usize,
    /// What must be true of it.
    pub seen: Seen,
    /// What must be asked.
    pub request: RequestGuard,
    /// When the job is due next.
    pub due: Due,
    /// All columns as they are to be.
    pub after: Row,
}

impl Write {
    /// A write that changes nothing but the token.
    #[must_use]
    pub fn unchanged(kind: Kind, id: usize, row: &Row, lease: Lease) -> Self {
        let seen = Seen { lease: row.lease, status: row.status, step: row.step };
        let request = RequestGuard::MustBe(Request::None);
        Self { kind, id, seen, request, due: Due::Keep, after: Row { lease, ..*row } }
    }

    /// Whether it counts a failed attempt of a step.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        self.kind == Kind::Fail && self.seen.status == Status::Running
    }
}

/// Why a write is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A step succeeded.
    Record,
    /// A body failed.
    Fail,
    /// A callback is over.
    CallBack,
    /// Asks what is asked, by changing nothing.
    Serve,
    /// A body reports how far it is.
    Report,
    /// The holder gives the row back.
    Release,
    /// Takes the lease away from a commit in doubt.
    Fence,
    /// Makes a row nobody's that its owner does not run.
    Free,
    /// An operator's.
    Cancel,
    /// An operator's.
    Pause,
    /// An operator's.
    Resume,
    /// An operator's.
    Restart,
    /// Makes a callback due, where that is not part of the outcome.
    MakeDue,
}

/// What must still be true of a row for a write to land.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seen {
    /// The present token.
    pub lease: Lease,
    /// The present status.
    pub status: Status,
    /// The present step.
    pub step: u8,
}

/// What a write does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RequestGuard {
    /// It lands only while exactly this is asked, and serves it.
    MustBe(Request),
    /// It hands it on.
    Keep,
    /// It takes it out.
    Clear,
}

/// When a job is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Due {
    /// As it was.
    Keep,
    /// At once.
    Now,
    /// After a wait.
    Later,
}

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// The row holds it.
    Done,
    /// Something else is asked.
    Requested(Request),
    /// The lease is another's.
    LeaseLost,
}
