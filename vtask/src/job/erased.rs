//! A job behind one pointer, so that the engine is compiled once and not for every job.

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::Job;
use super::plan::Plan;
use super::result::BoxError;
use super::scope::Scope;
use super::table::{Body, Source};
use crate::codec::{self, Outputs};
use crate::context::{Context, JobContext};
use crate::flow::{self, Wish};

/// A job's context without its type.
pub(crate) type AnyContext = Box<dyn Any + Send + Sync>;

/// What a body leaves.
pub(crate) struct Finished {
    pub(crate) context: AnyContext,
    /// What is to be recorded of a step; nothing of a callback.
    pub(crate) result: Result<Option<Encoded>, Failed>,
}

/// What a step leaves when it succeeds.
pub(crate) struct Encoded {
    pub(crate) data: String,
    /// JSON.
    pub(crate) output: String,
}

/// What a body leaves when it fails.
pub(crate) struct Failed {
    pub(crate) message: String,
    pub(crate) wish: Wish,
    /// The data of a step that stopped the job.
    pub(crate) data: Option<String>,
}

impl From<CodecError> for Failed {
    fn from(error: CodecError) -> Self {
        Self { message: flow::message(&error), wish: Wish::Retry, data: None }
    }
}

/// A body that is ready to run.
pub(crate) enum Work {
    Async(Pin<Box<dyn Future<Output = Finished> + Send>>),
    Blocking(Box<dyn FnOnce() -> Finished + Send>),
}

/// Which method is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Step(usize),
    OnSuccess,
    OnFailure,
}

/// Stored JSON that is not what the job's types say, or the other way round.
#[derive(Debug, thiserror::Error)]
#[error("{part} of job {job}")]
pub(crate) struct CodecError {
    part: String,
    job: &'static str,
    source: serde_json::Error,
}

/// What the engine needs of a job.
pub(crate) trait AnyJob: Send + Sync + 'static {
    fn plan(&self) -> &Plan;

    /// The fields that make the keyword of this JSON, which has to be the job's data; none if that declares no keyword.
    fn keyword_parts(&self, json: &str) -> Result<Vec<String>, serde_json::Error>;

    /// The context as recorded.
    fn decode(&self, input: &str, outputs: &Outputs) -> Result<AnyContext, CodecError>;

    /// A method with everything it takes.
    fn work(self: Arc<Self>, method: Method, context: AnyContext, scope: Scope) -> Work;
}

/// A job as the user registered it.
pub(crate) struct Registered<J: Job> {
    job: Arc<J>,
    plan: Plan,
}

impl<J: Job> Registered<J> {
    pub(crate) fn new(job: J) -> Self {
        Self { job: Arc::new(job), plan: Plan::of::<J>() }
    }

    fn error(&self, part: &str) -> impl Fn(serde_json::Error) -> CodecError {
        move |source| CodecError { part: part.to_owned(), job: self.plan.name, source }
    }
}

impl<J: Job> AnyJob for Registered<J> {
    fn plan(&self) -> &Plan {
        &self.plan
    }

    fn keyword_parts(&self, json: &str) -> Result<Vec<String>, serde_json::Error> {
        serde_json::from_str::<J::Data>(json).map(|data| data.keyword_parts())
    }

    fn decode(&self, input: &str, outputs: &Outputs) -> Result<AnyContext, CodecError> {
        decode_context::<J>(&self.plan, input, outputs).map(|context| Box::new(context) as AnyContext)
    }

    fn work(self: Arc<Self>, method: Method, context: AnyContext, scope: Scope) -> Work {
        let mut context = owned::<J>(context);
        match self.body(method) {
            Body::Async(body) => Work::Async(Box::pin(async move {
                let result = body(&self.job, &mut context, &scope).await;
                self.finished(method, context, result)
            })),
            Body::Blocking(body) => Work::Blocking(Box::new(move || {
                let result = body(&self.job, &mut context, &scope);
                self.finished(method, context, result)
            })),
        }
    }
}

fn owned<J: Job>(context: AnyContext) -> Box<J::Context> {
    context.downcast().expect("the engine hands each job only its own context")
}

