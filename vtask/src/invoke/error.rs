//! Why a job was not saved.

use vtask_storage::StorageError;

use crate::keyword::KeywordError;

/// Why a job was not saved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvokeError {
    /// The keyword cannot be one.
    #[error(transparent)]
    InvalidKeyword(#[from] KeywordError),
    /// The keyword is that of a job of another type.
    #[error("keyword {keyword:?} belongs to a job {taken_by}, so no job {name} can have it: use another keyword")]
    KeywordTaken {
        /// The keyword.
        keyword: String,
        /// The name of the job that was invoked.
        name: String,
        /// The name of the job that has the keyword.
        taken_by: String,
    },
    /// The data says what its keyword is, and this is another.
    #[error("the data of job {name} makes the keyword {declared:?}, and not {keyword:?}: give that")]
    OtherKeyword {
        /// The name of the job.
        name: String,
        /// The keyword that was given.
        keyword: String,
        /// The keyword that the data declares.
        declared: String,
    },
    /// The keyword is there with another input, and the caller asked to have that rejected.
    #[error("keyword {keyword:?} is a job that was invoked with another input: use another keyword, or the same input")]
    OtherInput {
        /// The keyword.
        keyword: String,
    },
    /// The data does not serialize, or the JSON is not the job's data.
    #[error("the input of job {name} is not its data")]
    InvalidData {
        /// The name of the job.
        name: String,
        /// What is wrong, and where.
        source: serde_json::Error,
    },
    /// The data is too large.
    #[error(
        "the input of job {name} has {bytes} bytes as JSON, the limit is {limit}: store it elsewhere and pass its key"
    )]
    TooLarge {
        /// The name of the job.
        name: String,
        /// Its length.
        bytes: usize,
        /// The largest that is allowed.
        limit: usize,
    },
    /// The center runs no job of this name.
    #[error("there is no job {name:?}; this center runs {}", known.join(", "))]
    NoSuchJob {
        /// The name.
        name: String,
        /// The names that it knows.
        known: Vec<String>,
    },
    /// The name cannot be that of a job.
    #[error("{name:?} cannot be the name of a job: it has to have 1 to {limit} bytes and no NUL")]
    InvalidName {
        /// The name.
        name: String,
        /// The longest that is allowed.
        limit: usize,
    },
    /// The storage has no transactions to save a job within.
    #[error("this storage keeps jobs in no database, so there is no transaction to save one within")]
    NoTransactions,
    /// The storage failed. If its error [is transient](StorageError::is_transient), the job may have been saved all the
    /// same: invoke it again with this keyword.
    #[error("{}", not_saved(keyword, source))]
    Storage {
        /// The keyword, also where it was drawn.
        keyword: String,
        /// What went wrong.
        source: StorageError,
    },
}

impl InvokeError {
    /// That a storage failed to save the job of this keyword.
    pub(crate) fn storage(keyword: String) -> impl FnOnce(StorageError) -> Self {
        move |source| Self::Storage { keyword, source }
    }
}

fn not_saved(keyword: &str, source: &StorageError) -> String {
    if source.is_transient() {
        return format!("it is not known whether job {keyword:?} was saved: invoke it again with this keyword");
    }
    format!("job {keyword:?} was not saved")
}
