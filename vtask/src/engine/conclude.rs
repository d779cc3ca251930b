//! What an attempt came to, as the write that records it.

use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use vtask_storage::is_mutant;
use vtask_storage::value::{Boot, Callback, Change, Due, JobWrite, Reason, Request, RequestGuard, Status, Timestamp};

use super::record;
use super::runner::{Flow, Runner};
use super::supervise::Ended;
use super::suspects::is_alone;
use crate::codec::fit;
use crate::env::Backoff;
use crate::flow::Wish;
use crate::history::{HistoryEntry, HistoryEvent};
use crate::job::erased::{AnyContext, Encoded, Failed, Finished, Method};
use crate::job::plan::Stuck;
use crate::job::table::{OnExhausted, Policy};

/// A longer wait for a retry gives the row back: then any node may take it when it is due.
const LONGEST_PARKED: Duration = Duration::from_secs(60);

/// One execution of a method.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    pub(super) method: Method,
    /// Which attempt it was, from 1.
    pub(super) number: u32,
    pub(super) took: Duration,
}

/// A failed attempt.
pub(super) struct Failure {
    message: String,
    wish: Wish,
    /// Why the job failed, if this was the last attempt.
    reason: Reason,
    /// The data to save with a stop.
    data: Option<String>,
}

impl Failure {
    pub(super) fn new(message: String) -> Self {
        Self { message, wish: Wish::Retry, reason: Reason::Exhausted, data: None }
    }
}

impl Runner {
    pub(super) async fn conclude(&mut self, run: Run, ended: Ended) -> Flow {
        let failure = match ended {
            Ended::Returned(Finished { context, result: Ok(encoded) }) => match self.check_sizes(encoded.as_ref()) {
                Ok(()) => return self.succeed(run, context, encoded).await,
                Err(failure) => failure,
            },
            Ended::Returned(Finished { result: Err(failed), .. }) => match Box::pin(self.cut_off(run, &failed)).await {
                Some(error) => {
                    self.undo().await;
                    return self.again(run, &error).await;
                }
                None => self.failure(run.method, failed),
            },
            Ended::Panicked(message) => {
                // Whatever went on on its connection has been cut short.
                self.transaction = None;
                Failure::new(format!("panicked: {message}"))
            }
            Ended::TimedOut(timeout) => {
                let message = format!("timed out after {timeout:?}");
                Failure { reason: Reason::TimedOut, ..Failure::new(message) }
            }
            Ended::Cancelled => return Box::pin(self.serve()).await,
            Ended::Dropped => {
                self.transaction = None;
                self.was_dropped = true;
                let write = self.released();
                return self.commit(write).await;
            }
        };
        Box::pin(self.fail(run, failure)).await
    }

    /// What is too large will be so in every attempt, so this ends the job at once.
    fn check_sizes(&self, encoded: Option<&Encoded>) -> Result<(), Failure> {
        let Some(Encoded { data, output }) = encoded else { return Ok(()) };
        let limits = &self.engine.limits;
        let row = data.len() + output.len() + self.record.outputs.bytes();
        let checks = [
            ("the data after the step has", data.len(), limits.input),
            ("the output of the step has", output.len(), limits.output),
            ("the whole job after the step has", row, limits.row),
        ];
        let Some((part, bytes, limit)) = checks.into_iter().find(|(_, bytes, limit)| bytes > limit) else {
            return Ok(());
        };
        let message =
            format!("{part} {bytes} bytes as JSON, the limit is {limit}: store it elsewhere and keep its key");
        Err(Failure { wish: Wish::Stop, reason: Reason::TooLarge, ..Failure::new(message) })
    }

    fn failure(&self, method: Method, failed: Failed) -> Failure {
        let Failed { message, wish, data } = failed;
        let is_stop = wish == Wish::Stop && matches!(method, Method::Step(_));
        let reason = if is_stop { Reason::Stopped } else { Reason::Exhausted };
        let data = data.filter(|data| data.len() <= self.engine.limits.input);
        let data = data.and_then(|data| self.record.unless_saved(data));
        Failure { message, wish, reason, data }
    }

