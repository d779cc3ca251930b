//! One attempt: from the body's start to its end, whatever ends it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::Instant;
use tracing::Instrument;
use vtask_storage::value::{Reason, RequestGuard, Written};

use super::conclude::Run;
use super::place::PLACE;
use super::runner::{Flow, Runner};
use super::slots::Slot;
use super::transaction::Transaction;
use super::{CALLBACK_GENERATION, Phase};
use crate::attempt::{Attempt, Facts, Progress, Signals, idempotency_key};
use crate::failure::JobFailure;
use crate::flow::{self, panic_message};
use crate::job::erased::{AnyContext, Finished, Method, Work};
use crate::job::plan::Stuck;
use crate::job::scope::Scope;
use crate::job::table::Policy;

/// Reports of progress are saved this far apart.
const PROGRESS: Duration = Duration::from_secs(1);
/// When the grace of a stopping node is over, a body that blocks its thread is left behind after this.
const LAST_MOMENT: Duration = Duration::from_secs(1);

/// How an attempt ended.
pub(super) enum Ended {
    /// The method returned.
    Returned(Finished),
    /// It panicked with this message.
    Panicked(String),
    /// It took too long.
    TimedOut(Duration),
    /// The job is cancelled, and it did not end by itself within the grace.
    Cancelled,
    /// The node stops, and the grace is over.
    Dropped,
}

/// The engine's side of a running attempt.
struct Lines {
    cancelled: watch::Sender<bool>,
    progress: watch::Receiver<Option<Progress>>,
    /// Whether the body was told that its job is to be cancelled.
    told: bool,
}

type Running = JoinHandle<Finished>;

/// The name of a method, what happens when it fails, and the outputs that it takes.
type Described = (&'static str, Policy, &'static [usize]);

impl Runner {
    /// Runs a method once and records what came of it.
    pub(super) async fn attempt(&mut self, method: Method) -> Flow {
        if !self.enter().await {
            return Flow::Go;
        }
        let permit = match self.permit(method).await {
            Ok(permit) => permit,
            Err(flow) => return flow,
        };
        self.engine.sure_to_live().await;
        if self.engine.phases.is(Phase::Stopping) || self.is_asked() {
            return Flow::Go;
        }
        let (name, policy, needs) = self.describe(method);
        if let Some(stuck) = self.not_mended.clone() {
            return self.stuck(method, stuck).await;
        }
        if let Err(stuck) = self.plan().check_needs(name, needs, &self.record.outputs) {
            return self.stuck(method, stuck).await;
        }
        let context = match self.context() {
            Ok(context) => context,
            Err(stuck) => return self.stuck(method, stuck).await,
        };
        if let Err(flow) = self.begin(permit).await {
            return flow;
        }
        let (began, number) = (Instant::now(), self.number(method));
        let (scope, lines) = self.scope(method, name, number);
        let span = tracing::info_span!("step", step = name, attempt = number);
        let work = Arc::clone(&self.job).work(method, context, scope);
        let running = self.spawn(work, &span);
        let ended = self.supervise(method, running, lines, policy).instrument(span).await;
        if self.engine.phases.is(Phase::Abandoned) {
            return Flow::Stop;
        }
        self.conclude(Run { method, number, took: began.elapsed() }, ended).await
    }

    pub(super) fn describe(&self, method: Method) -> Described {
        self.find(method).expect("only callbacks that the plan has are run")
    }

    /// What the plan says of a method, if it has it.
    pub(super) fn find(&self, method: Method) -> Option<Described> {
        let plan = self.plan();
        let callback = match method {
            Method::Step(step) => {
                let step = &plan.steps[step];
                return Some((step.name, step.policy, step.needs));
            }
            Method::OnSuccess => &plan.on_success,
            Method::OnFailure => &plan.on_failure,
        };
        callback.as_ref().map(|callback| (callback.name, callback.policy, callback.needs))
    }

    /// The context as recorded. Debug builds always decode it, so that what does not survive that shows at once.
    fn context(&mut self) -> Result<AnyContext, Stuck> {
        match self.context.take() {
            Some(context) if !cfg!(debug_assertions) => Ok(context),
            _ => self.decode().map_err(|why| Stuck {
                reason: Reason::Undecodable,
                message: format!("{why}; mend the row or run a program that reads it, then resume the job"),
            }),
        }
    }

    /// Decodes in the engine's task what the user's code may refuse by a panic.
    fn decode(&self) -> Result<AnyContext, String> {
        let decode = || self.job.decode(&self.record.input, &self.record.outputs);
        match catch_unwind(AssertUnwindSafe(decode)) {
            Ok(context) => context.map_err(|error| flow::message(&error)),
            Err(panic) => Err(format!("decoding the context panicked: {}", panic_message(&*panic))),
        }
    }

    fn number(&self, method: Method) -> u32 {
        let state = &self.record.summary.state;
        let failed = if let Method::Step(_) = method { state.attempt } else { state.callback_attempt };
        u32::try_from(failed).unwrap_or(0).saturating_add(1)
    }

    fn scope(&self, method: Method, name: &str, number: u32) -> (Scope, Lines) {
        let (cancelled, is_cancelled) = watch::channel(false);
        let (report, progress) = watch::channel(None);
        let summary = &self.record.summary;
        let facts = Facts {
            id: summary.id,
            keyword: summary.keyword.clone(),
            step: name.to_owned(),
            number,
            restarts: u32::try_from(summary.state.restarts).unwrap_or(0),
            idempotency_key: self.idempotency_key(method),
        };
        let attempt = Attempt::new(facts, Signals { cancelled: is_cancelled, progress: report });
        let failure = (method == Method::OnFailure).then(|| JobFailure::of(summary));
        let transaction = self.transaction.as_ref().and_then(Transaction::lend);
        (Scope { attempt, failure, transaction }, Lines { cancelled, progress, told: false })
    }

