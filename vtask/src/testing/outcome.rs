//! What a job has come to.

use std::fmt;
use std::time::Duration;

use vtask_storage::MemoryStorage;
use vtask_storage::value::Status;

use super::job_test::{World, on_a_thread, runtime};
use super::stage::Seen;
use crate::client::{Client, JobFilter};
use crate::failure::JobFailure;
use crate::handle::JobHandle;
use crate::info::JobInfo;
use crate::job::erased::Method;
use crate::job::{Job, Step};
use crate::run::WaitError;

/// What a job has come to in a [`JobTest`](super::JobTest).
#[must_use = "a test that does not look at what the job has come to passes whatever that is"]
pub struct Outcome<J: Job> {
    info: JobInfo,
    context: J::Context,
    end: Option<Result<J::Output, WaitError>>,
    bodies: Vec<Seen>,
    took: Duration,
    storage: MemoryStorage,
}

impl<J: Job> fmt::Debug for Outcome<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bodies: Vec<&str> = self.bodies.iter().map(|body| body.name).collect();
        let mut debug = f.debug_struct("Outcome");
        debug.field("status", &self.info.status).field("bodies", &bodies).field("took", &self.took);
        debug.field("context", &self.context).field("error", &self.info.error).finish_non_exhaustive()
    }
}

impl<J: Job> Outcome<J> {
    pub(super) fn look(world: World) -> Self {
        let World { storage, clock, script, job, .. } = world;
        let (info, context, end) = runtime().block_on(async {
            let handle = JobHandle::<J>::new(&Client::with_storage(storage.clone()));
            let found = handle.get(job.expect("it was invoked")).await;
            let run = found.expect("memory does not fail").expect("nobody deletes it");
            let info = run.info().await.expect("memory does not fail");
            let context = run.context().await.unwrap_or_else(|error| panic!("{}", crate::flow::message(&error)));
            let end = if info.status == Status::Running { None } else { Some(run.wait().await) };
            (info, context, end)
        });
        Self { info, context, end, bodies: script.bodies(), took: clock.time(), storage }
    }

    /// How it ended; [`Running`](Status::Running) after [`run_until`](super::JobTest::run_until).
    #[must_use]
    pub fn status(&self) -> Status {
        self.info.status
    }

    /// All that is known of it beside what it has saved: the history, the error, why it is paused, the state of its callback.
    #[must_use]
    pub fn info(&self) -> &JobInfo {
        &self.info
    }

    /// What it has saved: its data, and the output of each recorded step.
    #[must_use]
    pub fn context(&self) -> &J::Context {
        &self.context
    }

    /// What its last step returned.
    ///
    /// # Panics
    ///
    /// If it did not succeed; the message says why.
    #[track_caller]
    pub fn output(&self) -> &J::Output {
        match &self.end {
            Some(Ok(output)) => output,
            Some(Err(error)) => panic!("the job did not succeed: {}", crate::flow::message(error)),
            None => panic!("the job has not ended: step {} is next", self.info.step),
        }
    }

    /// Why it failed, as `on_failure` is told; `None` also where it was cancelled.
    #[must_use]
    pub fn failure(&self) -> Option<&JobFailure> {
        match &self.end {
            Some(Err(WaitError::Failed { failure, .. })) => Some(failure),
            _ => None,
        }
    }

    /// How many attempts of a step have begun.
    #[must_use]
    pub fn attempts<T>(&self, step: Step<J, T>) -> usize {
        self.begun(|method| method == Method::Step(step.index()))
    }

    /// How many attempts of `on_success` or of `on_failure` have begun.
    #[must_use]
    pub fn callbacks(&self) -> usize {
        self.begun(|method| !matches!(method, Method::Step(_)))
    }

    fn begun(&self, is_meant: impl Fn(Method) -> bool) -> usize {
        self.bodies.iter().filter(|body| is_meant(body.method)).count()
    }

    /// How long it took, from its invocation on, by its own clock.
    #[must_use]
    pub fn took(&self) -> Duration {
        self.took
    }

    /// What is saved of each other job of a type that was invoked meanwhile, in the order of invocation.
    ///
    /// # Panics
    ///
    /// If what is saved of one is not what its types say.
    #[must_use]
    pub fn invoked<K: Job>(&self) -> Vec<K::Context> {
        on_a_thread(|| runtime().block_on(self.contexts::<K>()))
    }

    async fn contexts<K: Job>(&self) -> Vec<K::Context> {
        let client = Client::with_storage(self.storage.clone());
        let handle = JobHandle::<K>::new(&client);
        let (mut contexts, mut before) = (Vec::new(), None);
        loop {
            let filter = JobFilter::default().name(K::TABLE.name).limit(1000);
            let filter = before.map_or(filter.clone(), |id| filter.before(id));
            let page = client.list(&filter).await.expect("memory does not fail");
            for job in page.jobs.iter().filter(|job| job.id != self.info.id) {
                let run = handle.get(job.id).await.expect("memory does not fail").expect("nobody deletes it");
                contexts.push(run.context().await.unwrap_or_else(|error| panic!("{}", crate::flow::message(&error))));
            }
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        contexts.reverse();
        contexts
    }
}
