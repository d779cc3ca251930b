//! Cancelling and resuming a job.

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
            let answer = self.operate(|summary| Ok(cancel(summary))).await?;
            // A job that ended or paused after the look has to be looked at again.
            if answer != Cancelled::Requested || self.request_cancel().await? {
                return Ok(answer);
            }
        }
    }

    async fn request_cancel(&self) -> Result<bool, RunError> {
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
        self.operate(|summary| {
            let status = summary.state.status;
            if status != Status::Paused {
                return Err(RunError::NotPaused { keyword: self.keyword.clone(), status });
            }
            Ok(Decision::Write(Box::new(resume(summary)), ()))
        })
        .await
    }

    /// Looks at the job, decides, and writes; begins again if the job changed in between.
    pub(super) async fn operate<T>(
        &self,
        decide: impl Fn(&JobSummary) -> Result<Decision<T>, RunError>,
    ) -> Result<T, RunError> {
        loop {
            match decide(&self.summary().await?)? {
                Decision::Answer(answer) => return Ok(answer),
                Decision::Write(write, answer) => {
                    if self.write(*write).await? {
                        return Ok(answer);
                    }
                }
            }
        }
    }

    /// Whether the write landed; otherwise the job changed since it was looked at.
    pub(super) async fn write(&self, write: JobWrite) -> Result<bool, RunError> {
        let write = std::sync::Arc::new(JobWrite { lease: self.client.0.env.lease(), ..write });
        let written = self.client.call(move |storage| {
            let write = std::sync::Arc::clone(&write);
            async move { storage.write(std::slice::from_ref(&*write)).await }
        });
        let done = written.await?.first() == Some(&Written::Done);
        if done {
            self.client.0.hub.settled(self.id);
            self.client.0.hub.poke();
        }
        Ok(done)
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
