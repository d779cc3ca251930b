//! The whole of the world at one instant.

use crate::bounds::Bounds;
use crate::database::{Database, Life, ROWS, Row, Status};
use crate::process::Process;
use crate::promise::Promises;
use crate::statement::Statement;
use crate::token::{Boot, Fresh, Host};

/// So many processes run jobs.
pub(crate) const NODES: usize = 2;

/// The whole of the world at one instant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct State {
    /// What is kept.
    pub database: Database,
    /// The processes.
    pub nodes: [Process; NODES],
    /// The statements under way.
    pub wire: Vec<Statement>,
    /// What the database may go back to.
    pub backup: Option<Box<Database>>,
    /// Whether it has gone back.
    pub has_rolled_back: bool,
    /// For each keyword what was ever committed: a bit for each step, and one for an outcome. Nobody in the model knows.
    pub once: [u8; ROWS],
    /// How many lives a process of the same host has ended.
    pub replaced: u8,
    /// What may still happen.
    pub left: Bounds,
    /// The promises that were broken.
    pub broken: Promises,
    /// The tokens that are not in use.
    pub fresh: Fresh,
}

impl State {
    /// Two processes that have just started, and no job.
    #[must_use]
    pub fn new(left: Bounds) -> Self {
        let lives = [1, 2].map(|number| Life { boot: Boot(number), host: Host(number) });
        let mut database = Database::default();
        lives.iter().for_each(|life| database.join(*life));
        Self {
            database,
            nodes: lives.map(|life| Process::new(life.boot, life.host)),
            wire: Vec::new(),
            backup: None,
            has_rolled_back: false,
            once: [0; ROWS],
            replaced: 0,
            left,
            broken: Promises::default(),
            fresh: Fresh { boot: 2, host: 2, ..Fresh::default() },
        }
    }

    /// Whether nothing is outstanding anywhere.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        let is_idle = |node: &Process| node.expected.is_none() && node.holders.iter().all(Option::is_none);
        self.wire.is_empty()
            && self.nodes.iter().all(is_idle)
            && self.database.rows.iter().flatten().all(Row::is_settled)
    }

    /// Whether a process runs and is not called dead.
    #[must_use]
    pub fn is_well(&self, node: usize) -> bool {
        self.nodes[node].is_alive && self.database.lives(self.nodes[node].boot)
    }

    /// Whether the next step works in a transaction.
    pub(crate) fn is_transactional(&self, row: &Row) -> bool {
        self.left.transactional && row.status == Status::Running && row.step == 0
    }

    pub(crate) fn is_run(&self, boot: Boot) -> bool {
        self.nodes.iter().any(|node| node.is_alive && node.boot == boot)
    }

    /// The process that waits for the answer of a statement.
    #[must_use]
    pub fn waiter(&self, statement: &Statement) -> Option<usize> {
        self.nodes.iter().position(|node| node.awaits(statement))
    }

    pub(crate) fn has_room(&self) -> bool {
        self.wire.len() < usize::from(self.left.wire)
    }
}
