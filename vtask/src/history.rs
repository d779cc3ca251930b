//! The last attempts of a job and what operators did to it, in its row.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use vtask_storage::value::Timestamp;

use crate::codec::fit;
use crate::env;

/// The oldest entries go first.
const MOST_ENTRIES: usize = 32;
/// An error's text is cut to this many bytes; the row's `error` holds the whole of the last.
const ERROR_BYTES: usize = 200;

/// One thing that happened to a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HistoryEntry {
    /// What happened.
    pub event: HistoryEvent,
    /// The step or callback; empty where it concerns none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub step: String,
    /// Which attempt it was, from 1; 0 where it was none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub attempt: u32,
    /// The host on which it happened, or which did it; empty for an operator's act.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub host: String,
    /// When it ended, on that host's clock, in microseconds since 1970.
    #[serde(rename = "at")]
    at: Timestamp,
    /// How long it took, in milliseconds.
    #[serde(rename = "ms", default, skip_serializing_if = "is_none_or_zero")]
    took_ms: Option<u64>,
    /// What went wrong, cut to 200 bytes; [`JobInfo::error`](crate::JobInfo::error) has the whole of the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What happened to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HistoryEvent {
    /// A step was recorded.
    Recorded,
    /// An attempt failed.
    Failed,
    /// The process died in an attempt.
    Crashed,
    /// A callback ran.
    CalledBack,
    /// The job was paused: by somebody, or with an error that says why.
    Paused,
    /// Somebody cancelled the job.
    Cancelled,
    /// Somebody restarted the job at the step.
    Restarted,
    /// Somebody let the paused job go on; or a node, which `host` names, because it knows the step that others did not.
    Resumed,
    /// Something that a newer version writes.
    #[serde(other)]
    Other,
}

impl HistoryEntry {
    pub(crate) fn new(event: HistoryEvent, step: &str) -> Self {
        let (step, at) = (step.to_owned(), env::wall().into());
        Self { event, step, attempt: 0, host: String::new(), at, took_ms: None, error: None }
    }

    pub(crate) fn attempt(mut self, number: u32, host: &str, took: Duration) -> Self {
        let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        (self.attempt, self.host, self.took_ms) = (number, host.to_owned(), Some(millis));
        self
    }

    pub(crate) fn host(mut self, host: &str) -> Self {
        host.clone_into(&mut self.host);
        self
    }

    pub(crate) fn error(mut self, error: &str) -> Self {
        self.error = Some(fit(error, ERROR_BYTES));
        self
    }

    /// When it ended, on the clock of its host.
    #[must_use]
    pub fn at(&self) -> SystemTime {
        self.at.into()
    }

    /// How long the attempt took, in whole milliseconds; `None` if it took less than one, or was no attempt.
    #[must_use]
    pub fn took(&self) -> Option<Duration> {
        self.took_ms.map(Duration::from_millis)
    }
}

/// The entries of a row; a column that cannot be read counts as empty, because nothing is decided by it.
pub(crate) fn parse(json: &str) -> Vec<HistoryEntry> {
    serde_json::from_str(json).unwrap_or_default()
}

/// The column with one more entry.
pub(crate) fn push(json: &str, entry: HistoryEntry) -> String {
    let mut entries = parse(json);
    entries.push(entry);
    let surplus = entries.len().saturating_sub(MOST_ENTRIES);
    entries.drain(..surplus);
    serde_json::to_string(&entries).expect("an entry is text and numbers")
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn is_none_or_zero(number: &Option<u64>) -> bool {
    number.is_none_or(|number| number == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn history_keeps_the_newest_and_stays_small() {
        let mut json = "[]".to_owned();
        for number in 1..=100 {
            let entry =
                HistoryEntry::new(HistoryEvent::Failed, "charge").attempt(number, "host", Duration::from_millis(5));
            json = push(&json, entry.error(&"é".repeat(5000)));
        }
        let entries = parse(&json);
        assert_eq!(entries.iter().map(|entry| entry.attempt).collect::<Vec<_>>(), (69..=100).collect::<Vec<_>>());
        assert!(json.len() < 16 << 10, "{} bytes", json.len());
    }

    #[test]
    fn unknown_events_and_rubbish_do_no_harm() {
        let newer = r#"[{"event":"promoted","at":1}]"#;
        assert_eq!(parse(newer)[0].event, HistoryEvent::Other);
        assert_eq!(parse("rubbish"), []);
        assert_eq!(parse(&push("rubbish", HistoryEntry::new(HistoryEvent::Resumed, ""))).len(), 1);
    }
}
