//! A job as people look at it.

use std::time::SystemTime;

use vtask_storage::value::{Callback, JobId, JobSummary, Reason, Request, Status};

use crate::attempt::Progress;
use crate::history::{self, HistoryEntry};
use crate::job::plan::Plan;

/// What a job looks like from outside, without its payloads.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct JobInfo {
    /// The row.
    pub id: JobId,
    /// The global identity.
    pub keyword: String,
    /// The name of its type.
    pub name: String,
    /// How far it is.
    pub status: Status,
    /// Why it is in that status; `None` where nothing is wrong.
    pub reason: Option<Reason>,
    /// The stored name of the next step; empty at success, and of a job that was invoked by its name until a step of it
    /// has been recorded or has failed.
    pub step: String,
    /// The number of that step, from 1; one more than `step_count` at success.
    pub step_number: u32,
    /// How many steps the job has; 0 if no program that knows it has seen it yet.
    pub step_count: u32,
    /// What that step does, if its method says so; known only to a program that has the job's type, so `None` from an untyped
    /// look.
    pub description: Option<&'static str>,
    /// Whether the callback of its outcome has run.
    pub callback: Callback,
    /// Whether a node holds it.
    pub is_held: bool,
    /// What somebody asked of that node, and is not done yet.
    pub request: Request,
    /// The host that held it last.
    pub host: String,
    /// How many attempts of the next step failed.
    pub failed_attempts: u32,
    /// How often a process died while it ran the next step.
    pub crashes: u32,
    /// How often the job was restarted.
    pub restarts: u32,
    /// What the last failed attempt of a step said, or why the job is paused, at most 8 KiB; a recorded step clears it.
    pub error: Option<String>,
    /// The last report of progress of the step that runs.
    pub progress: Option<Progress>,
    /// The last 32 attempts and operators' acts, oldest first.
    pub history: Vec<HistoryEntry>,
    /// When it was invoked, on the database's clock.
    pub created_at: SystemTime,
    /// When its row was last written, on the database's clock.
    pub updated_at: SystemTime,
    /// When its next step or callback is due, on the database's clock; `None` once all is done, and while it is paused.
    pub due_at: Option<SystemTime>,
}

impl JobInfo {
    pub(crate) fn new(summary: &JobSummary) -> Self {
        let state = &summary.state;
        let count = |number: i32| u32::try_from(number).unwrap_or(0);
        Self {
            id: summary.id,
            keyword: summary.keyword.clone(),
            name: summary.name.clone(),
            status: state.status,
            reason: (state.reason != Reason::None).then_some(state.reason),
            step: state.step_name.to_string(),
            step_number: count(state.step),
            step_count: count(state.steps),
            description: None,
            callback: state.callback,
            is_held: state.boot != vtask_storage::value::Boot::NOBODY,
            request: summary.request,
            host: state.host.to_string(),
            failed_attempts: count(state.attempt),
            crashes: count(state.crashes),
            restarts: count(state.restarts),
            error: summary.error.clone(),
            progress: summary.progress.as_deref().and_then(|json| serde_json::from_str(json).ok()),
            history: history::parse(&summary.history),
            created_at: summary.created.into(),
            updated_at: summary.updated.into(),
            due_at: state.has_work().then(|| summary.wake_at.into()),
        }
    }

    /// Adds what only the job's type knows.
    pub(crate) fn described(mut self, plan: &Plan) -> Self {
        self.description = plan.find(&self.step).map(|step| plan.steps[step].describe).filter(|text| !text.is_empty());
        self
    }
}
