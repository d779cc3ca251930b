//! Nodes as they are stored.

use super::id::Boot;

/// One life of one process that runs jobs: a row of `task_node`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewNode {
    /// The random id of this life.
    pub boot: Boot,
    /// The name that the process has in all its lives.
    pub host: String,
    /// How long others watch its heartbeat before they call it dead, in milliseconds.
    pub lease_ms: i64,
    /// The version of vtask it runs.
    pub version: String,
    /// What it can run: a JSON object by job name.
    pub plans: String,
}

/// A heartbeat: who does not see it change for a whole lease may call the node dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beat {
    /// The life.
    pub boot: Boot,
    /// A number that differs from that of the last one.
    pub number: i64,
    /// How many jobs it runs, for people.
    pub running: i32,
}

/// What a heartbeat found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pulse {
    /// The node is on the list.
    Alive,
    /// It was declared dead, or is not on the list.
    Dead,
    /// It was declared dead, and another life of its host is on the list.
    Replaced,
}

/// What can be seen of the nodes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Nodes {
    /// Those on the list that were not declared dead, by boot.
    pub living: Vec<LivingNode>,
    /// Lives that hold rows with work and are not among the living, by boot: what they hold is free.
    pub orphaning: Vec<FormerNode>,
}

/// A node as others see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LivingNode {
    /// The life.
    pub boot: Boot,
    /// The number of its last heartbeat; 0 before the first.
    pub beat: i64,
    /// How long this one is watched before it is called dead, in milliseconds.
    pub lease_ms: i64,
    /// What it does.
    pub state: NodeState,
}

/// Whether a life of a node goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeState {
    /// It runs jobs.
    Up,
    /// It takes no new ones and finishes what it runs.
    Stopping,
    /// It ended, or another one of the same name took its place.
    Dead,
    /// It runs one job that processes died of, and nothing beside it; no other node should do so at the same time.
    Isolating,
}

impl NodeState {
    /// The integer that the column holds.
    #[must_use]
    pub fn code(self) -> i32 {
        match self {
            Self::Up => 0,
            Self::Stopping => 1,
            Self::Dead => 2,
            Self::Isolating => 3,
        }
    }

    /// The state of a column; a code that this version does not know is that of a node that runs jobs.
    #[must_use]
    pub fn from_code(code: i32) -> Self {
        match code {
            1 => Self::Stopping,
            2 => Self::Dead,
            3 => Self::Isolating,
            _ => Self::Up,
        }
    }
}

/// A former life of a node, whose rows are to be freed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FormerNode {
    /// The life.
    pub boot: Boot,
    /// Whether its end says something of the jobs it ran: not if it was stopping when it ended, or left the list.
    pub accuses: bool,
}