    async fn succeed(&mut self, run: Run, context: AnyContext, encoded: Option<Encoded>) -> Flow {
        let name = self.name(run.method);
        let (Method::Step(step), Some(encoded)) = (run.method, encoded) else {
            let entry = HistoryEntry::new(HistoryEvent::CalledBack, name).attempt(run.number, self.host(), run.took);
            let write = self.callback_done(entry);
            return self.commit(write).await;
        };
        tracing::debug!(step = name, attempt = run.number, "the step succeeded");
        let mut write = self.recorded(step, encoded);
        write.history = self.record.history_of(name, run.number, &self.engine.owner.host, run.took);
        write.change = self.record.change(&write);
        if let Some(transaction) = self.transaction.take() {
            return Box::pin(self.commit_within(run, context, write, transaction)).await;
        }
        self.context = Some(context);
        if write.change == Change::Step && write.state.boot == Boot::NOBODY {
            // No body of this job is to run any more: another job may, while the end is written.
            self.place.leave();
        }
        self.commit(write).await
    }

    /// The checkpoint: the output, the data, and the next step or the end in one write.
    fn recorded(&mut self, step: usize, encoded: Encoded) -> Box<JobWrite> {
        let name = self.plan().steps[step].name;
        self.record.outputs.push(name, encoded.output);
        let mut write = self.unchanged();
        write.outputs = Some(self.record.outputs.json());
        write.input = self.record.unless_saved(encoded.data);
        write.error = None;
        let plan = self.job.plan();
        let next = plan.next_step(step, &self.record.outputs, &self.record.generations);
        self.record.stamp(&mut write, plan);
        let state = &mut write.state;
        (state.attempt, state.crashes, state.reason) = (0, 0, Reason::None);
        state.step = i32::try_from(next.unwrap_or(plan.steps.len()) + 1).unwrap_or(i32::MAX);
        state.step_name = next.map_or("", |next| plan.steps[next].name).into();
        if next.is_none() {
            record::end(&mut write, Status::Succeeded, plan, self.engine.owner.boot);
            // Its time has come, else it would not have run.
            write.due = Due::Keep;
        }
        write
    }

    pub(super) async fn fail(&mut self, run: Run, failure: Failure) -> Flow {
        self.undo().await;
        self.undecided = Backoff::default();
        let message = fit(&failure.message, self.engine.limits.error);
        let name = self.name(run.method);
        tracing::warn!(step = name, attempt = run.number, error = message, "the attempt failed");
        let entry =
            HistoryEntry::new(HistoryEvent::Failed, name).attempt(run.number, self.host(), run.took).error(&message);
        let mut write = self.unchanged();
        write.history = self.record.history(entry);
        write.input = failure.data;
        // Data that was mended does not fit outputs that were not.
        write.outputs = if write.input.is_some() { self.record.mended_outputs() } else { None };
        let failed = i32::try_from(run.number).unwrap_or(i32::MAX);
        match run.method {
            Method::Step(step) => {
                self.put(&mut write, step);
                write.state.attempt = failed;
                write.error = Some(message);
            }
            _ => write.state.callback_attempt = failed,
        }
        match self.retry_wait(run, failure.wish) {
            Some(wait) => self.retry(write, wait).await,
            None => self.give_up(run, write, failure.reason).await,
        }
    }

    /// Says that the job is at this step, unless the row says so in a former name, which other programs know too.
    fn put(&mut self, write: &mut JobWrite, step: usize) {
        let plan = self.job.plan();
        let is_there = plan.find(&write.state.step_name) == Some(step);
        if !is_there || write.state.plan == plan.hash && self.record.generations.order().is_empty() {
            self.record.stamp(write, plan);
        }
        if !is_there {
            write.state.step = i32::try_from(step + 1).unwrap_or(i32::MAX);
            write.state.step_name = plan.steps[step].name.into();
        }
    }

