//! Running one job, from the claim to its end or until it is somebody else's.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use tracing::Instrument;
use vtask_storage::value::{
    Boot, Callback, Change, JobRow, JobSummary, JobWrite, Reason, Request, RequestGuard, Status, Written,
};
use vtask_storage::{StorageError, is_mutant};

use super::desk::Running;
use super::leases::Hold;
use super::place::Place;
use super::record::{self, Record};
use super::slots::Slot;
use super::strangers::{Fate, Kind, Lack};
use super::supervise::Started;
use super::transaction::Transaction;
use super::{Engine, Phase};
use crate::client::hub::Settled;
use crate::codec::fit;
use crate::env::Backoff;
use crate::history::{self, HistoryEntry, HistoryEvent};
use crate::job::erased::{AnyContext, AnyJob, Finished, Method, Work};
use crate::job::plan::{Plan, Stuck};
use crate::run::unchanged;

/// A woken retry that finds no slot within this time is given back, for whoever has room.
const PATIENCE: Duration = Duration::from_secs(1);

/// A job in the hands of this node.
pub(super) struct Runner {
    pub(super) engine: Arc<Engine>,
    pub(super) job: Arc<dyn AnyJob>,
    pub(super) hold: Hold,
    pub(super) place: Arc<Place>,
    pub(super) keyword: Arc<str>,
    pub(super) record: Record,
    /// The context of the last checkpoint, if it is still at hand.
    pub(super) context: Option<AnyContext>,
    stuck: Option<Stuck>,
    /// The attempt under way, while the runner lies on its desk.
    pub(super) away_with: Option<Started>,
    /// The transaction that the step works in.
    pub(super) transaction: Option<Transaction>,
    /// The waits between the runs of a step whose commits came to nothing.
    pub(super) undecided: Backoff,
    /// Why this program can make nothing of what is saved.
    pub(super) not_mended: Option<Stuck>,
    /// Whether the grace was over before the step ended.
    pub(super) was_dropped: bool,
}

/// Whether the job is still this node's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Go,
    Stop,
}

/// What a turn came to.
enum Turned {
    Flow(Flow),
    /// A body that is ready to run.
    Body(Started, Work),
}

/// What is next.
enum Turn {
    Run(Method),
    Write(Box<JobWrite>),
    /// Leave it to a program that knows more of it.
    Leave,
    /// What somebody asked.
    Serve,
}

impl Runner {
    pub(super) fn new(
        engine: Arc<Engine>,
        job: Arc<dyn AnyJob>,
        row: JobRow,
        hold: Hold,
        slot: Option<Slot>,
    ) -> Box<Self> {
        let place = Place::new(&engine, job.plan().name, row.summary.state.crashes, slot);
        let keyword = row.summary.keyword.as_str().into();
        let (record, stuck) = Record::read(row, job.plan());
        if record.summary.state.status != Status::Running && hold.settle() {
            // Its outcome stands, and is not told again.
            engine.hub.settled(record.summary.id, || None);
        }
        Box::new(Self {
            engine,
            job,
            hold,
            place,
            keyword,
            record,
            context: None,
            stuck,
            away_with: None,
            transaction: None,
            undecided: Backoff::default(),
            not_mended: None,
            was_dropped: false,
        })
    }

    /// Runs the job in a task of its own; one without a slot, because it is queued or another job was quicker, takes the
    /// next slot first.
    pub(super) fn start(self: Box<Self>, queued: Option<OwnedSemaphorePermit>) {
        self.spawn(|mut runner| async {
            runner.not_mended = runner.record.mend(runner.job.plan()).err();
            if runner.place.is_empty() && runner.take_next_slot().await == Flow::Stop {
                return None;
            }
            drop(queued);
            runner.run().await
        });
    }

    /// Takes the runner of a body that blocks its thread to another task.
    pub(super) fn start_beside(self: Box<Self>, running: Running) {
        let (runner, started) = self.back();
        runner.spawn(|runner| async {
            match runner.relieve(started, running).await {
                (runner, Flow::Go) => runner.run().await,
                (_, Flow::Stop) => None,
            }
        });
    }

    fn spawn<F>(self: Box<Self>, work: impl FnOnce(Box<Self>) -> F)
    where
        F: Future<Output = Option<Finished>> + Send + 'static,
    {
        let (runtime, desk) = (self.engine.user_runtime.clone(), Arc::clone(self.hold.desk()));
        let summary = &self.record.summary;
        let span = tracing::info_span!("job", name = summary.name, id = %summary.id, keyword = summary.keyword);
        // In a box of its own: a task copies what it is made of more than once.
        desk.work_in(runtime.spawn(Box::pin(work(self)).instrument(span)));
    }

