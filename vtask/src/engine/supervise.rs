//! One attempt: from the body's start to its end, whatever ends it.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::task::JoinError;
use tokio::time::Instant;
use tracing::Instrument;
use vtask_storage::StorageError;
use vtask_storage::value::{JobWrite, Reason, RequestGuard, Written};

use super::body::Body;
use super::conclude::Run;
use super::desk::{Running, millis_since};
use super::place::PLACE;
use super::runner::{Flow, Runner};
use super::slots::Slot;
use super::transaction::Transaction;
use super::{CALLBACK_GENERATION, Phase};
use crate::attempt::{Attempt, Effect, Facts, Progress};
use crate::failure::JobFailure;
use crate::flow::{self, Wish, panic_message};
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

impl Ended {
    /// Whether it is a failure that another attempt may mend.
    fn spends_an_attempt(&self) -> bool {
        match self {
            Self::Returned(Finished { result: Err(failed), .. }) => failed.wish != Wish::Stop,
            Self::Panicked(_) => true,
            _ => false,
        }
    }
}

/// An attempt that has begun, as the engine sees it.
pub(super) struct Started {
    method: Method,
    number: u32,
    policy: Policy,
    attempt: Attempt,
    span: tracing::Span,
    began: Instant,
    /// Whether the body was told that its job is to be cancelled.
    told: bool,
}

/// A body's end, or the body that goes on in a task of its own.
enum Polled {
    Ended(Ended),
    Running(Running),
}

/// A report of progress on its way, and what came of it.
type Saving = Pin<Box<dyn Future<Output = Saved> + Send>>;
type Saved = Result<(Box<JobWrite>, Written), StorageError>;

/// The name of a method, what happens when it fails, and the outputs that it takes.
type Described = (&'static str, Policy, &'static [usize]);

impl Runner {
    /// Makes an attempt ready, unless something else comes first.
    pub(super) async fn prepare(&mut self, method: Method) -> Result<(Started, Work), Flow> {
        // It has none where a body that does not end was left behind with it.
        if self.place.is_empty() {
            let flow = Box::pin(self.take_next_slot()).await;
            if flow == Flow::Stop || self.place.is_empty() {
                return Err(flow);
            }
        }
        // What is rare is in a box, so that the task of each job is small.
        let permit = if self.is_transactional(method) { Some(Box::pin(self.permit()).await?) } else { None };
        if !self.engine.is_sure() {
            Box::pin(self.engine.sure_to_live()).await;
        }
        if self.engine.phases.is(Phase::Stopping) || self.is_asked() {
            return Err(Flow::Go);
        }
        let (name, policy, needs) = self.describe(method);
        let context = match self.ready(name, needs) {
            Ok(context) => context,
            Err(stuck) => return Err(Box::pin(self.stuck(method, stuck)).await),
        };
        if let Some(permit) = permit {
            Box::pin(self.begin(permit)).await?;
        }
        self.place.begin(self.transaction.is_some() && self.engine.transactions.are_exclusive());
        let number = self.number(method);
        let (scope, attempt) = self.scope(method, name, number);
        let span = tracing::info_span!("step", step = name, attempt = number);
        let started = Started { method, number, policy, attempt, span, began: Instant::now(), told: false };
        Ok((started, Arc::clone(&self.job).work(method, context, scope)))
    }

    /// The context, if all that the method takes is there.
    fn ready(&mut self, name: &str, needs: &'static [usize]) -> Result<AnyContext, Stuck> {
        if let Some(stuck) = self.not_mended.clone() {
            return Err(stuck);
        }
        self.plan().check_needs(name, needs, &self.record.outputs)?;
        self.context()
    }

    /// Runs a body once and records what came of it. Gives back nothing where the runner had to leave this task to the
    /// body: then this is the end of the body.
    pub(super) async fn attempt(self: Box<Self>, started: Started, work: Work) -> Result<(Box<Self>, Flow), Finished> {
        let (mut runner, mut started, polled) = match work {
            Work::Async(body) => {
                let body = Body::new(body, Arc::clone(&self.place), started.span.clone());
                self.poll_here(started, body).await?
            }
            Work::Blocking(body) => {
                let running = self.spawn_blocking(&started, body);
                (self, started, Polled::Running(running))
            }
        };
        let ended = match polled {
            Polled::Ended(ended) => ended,
            Polled::Running(running) => runner.supervise(&mut started, running).await,
        };
        let flow = runner.end(started, ended).await;
        Ok((runner, flow))
    }

