//! Saving one job.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;

use vtask_storage::value::NewJob;

use super::{InvokeError, Order, Start, new_job, order_settings};
use crate::context::{JobContext, TakesKeyword};
use crate::handle::JobHandle;
use crate::job::Job;
use crate::keyword;
use crate::run::JobRun;

/// An invocation that is saved when it is awaited.
///
/// # Cancel safety
///
/// A future that is dropped after its first poll may have saved the job all the same.
#[must_use = "nothing is saved until the invocation is awaited"]
pub struct Invoke<J: Job> {
    handle: JobHandle<J>,
    data: J::Data,
    keyword: Option<String>,
    order: Order,
}

impl<J: Job> fmt::Debug for Invoke<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invoke").field("job", &self.handle.plan.name).finish_non_exhaustive()
    }
}

impl<J: Job> Invoke<J> {
    pub(crate) fn new(handle: JobHandle<J>, data: J::Data) -> Self {
        Self { handle, data, keyword: None, order: Order::default() }
    }

    /// Gives the job this identity, stored as it is: 1 to 255 bytes, no NUL. Without it the job gets a UUIDv7.
    ///
    /// Keywords are compared byte for byte; a service that shares its table with others had better put its name before.
    pub fn keyword(mut self, keyword: impl Into<String>) -> Self
    where
        <J::Data as JobContext>::Keyword: TakesKeyword,
    {
        self.keyword = Some(keyword.into());
        self
    }

    order_settings!();

    async fn save(self) -> Result<JobRun<J>, InvokeError> {
        let Self { handle, data, keyword, order } = self;
        let job = prepare(&handle, &data, keyword, &order)?;
        let (job, inserted) = handle.client.insert(job).await?;
        let names: Vec<&str> = handle.plan.names().collect();
        order.settle(&handle.client, &names, job, inserted)
    }
}

impl<J: Job> IntoFuture for Invoke<J> {
    type Output = Result<JobRun<J>, InvokeError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.save())
    }
}

/// Encodes and checks an invocation.
pub(super) fn prepare<J: Job>(
    handle: &JobHandle<J>,
    data: &J::Data,
    keyword: Option<String>,
    order: &Order,
) -> Result<NewJob, InvokeError> {
    let plan = &handle.plan;
    let input =
        serde_json::to_string(data).map_err(|source| InvokeError::Input { name: plan.name.to_owned(), source })?;
    let parts = data.keyword_parts();
    let keyword = match keyword {
        Some(keyword) => keyword,
        None if parts.is_empty() => handle.client.0.env.uuid().to_string(),
        None => keyword::derived(plan.oldest_name(), &parts),
    };
    let first = plan.steps.first().map_or("", |step| step.name);
    let start = Start { step_name: first, steps: plan.steps.len(), plan: plan.hash };
    new_job(&handle.client, plan.name, start, keyword, input, order)
}
