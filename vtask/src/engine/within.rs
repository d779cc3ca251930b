//! Steps that work in a transaction: what they write and their record in one commit.

use vtask_storage::value::{JobWrite, RequestGuard, Written};
use vtask_storage::{StorageError, is_mutant};

use super::Phase;
use super::conclude::{Failure, Run};
use super::runner::{Flow, Runner, lost};
use super::transaction::{Permit, Transaction};
use crate::env::Backoff;
use crate::flow::{self, Wish};
use crate::job::erased::{AnyContext, Failed, Method};

/// So many runs of a step whose commits come to nothing are one attempt.
const MOST_RUNS: u32 = 10;

/// Why a step that succeeded is not recorded. Nothing that it wrote is there.
enum Unrecorded {
    /// The job is somebody else's.
    LeaseLost,
    /// What the step did cannot be committed.
    Failed(String),
    /// The step is not to blame: it runs again.
    Again(StorageError),
    /// The storage does not take the record.
    Refused(StorageError),
}

impl Runner {
    pub(super) fn is_transactional(&self, method: Method) -> bool {
        matches!(method, Method::Step(step) if self.plan().steps[step].transactional)
    }

    /// Waits for the right to a transaction; an error if something else comes first.
    pub(super) async fn permit(&mut self) -> Result<Permit, Flow> {
        tokio::select! {
            biased;
            () = self.engine.phases.reach(Phase::Stopping) => Err(Flow::Go),
            () = self.hold.asked() => Err(Flow::Go),
            permit = self.engine.transactions.permit() => Ok(permit),
        }
    }

    /// Begins the transaction of a step.
    pub(super) async fn begin(&mut self, mut permit: Permit) -> Result<(), Flow> {
        let mut backoff = Backoff::default();
        loop {
            let error;
            (error, permit) = match self.engine.transactions.begin(permit).await {
                // It may have taken long.
                Ok(transaction) if self.is_called_away() => {
                    transaction.roll_back().await;
                    return Err(Flow::Go);
                }
                Ok(transaction) => {
                    self.transaction = Some(transaction);
                    return Ok(());
                }
                Err(failed) => failed,
            };
            let message = flow::message(&error);
            if !error.is_transient() {
                return Err(self.refused(&message).await);
            }
            tracing::warn!(error = message, "no transaction could be begun for a step");
            backoff.wait(&self.engine.env).await;
            if self.is_called_away() {
                return Err(Flow::Go);
            }
        }
    }

    /// Whether something comes before the next step.
    fn is_called_away(&self) -> bool {
        self.engine.phases.is(Phase::Stopping) || self.is_asked() || !self.engine.is_sure()
    }

    /// Takes back what the step has written, where it worked in a transaction.
    pub(super) async fn undo(&mut self) {
        if let Some(transaction) = self.transaction.take() {
            transaction.roll_back().await;
        }
    }

    /// What was in the way of an attempt that failed in a transaction, where that is the connection's end, or a conflict that
    /// the savepoint first shows, and the step is not to blame: neither by what it wishes nor by the time that it took.
    pub(super) async fn cut_off(&self, run: Run, failed: &Failed) -> Option<String> {
        let is_late = self.policy(run.method).timeout.is_some_and(|timeout| run.took >= timeout);
        let transaction = self.transaction.as_ref().filter(|_| failed.wish == Wish::Retry && !is_late)?;
        let error = transaction.release().await.err()?;
        error.is_transient().then(|| format!("{} ({})", failed.message, flow::message(&error)))
    }

