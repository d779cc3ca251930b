//! Durable jobs on the database you already have.

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
mod attempt;
mod center;
mod client;
mod codec;
mod context;
mod engine;
mod env;
mod failure;
mod flow;
mod group;
mod handle;
mod history;
mod info;
mod invoke;
mod job;
mod keyword;
mod run;
mod secret;

pub use attempt::{Attempt, Progress};
pub use center::{JobCenter, JobCenterBuilder, Shutdown, StartError};
pub use client::{Client, ClientBuilder, InvokeJson, JobFilter, JobPage};
pub use context::JobContext;
pub use failure::{FailureKind, JobFailure};
pub use flow::{RetryAfter, Stop, retry_after, stop};
pub use handle::JobHandle;
pub use history::{Event, HistoryEntry};
pub use info::JobInfo;
pub use invoke::{Invoke, InvokeError, InvokeMany};
pub use job::{Job, Step};
pub use keyword::KeywordError;
pub use run::{Cancelled, JobRun, Json, Restart, RunError, WaitError};
pub use secret::Secret;
pub use vtask_macros::{JobContext, job, on_failure, on_success, step};
pub use vtask_storage as storage;
pub use vtask_storage::value::{JobId, Reason, Status};
pub use vtask_storage::{ConnectError, JobStorage, StorageError};
