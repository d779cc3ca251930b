//! The columns of a row.

use serde_json::{Map, Value};
use vtask::storage::value::{
    Boot, Change, Due, Guard, JobId, JobState, JobWrite, Lease, NewJob, NewNode, RequestGuard, Written,
};
use vtask::storage::{MemoryStorage, ReadJobs as _, WriteJobs as _, WriteNodes as _};
use vtask::{HistoryEntry, Progress, Status};

use crate::paused_storage;

/// The keyword of the row.
pub(super) const KEYWORD: &str = "k";

/// What a text says, a line each; what is missing is what a new job has.
pub(super) struct Columns<'a> {
    pub(super) data: &'a str,
    pub(super) outputs: &'a str,
    pub(super) generations: &'a str,
    pub(super) history: &'a str,
    pub(super) progress: Option<&'a str>,
    /// The number of the next step and its name: `2 two`.
    place: &'a str,
    /// What another node says that it can run.
    pub(super) plans: &'a str,
}

impl<'a> Columns<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let mut lines = text.lines();
        let mut next = |otherwise| lines.next().filter(|line| !line.is_empty()).unwrap_or(otherwise);
        Self {
            data: next(r#"{"count":1,"note":"n","more":null}"#),
            outputs: next("{}"),
            generations: next("{}"),
            history: next("[]"),
            progress: Some(next("")).filter(|progress| !progress.is_empty()),
            place: next("1 one"),
            plans: next("{}"),
        }
    }

    /// A storage with such a row, and with such a node.
    pub(super) async fn store(&self) -> MemoryStorage {
        let storage = paused_storage();
        let id = storage.insert(&[self.job()]).await.unwrap()[0].id;
        let state = storage.row(id).await.unwrap().expect("it was inserted").summary.state;
        assert_eq!(storage.write(&[&self.write(id, state)]).await.unwrap(), [Written::Done]);
        let (host, version) = ("other".to_owned(), "0".to_owned());
        let node = NewNode { boot: Boot(1), host, lease_ms: 10_000, version, plans: self.plans.to_owned() };
        storage.join(&node).await.unwrap();
        storage
    }

    fn job(&self) -> NewJob {
        NewJob {
            keyword: KEYWORD.to_owned(),
            is_keyword_drawn: false,
            name: "fuzzed".to_owned(),
            input: self.data.to_owned(),
            step_name: "one".into(),
            steps: 2,
            plan: 0,
            generations: self.generations.to_owned(),
            birth: 1,
            lease: Lease(1),
            due: Due::NOW,
            owner: None,
        }
    }

    fn write(&self, id: JobId, state: JobState) -> JobWrite {
        let (number, name) = self.place.split_once(' ').unwrap_or((self.place, ""));
        let (step, step_name) = (number.parse().unwrap_or(1), name.to_owned().into());
        JobWrite {
            id,
            guard: Guard { lease: Lease(1), status: Status::Running, step: 1 },
            lease: Lease(2),
            request: RequestGuard::Keep,
            change: Change::Any,
            state: JobState { step, step_name, ..state },
            due: Due::Keep,
            error: None,
            progress: self.progress.map(str::to_owned),
            input: None,
            outputs: Some(self.outputs.to_owned()),
            history: Some(self.history.to_owned()),
            generations: None,
        }
    }

    /// The entries of the history; one that cannot be read counts as empty.
    pub(super) fn entries(&self) -> Vec<HistoryEntry> {
        serde_json::from_str(self.history).unwrap_or_default()
    }

    /// The progress; one that cannot be read counts as none.
    pub(super) fn reported(&self) -> Option<Progress> {
        self.progress.and_then(|progress| serde_json::from_str(progress).ok())
    }

    /// The recorded outputs, where they are an object of JSON that is not too deep.
    pub(super) fn recorded(&self) -> Option<Map<String, Value>> {
        serde_json::from_str(self.outputs).ok()
    }
}

/// How often the outputs of steps were dropped, where the column says so: numbers, beside the order of the steps.
pub(super) fn counts(generations: &str) -> Option<Map<String, Value>> {
    let mut counts: Map<String, Value> = serde_json::from_str(generations).ok()?;
    let is_name = |name: &Value| name.is_string();
    let has_order =
        counts.remove("/order").is_none_or(|order| order.as_array().is_some_and(|all| all.iter().all(is_name)));
    let is_count = |count: &Value| count.as_u64().is_some_and(|count| u32::try_from(count).is_ok());
    (has_order && counts.values().all(is_count)).then_some(counts)
}
