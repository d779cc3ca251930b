//! Operating on a row.

use serde_json::{Map, Value};
use vtask::storage::{MemoryStorage, ReadJobs as _};
use vtask::{Client, HistoryEntry, HistoryEvent, JobRun, PauseOutcome, RunError, Status};

use super::columns::{Columns, KEYWORD, counts};
use super::{Fuzzed, found};

/// So many entries a history keeps.
const MOST_ENTRIES: usize = 32;

/// Each act has an answer, and is the newest entry of a history that keeps what could be read of it.
pub(super) async fn check(columns: &Columns<'_>, storage: &MemoryStorage) {
    check_pause(columns, &storage.fork()).await;
    let recorded = columns.recorded().unwrap_or_default();
    // Nobody restarts a job four billion times, and no step can be called `/order`: then generations cannot be counted.
    let is_worn = |count: &Value| count.as_u64() == Some(u64::from(u32::MAX));
    if recorded.contains_key("/order") || counts(columns.generations).is_some_and(|all| all.values().any(is_worn)) {
        return;
    }
    check_restart(columns, &storage.fork()).await;
    for name in recorded.keys().take(3) {
        check_restart_by_name(columns, &storage.fork(), name).await;
    }
}

async fn check_pause(columns: &Columns<'_>, storage: &MemoryStorage) {
    let (_client, run) = found(storage).await;
    assert_eq!(run.pause().await.unwrap(), PauseOutcome::Paused);
    check_history(columns, &run, &[HistoryEvent::Paused]).await;
    run.resume().await.unwrap();
    check_history(columns, &run, &[HistoryEvent::Paused, HistoryEvent::Resumed]).await;
    run.cancel().await.unwrap();
    assert_eq!(run.info().await.unwrap().status, Status::Cancelled);
}

async fn check_restart(columns: &Columns<'_>, storage: &MemoryStorage) {
    let (_client, run) = found(storage).await;
    match run.restart(Fuzzed::ONE).await {
        Ok(()) => {}
        Err(RunError::Decode { .. }) => return assert!(columns.recorded().is_none(), "the outputs can be read"),
        Err(other) => panic!("{other:?}"),
    }
    check_history(columns, &run, &[HistoryEvent::Restarted]).await;
    assert_eq!(run.output(Fuzzed::ONE).await.ok(), run.output(Fuzzed::TWO).await.ok().map(|_| None));
}

/// What was recorded from there on is gone, and counts as dropped again.
async fn check_restart_by_name(columns: &Columns<'_>, storage: &MemoryStorage, name: &str) {
    let (client, run) = found(storage).await;
    client.restart(KEYWORD, name).await.unwrap();
    check_history(columns, &run, &[HistoryEvent::Restarted]).await;
    assert_eq!(untyped_output(&client, name).await, None, "{name:?} was dropped");
    let row = storage.row(run.id()).await.unwrap().expect("the row is there");
    let before = counts(columns.generations).unwrap_or_default();
    let after = counts(&row.summary.generations).unwrap_or_else(|| panic!("{:?}", row.summary.generations));
    let count = |counts: &Map<_, _>| counts.get(name).and_then(Value::as_u64).unwrap_or(0);
    assert!(count(&after) > count(&before), "the generation of {name:?}: {after:?} after {before:?}");
    assert!(before.iter().all(|(name, count)| after.get(name).is_some_and(|after| after.as_u64() >= count.as_u64())));
}

async fn untyped_output(client: &Client, name: &str) -> Option<Value> {
    client.find(KEYWORD).await.unwrap().expect("the row is there").output(name).await.unwrap()
}

/// The history is what it was, and these events behind it.
pub(super) async fn check_history(columns: &Columns<'_>, run: &JobRun<Fuzzed>, events: &[HistoryEvent]) {
    let (before, after) = (columns.entries(), run.info().await.unwrap().history);
    let kept = MOST_ENTRIES.min(before.len() + events.len()) - events.len();
    let (old, new) = after.split_at(after.len() - events.len());
    assert_eq!(old, &before[before.len() - kept..]);
    assert_eq!(new.iter().map(|entry: &HistoryEntry| entry.event).collect::<Vec<_>>(), events);
}
