//! Invoking a job whose type this program need not have.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;

use serde::de::IgnoredAny;

use super::Client;
use crate::engine::Jobs;
use crate::invoke::{InvokeError, Order, Start, new_job, order_settings};
use crate::job::erased::AnyJob;
use crate::keyword;
use crate::run::{JobRun, Untyped};

/// An invocation by name and JSON that is saved when it is awaited; then it gives the job or an [`InvokeError`].
///
/// # Cancel safety
///
/// A future that is dropped after its first poll may have saved the job all the same.
#[must_use = "nothing is saved until the invocation is awaited"]
pub struct InvokeJson {
    client: Client,
    name: String,
    /// The names that the job had before, where they are known.
    former: &'static [&'static str],
    json: String,
    keyword: String,
    order: Order,
    /// What a center that knows the job has said of the name and the data.
    checked: Result<(), InvokeError>,
}

impl fmt::Debug for InvokeJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InvokeJson").field("job", &self.name).field("keyword", &self.keyword).finish_non_exhaustive()
    }
}

impl Client {
    /// Saves a job by its name, with data as JSON and a keyword, to be run by whichever node knows it.
    ///
    /// A client does not know the job, so it checks only that the text is JSON;
    /// [`JobCenter::invoke_json`](crate::JobCenter::invoke_json) also checks the name and the shape. A name that no
    /// node knows leaves the job waiting. The keyword is stored as it is. Data that declares its keyword
    /// makes one such as `place_order/7`: a client takes any other, too, and with it a second job for order 7; a center
    /// that runs the job refuses it.
    pub fn invoke_json(
        &self,
        name: impl Into<String>,
        json: impl Into<String>,
        keyword: impl Into<String>,
    ) -> InvokeJson {
        let (name, json, keyword) = (name.into(), json.into(), keyword.into());
        let (client, order) = (self.clone(), Order::default());
        InvokeJson { client, name, former: &[], json, keyword, order, checked: Ok(()) }
    }

    /// As [`invoke_json`](Self::invoke_json), of a job that these know.
    pub(crate) fn invoke_known(
        &self,
        jobs: &Jobs,
        name: impl Into<String>,
        json: impl Into<String>,
        keyword: impl Into<String>,
    ) -> InvokeJson {
        let mut invoke = self.invoke_json(name, json, keyword);
        let Some(job) = jobs.get(invoke.name.as_str()) else {
            let known = jobs.keys().map(|name| (*name).to_owned()).collect();
            invoke.checked = Err(InvokeError::NoSuchJob { name: invoke.name.clone(), known });
            return invoke;
        };
        invoke.checked = invoke.check(&**job);
        invoke.name = job.plan().name.to_owned();
        invoke.former = job.plan().was;
        invoke
    }
}

impl InvokeJson {
    order_settings!();

    /// Checks that the data is the job's, and the keyword the one that the data declares, if it does.
    fn check(&self, job: &dyn AnyJob) -> Result<(), InvokeError> {
        let (name, keyword) = (self.name.clone(), self.keyword.clone());
        let parts = match job.keyword_parts(&self.json) {
            Ok(parts) => parts,
            Err(source) => return Err(InvokeError::InvalidData { name, source }),
        };
        keyword::check_parts(&parts)?;
        match keyword::declared(job.plan().oldest_name(), &parts) {
            Some(declared) if declared != keyword => Err(InvokeError::OtherKeyword { name, keyword, declared }),
            _ => Ok(()),
        }
    }

    async fn save(self) -> Result<JobRun<Untyped>, InvokeError> {
        let Self { client, name, former, json, keyword, order, checked } = self;
        checked?;
        let limit = client.0.limits.name;
        if name.is_empty() || name.len() > limit || name.contains('\0') {
            return Err(InvokeError::InvalidName { name, limit });
        }
        // Kept as it was written: a number that is too long for this program may fit the job's type.
        serde_json::from_str::<IgnoredAny>(&json)
            .map_err(|source| InvokeError::InvalidData { name: name.clone(), source })?;
        let job = new_job(&client, &name, Start::UNKNOWN, keyword, json, &order)?;
        let (job, inserted) = client.insert(job).await?;
        let names: Vec<&str> = former.iter().copied().chain([name.as_str()]).collect();
        order.settle(&client, &names, job, inserted)
    }
}

impl IntoFuture for InvokeJson {
    type Output = Result<JobRun<Untyped>, InvokeError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.save())
    }
}
