//! Looking at a row.

use serde_json::Value;
use serde_json::value::RawValue;
use vtask::storage::MemoryStorage;
use vtask::{Client, JobFilter, JobInfo, JobRun, RunError};

use super::columns::{Columns, KEYWORD};
use super::{Fuzzed, found};

/// A look shows what can be read and says of the rest that it cannot be; it changes nothing.
pub(super) async fn check(columns: &Columns<'_>, storage: &MemoryStorage) {
    let (client, run) = found(storage).await;
    check_info(columns, &run.info().await.unwrap());
    check_info(columns, &client.list(&JobFilter::default()).await.unwrap().jobs[0]);
    check_untyped(columns, &client).await;
    check_typed(columns, &run).await;
}

fn check_info(columns: &Columns<'_>, info: &JobInfo) {
    assert_eq!(info.history, columns.entries());
    assert_eq!(info.progress, columns.reported());
    for entry in &info.history {
        let _ = (entry.at(), entry.took(), format!("{entry:?}"));
    }
}

async fn check_untyped(columns: &Columns<'_>, client: &Client) {
    let run = client.find(KEYWORD).await.unwrap().expect("the row is there");
    let data: Option<Value> = serde_json::from_str(columns.data).ok();
    assert_eq!(decoded(run.data().await), data);
    let Some(recorded) = columns.recorded() else {
        let _ = decoded(run.output("one").await);
        return;
    };
    for (name, saved) in &recorded {
        match decoded(run.output(name).await) {
            Some(output) => assert!(output.is_some(), "{name:?} is recorded"),
            None => assert!(name == "$original" && holds_what_no_value_is(saved), "{name:?}: {saved}"),
        }
    }
    let missing = recorded.keys().fold("none".to_owned(), |missing, name| missing + name);
    assert_eq!(run.output(&missing).await.unwrap(), None);
}

async fn check_typed(columns: &Columns<'_>, run: &JobRun<Fuzzed>) {
    let (one, two) = (decoded(run.output(Fuzzed::ONE).await), decoded(run.output(Fuzzed::TWO).await));
    // The context is all that is saved, so it is read where all of that can be.
    let Some(context) = decoded(run.context().await) else { return };
    assert_eq!((Some(context.one), Some(context.two)), (one, two));
    let data: Value = serde_json::from_str(columns.data).expect("it was read");
    assert_eq!(Some(&context.data.more), data.get("more"));
    let again = serde_json::from_str(&serde_json::to_string(&context.data).unwrap());
    assert_eq!(again.ok(), Some(context.data));
}

/// Whether it is a text that holds JSON which a [`Value`] cannot be: a number that is too large.
fn holds_what_no_value_is(saved: &Value) -> bool {
    let text = saved.as_str().unwrap_or_default();
    serde_json::from_str::<&RawValue>(text).is_ok() && serde_json::from_str::<Value>(text).is_err()
}

/// What is read, where it is not refused because of what is stored.
fn decoded<T>(read: Result<T, RunError>) -> Option<T> {
    match read {
        Ok(value) => Some(value),
        Err(RunError::Decode { .. }) => None,
        Err(other) => panic!("{other:?}"),
    }
}