    fn idempotency_key(&self, method: Method) -> String {
        let (keyword, generations) = (&self.record.summary.keyword, &self.record.generations);
        let callback = |name| idempotency_key(keyword, "callback", name, generations.of(CALLBACK_GENERATION));
        match method {
            Method::Step(step) => {
                let step = &self.plan().steps[step];
                // A restart counts an output under the name by which it was recorded.
                let generation = step.names().map(|name| generations.of(name)).sum();
                idempotency_key(keyword, "step", step.oldest_name(), generation)
            }
            Method::OnSuccess => callback("on_success"),
            Method::OnFailure => callback("on_failure"),
        }
    }

    fn spawn(&self, work: Work, span: &tracing::Span) -> Running {
        let (runtime, place) = (&self.engine.user_runtime, Arc::clone(&self.place));
        place.write_alone(self.transaction.is_some() && self.engine.transactions.are_exclusive());
        match work {
            Work::Async(body) => {
                let body = PLACE.scope(Arc::clone(&place), place.run(body));
                runtime.spawn(body.instrument(span.clone()))
            }
            Work::Blocking(body) => {
                let span = span.clone();
                runtime.spawn_blocking(move || span.in_scope(|| PLACE.sync_scope(place, body)))
            }
        }
    }

    async fn supervise(&mut self, method: Method, mut running: Running, mut lines: Lines, policy: Policy) -> Ended {
        let deadline = policy.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        // A callback belongs to an outcome that stands, so nothing cancels it.
        let heeds_cancel = matches!(method, Method::Step(_));
        let (mut give_up, mut report_at) = (None, Instant::now());
        loop {
            tokio::select! {
                biased;
                finished = &mut running => return returned(finished),
                () = self.engine.phases.reach(Phase::Dropping) => {
                    return self.drop_body(running, &lines, Ended::Dropped).await;
                }
                () = until(deadline) => {
                    let timeout = policy.timeout.unwrap_or_default();
                    return self.drop_body(running, &lines, Ended::TimedOut(timeout)).await;
                }
                () = until(give_up) => return self.drop_body(running, &lines, Ended::Cancelled).await,
                () = self.hold.cancelled(), if heeds_cancel && !lines.told => {
                    lines.cancelled.send_replace(true);
                    lines.told = true;
                    give_up = Instant::now().checked_add(self.engine.grace);
                }
                // What the step has locked may be what a report waits for.
                () = reported(&mut lines.progress, report_at), if self.transaction.is_none() => {
                    self.save_progress(&mut lines.progress).await;
                    report_at = Instant::now() + PROGRESS;
                }
            }
        }
    }

    /// Ends a body that has no more time. One that does not end, because it blocks its thread, is left behind after the
    /// grace, together with its slot.
    async fn drop_body(&mut self, mut running: Running, lines: &Lines, ended: Ended) -> Ended {
        lines.cancelled.send_replace(true);
        running.abort();
        let ended_by_itself = tokio::select! {
            biased;
            finished = &mut running => Some(finished),
            () = self.last_moment() => None,
        };
        match ended_by_itself {
            Some(Err(error)) if error.is_cancelled() => {
                self.transaction = None;
                ended
            }
            Some(finished) => returned(finished),
            None => {
                let held = (self.place.take(), self.transaction.take().inspect(Transaction::close));
                self.engine.user_runtime.spawn(keep_until_end(running, held));
                ended
            }
        }
    }

    /// Waits until a body that was dropped and does not end is left behind: the grace, but not much longer than the
    /// node's own.
    async fn last_moment(&self) {
        let node_ends = async {
            self.engine.phases.reach(Phase::Dropping).await;
            tokio::time::sleep(LAST_MOMENT).await;
        };
        tokio::select! {
            biased;
            () = tokio::time::sleep(self.engine.grace) => {}
            () = node_ends => {}
        }
    }

    async fn save_progress(&mut self, progress: &mut watch::Receiver<Option<Progress>>) {
        let json = progress.borrow_and_update().as_ref().and_then(|progress| serde_json::to_string(progress).ok());
        let mut write = self.unchanged();
        // A request is not served by this write, so it must not be in its way.
        write.request = RequestGuard::Keep;
        write.progress = json;
        // A report is no part of the job's course: whatever else comes of it is found by the checkpoint.
        match self.engine.writer.submit(write, ()).await {
            Ok((write, Written::Done)) => self.record.apply(write),
            Ok(_) => {}
            Err(error) => tracing::warn!(error = %flow::message(&error), "a report of progress was not saved"),
        }
    }
}

fn returned(finished: Result<Finished, JoinError>) -> Ended {
    match finished {
        Ok(finished) => Ended::Returned(finished),
        Err(error) if error.is_panic() => Ended::Panicked(panic_message(&*error.into_panic())),
        // Only the end of the runtime does this, and then nobody asks.
        Err(_) => Ended::Dropped,
    }
}

/// Waits for an instant; for ever, if there is none.
async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

/// Waits until there is a report to save and it is time to.
async fn reported(progress: &mut watch::Receiver<Option<Progress>>, not_before: Instant) {
    tokio::time::sleep_until(not_before).await;
    if progress.changed().await.is_err() {
        // The body dropped its side: there will be no more.
        std::future::pending::<()>().await;
    }
    // `changed` marked the report as seen; `borrow_and_update` reads it all the same.
}

async fn keep_until_end(running: Running, held: (Option<Slot>, Option<Transaction>)) {
    let _ = running.await;
    drop(held);
}
