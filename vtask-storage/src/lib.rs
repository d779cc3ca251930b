//! Where vtask keeps its jobs.
//!
//! The runtime knows the trait [`JobStorage`] and the plain values in [`value`]; this crate also holds what stands
//! behind the trait: [`MemoryStorage`], and `SqlStorage` in SQLite, PostgreSQL, MySQL and MariaDB, each a feature.
//! It knows nothing of jobs at work: nothing in here runs one, or calls itself again.
//!
//! The tables are public. [`entity`] holds sea-orm entities to select from them and to join them with one's own.
//!
//! # Guarantees
//!
//! - Every write of a job is one guarded statement: it shows the row's present lease and leaves a new one.
//! - A write may be sent again: one that landed finds its own token in the row and says so.
//! - The module `conformance`, behind the feature of that name, is the suite that each storage passes, and that one of
//!   your own should.

#[cfg(feature = "conformance")]
pub mod conformance;
pub mod entity;
mod error;
mod memory;
mod mutant;
#[cfg(feature = "mysql")]
mod mysql;
mod open;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod sql;
#[cfg(feature = "sqlite")]
mod sqlite;
mod storage;
mod transactions;
pub mod value;

pub use error::{Cause, ConnectError, StorageError};
pub use memory::MemoryStorage;
#[doc(hidden)]
pub use mutant::is_mutant;
pub use open::{Database, OpenOptions, open, schema_sql};
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
pub use sql::SqlStorage;
pub use storage::{Announcements, JobStorage, Lanes, Listener, ReadJobs, WriteJobs, WriteNodes};
pub use transactions::{StepConnection, Transactions};
