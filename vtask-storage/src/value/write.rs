//! Guarded writes: each shows a lease and leaves another.

use super::code::{Request, Status};
use super::id::{JobId, Lease, Timestamp};
use super::job::{Due, JobRow, JobState};
use super::node::Nodes;

/// What must still be true of a row for a write to land.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guard {
    /// The present token.
    pub lease: Lease,
    /// The present status.
    pub status: Status,
    /// The present step.
    pub step: i32,
}

/// What a write does with the [`Request`] in the row, the one column that is written without a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestGuard {
    /// The write lands only while exactly this is asked, and serves it: the row asks for nothing afterwards. Every write
    /// that leaves the job unfinished demands that nobody asks for anything.
    MustBe(Request),
    /// The request does not matter, and is handed on.
    Keep,
    /// The request does not matter any more, and is taken out.
    Clear,
}

/// How much of a row a write changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// It records a step of a job whose row, under the lease that the write shows, has no failed attempt, crash, error or
    /// progress, and does nothing else. Only these columns become others: the step and its name, the status and the
    /// callback with what follows from them, the data, the outputs and the history. So that is all that a storage has to
    /// send.
    Step,
    /// Any column may become another.
    Any,
}

/// One guarded write of one row.
///
/// To send it again is harmless: a write that landed finds its own token in the row and answers
/// [`Written::Done`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobWrite {
    /// The row.
    pub id: JobId,
    /// What must be true of it.
    pub guard: Guard,
    /// The token that it leaves.
    pub lease: Lease,
    /// What it does with a request.
    pub request: RequestGuard,
    /// What it leaves as it is, for a storage that can make use of that.
    pub change: Change,
    /// The new state, absolute.
    pub state: JobState,
    /// When the job is due next.
    pub due: Due,
    /// What the last failed attempt said; absolute.
    pub error: Option<String>,
    /// The last report of progress; absolute.
    pub progress: Option<String>,
    /// The data, where it changed.
    pub input: Option<String>,
    /// All outputs, where one changed.
    pub outputs: Option<String>,
    /// The history, where it changed.
    pub history: Option<String>,
    /// The generations, where they changed.
    pub generations: Option<String>,
}

impl JobWrite {
    /// Roughly how many bytes the write sends, to bound a batch.
    #[must_use]
    pub fn bytes(&self) -> usize {
        const SMALL_COLUMNS: usize = 256;
        let large = [&self.error, &self.progress, &self.input, &self.outputs, &self.history, &self.generations];
        SMALL_COLUMNS + large.iter().map(|text| text.as_ref().map_or(0, String::len)).sum::<usize>()
    }
}

/// What became of a guarded write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// The row holds it.
    Done,
    /// The row was not changed, because something else was asked of its holder than the write demands; the lease is still
    /// good. This is what is asked now: it may have changed again since, so that it can be what the write demands.
    Requested(Request),
    /// The row was not changed, because its lease is another's.
    LeaseLost,
    /// The row was not changed, because an open transaction has locked it; the write may be sent again. Only a write
    /// that was sent together with others is answered so.
    Locked,
}

/// A row that may be claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The row.
    pub id: JobId,
    /// Its present token.
    pub lease: Lease,
    /// The length of its input and outputs.
    pub bytes: usize,
    /// How many processes died while they ran its next step.
    pub crashes: i32,
    /// The name of its type.
    pub name: String,
    /// The name of its next step, empty where it names none; `None` where what is outstanding is a callback.
    pub step: Option<String>,
    /// The hash of the step table of the program that recorded it last.
    pub plan: i64,
    /// When it was due.
    pub wake_at: Timestamp,
}

/// What is due of the asked names, and when the next will be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DueJobs {
    /// Rows of nobody whose time has come, oldest first within a name.
    pub candidates: Vec<Candidate>,
    /// How long it is until the next row of these names is due, if one waits.
    pub next_in: Option<std::time::Duration>,
    /// The nodes, where they were asked for.
    pub nodes: Option<Nodes>,
}

/// A name, and how many of its jobs are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The name of the job's type.
    pub name: String,
    /// At most so many.
    pub limit: usize,
    /// None of which more processes died than so many.
    pub most_crashes: i32,
    /// Only those that come after this one, by due time and then by id; `None` for all.
    pub after: Option<(Timestamp, JobId)>,
}

/// One row to claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The row.
    pub id: JobId,
    /// The token it had as a candidate.
    pub seen: Lease,
    /// The token that the claim leaves.
    pub lease: Lease,
}

/// A row that was claimed.
#[derive(Debug)]
pub struct Claimed {
    /// The row.
    pub id: JobId,
    /// What it holds, or why that cannot be read; it is the claimer's in both cases.
    pub row: Result<JobRow, RowError>,
}

/// A row that its owner holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// The row.
    pub id: JobId,
    /// Its present token.
    pub lease: Lease,
    /// Whether its time has come: then it was executing, else it waited for a retry.
    pub is_due: bool,
    /// What somebody asked its holder to do with it; a code that is not known counts as nothing here.
    pub request: Request,
}

/// A row that holds what no version of this crate up to this one writes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("row {id} of table task: column {column} holds {value}")]
pub struct RowError {
    /// The row.
    pub id: JobId,
    /// The column that cannot be read.
    pub column: &'static str,
    /// What it holds.
    pub value: String,
}

/// A look at the next ended jobs, to delete the old ones among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purge {
    /// Those in this status, which has ended.
    pub status: Status,
    /// Those that were written last before this instant.
    pub ended_before: Timestamp,
    /// Those with an id above this one.
    pub after: JobId,
    /// Looks at no more than so many; a storage may look at fewer.
    pub limit: u32,
}

/// What such a look has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purged {
    /// How many jobs were deleted.
    pub deleted: u64,
    /// The last job that was looked at, to go on after; `None` when there are no more, or none that could be old enough.
    pub last: Option<JobId>,
}