    /// Runs the job until it ends or is somebody else's; or until this task was left to a body, to its end.
    async fn run(mut self: Box<Self>) -> Option<Finished> {
        loop {
            let flow = match self.turn().await {
                Turned::Flow(flow) => flow,
                Turned::Body(started, work) => match self.attempt(started, work).await {
                    Ok((runner, flow)) => {
                        self = runner;
                        flow
                    }
                    Err(finished) => return Some(finished),
                },
            };
            if flow == Flow::Stop {
                return None;
            }
        }
    }

    async fn turn(&mut self) -> Turned {
        if self.engine.phases.is(Phase::Abandoned) {
            return Turned::Flow(Flow::Stop);
        }
        let flow = match self.next() {
            Turn::Run(method) => match self.prepare(method).await {
                Ok((started, work)) => return Turned::Body(started, work),
                Err(flow) => flow,
            },
            Turn::Write(write) => self.commit(write).await,
            Turn::Leave => Box::pin(self.leave()).await,
            Turn::Serve => Box::pin(self.serve()).await,
        };
        Turned::Flow(flow)
    }

    fn next(&mut self) -> Turn {
        if let Some(stuck) = self.stuck.take() {
            return self.cannot_go_on(&stuck);
        }
        if self.is_asked() {
            return Turn::Serve;
        }
        if self.engine.phases.is(Phase::Stopping) {
            return Turn::Write(self.released());
        }
        match self.next_method() {
            Ok(turn) => turn,
            Err(_) if self.is_left(Lack::Step) => Turn::Leave,
            Err(stuck) => self.cannot_go_on(&stuck),
        }
    }

    /// Whether the row is left to the program that knows what this one lacks. What this one has recorded itself, or
    /// nobody has, no other knows better.
    fn is_left(&self, lack: Lack) -> bool {
        let state = &self.record.summary.state;
        let may_be_known = match lack {
            Lack::Step => !state.step_name.is_empty(),
            _ => state.plan != 0 && state.plan != self.plan().hash,
        };
        may_be_known && self.engine.strangers.meet(Kind::of(&self.record.summary), lack) == Fate::Left
    }

    fn next_method(&mut self) -> Result<Turn, Stuck> {
        let state = &self.record.summary.state;
        match (state.status, state.callback) {
            (Status::Running, _) => self.next_step(),
            (Status::Succeeded, Callback::Due) if self.plan().on_success.is_some() => Ok(Turn::Run(Method::OnSuccess)),
            (Status::Failed | Status::Cancelled, Callback::Due) if self.plan().on_failure.is_some() => {
                Ok(Turn::Run(Method::OnFailure))
            }
            (status, Callback::Due) if self.is_left(callback_of(status)) => Ok(Turn::Leave),
            _ => Ok(Turn::Write(self.without_callback())),
        }
    }

    /// A recorded step is never run again, wherever the row says that the job is.
    fn next_step(&mut self) -> Result<Turn, Stuck> {
        let (plan, outputs) = (self.plan(), &self.record.outputs);
        match plan.present_step(&self.record.summary.state, outputs, &self.record.generations)? {
            Some(step) => Ok(Turn::Run(Method::Step(step))),
            None => Ok(Turn::Write(self.succeeded())),
        }
    }

    /// A row that says there is a callback, of a job that has none.
    fn without_callback(&self) -> Box<JobWrite> {
        let mut write = self.released();
        if write.state.callback == Callback::Due {
            write.state.callback = Callback::None;
        }
        write
    }

    fn succeeded(&mut self) -> Box<JobWrite> {
        let mut write = self.unchanged();
        self.record.stamp(&mut write, self.job.plan());
        write.state.step = write.state.steps.saturating_add(1);
        write.state.step_name = "".into();
        write.state.reason = Reason::None;
        record::end(&mut write, Status::Succeeded, self.plan(), self.owner());
        write
    }

    /// A row that nobody holds, as it is: no attempt is spent.
    pub(super) fn released(&self) -> Box<JobWrite> {
        let mut write = self.unchanged();
        write.state.boot = Boot::NOBODY;
        if write.state.status != Status::Running {
            write.request = RequestGuard::Keep;
        }
        write
    }

    fn cannot_go_on(&self, stuck: &Stuck) -> Turn {
        tracing::error!(reason = ?stuck.reason, why = stuck.message, "the job cannot go on");
        Turn::Write(self.pausing_or_over(stuck))
    }

    async fn leave(&mut self) -> Flow {
        tracing::debug!("the job is left to a program that knows more of it");
        let write = self.released();
        let flow = self.commit(write).await;
        self.engine.hub.poke();
        self.engine.announcer.announce();
        flow
    }

