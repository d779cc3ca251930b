//! The tables as sea-orm entities, to select from and to join with one's own.
//!
//! They are for reading. Whoever writes `task` past the runtime breaks its promises: use `JobRun` and `Client`.

pub mod task;
pub mod task_node;
