//! A clock that runs on through all lives of a test's process.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use tokio::time::Instant;
use vtask_storage::value::Timestamp;

/// When every test begins.
const BEGIN: Duration = Duration::from_secs(1_700_000_000);

/// What the paused clocks of several runtimes, one after the other, have come to.
#[derive(Clone, Default)]
pub(super) struct Clock(Arc<Mutex<Lived>>);

#[derive(Default)]
struct Lived {
    before: Duration,
    since: Option<Instant>,
}

impl Lived {
    fn time(&self) -> Duration {
        self.before + self.since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}

impl Clock {
    fn lock(&self) -> MutexGuard<'_, Lived> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on by the clock of the present runtime, until `end`.
    pub(super) fn begin(&self) {
        self.lock().since = Some(Instant::now());
    }

    /// Stands still until the next runtime begins; called while the present one runs.
    pub(super) fn end(&self) {
        let mut lived = self.lock();
        lived.before = lived.time();
        lived.since = None;
    }

    /// How long all lives have taken.
    pub(super) fn time(&self) -> Duration {
        self.lock().time()
    }

    pub(super) fn now(&self) -> Timestamp {
        (UNIX_EPOCH + BEGIN + self.time()).into()
    }
}
