//! Cancelling, pausing and resuming a job.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use vtask_storage::value::{
    Boot, Callback, Change, Due, Guard, JobSummary, JobWrite, Reason, Request, RequestGuard, Status, Written,
};
use vtask_storage::{JobStorage, StorageError, is_mutant};

use super::{JobRun, RunError};
use crate::history::{self, HistoryEntry, HistoryEvent};

/// What a cancellation came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CancelOutcome {
    /// The job is cancelled.
    Cancelled,
    /// A node runs it and has been asked to: it ends after the step that runs, or succeeds if that was the last.
    Requested,
    /// It had ended before.
    AlreadyEnded,
}

/// What a pause came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PauseOutcome {
    /// The job is paused.
    Paused,
    /// A node runs it and has been asked to: it pauses after the step that runs, or ends if that was the last or fails for
    /// good.
    Requested,
    /// It was paused before, for whatever reason.
    AlreadyPaused,
    /// It had ended before.
    AlreadyEnded,
    /// Somebody asked to cancel it, and that stands.
    BeingCancelled,
}

/// What a look at the job says about the wished change.
pub(super) enum Decision<T> {
    /// Nothing is to be written.
    Answer(T),
    /// This is to be written; then this is the answer.
    Write(Box<JobWrite>, T),
    /// This is to be asked of the job's holder; then this is the answer.
    Ask(Request, T),
}

/// What became of a write or a request.
pub(super) enum Landing {
    /// The job holds it.
    Done,
    /// The job changed since it was looked at, and does not hold it.
    Changed,
    /// The job changed since it was looked at. It may have landed before: an answer was lost.
    Unknown,
}

impl<J> JobRun<J> {
    /// Cancels the job: at once if no node holds it, after the step that runs otherwise.
    ///
    /// A running step learns it through [`Attempt::cancelled`](crate::Attempt::cancelled), in another process within 2 s,
    /// and has the node's grace to end; then it is dropped. `on_failure` runs for a cancelled job. The callback of an
    /// outcome is not cancelled. A request to pause the job gives way to this one, which `resume` does not take back.
    ///
    /// # Errors
    ///
    /// [`RunError::NotFound`] or [`RunError::Storage`].
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped after its first poll may have cancelled the job all the same.
    pub async fn cancel(&self) -> Result<CancelOutcome, RunError> {
        let is_mine = |_: &JobSummary, now: &JobSummary| now.state.status == Status::Cancelled;
        self.operate(|summary| Ok(cancel(summary)), is_mine).await
    }

    /// Pauses the job until somebody resumes it: at once if no step of it runs, after the step that runs otherwise.
    ///
    /// A node hears of it at once where the center is of the same client, within 2 s elsewhere. The step that runs is not
    /// interrupted and not told. What it did is recorded with the pause, or a failed attempt is counted. The job ends all
    /// the same if the step is the last one or fails for good. The callback of an outcome is not paused.
    ///
    /// # Errors
    ///
    /// [`RunError::NotFound`] or [`RunError::Storage`].
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped after its first poll may have paused the job all the same.
    pub async fn pause(&self) -> Result<PauseOutcome, RunError> {
        let is_mine =
            |seen: &JobSummary, now: &JobSummary| last(HistoryEvent::Paused, now) > last(HistoryEvent::Paused, seen);
        self.operate(|summary| Ok(pause(summary)), is_mine).await
    }

    /// Lets a paused job go on at once, with all its attempts before it.
    ///
    /// A request to pause a job whose step still runs is taken back.
    ///
    /// # Errors
    ///
    /// [`RunError::NotPaused`] if it is neither paused nor about to be; [`RunError::NotFound`] or [`RunError::Storage`].
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped after its first poll may have resumed the job all the same.
    pub async fn resume(&self) -> Result<(), RunError> {
        let decide = |summary: &JobSummary| {
            let status = summary.state.status;
            let refused = || RunError::NotPaused { keyword: self.keyword.clone(), status };
            resume(summary).ok_or_else(refused)
        };
        let is_mine = |seen: &JobSummary, now: &JobSummary| {
            let is_taken_back = seen.request == Request::Pause && now.request == Request::None;
            last(HistoryEvent::Resumed, now) > last(HistoryEvent::Resumed, seen)
                || (is_taken_back && now.state.status != Status::Paused)
        };
        self.operate(decide, is_mine).await
    }

    /// Looks at the job, decides, and writes or asks; begins again if the job changed in between.
    ///
    /// Where the answer was lost, `is_mine` tells by the job as it was seen and as it is now whether that landed.
    async fn operate<T>(
        &self,
        decide: impl Fn(&JobSummary) -> Result<Decision<T>, RunError>,
        is_mine: impl Fn(&JobSummary, &JobSummary) -> bool,
    ) -> Result<T, RunError> {
        loop {
            let seen = self.summary().await?;
            let (landing, answer) = match decide(&seen)? {
                Decision::Answer(answer) => return Ok(answer),
                Decision::Write(write, answer) => (self.write(*write).await?, answer),
                Decision::Ask(request, answer) => (self.request(request).await?, answer),
            };
            match landing {
                Landing::Done => return Ok(answer),
                Landing::Unknown if is_mine(&seen, &self.summary().await?) => return Ok(answer),
                Landing::Unknown | Landing::Changed => {}
            }
        }
    }

