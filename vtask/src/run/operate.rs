//! Cancelling and resuming a job.

use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use vtask_storage::StorageError;
use vtask_storage::value::{Boot, Callback, CancelFlag, Due, Guard, JobSummary, JobWrite, Reason, Status, Written};

use super::{JobRun, RunError};
use crate::history::{self, Event, HistoryEntry};

/// What a cancellation came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cancelled {
    /// The job is cancelled.
    Cancelled,
    /// A node runs it and has been asked to: it ends after the step that runs, or succeeds if that was the last.
    Requested,
    /// It had ended before.
    AlreadyEnded,
}

/// What a look at the job says about the wished change.
pub(super) enum Decision<T> {
    /// Nothing is to be written.
    Answer(T),
    /// This is to be written; then this is the answer.
    Write(Box<JobWrite>, T),
}

/// What became of a write.
pub(super) enum Landing {
    /// The job holds it.
    Done,
    /// The job changed since it was looked at, and does not hold it.
    Changed,
    /// The job changed since it was looked at. The write may have landed before: an answer was lost.
    Unknown,
}

impl<J> JobRun<J> {
    /// Cancels the job: at once if no node holds it, after the step that runs otherwise.
    ///
    /// A running step learns it through [`Attempt::cancelled`](crate::Attempt::cancelled), in another process within 2 s,
    /// and has the node's grace to end; then it is dropped. `on_failure` runs for a cancelled job. The callback of an
    /// outcome is not cancelled.
    ///
    /// # Errors
    ///
    /// [`RunError::NotFound`] or [`RunError::Storage`].
    pub async fn cancel(&self) -> Result<Cancelled, RunError> {
        loop {
            let is_mine = |_: &JobSummary, now: &JobSummary| now.state.status == Status::Cancelled;
            let answer = self.operate(|summary| Ok(cancel(summary)), is_mine).await?;
            // A job that ended or paused after the look has to be looked at again.
            if answer != Cancelled::Requested || self.request_cancel().await? {
                return Ok(answer);
            }
        }
    }

    async fn request_cancel(&self) -> Result<bool, RunError> {
        self.client.check_may_write()?;
        let (id, key) = (self.id, self.key_hash());
        let found = self.client.call(move |storage| async move { storage.request_cancel(id, &key).await }).await?;
        if found {
            self.client.0.hub.cancel(self.id);
        }
        Ok(found)
    }

    /// Lets a paused job go on at once, with all its attempts before it; a request to cancel it is taken back.
    ///
    /// # Errors
    ///
    /// [`RunError::NotPaused`] if it is not paused; [`RunError::NotFound`] or [`RunError::Storage`].
    pub async fn resume(&self) -> Result<(), RunError> {
        let decide = |summary: &JobSummary| {
            let status = summary.state.status;
            if status != Status::Paused {
                return Err(RunError::NotPaused { keyword: self.keyword.clone(), status });
            }
            Ok(Decision::Write(Box::new(resume(summary)), ()))
        };
        self.operate(decide, |seen, now| last_resumed(now) > last_resumed(seen)).await
    }

    /// Looks at the job, decides, and writes; begins again if the job changed in between.
    ///
    /// Where the answer of the write was lost, `is_mine` tells by the job as it was seen and as it is now whether the
    /// write landed.
    async fn operate<T>(
        &self,
        decide: impl Fn(&JobSummary) -> Result<Decision<T>, RunError>,
        is_mine: impl Fn(&JobSummary, &JobSummary) -> bool,
    ) -> Result<T, RunError> {
        loop {
            let seen = self.summary().await?;
            let (write, answer) = match decide(&seen)? {
                Decision::Answer(answer) => return Ok(answer),
                Decision::Write(write, answer) => (write, answer),
            };
            match self.write(*write).await? {
                Landing::Done => return Ok(answer),
                Landing::Unknown if is_mine(&seen, &self.summary().await?) => return Ok(answer),
                Landing::Unknown | Landing::Changed => {}
            }
        }
    }

    pub(super) async fn write(&self, write: JobWrite) -> Result<Landing, RunError> {
        self.client.check_may_write()?;
        let write = Arc::new(JobWrite { lease: self.client.0.env.lease(), ..write });
        let in_doubt = Arc::new(AtomicBool::new(false));
        let doubts = Arc::clone(&in_doubt);
        let written = self.client.call(move |storage| {
            let (write, doubts) = (Arc::clone(&write), Arc::clone(&doubts));
            async move {
                let written = storage.write(slice::from_ref(&*write)).await;
                doubts.fetch_or(matches!(written, Err(StorageError::Unavailable(_))), Ordering::Relaxed);
                written
            }
        });
        let landing = match written.await?.first() {
            Some(Written::Done) => Landing::Done,
            _ if in_doubt.load(Ordering::Relaxed) => Landing::Unknown,
            _ => return Ok(Landing::Changed),
        };
        self.client.0.hub.settled(self.id, || None);
        self.client.announce();
        Ok(landing)
    }
}

fn cancel(summary: &JobSummary) -> Decision<Cancelled> {
    let state = &summary.state;
    if state.status.is_ended() {
        return Decision::Answer(Cancelled::AlreadyEnded);
    }
    if state.boot != Boot::NOBODY {
        return Decision::Answer(Cancelled::Requested);
    }
    let mut write = unchanged(summary);
    write.state.status = Status::Cancelled;
    write.state.reason = Reason::Operator;
    // Whether the job has a callback is known where it runs; there a missing one is done at once.
    write.state.callback = Callback::Due;
    write.state.callback_attempt = 0;
    write.due = Due::NOW;
    write.history = Some(history::push(&summary.history, HistoryEntry::new(Event::Cancelled, &state.step_name)));
    Decision::Write(Box::new(write), Cancelled::Cancelled)
}

/// When somebody let the job go on the last time, by its history.
fn last_resumed(summary: &JobSummary) -> Option<SystemTime> {
    let history = history::parse(&summary.history);
    history.iter().filter(|entry| entry.event == Event::Resumed).map(HistoryEntry::at).max()
}

fn resume(summary: &JobSummary) -> JobWrite {
    let mut write = unchanged(summary);
    let state = &mut write.state;
    (state.status, state.reason, state.attempt, state.crashes) = (Status::Running, Reason::None, 0, 0);
    write.cancel = CancelFlag::Clear;
    write.due = Due::NOW;
    let entry = HistoryEntry::new(Event::Resumed, &summary.state.step_name);
    write.history = Some(history::push(&summary.history, entry));
    write
}

/// A write that leaves the job as it was seen; its token is set when it is sent.
pub(crate) fn unchanged(summary: &JobSummary) -> JobWrite {
    let guard = Guard { lease: summary.lease, status: summary.state.status, step: summary.state.step };
    JobWrite {
        id: summary.id,
        guard,
        lease: summary.lease,
        cancel: CancelFlag::Keep,
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
