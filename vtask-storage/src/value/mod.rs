//! Plain values that cross the seam between the runtime and a storage.

mod code;
mod filter;
mod hash;
mod id;
mod job;
mod limits;
mod node;
mod overview;
mod write;

pub use code::{Callback, Reason, Request, Status};
pub use filter::ListFilter;
pub use hash::Hash;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
pub(crate) use id::micros;
pub use id::{Boot, JobId, Lease, Timestamp};
pub use job::{Due, Inserted, JobRow, JobState, JobSummary, NewJob, Owner};
pub use limits::Limits;
pub use node::{Beat, FormerNode, LivingNode, NewNode, NodeState, Nodes, Pulse};
pub use overview::{Bounds, Overview, Paused, Waiting};
pub use write::{
    Candidate, Change, Claim, Claimed, DueJobs, Guard, Held, JobWrite, Purge, Purged, RequestGuard, RowError, Wanted,
    Written,
};