    /// Goes on with a body that took so long over its first poll that its task was left to it.
    pub(super) async fn relieve(mut self: Box<Self>, mut started: Started, running: Running) -> (Box<Self>, Flow) {
        let ended = self.supervise(&mut started, running).await;
        let flow = self.end(started, ended).await;
        (self, flow)
    }

    async fn end(&mut self, started: Started, ended: Ended) -> Flow {
        if self.engine.phases.is(Phase::Abandoned) {
            return Flow::Stop;
        }
        let Started { method, number, began, .. } = started;
        self.conclude(Run { method, number, took: began.elapsed() }, ended).await
    }

    /// Polls a body for the first time: many end with that, and need no task of their own. Meanwhile the runner is where
    /// the engine can take it from, in case that the body blocks its thread.
    async fn poll_here(
        mut self: Box<Self>,
        started: Started,
        mut body: Body,
    ) -> Result<(Box<Self>, Started, Polled), Finished> {
        let desk = Arc::clone(self.hold.desk());
        let now = millis_since(self.engine.epoch, started.began);
        self.away_with = Some(started);
        let left = desk.leave(self, now);
        let first =
            poll_fn(|context| Poll::Ready(catch_unwind(AssertUnwindSafe(|| Pin::new(&mut body).poll(context)))));
        let first = first.await;
        let Some((runner, started)) = desk.come_back(left).map(Self::back) else {
            return Err(match first {
                Ok(Poll::Ready(finished)) => finished,
                Ok(Poll::Pending) => body.await,
                Err(panic) => resume_unwind(panic),
            });
        };
        let polled = match first {
            Ok(Poll::Ready(finished)) => Polled::Ended(Ended::Returned(finished)),
            Ok(Poll::Pending) => Polled::Running(runner.engine.user_runtime.spawn(async move { Some(body.await) })),
            Err(panic) => Polled::Ended(Ended::Panicked(panic_message(&*panic))),
        };
        Ok((runner, started, polled))
    }

    /// What a runner was away with.
    pub(super) fn back(mut self: Box<Self>) -> (Box<Self>, Started) {
        let started = self.away_with.take().expect("a runner leaves with the attempt that it has started");
        (self, started)
    }

