//! One execution of a step, as the step sees it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::sync::Notify;
use vtask_storage::value::JobId;

use crate::codec::fit;
use crate::told::until;

/// A longer text of a report of progress is cut.
const PROGRESS_BYTES: usize = 1024;

/// One execution of a step or callback: which it is, and what it can tell or ask the engine.
///
/// `Attempt::default()` serves a unit test that calls a step as the ordinary method it is.
///
/// ```
/// let attempt = vtask::Attempt::default();
/// assert_eq!(attempt.number(), 1);
/// assert!(!attempt.is_cancelled());
/// ```
#[derive(Debug, Clone)]
pub struct Attempt(Arc<Inner>);

/// One allocation for all of it: there is one a step.
#[derive(Debug)]
struct Inner {
    facts: Facts,
    idempotency_key: OnceLock<String>,
    lines: Lines,
}

/// What does not change while the attempt runs.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub(crate) id: JobId,
    pub(crate) keyword: Arc<str>,
    pub(crate) step: &'static str,
    pub(crate) number: u32,
    pub(crate) restarts: u32,
    pub(crate) effect: Effect,
}

/// What names the effect of a step or callback beside the keyword of its job.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effect {
    /// Keeps a step and a callback of one name apart.
    pub(crate) kind: &'static str,
    /// The oldest name.
    pub(crate) name: &'static str,
    /// How often a recorded output of it was dropped.
    pub(crate) generation: u32,
}

/// The lines between a running attempt and the engine.
#[derive(Debug, Default)]
struct Lines {
    is_cancelled: AtomicBool,
    cancelled: Notify,
    progress: Mutex<Option<Progress>>,
    reported: Notify,
}

/// How far a step is, by its own account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Progress {
    /// From 0 to 1.
    pub fraction: f64,
    /// For people; at most 1 KiB.
    pub text: String,
}

impl Default for Attempt {
    fn default() -> Self {
        let effect = Effect { kind: "step", name: "", generation: 0 };
        Self::new(Facts { id: JobId(0), keyword: "".into(), step: "", number: 1, restarts: 0, effect })
    }
}

impl Attempt {
    pub(crate) fn new(facts: Facts) -> Self {
        Self(Arc::new(Inner { facts, idempotency_key: OnceLock::new(), lines: Lines::default() }))
    }

    /// The same as another attempt, for a unit test of a step: `Attempt::default().with_number(2)`.
    #[must_use]
    pub fn with_number(self, number: u32) -> Self {
        Self::new(Facts { number, ..self.0.facts.clone() })
    }

    /// The id of the job.
    #[must_use]
    pub fn id(&self) -> JobId {
        self.0.facts.id
    }

    /// The keyword of the job.
    #[must_use]
    pub fn keyword(&self) -> &str {
        &self.0.facts.keyword
    }

    /// The stored name of the step; of a callback, its method's name.
    #[must_use]
    pub fn step(&self) -> &str {
        self.0.facts.step
    }

    /// Which attempt of the step this is, from 1. A crash is not counted.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.0.facts.number
    }

    /// How often the job has been restarted.
    #[must_use]
    pub fn restarts(&self) -> u32 {
        self.0.facts.restarts
    }

    /// A text for the other side to recognize a repeated request by: 32 hexadecimal digits, made from the keyword and
    /// the step's name.
    ///
    /// It is the same over retries, crashes, and a restart of a step that was never recorded. A restart that drops the
    /// step's recorded output gives it a new one: then the effect is meant to happen again.
    #[must_use]
    pub fn idempotency_key(&self) -> &str {
        let Inner { facts: Facts { keyword, effect, .. }, idempotency_key, .. } = &*self.0;
        idempotency_key.get_or_init(|| key_of(keyword, *effect))
    }

    /// Whether the job is being cancelled or the attempt's time is over: the step had better end.
    ///
    /// The time is over at the step's timeout, and when the node stops and its grace has passed. An `async` step is
    /// then dropped at its next `.await`; one that is not `async` has to ask. A cancelled job leaves its step the grace
    /// to end.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.lines.is_cancelled.load(Ordering::Acquire)
    }

    /// Waits until [`is_cancelled`](Self::is_cancelled); of `Attempt::default()`, for ever.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost if the future is dropped, as in `select!`.
    pub async fn cancelled(&self) {
        let Lines { is_cancelled, cancelled, .. } = &self.0.lines;
        until(cancelled, || is_cancelled.load(Ordering::Acquire)).await;
    }

    /// Tells how far the step is: a fraction from 0 to 1, and a text of at most 1 KiB; a longer one is cut.
    ///
    /// It returns at once. At most one report a second is saved, the latest; [`JobInfo`](crate::JobInfo) shows it until
    /// the step is recorded.
    pub fn progress(&self, fraction: f64, text: impl Into<String>) {
        let fraction = if fraction.is_finite() { fraction.clamp(0.0, 1.0) } else { 0.0 };
        let progress = Progress { fraction, text: fit(&text.into(), PROGRESS_BYTES) };
        *self.latest() = Some(progress);
        self.0.lines.reported.notify_one();
    }

    /// Tells the step that it had better end.
    pub(crate) fn cancel(&self) {
        let Lines { is_cancelled, cancelled, .. } = &self.0.lines;
        is_cancelled.store(true, Ordering::Release);
        cancelled.notify_waiters();
    }

    /// Waits for a report of progress, and takes the latest.
    ///
    /// # Cancel safety
    ///
    /// A report is taken with the answer, and not before.
    pub(crate) async fn reported(&self) -> Progress {
        loop {
            self.has_reported().await;
            if let Some(latest) = self.latest().take() {
                return latest;
            }
        }
    }

    /// Waits until there is a report that was not taken.
    pub(crate) async fn has_reported(&self) {
        until(&self.0.lines.reported, || self.latest().is_some()).await;
    }

    // Nothing under this lock can panic half-way.
    fn latest(&self) -> MutexGuard<'_, Option<Progress>> {
        self.0.lines.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hashes what names an effect; lengths keep the parts apart.
fn key_of(keyword: &str, effect: Effect) -> String {
    let mut hash = Sha256::new();
    for part in [keyword, effect.kind, effect.name, &effect.generation.to_string()] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize()[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn idempotency_key(keyword: &str, kind: &'static str, name: &'static str, generation: u32) -> String {
        key_of(keyword, Effect { kind, name, generation })
    }

    #[test]
    fn idempotency_key_tells_every_part_apart() {
        let key = idempotency_key("order/7", "step", "charge", 0);
        assert_eq!(key.len(), 32);
        for (keyword, kind, name, generation) in [
            ("order/70", "step", "charge", 0),
            ("order/7", "callback", "charge", 0),
            ("order/7", "step", "ship", 0),
            ("order/7", "step", "charge", 1),
            ("order/7s", "tep", "charge", 0),
        ] {
            assert_ne!(idempotency_key(keyword, kind, name, generation), key);
        }
        assert_eq!(idempotency_key("order/7", "step", "charge", 0), key);
    }
}
