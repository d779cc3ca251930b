//! What a process has in memory, and loses when it dies.

use crate::database::{ROWS, Request, Row, Status};
use crate::former::Former;
use crate::statement::{Claim, Statement, Write};
use crate::token::{Boot, Host};

/// A process that runs jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Process {
    /// Whether it runs.
    pub is_alive: bool,
    /// Its present life, or the last one.
    pub boot: Boot,
    /// Its name.
    pub host: Host,
    /// The jobs that it holds or claims, by id.
    pub holders: [Option<Holder>; ROWS],
    /// The job that it inserts already leased.
    pub expected: Option<Row>,
}

impl Process {
    /// A process in a life of its own.
    #[must_use]
    pub fn new(boot: Boot, host: Host) -> Self {
        Self { is_alive: true, boot, host, holders: [None; ROWS], expected: None }
    }

    pub(crate) fn runner(&self, id: usize) -> Option<&Runner> {
        match &self.holders[id] {
            Some(Holder::Running(runner)) => Some(runner),
            _ => None,
        }
    }

    pub(crate) fn runner_mut(&mut self, id: usize) -> Option<&mut Runner> {
        match &mut self.holders[id] {
            Some(Holder::Running(runner)) => Some(runner),
            _ => None,
        }
    }

    /// Whether it waits for the answer of a statement.
    #[must_use]
    pub fn awaits(&self, statement: &Statement) -> bool {
        match statement {
            Statement::Insert(row) => self.expected.as_ref() == Some(row),
            Statement::Claim(claim) => self.holders[claim.id] == Some(Holder::Claiming(*claim)),
            Statement::Ask(_) => false,
            Statement::Write(write) | Statement::Commit(write) => {
                self.runner(write.id).and_then(Runner::sent).as_ref() == Some(statement)
            }
        }
    }
}

/// A job in the list of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holder {
    /// It is being claimed.
    Claiming(Claim),
    /// It is being run.
    Running(Runner),
}

impl Holder {
    /// The statement whose answer it waits for.
    #[must_use]
    pub fn sent(&self) -> Option<Statement> {
        match self {
            Self::Claiming(claim) => Some(Statement::Claim(*claim)),
            Self::Running(runner) => runner.sent(),
        }
    }

    pub(crate) fn former_mut(&mut self) -> Option<&mut Former> {
        match self {
            Self::Claiming(_) => None,
            Self::Running(runner) => runner.phase.former_mut(),
        }
    }
}

/// Runs one job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Runner {
    /// The job as last recorded.
    pub record: Row,
    /// What it was told that somebody asks: a hint.
    pub heard: Request,
    /// What it does.
    pub phase: Phase,
}

/// What a runner does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// It is about to look what comes next.
    Idle,
    /// A body runs: that of the next step, or of the callback.
    Body,
    /// A body runs, and the answer of a report is awaited.
    Reporting(Write),
    /// It waits for a retry.
    Parked,
    /// It waits for the answer of a write.
    Writing(Sending),
    /// It was told that the lease is lost, and is about to look whether one of these forms has landed.
    LookingBack(Former),
    /// It waits for the answer of a commit.
    Committing(Sending),
    /// It has got no answer of a commit, and finds out what became of it.
    Settling {
        /// The write that takes the lease away from it.
        fence: Write,
        /// The commit.
        commit: Write,
    },
}

impl Phase {
    /// What may turn out to have landed, though it was refused.
    #[must_use]
    pub fn former(&self) -> Option<&Former> {
        match self {
            Self::Writing(sending) | Self::Committing(sending) => Some(&sending.former),
            Self::LookingBack(former) => Some(former),
            _ => None,
        }
    }

    pub(crate) fn former_mut(&mut self) -> Option<&mut Former> {
        match self {
            Self::Writing(sending) | Self::Committing(sending) => Some(&mut sending.former),
            Self::LookingBack(former) => Some(former),
            _ => None,
        }
    }
}

/// A write whose answer is awaited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sending {
    /// As it was sent.
    pub write: Write,
    /// As it would be if nobody asked anything.
    pub plain: Write,
    /// As it was sent before.
    pub former: Former,
}

impl Sending {
    /// A write that is sent for the first time.
    #[must_use]
    pub fn new(write: Write) -> Self {
        Self { write, plain: write, former: Former::default() }
    }
}

impl Runner {
    /// A runner of a row that was just leased.
    #[must_use]
    pub fn new(record: Row) -> Self {
        Self { record, heard: Request::None, phase: Phase::Idle }
    }

    /// Whether somebody asks something that is not served yet.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.record.status == Status::Running && (self.record.request != Request::None || self.heard != Request::None)
    }

    /// The statement whose answer it waits for.
    #[must_use]
    pub fn sent(&self) -> Option<Statement> {
        match &self.phase {
            Phase::Idle | Phase::Body | Phase::Parked | Phase::LookingBack(_) => None,
            Phase::Writing(sending) => Some(Statement::Write(sending.write)),
            Phase::Committing(sending) => Some(Statement::Commit(sending.write)),
            Phase::Settling { fence: write, .. } | Phase::Reporting(write) => Some(Statement::Write(*write)),
        }
    }
}
