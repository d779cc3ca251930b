//! What goes wrong with a job that one holds.

use vtask_storage::StorageError;
use vtask_storage::value::{Reason, Status};

use crate::failure::JobFailure;

/// Why a job could not be looked at or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// There is no such job, or no longer.
    #[error("there is no job {keyword:?}")]
    NotFound {
        /// Its keyword.
        keyword: String,
    },
    /// What is stored is not what the job's types say.
    #[error("job {keyword:?} does not decode: {part}")]
    Decode {
        /// Its keyword.
        keyword: String,
        /// What of it does not decode.
        part: String,
        /// Where, and why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A node holds the job, or its callback has not run yet.
    #[error("{}", held(keyword, host.as_deref()))]
    Held {
        /// Its keyword.
        keyword: String,
        /// The host of the node; `None` if nobody holds the job, and its callback is due.
        host: Option<String>,
    },
    /// Neither a recorded step of the job nor its next one has that name; others are known only to its type.
    #[error("job {keyword:?} has no step {step:?} that is recorded or next: those are {}", known.join(", "))]
    NoSuchStep {
        /// Its keyword.
        keyword: String,
        /// The name.
        step: String,
        /// The names that are known of it.
        known: Vec<String>,
    },
    /// The job cannot begin at a step whose earlier ones are not recorded.
    #[error("job {keyword:?} has not reached step {step}: {missing} is not recorded")]
    StepNotReached {
        /// Its keyword.
        keyword: String,
        /// The step.
        step: String,
        /// The first earlier step without a recorded output.
        missing: String,
    },
    /// Only a paused job can be resumed.
    #[error("job {keyword:?} is {status:?} and not paused, so there is nothing to resume")]
    NotPaused {
        /// Its keyword.
        keyword: String,
        /// What it is.
        status: Status,
    },
    /// The new data is that of another job.
    #[error("job {keyword:?} cannot take data whose keyword is {new:?}: invoke that as a job of its own")]
    OtherKeyword {
        /// Its keyword.
        keyword: String,
        /// The keyword of the new data.
        new: String,
    },
    /// The new data is too large.
    #[error("the new input of job {keyword:?} has {bytes} bytes as JSON, the limit is {limit}")]
    TooLarge {
        /// Its keyword.
        keyword: String,
        /// Its length.
        bytes: usize,
        /// The largest that is allowed.
        limit: usize,
    },
    /// The storage failed.
    #[error("the storage failed")]
    Storage(#[from] StorageError),
}

/// Why a job did not end with its output.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WaitError {
    /// It failed.
    #[error("job {keyword:?} failed")]
    Failed {
        /// Its keyword.
        keyword: String,
        /// Why.
        #[source]
        failure: JobFailure,
    },
    /// Somebody cancelled it.
    #[error("job {keyword:?} was cancelled")]
    Cancelled {
        /// Its keyword.
        keyword: String,
    },
    /// It waits for a human or for another program.
    #[error("job {keyword:?} is paused ({reason:?}): {message}")]
    Paused {
        /// Its keyword.
        keyword: String,
        /// Why.
        reason: Reason,
        /// What happened, and where it is known what to do about it.
        message: String,
    },
    /// There is no such job, or no longer.
    #[error("there is no job {keyword:?}")]
    NotFound {
        /// Its keyword.
        keyword: String,
    },
    /// The job succeeded, but its output is not what the job's type says.
    #[error("the output of job {keyword:?} does not decode")]
    Output {
        /// Its keyword.
        keyword: String,
        /// Where, and why.
        source: serde_json::Error,
    },
    /// The storage failed.
    #[error("the storage failed")]
    Storage(#[from] StorageError),
}

fn held(keyword: &str, host: Option<&str>) -> String {
    match host {
        Some(host) => format!("job {keyword:?} is held by {host:?}: cancel or pause it first, or wait until it ends"),
        None => format!("the callback of job {keyword:?} has not run yet: wait until it has"),
    }
}