    /// Leaves the job to a program that knows more of it; else pauses it, or gives up its callback: an outcome stands.
    pub(super) async fn stuck(&mut self, method: Method, stuck: Stuck) -> Flow {
        if self.is_left(Lack::Record) {
            return self.leave().await;
        }
        if let Method::Step(_) = method {
            self.stuck = Some(stuck);
            return Flow::Go;
        }
        let write = self.callback_given_up(&stuck.message);
        self.commit(write).await
    }

    /// Sends a write and takes it over.
    pub(super) async fn commit(&mut self, mut write: Box<JobWrite>) -> Flow {
        if is_mutant("unguarded release") && self.engine.phases.is(Phase::Stopping) && write.state.boot == Boot::NOBODY
        {
            self.present().await.iter().for_each(|row| write.guard = unchanged(row).guard);
        }
        match self.send(write).await {
            Ok(Some(write)) => self.landed(write),
            Ok(None) => lost(),
            Err(error) if error.is_transient() => Flow::Stop,
            Err(error) => Box::pin(self.refused(&crate::flow::message(&error))).await,
        }
    }

    async fn send(&self, write: Box<JobWrite>) -> Result<Option<Box<JobWrite>>, StorageError> {
        self.send_by(write, |write| self.engine.writer.submit(write, ())).await
    }

    /// Sends a write, or what somebody asked makes of it, and gives back what landed; `None` if the lease is lost.
    pub(super) async fn send_by<F>(
        &self,
        mut write: Box<JobWrite>,
        submit: impl Fn(Box<JobWrite>) -> F,
    ) -> Result<Option<Box<JobWrite>>, StorageError>
    where
        F: Future<Output = Result<(Box<JobWrite>, Written), StorageError>>,
    {
        // What is asked may change again before the write that serves it lands.
        let mut refused: Vec<JobWrite> = Vec::new();
        loop {
            match submit(write).await? {
                (landed, Written::Done) => return Ok(Some(landed)),
                (form, Written::Requested(request)) => {
                    refused.push(*form);
                    write = self.serving(request, Box::new(refused[0].clone()));
                }
                (locked, Written::Locked) => write = locked,
                (_, Written::LeaseLost) => return Ok(self.landed_late(refused).await),
            }
        }
    }

    /// The form of a write that was refused, and of which a copy has landed since: one that was sent again may be under way
    /// twice, and the request that was in its way may have been taken back.
    async fn landed_late(&self, refused: Vec<JobWrite>) -> Option<Box<JobWrite>> {
        if refused.is_empty() {
            return None;
        }
        let lease = self.present().await?.lease;
        refused.into_iter().find(|form| form.lease == lease).map(Box::new)
    }

    /// The row as it is now, whoever holds it.
    pub(super) async fn present(&self) -> Option<JobSummary> {
        let (engine, ids) = (Arc::clone(&self.engine), [self.record.summary.id]);
        // A connection that is opened belongs to the runtime where the call is made.
        let looking = self.engine.engine_runtime.spawn(async move {
            let storage = &engine.storage;
            engine.repeat(|| storage.summaries(&ids)).await
        });
        looking.await.ok()??.into_iter().flatten().next()
    }

    /// Does what somebody asked, if the database says so too: it is asked by a write that changes nothing.
    pub(super) async fn serve(&mut self) -> Flow {
        // Before the write: what is heard after it is not forgotten.
        self.record.summary.request = Request::None;
        self.hold.forget();
        let write = self.unchanged();
        self.commit(write).await
    }

    /// The storage does not take what the job wants to record: the job is paused as it was recorded last.
    pub(super) async fn refused(&mut self, message: &str) -> Flow {
        tracing::error!(why = message, "the storage refused to record the job");
        let message = format!("the storage refused to record the job: {message}");
        let instead = self.pausing_or_over(&Stuck { reason: Reason::Refused, message });
        if let Err(error) = self.send(instead).await {
            tracing::error!(error = %crate::flow::message(&error), "the storage refused to pause the job");
        }
        Flow::Stop
    }

    /// The pause of a job that cannot go on; an outcome stands, and its callback is given up.
    fn pausing_or_over(&self, stuck: &Stuck) -> Box<JobWrite> {
        match self.record.summary.state.status {
            Status::Running => self.pausing(stuck),
            _ => self.callback_given_up(&stuck.message),
        }
    }

    /// The pause of a job that cannot go on.
    fn pausing(&self, stuck: &Stuck) -> Box<JobWrite> {
        let mut write = self.unchanged();
        let step = &self.record.summary.state.step_name;
        let stuck = &Stuck { reason: stuck.reason, message: fit(&stuck.message, self.engine.limits.error) };
        write.history = self.record.history(HistoryEntry::new(HistoryEvent::Paused, step).error(&stuck.message));
        record::pause(&mut write, stuck);
        write
    }

