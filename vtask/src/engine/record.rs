//! A job as last recorded, in the hands of whoever holds its lease.

use std::time::Duration;

use vtask_storage::is_mutant;
use vtask_storage::value::{
    Boot, Callback, Change, Due, JobRow, JobState, JobSummary, JobWrite, Lease, Reason, Request, RequestGuard, Status,
};

use crate::codec::{Generations, Outputs};
use crate::history::{self, HistoryEntry, MOST_ENTRIES};
use crate::job::adopted;
use crate::job::plan::{Plan, Stuck};
use crate::run::unchanged;

/// A job as last recorded.
pub(super) struct Record {
    pub(super) summary: JobSummary,
    pub(super) input: String,
    pub(super) outputs: Outputs,
    pub(super) generations: Generations,
    /// How many entries the history has; `None` while nobody has counted, or if it cannot be read.
    entries: Option<usize>,
    /// Whether the data or the outputs are not as the row has them.
    is_mended: bool,
}

impl Record {
    /// Reads a row. One whose outputs are no object is stuck, and keeps them as they are.
    pub(super) fn read(row: JobRow, plan: &Plan) -> (Self, Option<Stuck>) {
        let outputs = adopted::outputs(Some(plan), &row);
        let JobRow { summary, input, .. } = row;
        let generations = plan.generations(&summary.generations);
        let (outputs, stuck) = match outputs {
            Ok(outputs) => (outputs, None),
            Err(error) => {
                let message = format!("the recorded outputs are no JSON object: {error}");
                (Outputs::default(), Some(Stuck { reason: Reason::Undecodable, message }))
            }
        };
        let entries = (summary.history == "[]").then_some(0);
        (Self { summary, input, outputs, generations, entries, is_mended: false }, stuck)
    }

    /// Makes of what another version has saved what this one reads; the next record of a step saves it.
    pub(super) fn mend(&mut self, plan: &Plan) -> Result<(), Stuck> {
        let mended = plan.mend(&mut self.input, &mut self.outputs).map_err(|error| Stuck {
            reason: Reason::Undecodable,
            message: format!("{error}; mend the row or run a program that reads it, then resume the job"),
        });
        self.is_mended |= mended?;
        Ok(())
    }

    /// The data, unless the row has it.
    pub(super) fn unless_saved(&self, data: String) -> Option<String> {
        Some(data).filter(|data| self.is_mended || *data != self.input)
    }

    /// The outputs, if they or the data are not as the row has them.
    pub(super) fn mended_outputs(&mut self) -> Option<String> {
        self.is_mended.then(|| self.outputs.json())
    }

    /// A write that changes nothing but the token.
    pub(super) fn write(&self, lease: Lease) -> JobWrite {
        JobWrite { lease, request: RequestGuard::MustBe(Request::None), ..unchanged(&self.summary) }
    }

    /// Says that the row is where this program has put it. A write that leaves it where another program did leaves that
    /// too: it tells who knows the row, and what is still to come.
    pub(super) fn stamp(&mut self, write: &mut JobWrite, plan: &Plan) {
        (write.state.plan, write.state.steps) = plan.stamp();
        if self.generations.set_order(&plan.unbegun.0) {
            write.generations = Some(self.generations.to_json());
        }
    }

    /// Takes back what was made ready for the record of a step that has not landed.
    pub(super) fn take_back(&mut self, step: &str) {
        self.outputs.drop_unless(|output| output != step);
        self.generations = Generations::parse(&self.summary.generations);
    }

    /// How much a write changes of the row as it is.
    pub(super) fn change(&self, write: &JobWrite) -> Change {
        let (summary, state) = (&self.summary, &write.state);
        let is_clean = |state: &JobState| {
            (state.attempt, state.crashes, state.callback_attempt, state.reason) == (0, 0, 0, Reason::None)
        };
        let kept = |state: &JobState| (state.plan, state.steps, state.restarts);
        let is_step = is_clean(&summary.state)
            && is_clean(state)
            && kept(&summary.state) == kept(state)
            && summary.state.host == state.host
            && [&summary.error, &summary.progress, &write.error, &write.progress, &write.generations]
                .iter()
                .all(|text| text.is_none())
            && write.due == Due::Keep;
        if is_step { Change::Step } else { Change::Any }
    }

    /// The history with one more entry.
    pub(super) fn history(&self, entry: HistoryEntry) -> Option<String> {
        Some(history::push(&self.summary.history, entry))
    }

    /// The history with a recorded step more.
    pub(super) fn history_of(&mut self, step: &str, number: u32, host: &str, took: Duration) -> Option<String> {
        let history = &self.summary.history;
        self.entries = self.entries.or_else(|| history::count(history));
        Some(history::push_record(history, self.entries, (step, number), host, took))
    }

    /// Takes over what a write has left in the row.
    pub(super) fn apply(&mut self, write: Box<JobWrite>) {
        if write.history.is_some() {
            let is_one_more = write.change == Change::Step;
            self.entries = self.entries.filter(|count| is_one_more && *count < MOST_ENTRIES).map(|count| count + 1);
        }
        self.is_mended &= write.outputs.is_none();
        let summary = &mut self.summary;
        summary.lease = write.lease;
        summary.state = write.state;
        if write.request != RequestGuard::Keep {
            summary.request = Request::None;
        }
        summary.error = write.error;
        summary.progress = write.progress;
        summary.history = write.history.unwrap_or_else(|| std::mem::take(&mut summary.history));
        summary.generations = write.generations.unwrap_or_else(|| std::mem::take(&mut summary.generations));
        self.input = write.input.unwrap_or_else(|| std::mem::take(&mut self.input));
    }
}

/// Ends a job, and makes the callback of that end due in the same write.
pub(super) fn end(write: &mut JobWrite, status: Status, plan: &Plan, owner: Boot) {
    let callback = match status {
        Status::Succeeded => plan.on_success.is_some(),
        _ => plan.on_failure.is_some(),
    };
    let state = &mut write.state;
    if callback {
        // Who does not have it leaves it to who has.
        state.plan = plan.hash;
    }
    state.status = status;
    state.callback = if callback && !is_mutant("callback after the commit") { Callback::Due } else { Callback::None };
    (state.callback_attempt, state.crashes) = (0, 0);
    state.boot = if callback { owner } else { Boot::NOBODY };
    // There is nothing left to cancel or to pause.
    write.request = RequestGuard::Clear;
    write.due = Due::NOW;
}

/// Pauses a job.
pub(super) fn pause(write: &mut JobWrite, stuck: &Stuck) {
    let state = &mut write.state;
    (state.status, state.reason, state.boot) = (Status::Paused, stuck.reason, Boot::NOBODY);
    write.error = Some(stuck.message.clone());
}
