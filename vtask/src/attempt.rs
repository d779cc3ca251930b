//! One execution of a step, as the step sees it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::sync::watch;
use vtask_storage::value::JobId;

use crate::codec::fit;

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
pub struct Attempt {
    facts: Arc<Facts>,
    signals: Option<Signals>,
}

/// What does not change while the attempt runs.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) id: JobId,
    pub(crate) keyword: String,
    pub(crate) step: String,
    pub(crate) number: u32,
    pub(crate) restarts: u32,
    pub(crate) idempotency_key: String,
}

/// The lines between a running attempt and the engine.
#[derive(Debug, Clone)]
pub(crate) struct Signals {
    pub(crate) cancelled: watch::Receiver<bool>,
    pub(crate) progress: watch::Sender<Option<Progress>>,
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
        let facts = Facts {
            id: JobId(0),
            keyword: String::new(),
            step: String::new(),
            number: 1,
            restarts: 0,
            idempotency_key: idempotency_key("", "step", "", 0),
        };
        Self { facts: Arc::new(facts), signals: None }
    }
}

impl Attempt {
    pub(crate) fn new(facts: Facts, signals: Signals) -> Self {
        Self { facts: Arc::new(facts), signals: Some(signals) }
    }

    /// The same as another attempt, for a unit test of a step: `Attempt::default().with_number(2)`.
    #[must_use]
    pub fn with_number(self, number: u32) -> Self {
        let Facts { id, keyword, step, restarts, idempotency_key, .. } = &*self.facts;
        let (keyword, step, idempotency_key) = (keyword.clone(), step.clone(), idempotency_key.clone());
        let facts = Facts { id: *id, keyword, step, number, restarts: *restarts, idempotency_key };
        Self { facts: Arc::new(facts), signals: self.signals }
    }

    /// The id of the job.
    #[must_use]
    pub fn id(&self) -> JobId {
        self.facts.id
    }

    /// The keyword of the job.
    #[must_use]
    pub fn keyword(&self) -> &str {
        &self.facts.keyword
    }

    /// The stored name of the step; of a callback, its method's name.
    #[must_use]
    pub fn step(&self) -> &str {
        &self.facts.step
    }

    /// Which attempt of the step this is, from 1. A crash is not counted.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.facts.number
    }

    /// How often the job has been restarted.
    #[must_use]
    pub fn restarts(&self) -> u32 {
        self.facts.restarts
    }

    /// A text for the other side to recognize a repeated request by: 32 hexadecimal digits, made from the keyword and
    /// the step's name.
    ///
    /// It is the same over retries, crashes, and a restart of a step that was never recorded. A restart that drops the
    /// step's recorded output gives it a new one: then the effect is meant to happen again.
    #[must_use]
    pub fn idempotency_key(&self) -> &str {
        &self.facts.idempotency_key
    }

    /// Whether the job is being cancelled or the attempt's time is over: the step had better end.
    ///
    /// The time is over at the step's timeout, and when the node stops and its grace has passed. An `async` step is
    /// then dropped at its next `.await`; one that is not `async` has to ask. A cancelled job leaves its step the grace
    /// to end.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.signals.as_ref().is_some_and(|signals| *signals.cancelled.borrow())
    }

    /// Waits until [`is_cancelled`](Self::is_cancelled); of `Attempt::default()`, for ever.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost if the future is dropped, as in `select!`.
    pub async fn cancelled(&self) {
        if let Some(signals) = &self.signals {
            // The engine's side ends with the attempt, and then nobody waits here any more.
            if signals.cancelled.clone().wait_for(|cancelled| *cancelled).await.is_ok() {
                return;
            }
        }
        std::future::pending::<()>().await;
    }

    /// Tells how far the step is: a fraction from 0 to 1, and a text of at most 1 KiB; a longer one is cut.
    ///
    /// It returns at once. At most one report a second is saved, the latest; [`JobInfo`](crate::JobInfo) shows it until
    /// the step is recorded.
    pub fn progress(&self, fraction: f64, text: impl Into<String>) {
        if let Some(signals) = &self.signals {
            let fraction = if fraction.is_finite() { fraction.clamp(0.0, 1.0) } else { 0.0 };
            let text = fit(&text.into(), PROGRESS_BYTES);
            signals.progress.send_replace(Some(Progress { fraction, text }));
        }
    }
}

/// Hashes what names an effect. `kind` keeps a step and a callback of one name apart; lengths keep the parts apart.
pub(crate) fn idempotency_key(keyword: &str, kind: &str, name: &str, generation: u32) -> String {
    let mut hash = Sha256::new();
    for part in [keyword, kind, name, &generation.to_string()] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize()[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
