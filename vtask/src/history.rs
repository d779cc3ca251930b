//! The last attempts of a job and what operators did to it, in its row.

use std::fmt::{self, Write};
use std::time::{Duration, SystemTime};

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use vtask_storage::value::Timestamp;

use crate::codec::{fit, push_text};
use crate::env;

/// The oldest entries go first.
pub(crate) const MOST_ENTRIES: usize = 32;
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
        (self.attempt, self.host, self.took_ms) = (number, host.to_owned(), Some(millis(took)));
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

/// How many entries a column has; `None` for one that cannot be read.
pub(crate) fn count(json: &str) -> Option<usize> {
    serde_json::from_str::<Vec<IgnoredAny>>(json).map(|entries| entries.len()).ok()
}

/// The column of so many entries with a recorded step more. Only where the oldest has to go it is taken apart.
pub(crate) fn push_record(
    json: &str,
    count: Option<usize>,
    (step, attempt): (&str, u32),
    host: &str,
    took: Duration,
) -> String {
    let entry = HistoryEntry::new(HistoryEvent::Recorded, "");
    let before = json.trim_end().strip_suffix(']').filter(|_| count.is_some_and(|count| count < MOST_ENTRIES));
    let Some(before) = before else {
        return push(json, HistoryEntry { step: step.to_owned(), ..entry.attempt(attempt, host, took) });
    };
    let mut grown = String::with_capacity(json.len() + step.len() + host.len() + 96);
    grown.push_str(before);
    grown.push_str(if count == Some(0) { "" } else { "," });
    add_record(&mut grown, &entry.attempt(attempt, "", took), step, host);
    grown.push(']');
    grown
}

/// Adds an entry as serde would, in its order, without a copy of the texts.
fn add_record(json: &mut String, entry: &HistoryEntry, step: &str, host: &str) {
    let number = |json: &mut String, key: &str, number: &dyn fmt::Display| {
        write!(json, ",\"{key}\":{number}").expect("a text takes every text");
    };
    json.push_str("{\"event\":\"recorded\",\"step\":");
    push_text(json, step);
    number(json, "attempt", &entry.attempt);
    if !host.is_empty() {
        json.push_str(",\"host\":");
        push_text(json, host);
    }
    number(json, "at", &entry.at.0);
    if let Some(took_ms) = entry.took_ms.filter(|took_ms| *took_ms > 0) {
        number(json, "ms", &took_ms);
    }
    json.push('}');
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
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
    fn record_is_appended_as_it_would_be_pushed() {
        let took = Duration::from_millis(7);
        let without_time = |json: &str| {
            let entries = parse(json).into_iter().map(|entry| HistoryEntry { at: Timestamp(0), ..entry });
            entries.collect::<Vec<_>>()
        };
        let mut json = "[]".to_owned();
        for number in 1..=40 {
            let pushed = push(&json, HistoryEntry::new(HistoryEvent::Recorded, "a\"b").attempt(number, "host", took));
            json = push_record(&json, count(&json), ("a\"b", number), "host", took);
            assert_eq!(without_time(&json), without_time(&pushed));
            assert_eq!(count(&json), Some(MOST_ENTRIES.min(number as usize)));
            assert_eq!(serde_json::to_string(&parse(&json)).unwrap(), json, "it is written as serde would");
        }
        for odd in ["", "rubbish", "rubbish]", "[ ]\n", "[{\"event\":\"failed\",\"at\":1} ]"] {
            let pushed = push(odd, HistoryEntry::new(HistoryEvent::Recorded, "a").attempt(1, "", Duration::ZERO));
            let recorded = push_record(odd, count(odd), ("a", 1), "", Duration::ZERO);
            assert_eq!(without_time(&recorded), without_time(&pushed), "{odd:?}");
        }
    }

    #[test]
    fn unknown_events_and_rubbish_do_no_harm() {
        let newer = r#"[{"event":"promoted","at":1}]"#;
        assert_eq!(parse(newer)[0].event, HistoryEvent::Other);
        assert_eq!(parse("rubbish"), []);
        assert_eq!(parse(&push("rubbish", HistoryEntry::new(HistoryEvent::Resumed, ""))).len(), 1);
    }
}
