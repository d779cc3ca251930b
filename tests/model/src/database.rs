//! What is kept, and what a statement does to it: each is one commit.

use crate::rules::{Rule, Rules};
use crate::statement::{Claim, Due, RequestGuard, Write, Written};
use crate::token::{Boot, Host, Lease, Output};

/// So many steps a job has.
pub const STEPS: usize = 2;
/// So many rows the table has room for.
pub const ROWS: usize = 2;
/// Deaths are counted up to here: a process that is called dead and does not know may claim again and again.
pub const MOST_CRASHES: u8 = 2;
/// So many lives the list of nodes has room for.
const LIVES: usize = 5;

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Status {
    /// A step is outstanding.
    #[default]
    Running,
    /// All steps are recorded.
    Succeeded,
    /// A step failed in its last attempt.
    Failed,
    /// Somebody cancelled it.
    Cancelled,
    /// Nothing happens until somebody resumes it.
    Paused,
}

impl Status {
    /// Whether it is an outcome.
    #[must_use]
    pub fn is_ended(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

/// How far the callback of the outcome is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Callback {
    /// There is no outcome yet.
    #[default]
    None,
    /// It has to run.
    Due,
    /// It has run.
    Done,
    /// It failed in all its attempts.
    GivenUp,
}

/// What somebody asks of the holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Request {
    /// Nothing.
    #[default]
    None,
    /// To cancel.
    Cancel,
    /// To pause after the step that runs.
    Pause,
}

/// A job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Row {
    /// Its identity.
    pub keyword: u8,
    /// The number of the insert that made it.
    pub birth: u8,
    /// The token that a write must show.
    pub lease: Lease,
    /// Who holds it.
    pub boot: Boot,
    /// How far it is.
    pub status: Status,
    /// The step to run next, from 0.
    pub step: u8,
    /// What each step has returned.
    pub outputs: [Output; STEPS],
    /// How many attempts of that step failed.
    pub attempt: u8,
    /// How often a process died over it.
    pub crashes: u8,
    /// How often it was restarted.
    pub restarts: u8,
    /// How far the callback is.
    pub callback: Callback,
    /// How many attempts of the callback failed.
    pub callback_attempt: u8,
    /// Whether it waits for a retry.
    pub is_waiting: bool,
    /// What is asked of its holder.
    pub request: Request,
}

impl Row {
    /// Whether the engines look for it.
    #[must_use]
    pub fn has_work(&self, rules: Rules) -> bool {
        self.status == Status::Running || self.callback == Callback::Due && rules.has(Rule::CallbackIsWork)
    }

    /// Whether nothing is outstanding, or nothing without somebody who resumes it.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let is_over = matches!(self.callback, Callback::Done | Callback::GivenUp);
        self.boot == Boot::NOBODY && (self.status == Status::Paused || self.status.is_ended() && is_over)
    }

    /// Whether it has the lease, the status and the step that a write shows, as far as the rules ask for it.
    fn is_as_seen(&self, write: &Write, rules: Rules) -> bool {
        let seen = &write.seen;
        (self.lease == seen.lease || !rules.has(Rule::GuardByLease))
            && ((self.status, self.step) == (seen.status, seen.step) || !rules.has(Rule::GuardByPlace))
    }
}

/// A process in the list of nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Life {
    /// Which life of it.
    pub boot: Boot,
    /// Its name.
    pub host: Host,
}

/// The database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Database {
    /// The jobs, by id.
    pub rows: [Option<Row>; ROWS],
    /// What the transactional step of each keyword has written in a table of the user's, times so many.
    pub effects: [u8; ROWS],
    /// The lives that are not called dead.
    pub living: [Option<Life>; LIVES],
    /// The last token that was drawn, where the database counts them.
    pub last_lease: Lease,
}

/// What an insert answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inserted {
    /// The row that has the keyword.
    pub id: usize,
    /// Whether this insert has made it, now or before.
    pub created: bool,
}