    pub(super) async fn write(&self, write: JobWrite) -> Result<Landing, RunError> {
        self.client.check_may_write()?;
        let lease =
            if is_mutant("restart keeps the lease") { write.lease } else { self.client.0.env.lease_after(write.lease) };
        let write = Arc::new(JobWrite { lease, ..write });
        let landing = self.land(move |storage| {
            let write = Arc::clone(&write);
            async move { Ok(storage.write(&[&write]).await?.first() == Some(&Written::Done)) }
        });
        let landing = landing.await?;
        if !matches!(landing, Landing::Changed) {
            self.client.0.hub.changed(self.id);
            self.client.announce();
        }
        Ok(landing)
    }

    async fn request(&self, request: Request) -> Result<Landing, RunError> {
        self.client.check_may_write()?;
        let (id, key) = (self.id, self.key_hash());
        let landing = self.land(move |storage| async move { storage.request(id, &key, request).await }).await?;
        if matches!(landing, Landing::Done) {
            self.client.0.hub.request(self.id, request);
        }
        Ok(landing)
    }

    /// Makes a call that answers whether it has changed the job.
    async fn land<F, Fut>(&self, call: F) -> Result<Landing, RunError>
    where
        F: Fn(Arc<dyn JobStorage>) -> Fut + Send + 'static,
        Fut: Future<Output = Result<bool, StorageError>> + Send,
    {
        let in_doubt = Arc::new(AtomicBool::new(false));
        let doubt = Arc::clone(&in_doubt);
        let has_landed = self.client.call(move |storage| {
            let (doubt, call) = (Arc::clone(&doubt), call(storage));
            async move {
                // A call that never answers leaves its doubt behind.
                let before = doubt.swap(true, Ordering::Relaxed);
                let answer = call.await;
                if !matches!(answer, Err(StorageError::Unavailable(_))) {
                    doubt.store(before, Ordering::Relaxed);
                }
                answer
            }
        });
        Ok(match has_landed.await? {
            true => Landing::Done,
            false if in_doubt.load(Ordering::Relaxed) => Landing::Unknown,
            false => Landing::Changed,
        })
    }
}

fn cancel(summary: &JobSummary) -> Decision<CancelOutcome> {
    let state = &summary.state;
    if state.status.is_ended() {
        return Decision::Answer(CancelOutcome::AlreadyEnded);
    }
    if state.boot != Boot::NOBODY {
        return Decision::Ask(Request::Cancel, CancelOutcome::Requested);
    }
    let mut write = operated(summary, HistoryEvent::Cancelled);
    write.state.status = Status::Cancelled;
    write.state.reason = Reason::Operator;
    // Whether the job has a callback is known where it runs; there a missing one is done at once.
    write.state.callback = Callback::Due;
    write.state.callback_attempt = 0;
    // Of the callback nobody has died.
    write.state.crashes = 0;
    write.due = Due::NOW;
    Decision::Write(Box::new(write), CancelOutcome::Cancelled)
}

fn pause(summary: &JobSummary) -> Decision<PauseOutcome> {
    let state = &summary.state;
    if state.status.is_ended() {
        return Decision::Answer(PauseOutcome::AlreadyEnded);
    }
    if state.status == Status::Paused {
        return Decision::Answer(PauseOutcome::AlreadyPaused);
    }
    if summary.request == Request::Cancel {
        return Decision::Answer(PauseOutcome::BeingCancelled);
    }
    if state.boot != Boot::NOBODY {
        return Decision::Ask(Request::Pause, PauseOutcome::Requested);
    }
    let mut write = operated(summary, HistoryEvent::Paused);
    write.state.status = Status::Paused;
    write.state.reason = Reason::Operator;
    Decision::Write(Box::new(write), PauseOutcome::Paused)
}

/// How the job goes on; `None` if it is neither paused nor about to be.
fn resume(summary: &JobSummary) -> Option<Decision<()>> {
    let state = &summary.state;
    if state.status == Status::Paused {
        let mut write = operated(summary, HistoryEvent::Resumed);
        let state = &mut write.state;
        (state.status, state.reason, state.attempt, state.crashes) = (Status::Running, Reason::None, 0, 0);
        write.due = Due::NOW;
        return Some(Decision::Write(Box::new(write), ()));
    }
    if state.status != Status::Running || summary.request != Request::Pause {
        return None;
    }
    if state.boot != Boot::NOBODY {
        return Some(Decision::Ask(Request::None, ()));
    }
    Some(Decision::Write(Box::new(operated(summary, HistoryEvent::Resumed)), ()))
}

/// When this happened to the job the last time, by its history.
fn last(event: HistoryEvent, summary: &JobSummary) -> Option<SystemTime> {
    let history = history::parse(&summary.history);
    history.iter().filter(|entry| entry.event == event).map(HistoryEntry::at).max()
}

/// The write of an operator's act on a job that nobody holds; what was asked of its former holder is settled by it.
fn operated(summary: &JobSummary, event: HistoryEvent) -> JobWrite {
    let entry = HistoryEntry::new(event, &summary.state.step_name);
    let history = Some(history::push(&summary.history, entry));
    JobWrite { request: RequestGuard::Clear, history, ..unchanged(summary) }
}

/// A write that leaves the job as it was seen; its token is set when it is sent.
pub(crate) fn unchanged(summary: &JobSummary) -> JobWrite {
    let guard = Guard { lease: summary.lease, status: summary.state.status, step: summary.state.step };
    JobWrite {
        id: summary.id,
        guard,
        lease: summary.lease,
        request: RequestGuard::Keep,
        change: Change::Any,
        state: summary.state.clone(),
        due: Due::Keep,
        error: summary.error.clone(),
        progress: None,
        input: None,
        outputs: None,
        history: None,
        generations: None,
    }
}
