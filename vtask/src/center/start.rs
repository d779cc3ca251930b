//! Starting a center.

use std::sync::Arc;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use vtask_storage::StorageError;
use vtask_storage::value::{NewNode, Owner};

use super::{Finished, JobCenter, JobCenterBuilder};
use crate::engine::{Engine, Jobs, Setup};
use crate::env::Env;
use crate::job::erased::AnyJob;
use crate::job::plan::Plan;

/// How long other nodes will watch a heartbeat before they call this node dead.
const LEASE_MS: i64 = 15_000;

/// Why a center did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// There is nothing to run.
    #[error("no job is registered: call `.register(job)` before `.start()`")]
    NoJobs,
    /// Two jobs have one name, now or from before.
    #[error("two registered jobs are named {name:?}: give one of them another `#[job(name = \"…\")]`")]
    SameName {
        /// The name.
        name: &'static str,
    },
    /// A step writes in a transaction of the storage, which has none to give.
    #[error("step {step} of job {job} takes a `&DatabaseTransaction`, which this storage cannot give")]
    Transactional {
        /// The job.
        job: &'static str,
        /// The step.
        step: &'static str,
    },
    /// The host cannot be a name.
    #[error("{host:?} cannot be the name of a host: it has to have 1 to {limit} bytes and no NUL")]
    Host {
        /// The name.
        host: String,
        /// The longest that is allowed.
        limit: usize,
    },
    /// Nothing could run.
    #[error("the concurrency is 0: at least one job has to run at a time")]
    NoConcurrency,
    /// The engine's own thread could not be started.
    #[error("the engine's thread could not be started")]
    Thread(#[source] std::io::Error),
    /// The storage failed.
    #[error("the storage failed while the node joined")]
    Storage(#[from] StorageError),
}

pub(super) async fn start(builder: JobCenterBuilder) -> Result<JobCenter, StartError> {
    let jobs = by_name(&builder.jobs)?;
    if builder.concurrency == 0 {
        return Err(StartError::NoConcurrency);
    }
    let shared = Arc::clone(&builder.client.0);
    let host = host(builder.host, &shared.env, shared.limits.name)?;
    let owner = Owner { boot: shared.env.boot(), host: host.clone() };
    let node = new_node(&owner, &jobs);
    let former = builder
        .client
        .call(move |storage| {
            let node = node.clone();
            async move { storage.join(&node).await }
        })
        .await?;
    let runtime = EngineRuntime::new(builder.on_this_runtime).map_err(StartError::Thread)?;
    let engine = Engine::new(Setup {
        storage: Arc::clone(&shared.storage),
        env: shared.env.clone(),
        hub: Arc::clone(&shared.hub),
        limits: shared.limits,
        owner,
        former,
        jobs: jobs.clone(),
        concurrency: builder.concurrency,
        grace: builder.grace,
        engine_runtime: runtime.handle(),
        user_runtime: Handle::current(),
    });
    shared.hub.add(&engine);
    let finished = runtime.run(Arc::clone(&engine)).map_err(StartError::Thread)?;
    tracing::info!(host, jobs = jobs.len(), "started");
    Ok(JobCenter { client: builder.client, engine, jobs, host, finished })
}

fn by_name(registered: &[Arc<dyn AnyJob>]) -> Result<Jobs, StartError> {
    let mut jobs = Jobs::new();
    for job in registered {
        check_steps(job.plan())?;
        for name in job.plan().names() {
            if jobs.insert(name, Arc::clone(job)).is_some() {
                return Err(StartError::SameName { name });
            }
        }
    }
    if jobs.is_empty() { Err(StartError::NoJobs) } else { Ok(jobs) }
}

fn check_steps(plan: &Plan) -> Result<(), StartError> {
    match plan.steps.iter().find(|step| step.transactional) {
        Some(step) => Err(StartError::Transactional { job: plan.name, step: step.name }),
        None => Ok(()),
    }
}

fn host(given: Option<String>, env: &Env, limit: usize) -> Result<String, StartError> {
    let host = given.or_else(|| std::env::var("VTASK_HOST").ok()).unwrap_or_else(|| random_host(env, limit));
    if host.is_empty() || host.len() > limit || host.contains('\0') {
        return Err(StartError::Host { host, limit });
    }
    Ok(host)
}

/// The machine's name and a random suffix, because a machine may run several nodes.
fn random_host(env: &Env, limit: usize) -> String {
    let suffix = format!("-{:08x}", env.random() >> 32);
    let machine = hostname::get().unwrap_or_default().to_string_lossy().into_owned();
    let end = machine.floor_char_boundary(limit - suffix.len());
    format!("{}{suffix}", &machine[..end])
}

fn new_node(owner: &Owner, jobs: &Jobs) -> NewNode {
    let plans: Vec<String> = jobs.iter().map(|(name, job)| format!("{name:?}:{}", job.plan().hash)).collect();
    NewNode {
        boot: owner.boot,
        host: owner.host.clone(),
        lease_ms: LEASE_MS,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        plans: format!("{{{}}}", plans.join(",")),
    }
}

/// The runtime of the engine's own tasks: a thread that user code cannot block, or the caller's.
enum EngineRuntime {
    Own(tokio::runtime::Runtime),
    Callers(Handle),
}

impl EngineRuntime {
    fn new(is_callers: bool) -> std::io::Result<Self> {
        if is_callers {
            return Ok(Self::Callers(Handle::current()));
        }
        Builder::new_current_thread().enable_all().build().map(Self::Own)
    }

    fn handle(&self) -> Handle {
        match self {
            Self::Own(runtime) => runtime.handle().clone(),
            Self::Callers(handle) => handle.clone(),
        }
    }

    fn run(self, engine: Arc<Engine>) -> std::io::Result<Finished> {
        match self {
            Self::Callers(handle) => Ok(Finished::Task(handle.spawn(engine.run()))),
            Self::Own(runtime) => {
                let (finished, is_finished) = oneshot::channel();
                std::thread::Builder::new().name("vtask-engine".to_owned()).spawn(move || {
                    runtime.block_on(engine.run());
                    // Nobody hears it where the center was dropped.
                    let _ = finished.send(());
                })?;
                Ok(Finished::Thread(is_finished))
            }
        }
    }
}
