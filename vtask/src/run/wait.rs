//! Waiting for the end of a job.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;
use vtask_storage::value::{JobSummary, Reason, Status};

use super::{JobRun, RunError, Untyped, WaitError};
use crate::client::hub::Listener;
use crate::codec::Outputs;
use crate::engine::lend_slot;
use crate::failure::JobFailure;
use crate::job::Job;
use crate::job::adopted;
use crate::job::plan::Plan;

/// Looks from another process than the one that runs the job are this far apart, at first and at last.
const POLL: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(2));
/// At first, where an engine of the same client has the job and will tell its end, unless others take the job over.
const POLL_HERE: Duration = Duration::from_secs(1);

impl<J> JobRun<J> {
    /// Waits until the job has an outcome or is paused, and gives its outputs; an error for all but success.
    async fn outputs_at_end(&self, plan: Option<&Plan>) -> Result<Outputs, WaitError> {
        let hub = &self.client.0.hub;
        let mut listener = hub.listen(self.id);
        let may_wait = self.client.check_may_write();
        if (may_wait.is_err() || !hub.will_tell(self.id))
            && let Some(outcome) = self.look(plan).await
        {
            return outcome;
        }
        may_wait?;
        // A step that waits for another job must not keep the slot that this job may need.
        let lent = lend_slot();
        let outcome = self.settled_later(&mut listener, plan).await;
        lent.take_back().await;
        outcome
    }

    async fn settled_later(&self, listener: &mut Listener, plan: Option<&Plan>) -> Result<Outputs, WaitError> {
        let (hub, mut poll) = (&self.client.0.hub, POLL.0);
        loop {
            let is_here = hub.will_tell(self.id);
            let wait = if is_here { poll.max(POLL_HERE) } else { poll };
            let told = tokio::select! {
                biased;
                told = listener.settled() => {
                    poll = POLL.0;
                    told
                }
                () = tokio::time::sleep(self.client.0.env.jitter(wait)) => {
                    if !is_here && hub.will_tell(self.id) {
                        continue;
                    }
                    poll = (poll * 2).min(POLL.1);
                    None
                }
            };
            // What is to be mended is mended together with the data.
            let needs_data = plan.is_some_and(|plan| plan.migrate.is_some());
            let outcome = match told.filter(|told| told.summary.keyword == self.keyword && !needs_data) {
                Some(told) => outcome(&told.summary).map(|outcome| outcome.map(|()| told.outputs.clone())),
                None => self.look(plan).await,
            };
            if let Some(outcome) = outcome {
                return outcome;
            }
        }
    }

    /// What the row says, if that is an end. The outputs are of the same look as the success, because a restart may come
    /// between two.
    async fn look(&self, plan: Option<&Plan>) -> Option<Result<Outputs, WaitError>> {
        match self.summary().await.map(|summary| outcome(&summary)) {
            Ok(None) => None,
            Ok(Some(Err(error))) => Some(Err(error)),
            Ok(Some(Ok(()))) => self.outputs_of_success(plan).await.transpose(),
            Err(error) => Some(Err(self.wait_error(error))),
        }
    }

    /// `None` if the job has been restarted since.
    async fn outputs_of_success(&self, plan: Option<&Plan>) -> Result<Option<Outputs>, WaitError> {
        let row = self.row().await.map_err(|error| self.wait_error(error))?;
        if row.summary.state.status != Status::Succeeded {
            return Ok(None);
        }
        let mut outputs = adopted::outputs(plan, &row).map_err(|error| self.undecodable(error))?;
        let mut input = row.input;
        let mended = plan.map_or(Ok(false), |plan| plan.mend(&mut input, &mut outputs));
        mended.map_err(|error| self.undecodable(serde::de::Error::custom(error)))?;
        Ok(Some(outputs))
    }

    fn decode<T: DeserializeOwned>(&self, output: Option<&str>) -> Result<T, WaitError> {
        // `null` decodes where the type allows that nothing is there, and says so where not.
        serde_json::from_str(output.unwrap_or("null")).map_err(|error| self.undecodable(error))
    }

    fn undecodable(&self, source: serde_json::Error) -> WaitError {
        WaitError::Output { keyword: self.keyword.clone(), source }
    }

    fn wait_error(&self, error: RunError) -> WaitError {
        match error {
            RunError::Storage(error) => WaitError::Storage(error),
            _ => WaitError::NotFound { keyword: self.keyword.clone() },
        }
    }
}

impl<J: Job> JobRun<J> {
    /// Waits for the output of the last step.
    ///
    /// It does not wait for the callback of the outcome. A job that runs on this client is heard of at once; for others
    /// it looks every 20 ms at first and every 2 s at last, with jitter. Inside a step it gives the step's slot to
    /// other jobs until it answers; a task that the step spawned does not. A wait that is dropped leaves the step without
    /// its slot until its next `.await`.
    ///
    /// # Errors
    ///
    /// [`WaitError`] if the job fails, is cancelled or paused, or is not there: it does not wait for who resumes a job. It
    /// does wait while no node runs jobs of this name: give it a time limit where that may be.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost if the future is dropped: the job goes on.
    pub async fn wait(&self) -> Result<J::Output, WaitError> {
        let plan = Plan::of::<J>();
        let outputs = self.outputs_at_end(Some(&plan)).await?;
        let output = plan.steps.last().and_then(|step| step.output(&outputs));
        self.decode(output)
    }
}

impl JobRun<Untyped> {
    /// Waits for the output of the step that was recorded last, as JSON.
    ///
    /// # Errors
    ///
    /// [`WaitError`] if the job fails, is cancelled or paused, or is not there.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost if the future is dropped: the job goes on.
    pub async fn wait(&self) -> Result<Value, WaitError> {
        let outputs = self.outputs_at_end(None).await?;
        self.decode(outputs.names().last().and_then(|name| outputs.get(name)))
    }
}

fn outcome(summary: &JobSummary) -> Option<Result<(), WaitError>> {
    let keyword = || summary.keyword.clone();
    match summary.state.status {
        Status::Succeeded => Some(Ok(())),
        Status::Failed => Some(Err(WaitError::Failed { keyword: keyword(), failure: JobFailure::of(summary) })),
        Status::Cancelled => Some(Err(WaitError::Cancelled { keyword: keyword() })),
        Status::Paused => Some(Err(paused(keyword(), summary.state.reason, summary.error.clone()))),
        _ => None,
    }
}

fn paused(keyword: String, reason: Reason, error: Option<String>) -> WaitError {
    // The error of such a job is that of its last failed attempt, which is not why it is paused.
    let message = match reason {
        Reason::Operator => "somebody paused it; it goes on when it is resumed".to_owned(),
        _ => error.unwrap_or_default(),
    };
    WaitError::Paused { keyword, reason, message }
}
