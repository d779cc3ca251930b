//! Looking at a job.

use serde::de::DeserializeOwned;
use serde_json::Value;
use vtask_storage::value::{JobRow, JobSummary};

use super::{JobRun, RunError, Untyped};
use crate::codec::Outputs;
use crate::info::JobInfo;
use crate::job::adopted;
use crate::job::erased::decode_context;
use crate::job::plan::Plan;
use crate::job::{Job, Step};

impl<J> JobRun<J> {
    /// The job without its payloads, or `None` if there is none.
    pub(super) async fn summary(&self) -> Result<JobSummary, RunError> {
        let found = self.client.summary(self.id).await?;
        // A database that lost its last commits may have given the id to another job.
        found.filter(|summary| summary.keyword == self.keyword).ok_or_else(|| self.not_found())
    }

    pub(super) async fn row(&self) -> Result<JobRow, RunError> {
        let id = self.id;
        let found = self.client.call(move |storage| async move { storage.row(id).await }).await?;
        found.filter(|row| row.summary.keyword == self.keyword).ok_or_else(|| self.not_found())
    }

    pub(super) fn not_found(&self) -> RunError {
        RunError::NotFound { keyword: self.keyword.clone() }
    }

    pub(super) fn decode_error<E>(&self, part: &str, source: E) -> RunError
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        RunError::Decode { keyword: self.keyword.clone(), part: part.to_owned(), source: source.into() }
    }

    /// The data and the outputs as this version of the job reads them.
    fn saved(&self, row: JobRow, plan: &Plan) -> Result<(String, Outputs), RunError> {
        let mut outputs = self.outputs(&row, Some(plan))?;
        let mut input = row.input;
        plan.mend(&mut input, &mut outputs).map_err(|error| self.decode_error("its context", error))?;
        Ok((input, outputs))
    }

    /// The outputs as the job's own table names them, or as they are stored where no table is at hand.
    pub(super) fn outputs(&self, row: &JobRow, plan: Option<&Plan>) -> Result<Outputs, RunError> {
        adopted::outputs(plan, row).map_err(|error| self.decode_error("its outputs", error))
    }
}

impl<J: Job> JobRun<J> {
    /// What the job looks like now.
    ///
    /// # Errors
    ///
    /// [`RunError::NotFound`] or [`RunError::Storage`].
    pub async fn info(&self) -> Result<JobInfo, RunError> {
        Ok(JobInfo::new(&self.summary().await?).described(&Plan::of::<J>()))
    }

    /// What is saved of the job: its data and the output of each recorded step.
    ///
    /// # Errors
    ///
    /// [`RunError::Decode`] if that is not what the job's types say; [`RunError::NotFound`] or [`RunError::Storage`].
    pub async fn context(&self) -> Result<J::Context, RunError> {
        let (row, plan) = (self.row().await?, Plan::of::<J>());
        let (input, outputs) = self.saved(row, &plan)?;
        decode_context::<J>(&plan, &input, &outputs).map_err(|error| self.decode_error("its context", error))
    }

    /// The output of a step, such as `PlaceOrder::CHARGE`, or `None` if it is not recorded.
    ///
    /// # Errors
    ///
    /// As [`context`](Self::context).
    pub async fn output<T: DeserializeOwned>(&self, step: Step<J, T>) -> Result<Option<T>, RunError> {
        let (row, plan) = (self.row().await?, Plan::of::<J>());
        let (_, outputs) = self.saved(row, &plan)?;
        let step = &plan.steps[step.index()];
        let output = step.output(&outputs).map(serde_json::from_str).transpose();
        output.map_err(|error| self.decode_error(&format!("the output of step {}", step.name), error))
    }
}

impl JobRun<Untyped> {
    /// What the job looks like now.
    ///
    /// # Errors
    ///
    /// [`RunError::NotFound`] or [`RunError::Storage`].
    pub async fn info(&self) -> Result<JobInfo, RunError> {
        Ok(JobInfo::new(&self.summary().await?))
    }

    /// The job's data as JSON, as it is stored: a [`Secret`](crate::Secret) is `{"$secret": …}` with its value.
    ///
    /// # Errors
    ///
    /// [`RunError::Decode`] if it is no JSON; [`RunError::NotFound`] or [`RunError::Storage`].
    pub async fn data(&self) -> Result<Value, RunError> {
        let row = self.row().await?;
        serde_json::from_str(&row.input).map_err(|error| self.decode_error("its data", error))
    }

    /// The output of a step by its stored name as JSON, or `None` if it is not recorded; secrets as in
    /// [`data`](Self::data).
    ///
    /// # Errors
    ///
    /// As [`data`](Self::data).
    pub async fn output(&self, step: &str) -> Result<Option<Value>, RunError> {
        let row = self.row().await?;
        let outputs = self.outputs(&row, None)?;
        let output = outputs.get(step).map(serde_json::from_str).transpose();
        output.map_err(|error| self.decode_error(&format!("the output of step {step}"), error))
    }
}