    /// Records a step in the transaction that it worked in.
    pub(super) async fn commit_within(
        &mut self,
        run: Run,
        context: AnyContext,
        write: Box<JobWrite>,
        transaction: Transaction,
    ) -> Flow {
        let resent = is_mutant("only the record is sent again").then(|| write.clone());
        let unrecorded = match self.send_within(transaction, write).await {
            Ok(write) => {
                self.context = Some(context);
                self.undecided = Backoff::default();
                return self.landed(write);
            }
            Err(unrecorded) => unrecorded,
        };
        if let (Some(write), Unrecorded::Again(_)) = (resent, &unrecorded) {
            return self.commit(write).await;
        }
        if let Method::Step(step) = run.method {
            self.record.take_back(self.job.plan().steps[step].name);
        }
        match unrecorded {
            Unrecorded::LeaseLost => lost(),
            Unrecorded::Failed(message) => self.fail(run, Failure::new(message)).await,
            Unrecorded::Refused(error) => self.refused(&flow::message(&error)).await,
            Unrecorded::Again(error) => self.again(run, &flow::message(&error)).await,
        }
    }

    /// Runs the step again. No attempt is spent, unless that goes on and on: then something about the step is to blame.
    pub(super) async fn again(&mut self, run: Run, error: &str) -> Flow {
        if self.undecided.tries() + 1 >= MOST_RUNS {
            let message = format!("its transaction was not committed in {MOST_RUNS} runs: {error}");
            return self.fail(run, Failure::new(message)).await;
        }
        tracing::warn!(error, "a step and what it wrote were not committed; it runs again");
        self.undecided.wait(&self.engine.env).await;
        Flow::Go
    }

    async fn send_within(
        &mut self,
        transaction: Transaction,
        write: Box<JobWrite>,
    ) -> Result<Box<JobWrite>, Unrecorded> {
        let write = match self.write_within(&transaction, write).await {
            Ok(write) => write,
            Err(unrecorded) => {
                transaction.roll_back().await;
                return Err(unrecorded);
            }
        };
        match transaction.commit().await {
            Ok(()) => Ok(write),
            Err(error) => self.settle(write, error).await,
        }
    }

    /// Writes the record beside what the step has written, if that is still there.
    async fn write_within(&self, transaction: &Transaction, write: Box<JobWrite>) -> Result<Box<JobWrite>, Unrecorded> {
        transaction.release().await.map_err(|error| match error.is_transient() {
            true => Unrecorded::Again(error),
            false => Unrecorded::Failed(format!(
                "the database has ended the step's transaction, or an error in it was passed over ({}): a step returns \
                 the errors of its transaction, and leaves commit and rollback to vtask",
                flow::message(&error)
            )),
        })?;
        let submit =
            |write: Box<JobWrite>| async move { transaction.write(&write).await.map(|written| (write, written)) };
        match self.send_by(write, submit).await {
            Ok(Some(write)) => Ok(write),
            Ok(None) => Err(Unrecorded::LeaseLost),
            Err(error) if error.is_transient() => Err(Unrecorded::Again(error)),
            Err(error) => Err(Unrecorded::Refused(error)),
        }
    }

    /// Finds out what became of a commit that was not answered, and sees to it that nothing comes of it later: a write
    /// under the old lease lands only if the commit has not, and waits for its locks while it may.
    async fn settle(&mut self, write: Box<JobWrite>, error: StorageError) -> Result<Box<JobWrite>, Unrecorded> {
        if is_mutant("in doubt is undone") {
            return Err(Unrecorded::Again(error));
        }
        let mut fence = self.unchanged();
        fence.request = RequestGuard::Keep;
        loop {
            match self.engine.writer.submit(fence, ()).await {
                Ok((fence, Written::Done)) => {
                    self.record.apply(fence);
                    break;
                }
                Ok((_, Written::LeaseLost)) if self.has_landed(&write).await => return Ok(write),
                Ok((locked, Written::Locked)) => fence = locked,
                Ok(_) => return Err(Unrecorded::LeaseLost),
                Err(error) if error.is_transient() => return Err(Unrecorded::LeaseLost),
                Err(error) => return Err(Unrecorded::Refused(error)),
            }
        }
        match error.is_transient() {
            true => Err(Unrecorded::Again(error)),
            false => Err(Unrecorded::Failed(format!("its transaction cannot be committed: {}", flow::message(&error)))),
        }
    }

    async fn has_landed(&self, write: &JobWrite) -> bool {
        self.present().await.is_some_and(|row| row.lease == write.lease)
    }
}
