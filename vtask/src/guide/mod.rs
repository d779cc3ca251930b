//! How jobs are written, tested, changed and run: the user guide.
//!
//! A page has one subject and can be read alone. Its examples are tests: they run, unless they need a server. In reading order:
//!
//! 1. [`first_job`]: write a job, run it, wait for it, invoke it twice under one keyword; what is saved when.
//! 2. [`errors`]: retries, timeouts, panics, callbacks, and what an operator does with a job that failed or is paused.
//! 3. [`idempotency`]: why a step may run twice, and how its effect happens once all the same.
//! 4. [`transactions`]: a job saved in a transaction of yours, and a step that works in one.
//! 5. [`testing`]: steps as plain methods, whole jobs without a database, a crash at every point.
//! 6. [`changing_a_job`]: the next version of a job that has rows, and the test that keeps a deploy from stranding them.
//! 7. [`many_nodes`]: host names, leases, shutdown, health, and what systemd and Kubernetes have to be told.
//! 8. [`choosing_a_database`]: SQLite, PostgreSQL, MariaDB, MySQL, Galera or memory; settings that lose data.
//! 9. [`from_go`]: moving over from the original Go framework, with its table.
//!
//! The reference is in the documentation of the items themselves; the front page of the crate lists them.

#[doc = include_str!("first_job.md")]
pub mod first_job {}

#[doc = include_str!("errors.md")]
pub mod errors {}

#[doc = include_str!("idempotency.md")]
pub mod idempotency {}

#[doc = include_str!("transactions.md")]
pub mod transactions {}

#[doc = include_str!("testing.md")]
pub mod testing {}

#[doc = include_str!("changing_a_job.md")]
pub mod changing_a_job {}

#[doc = include_str!("many_nodes.md")]
pub mod many_nodes {}

#[doc = include_str!("choosing_a_database.md")]
pub mod choosing_a_database {}

#[doc = include_str!("from_go.md")]
pub mod from_go {}
