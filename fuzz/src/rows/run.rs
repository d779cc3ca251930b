//! Running a row.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::de::IgnoredAny;
use vtask::storage::{MemoryStorage, ReadJobs as _};
use vtask::{HistoryEvent, JobCenter, JobRun, Reason, Status, WaitError};

use super::columns::{Columns, KEYWORD};
use super::{Fuzzed, found};

/// Other nodes are waited for that may know what this one does not: for ten minutes, from when they are known to be gone.
const PATIENCE: Duration = Duration::from_secs(3600);

/// The job ends, or is paused and says why; it never fails, and never holds up another.
pub(super) async fn check(columns: &Columns<'_>, storage: &MemoryStorage) {
    let (client, run) = found(storage).await;
    let stranger = client.invoke_json("stranger", "0", "s").await.unwrap();
    let neighbour = client.invoke_json("fuzzed", r#"{"number":1,"note":2,"more":[3]}"#, "n").await.unwrap();
    let center = JobCenter::builder(&client).on_this_runtime().host("here").register(Fuzzed).start().await.unwrap();
    check_roster(columns, &center).await;
    let outcome = tokio::time::timeout(PATIENCE, run.wait()).await.expect("it ends or is paused");
    match outcome {
        Ok(two) => check_success(columns, &run, two).await,
        Err(WaitError::Paused { reason, message, .. }) => check_paused(storage, &run, reason, &message).await,
        // A row that is past the last step has succeeded, whatever there is of the output.
        Err(WaitError::Output { .. }) => assert!(!matches!(run.output(Fuzzed::TWO).await, Ok(Some(_)))),
        Err(other) => panic!("{other:?}"),
    }
    assert_eq!(neighbour.wait().await.unwrap(), 3);
    assert_eq!(stranger.info().await.unwrap().status, Status::Running);
    center.shutdown().await.unwrap();
}

/// A node that does not say what it can run may run everything.
async fn check_roster(columns: &Columns<'_>, center: &JobCenter) {
    let known = serde_json::from_str::<BTreeMap<String, IgnoredAny>>(columns.plans);
    let expected = known.map_or(true, |known| known.contains_key("stranger"));
    let health = center.health().await.unwrap();
    let stranger = health.due.iter().find(|due| due.name == "stranger").expect("it is due");
    assert_eq!(stranger.has_runner, expected, "{}", columns.plans);
}

/// What was recorded is what reads back.
async fn check_success(columns: &Columns<'_>, run: &JobRun<Fuzzed>, two: usize) {
    // Where nothing was left to do, nobody had to read the data.
    if let Ok(context) = run.context().await {
        assert_eq!((context.one, context.two), (run.output(Fuzzed::ONE).await.unwrap(), Some(two)));
    }
    let (before, after) = (columns.entries(), run.info().await.unwrap().history);
    let recorded = after.iter().rev().take_while(|entry| entry.event == HistoryEvent::Recorded).count();
    assert!(recorded >= 1 || after == before, "{after:?} after {before:?}");
}

/// What is paused is as it was.
async fn check_paused(storage: &MemoryStorage, run: &JobRun<Fuzzed>, reason: Reason, message: &str) {
    assert!(matches!(reason, Reason::Undecodable | Reason::UnknownStep), "{reason:?}: {message}");
    assert!(!message.is_empty());
    let row = storage.row(run.id()).await.unwrap().expect("the row is there");
    assert_eq!(row.summary.keyword, KEYWORD);
    assert_eq!(row.summary.state.attempt, 0, "{message}");
}