    /// How long to wait for the next attempt, if there is one.
    fn retry_wait(&self, run: Run, wish: Wish) -> Option<Duration> {
        let policy = self.policy(run.method);
        match wish {
            Wish::Stop => None,
            _ if !policy.retry.allows(run.number) => None,
            Wish::RetryAfter(wait) => Some(wait),
            Wish::Retry => Some(policy.period.wait(run.number, self.engine.env.random())),
        }
    }

    async fn retry(&mut self, mut write: Box<JobWrite>, wait: Duration) -> Flow {
        let status = write.state.status;
        let parked = self.parking(wait);
        write.due = Due::In(wait);
        if is_mutant("local clock") {
            write.due = Due::At(Timestamp::from(crate::env::wall()).after(wait));
        }
        write.state.boot = if parked.is_some() { self.owner() } else { Boot::NOBODY };
        if status != Status::Running {
            write.request = RequestGuard::Keep;
        }
        let flow = self.commit(write).await;
        // A request may have made an end or a pause of the retry.
        if flow == Flow::Go && self.record.summary.state.status == status {
            return self.park(wait).await;
        }
        flow
    }

    /// The right to wait in memory.
    fn parking(&self, wait: Duration) -> Option<OwnedSemaphorePermit> {
        // Others wait until a job that runs alone has ended.
        let may_park = wait <= LONGEST_PARKED && !is_alone(self.record.summary.state.crashes);
        may_park.then(|| self.engine.parking.clone().try_acquire_owned().ok()).flatten()
    }

    async fn give_up(&mut self, run: Run, mut write: Box<JobWrite>, reason: Reason) -> Flow {
        let (plan, owner) = (self.job.plan(), self.owner());
        if !matches!(run.method, Method::Step(_)) {
            return self.commit(callback_over(write, Callback::GivenUp)).await;
        }
        let is_exhausted = matches!(reason, Reason::Exhausted | Reason::TimedOut);
        if is_exhausted && self.policy(run.method).on_exhausted == OnExhausted::Pause {
            let message = write.error.clone().unwrap_or_default();
            record::pause(&mut write, &Stuck { reason, message });
            return self.commit(write).await;
        }
        write.state.reason = reason;
        record::end(&mut write, Status::Failed, plan, owner);
        if is_exhausted {
            // A step that gives up because it is told to cancel makes a cancelled job, not a failed one. It is not told to
            // pause, so that its failure is its own.
            write.request = RequestGuard::MustBe(Request::None);
        }
        self.commit(write).await
    }

    fn callback_done(&self, entry: HistoryEntry) -> Box<JobWrite> {
        let mut write = self.unchanged();
        write.history = self.record.history(entry);
        callback_over(write, Callback::Done)
    }

    pub(super) fn callback_given_up(&self, message: &str) -> Box<JobWrite> {
        let method =
            if self.record.summary.state.status == Status::Succeeded { Method::OnSuccess } else { Method::OnFailure };
        let entry = HistoryEntry::new(HistoryEvent::Failed, self.name(method)).error(message);
        let mut write = self.unchanged();
        write.history = self.record.history(entry);
        callback_over(write, Callback::GivenUp)
    }

    /// The name of a method; empty for the callback that a job does not have.
    fn name(&self, method: Method) -> &'static str {
        self.find(method).map_or("", |(name, ..)| name)
    }

    pub(super) fn policy(&self, method: Method) -> Policy {
        self.describe(method).1
    }

    fn host(&self) -> &str {
        &self.engine.owner.host
    }
}

/// Ends the work on a job; its outcome stands.
fn callback_over(mut write: Box<JobWrite>, callback: Callback) -> Box<JobWrite> {
    write.state.callback = callback;
    write.state.boot = Boot::NOBODY;
    write.request = RequestGuard::Keep;
    write
}