impl Database {
    /// The row of an id.
    #[must_use]
    pub fn row(&self, id: usize) -> Option<&Row> {
        self.rows[id].as_ref()
    }

    /// Whether a life is not called dead.
    #[must_use]
    pub fn lives(&self, boot: Boot) -> bool {
        self.living.iter().flatten().any(|life| life.boot == boot)
    }

    /// Whether a life of this name is not called dead.
    #[must_use]
    pub fn has_host(&self, host: Host) -> bool {
        self.living.iter().flatten().any(|life| life.host == host)
    }

    pub(crate) fn insert(&mut self, row: &Row, rules: Rules) -> Option<Inserted> {
        let is_same = |known: &Option<Row>| known.is_some_and(|known| known.keyword == row.keyword);
        let known = self.rows.iter().position(is_same).filter(|_| rules.has(Rule::UniqueKeyword));
        let id = known.or_else(|| self.rows.iter().position(Option::is_none))?;
        let stored = self.rows[id].get_or_insert(*row);
        Some(Inserted { id, created: stored.birth == row.birth })
    }

    pub(crate) fn claim(&mut self, claim: &Claim, rules: Rules) -> Option<Row> {
        let row = self.rows[claim.id].as_mut()?;
        if (row.lease, row.boot) == (claim.lease, claim.boot) {
            return Some(*row);
        }
        let is_as_seen = row.lease == claim.seen || !rules.has(Rule::GuardClaims);
        if !is_as_seen || row.boot != Boot::NOBODY || !row.has_work(rules) || row.is_waiting {
            return None;
        }
        (row.lease, row.boot) = (claim.lease, claim.boot);
        Some(*row)
    }

    pub(crate) fn write(&mut self, write: &Write, rules: Rules) -> Written {
        let Some(row) = self.rows[write.id].as_mut() else { return Written::LeaseLost };
        if row.lease == write.after.lease && rules.has(Rule::NewLease) {
            return Written::Done;
        }
        if !row.is_as_seen(write, rules) {
            return Written::LeaseLost;
        }
        if let RequestGuard::MustBe(demanded) = write.request
            && row.request != demanded
            && rules.has(Rule::RequestGuard)
        {
            return Written::Requested(row.request);
        }
        apply(row, write, rules);
        Written::Done
    }

    pub(crate) fn request(&mut self, id: usize, keyword: u8, request: Request, rules: Rules) -> bool {
        let Some(row) = self.rows[id].as_mut() else { return false };
        let is_held = row.status == Status::Running && row.boot != Boot::NOBODY;
        let is_meant = row.keyword == keyword || !rules.has(Rule::RequestNamesKeyword);
        let replaces = request == Request::Cancel || row.request != Request::Cancel;
        let found = is_held && is_meant && replaces;
        if found {
            row.request = request;
        }
        found
    }

    /// Puts a life on the list; former ones of the same name are dead.
    pub(crate) fn join(&mut self, life: Life) {
        self.bury(|known| known.host == life.host);
        let free = self.living.iter_mut().find(|place| place.is_none());
        *free.expect("each host has one life in the list, and the bounds allow few hosts") = Some(life);
    }

    /// Calls lives dead.
    pub(crate) fn bury(&mut self, is_dead: impl Fn(&Life) -> bool) {
        for place in &mut self.living {
            *place = place.filter(|life| !is_dead(life));
        }
    }
}

fn apply(row: &mut Row, write: &Write, rules: Rules) {
    let before = *row;
    *row = write.after;
    row.request = if write.request == RequestGuard::Keep { before.request } else { Request::None };
    row.is_waiting = match write.due {
        Due::Keep => before.is_waiting,
        Due::Now => false,
        Due::Later => true,
    };
    if write.is_failure() && !rules.has(Rule::AbsoluteValues) {
        row.attempt = before.attempt + 1;
    }
}
