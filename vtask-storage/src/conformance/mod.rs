//! The suite that every storage passes, and that one of your own should.
//!
//! ```
//! use std::sync::Arc;
//!
//! use vtask_storage::{JobStorage, MemoryStorage, conformance};
//!
//! async fn fresh() -> Arc<dyn JobStorage> {
//!     Arc::new(MemoryStorage::default())
//! }
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() {
//!     conformance::run_all(fresh).await;
//! }
//! ```
//!
//! # What a check relies on
//!
//! - Each gets a storage of its own that holds no job and no node.
//! - The suite needs no runtime of a certain kind: it spawns nothing and never sleeps. The clock of
//!   the storage may stand still, but at least 1 s after 1970 began.
//! - A call that fails as [`Busy`](crate::StorageError::Busy) is repeated, as the runtime would do;
//!   any other error is a failed check.
//! - Concurrent calls are futures of one task. To let them meet on several threads too, give the
//!   suite a storage that spawns its calls.

#![expect(clippy::panic, reason = "a false claim about a storage is told by a panic")]

mod batch;
mod born;
mod caught;
mod claim;
mod due;
mod guard;
mod held;
mod insert;
mod keyword;
mod node;
mod overview;
mod pause;
mod purge;
mod race;
mod read;
mod reclaim;
mod request;
mod sample;
mod step;
mod subject;
mod text;
mod write;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use self::caught::caught;
use self::subject::Subject;
use crate::storage::JobStorage;

type Running = Pin<Box<dyn Future<Output = ()> + Send>>;

/// One claim about a storage.
#[derive(Clone, Copy)]
pub struct Check {
    /// What is claimed, such as `a_lost_lease_changes_nothing`.
    pub name: &'static str,
    body: fn(Subject) -> Running,
}

impl Check {
    /// Tries the claim on a fresh, empty storage.
    ///
    /// # Panics
    ///
    /// If the claim is false; the message begins with the check's name and says what was expected.
    pub async fn run(&self, storage: Arc<dyn JobStorage>) {
        if let Err(message) = self.outcome(storage).await {
            panic!("{}: {message}", self.name);
        }
    }

    async fn outcome(&self, storage: Arc<dyn JobStorage>) -> Result<(), String> {
        caught(|| (self.body)(Subject::new(storage))).await
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Lists every check, for a test harness that wants to show each as a test of its own.
#[must_use]
pub fn checks() -> Vec<Check> {
    let parts = [
        insert::checks(),
        born::checks(),
        read::checks(),
        due::checks(),
        claim::checks(),
        reclaim::checks(),
        write::checks(),
        step::checks(),
        guard::checks(),
        batch::checks(),
        request::checks(),
        pause::checks(),
        held::checks(),
        purge::checks(),
        node::checks(),
        overview::checks(),
        keyword::checks(),
        text::checks(),
        race::checks(),
    ];
    parts.concat()
}

/// Runs every check, each on a storage that `fresh` makes.
///
/// # Panics
///
/// Once, at the end, with the name and the message of every check that failed.
pub async fn run_all<F, Fut>(mut fresh: F)
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Arc<dyn JobStorage>>,
{
    let mut failed = Vec::new();
    for check in checks() {
        if let Err(message) = check.outcome(fresh().await).await {
            failed.push(format!("{}: {message}", check.name));
        }
    }
    assert!(failed.is_empty(), "{} checks failed:\n{}", failed.len(), failed.join("\n"));
}

/// Declares the list of a file's checks, each under the name of its function.
macro_rules! declare_checks {
    ($($check:ident,)*) => {
        pub(super) fn checks() -> Vec<super::Check> {
            vec![$(super::Check {
                name: stringify!($check),
                body: |subject| Box::pin($check(subject)),
            },)*]
        }
    };
}
use declare_checks;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_checks_have_the_same_name() {
        let names: BTreeSet<&str> = checks().iter().map(|check| check.name).collect();
        assert_eq!(names.len(), checks().len());
    }
}