    /// What a request makes of a write that it has refused.
    fn serving(&self, request: Request, mut write: Box<JobWrite>) -> Box<JobWrite> {
        write.lease = self.engine.env.lease_after(write.guard.lease);
        write.change = Change::Any;
        match request {
            Request::Cancel => {
                self.tell(HistoryEvent::Cancelled, &mut write);
                let recorded_by = write.state.plan;
                record::end(&mut write, Status::Cancelled, self.plan(), self.owner());
                if self.not_mended.is_some() || self.decode().is_err() {
                    // The callback is left to who can read what it takes.
                    write.state.plan = recorded_by;
                }
            }
            // A failure and a pause for another reason stand.
            Request::Pause if write.state.status == Status::Running => {
                self.tell(HistoryEvent::Paused, &mut write);
                (write.state.status, write.state.boot) = (Status::Paused, Boot::NOBODY);
            }
            _ => {}
        }
        write.request = RequestGuard::MustBe(request);
        write
    }

    /// Writes down that an operator did it.
    fn tell(&self, event: HistoryEvent, write: &mut JobWrite) {
        let entry = HistoryEntry::new(event, &write.state.step_name);
        let history = write.history.as_deref().unwrap_or(&self.record.summary.history);
        write.history = Some(history::push(history, entry));
        write.state.reason = Reason::Operator;
    }

    pub(super) fn landed(&mut self, write: Box<JobWrite>) -> Flow {
        self.record.apply(write);
        if is_mutant("callback after the commit") {
            let state = &mut self.record.summary.state;
            if state.status != Status::Running && state.boot != Boot::NOBODY && state.callback == Callback::None {
                state.callback = Callback::Due;
            }
        }
        let state = &self.record.summary.state;
        if state.crashes == 0 {
            self.place.clear();
        }
        if state.status != Status::Running {
            let is_first = self.hold.settle();
            let Record { summary, outputs, .. } = &self.record;
            let settled = || is_first.then(|| Settled { summary: summary.clone(), outputs: outputs.clone() });
            self.engine.hub.settled(summary.id, settled);
        }
        if state.boot != Boot::NOBODY {
            return Flow::Go;
        }
        if self.engine.phases.is(Phase::Stopping) {
            self.engine.counts.add(self.was_dropped, state.has_work());
            self.engine.announcer.announce();
        }
        Flow::Stop
    }

    /// Waits for a slot, if the job has none, or until the node stops or somebody asks something.
    async fn wait_for_slot(&mut self) {
        let heeds_requests = self.heeds_requests();
        tokio::select! {
            biased;
            () = self.engine.phases.reach(Phase::Stopping) => {}
            () = self.hold.asked(), if heeds_requests => {}
            () = self.place.enter() => {}
        }
    }

    /// Waits for a retry without a slot, and takes the next one that is free.
    pub(super) async fn park(&mut self, wait: Duration) -> Flow {
        self.place.leave();
        let (due, status) = (Instant::now() + wait, self.record.summary.state.status);
        loop {
            let heeds_requests = self.heeds_requests();
            tokio::select! {
                biased;
                () = self.engine.phases.reach(Phase::Stopping) => return Flow::Go,
                () = self.hold.asked(), if heeds_requests => {}
                () = tokio::time::sleep_until(due) => return self.take_next_slot().await,
            }
            // What was asked may have been taken back.
            let flow = Box::pin(self.serve()).await;
            if flow == Flow::Stop || self.record.summary.state.status != status {
                return flow;
            }
        }
    }

    /// Takes the next slot that is free, or gives the job to whoever has room.
    pub(super) async fn take_next_slot(&mut self) -> Flow {
        if tokio::time::timeout(PATIENCE, self.wait_for_slot()).await.is_ok() {
            return Flow::Go;
        }
        let write = self.released();
        let flow = self.commit(write).await;
        self.engine.poke();
        flow
    }

    /// A write that changes nothing but the token.
    pub(super) fn unchanged(&self) -> Box<JobWrite> {
        Box::new(self.record.write(self.engine.env.lease_after(self.record.summary.lease)))
    }

    pub(super) fn plan(&self) -> &Plan {
        self.job.plan()
    }

    pub(super) fn owner(&self) -> Boot {
        self.engine.owner.boot
    }

    /// A callback belongs to an outcome that stands, so nothing that is asked concerns it.
    fn heeds_requests(&self) -> bool {
        self.record.summary.state.status == Status::Running
    }

    /// Whether somebody asked something that is not served yet.
    pub(super) fn is_asked(&self) -> bool {
        self.heeds_requests() && (self.record.summary.request != Request::None || self.hold.is_asked())
    }
}

/// The job is somebody else's.
pub(super) fn lost() -> Flow {
    tracing::warn!("the job is no longer this node's: somebody else took it over");
    Flow::Stop
}

/// The callback that an end of this status has.
fn callback_of(status: Status) -> Lack {
    Lack::Callback { of_success: status == Status::Succeeded }
}