    fn spawn_blocking(&self, started: &Started, body: Box<dyn FnOnce() -> Finished + Send>) -> Running {
        let (place, span) = (Arc::clone(&self.place), started.span.clone());
        self.engine.user_runtime.spawn_blocking(move || Some(span.in_scope(|| PLACE.sync_scope(place, body))))
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
    pub(super) fn decode(&self) -> Result<AnyContext, String> {
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

    fn scope(&self, method: Method, step: &'static str, number: u32) -> (Scope, Attempt) {
        let summary = &self.record.summary;
        let attempt = Attempt::new(Facts {
            id: summary.id,
            keyword: Arc::clone(&self.keyword),
            step,
            number,
            restarts: u32::try_from(summary.state.restarts).unwrap_or(0),
            effect: self.effect(method),
        });
        let failure = (method == Method::OnFailure).then(|| JobFailure::of(summary));
        let transaction = self.transaction.as_ref().and_then(Transaction::lend);
        (Scope { attempt: attempt.clone(), failure, transaction }, attempt)
    }

    fn effect(&self, method: Method) -> Effect {
        let generations = &self.record.generations;
        let callback = |name| Effect { kind: "callback", name, generation: generations.of(CALLBACK_GENERATION) };
        match method {
            Method::Step(step) => {
                let step = &self.plan().steps[step];
                // A restart counts an output under the name by which it was recorded.
                let generation = step.names().map(|name| generations.of(name)).sum();
                Effect { kind: "step", name: step.oldest_name(), generation }
            }
            Method::OnSuccess => callback("on_success"),
            Method::OnFailure => callback("on_failure"),
        }
    }

    async fn supervise(&mut self, started: &mut Started, running: Running) -> Ended {
        let span = started.span.clone();
        Box::pin(self.watch(started, running)).instrument(span).await
    }

    async fn watch(&mut self, started: &mut Started, mut running: Running) -> Ended {
        let Started { policy, attempt, .. } = started;
        let deadline = policy.timeout.and_then(|timeout| started.began.checked_add(timeout));
        // A callback belongs to an outcome that stands, so nothing cancels it.
        let heeds_cancel = matches!(started.method, Method::Step(_));
        let (mut give_up, mut report_at, mut saving) = (None, Instant::now(), None);
        let ended = loop {
            tokio::select! {
                biased;
                finished = &mut running => break returned(finished),
                () = self.engine.phases.reach(Phase::Dropping) => {
                    break self.drop_body(running, attempt, Ended::Dropped).await;
                }
                () = until(deadline) => {
                    let timeout = policy.timeout.unwrap_or_default();
                    break self.drop_body(running, attempt, Ended::TimedOut(timeout)).await;
                }
                () = until(give_up) => break self.drop_body(running, attempt, Ended::Cancelled).await,
                () = self.hold.cancelled(), if heeds_cancel && !started.told => {
                    attempt.cancel();
                    started.told = true;
                    give_up = Instant::now().checked_add(self.engine.grace);
                }
                // What the step has locked may be what a report waits for.
                progress = reported(attempt, report_at), if self.transaction.is_none() && saving.is_none() => {
                    saving = Some(self.save_progress(&progress));
                }
                saved = answered(&mut saving) => {
                    saving = None;
                    self.saved_progress(saved);
                    report_at = Instant::now() + PROGRESS;
                }
            }
        };
        // The next write shows the lease that this one leaves.
        if let Some(saving) = saving {
            self.saved_progress(saving.await);
        }
        ended
    }

    /// Ends a body that has no more time. One that does not end, because it blocks its thread, is left behind after the
    /// grace, together with its slot: one, and of a suspect no more than that, so that others may run beside it.
    async fn drop_body(&mut self, mut running: Running, attempt: &Attempt, ended: Ended) -> Ended {
        running.abort();
        attempt.cancel();
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
            Some(finished) => match returned(finished) {
                // It failed because it was told to end.
                failed if failed.spends_an_attempt() && matches!(ended, Ended::Dropped) => ended,
                returned => returned,
            },
            None => {
                let slot = self.place.take().map(Slot::cleared);
                let held = (slot, self.transaction.take().inspect(Transaction::close));
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

    fn save_progress(&self, progress: &Progress) -> Saving {
        let mut write = self.unchanged();
        // A request is not served by this write, so it must not be in its way.
        write.request = RequestGuard::Keep;
        write.progress = serde_json::to_string(progress).ok();
        let writer = self.engine.writer.clone();
        Box::pin(async move { writer.submit(write, ()).await })
    }

    fn saved_progress(&mut self, saved: Saved) {
        // A report is no part of the job's course: whatever else comes of it is found by the checkpoint.
        match saved {
            Ok((write, Written::Done)) => self.record.apply(write),
            Ok(_) => {}
            Err(error) => tracing::warn!(error = %flow::message(&error), "a report of progress was not saved"),
        }
    }
}

fn returned(finished: Result<Option<Finished>, JoinError>) -> Ended {
    match finished {
        Ok(Some(finished)) => Ended::Returned(finished),
        Err(error) if error.is_panic() => Ended::Panicked(panic_message(&*error.into_panic())),
        // Only the end of the runtime does this, and then nobody asks.
        Ok(None) | Err(_) => Ended::Dropped,
    }
}

/// Waits for the answer to a report; for ever, if none is being saved.
async fn answered(saving: &mut Option<Saving>) -> Saved {
    match saving {
        Some(saving) => saving.await,
        None => std::future::pending().await,
    }
}

/// Waits for an instant; for ever, if there is none.
async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

/// Waits until there is a report to save and it is time to. A report that comes meanwhile takes its place.
async fn reported(attempt: &Attempt, not_before: Instant) -> Progress {
    attempt.has_reported().await;
    tokio::time::sleep_until(not_before).await;
    attempt.reported().await
}

async fn keep_until_end(running: Running, held: (Option<Slot>, Option<Transaction>)) {
    let _ = running.await;
    drop(held);
}
