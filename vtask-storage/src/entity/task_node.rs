//! The table `task_node`: one row is one life of one process that runs jobs.

use sea_orm::entity::prelude::*;

/// A life of a node.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "task_node")]
pub struct Model {
    /// The random id of this life; it owns rows of `task`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub boot: i64,
    /// The name that the process has in all its lives.
    pub host: Vec<u8>,
    /// A number that changes with every heartbeat; 0 before the first.
    pub beat: i64,
    /// How long others watch `beat` before they call the node dead, in milliseconds.
    pub lease_ms: i64,
    /// 0 up, 1 stopping, 2 dead, 3 isolating: it runs one job and nothing else.
    pub state: i32,
    /// 1 if the node was neither stopping nor gone when it died.
    pub accuses: i32,
    /// The version of vtask it runs.
    pub version: String,
    /// What it can run: a JSON object of the hash of each step table by job name.
    #[sea_orm(column_type = "Text")]
    pub plans: String,
    /// How many jobs it held at its last heartbeat.
    pub running: i32,
    /// When the node joined, microseconds since 1970, UTC.
    pub create_time: i64,
    /// When the row was last written, microseconds since 1970, UTC.
    pub update_time: i64,
}

/// A node is related to nothing that vtask knows of.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