impl<J: Job> Registered<J> {
    fn body(&self, method: Method) -> Body<J> {
        let table = &J::TABLE;
        let callback = match method {
            Method::Step(step) => return table.steps[step].body,
            Method::OnSuccess => &table.on_success,
            Method::OnFailure => &table.on_failure,
        };
        callback.as_ref().expect("the engine runs only callbacks that the plan has").body
    }

    /// Encodes what a body left. It runs in the body's task, because it calls the user's code, which may panic.
    fn finished(&self, method: Method, context: Box<J::Context>, result: Result<(), BoxError>) -> Finished {
        let result = match (result, method) {
            (Ok(()), Method::Step(step)) => self.encode(step, &context).map(Some).map_err(Failed::from),
            (Ok(()), _) => Ok(None),
            (Err(error), _) => Err(self.failed(method, &context, &error)),
        };
        Finished { context, result }
    }

    fn encode(&self, step: usize, context: &J::Context) -> Result<Encoded, CodecError> {
        Ok(Encoded { data: self.encode_data(context)?, output: self.encode_output(step, context)? })
    }

    fn failed(&self, method: Method, context: &J::Context, error: &BoxError) -> Failed {
        let (message, wish) = (flow::message(&**error), flow::wish(&**error));
        let is_stop = wish == Wish::Stop && matches!(method, Method::Step(_));
        let data = is_stop.then(|| self.encode_data(context).ok()).flatten();
        Failed { message, wish, data }
    }

    fn encode_data(&self, context: &J::Context) -> Result<String, CodecError> {
        let json = serde_json::to_string(context.data()).map_err(self.error("the data"))?;
        if cfg!(debug_assertions) {
            self.read_back_data(&json)?;
        }
        Ok(json)
    }

    fn encode_output(&self, step: usize, context: &J::Context) -> Result<String, CodecError> {
        let part = || format!("the output of step {}", self.plan.steps[step].name);
        let json = (J::TABLE.steps[step].encode)(context);
        let json = json
            .and_then(|json| json.ok_or_else(|| custom("nothing was returned")))
            .map_err(|error| self.error(&part())(error))?;
        if cfg!(debug_assertions) {
            self.read_back_output(step, &json, context).map_err(|error| self.error(&part())(error))?;
        }
        Ok(json)
    }

    /// A value that does not read back fails the attempt that made it, and not the recovery a week later.
    fn read_back_data(&self, json: &str) -> Result<(), CodecError> {
        let again = serde_json::from_str::<J::Data>(json).and_then(|data| serde_json::to_string(&data));
        again.and_then(|again| same(json, &again)).map_err(self.error("the data"))
    }

    fn read_back_output(&self, step: usize, json: &str, context: &J::Context) -> Result<(), serde_json::Error> {
        let row = &J::TABLE.steps[step];
        let data = serde_json::from_str(&serde_json::to_string(context.data())?)?;
        let mut again = J::Context::new(data);
        (row.decode)(&mut again, Source::Json(json))?;
        same(json, &(row.encode)(&again)?.unwrap_or_default())
    }
}

fn same(before: &str, after: &str) -> Result<(), serde_json::Error> {
    if codec::is_same(before, after) {
        return Ok(());
    }
    Err(custom("what was saved reads back as something else: look for a skipped or lossy field"))
}

fn custom(message: &str) -> serde_json::Error {
    serde::de::Error::custom(message)
}

/// The typed context of a row.
pub(crate) fn decode_context<J: Job>(plan: &Plan, input: &str, outputs: &Outputs) -> Result<J::Context, CodecError> {
    let error = |part: String| move |source| CodecError { part, job: plan.name, source };
    let data = serde_json::from_str(input).map_err(error("the data".to_owned()))?;
    let mut context = J::Context::new(data);
    for (row, step) in J::TABLE.steps.iter().zip(&plan.steps) {
        if let Some(json) = step.output(outputs) {
            (row.decode)(&mut context, Source::Json(json))
                .map_err(error(format!("the output of step {}", step.name)))?;
        }
    }
    Ok(context)
}
