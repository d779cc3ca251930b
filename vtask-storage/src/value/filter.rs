//! Which jobs a list shows.

use super::code::{Reason, Status};
use super::id::JobId;

/// Which jobs a list shows, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListFilter {
    /// Only those of this name.
    pub name: Option<String>,
    /// Only those in this status.
    pub status: Option<Status>,
    /// Only those in their status for this reason.
    pub reason: Option<Reason>,
    /// Only those older than this one: the last of the page before.
    pub before: Option<JobId>,
    /// At most so many.
    pub limit: u32,
}
