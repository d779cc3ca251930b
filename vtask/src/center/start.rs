//! Starting a center.

use std::env::VarError;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;
use vtask_storage::value::{NewNode, Owner};
use vtask_storage::{JobStorage, StorageError};

use super::lives::{Lives, join};
use super::{Finished, JobCenter, JobCenterBuilder};
use crate::engine::{Jobs, Setup};
use crate::env::Env;
use crate::job::erased::AnyJob;
use crate::job::plan::Plan;
use crate::job::roster;

/// A third of it goes by between two heartbeats, and the others look 2 s apart.
const SHORTEST_LEASE: Duration = Duration::from_secs(5);

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
    /// A step works in a transaction of the storage, which has none.
    #[error("step {step} of job {job} takes a `&DatabaseTransaction`, and this storage has no transactions")]
    Transactional {
        /// The job.
        job: &'static str,
        /// The step.
        step: &'static str,
    },
    /// The host cannot be a name.
    #[error(
        "{host:?}, of `.host(…)` or `VTASK_HOST`, cannot be the name of a host: it has to be text of 1 to {limit} bytes without NUL"
    )]
    InvalidHost {
        /// The name.
        host: String,
        /// The longest that is allowed.
        limit: usize,
    },
    /// Nothing could run.
    #[error("the concurrency is 0: at least one job has to run at a time")]
    NoConcurrency,
    /// No step that takes a transaction could run.
    #[error("0 transactions are too few: at least one step has to work at a time")]
    NoTransactions,
    /// A lease so short that a node at work would be called dead.
    #[error("a lease of {lease:?} is too short: give at least {least:?}")]
    LeaseTooShort {
        /// The lease.
        lease: Duration,
        /// The shortest that is allowed.
        least: Duration,
    },
    /// The engine's own thread could not be started.
    #[error("the engine's thread could not be started")]
    EngineThread(#[source] std::io::Error),
    /// The storage failed.
    #[error("the storage failed while the node joined")]
    Storage(#[from] StorageError),
}

pub(super) async fn start(builder: JobCenterBuilder) -> Result<JobCenter, StartError> {
    let jobs = by_name(&builder.jobs)?;
    check_transactions(&builder, &jobs)?;
    if builder.concurrency == 0 {
        return Err(StartError::NoConcurrency);
    }
    if builder.lease < SHORTEST_LEASE {
        return Err(StartError::LeaseTooShort { lease: builder.lease, least: SHORTEST_LEASE });
    }
    let shared = Arc::clone(&builder.client.0);
    let host = host(builder.host, &shared.env, shared.limits.name)?;
    let owner = Owner { boot: shared.env.boot(), host: host.as_str().into() };
    let node = new_node(&owner, &jobs, builder.lease);
    let new = node.clone();
    let join = move |storage: Arc<dyn JobStorage>| {
        let new = new.clone();
        async move { join(&*storage, &new).await }
    };
    let joined = builder.client.call(join).await?;
    let runtime = EngineRuntime::new(builder.on_this_runtime).map_err(StartError::EngineThread)?;
    let setup = Setup {
        storage: runtime.storage(&shared.storage),
        env: shared.env.clone(),
        hub: Arc::clone(&shared.hub),
        announcer: Arc::clone(&shared.announcer),
        limits: shared.limits,
        owner,
        joined,
        jobs: jobs.clone(),
        concurrency: builder.concurrency,
        transactions: builder.transactions,
        grace: builder.grace,
        lease: builder.lease,
        engine_runtime: runtime.handle(),
        user_runtime: Handle::current(),
    };
    let lives = Lives::new(setup, node);
    let finished = runtime.run(Arc::clone(&lives)).map_err(StartError::EngineThread)?;
    tracing::info!(host, jobs = jobs.len(), "started");
    Ok(JobCenter { client: builder.client, lives, jobs, host, finished })
}

fn by_name(registered: &[Arc<dyn AnyJob>]) -> Result<Jobs, StartError> {
    let mut jobs = Jobs::new();
    for job in registered {
        for name in job.plan().names() {
            if jobs.insert(name, Arc::clone(job)).is_some() {
                return Err(StartError::SameName { name });
            }
        }
    }
    if jobs.is_empty() { Err(StartError::NoJobs) } else { Ok(jobs) }
}

fn check_transactions(builder: &JobCenterBuilder, jobs: &Jobs) -> Result<(), StartError> {
    if builder.transactions == 0 {
        return Err(StartError::NoTransactions);
    }
    if builder.client.0.storage.transactions().is_some() {
        return Ok(());
    }
    let transactional =
        |plan: &Plan| plan.steps.iter().find(|step| step.transactional).map(|step| (plan.name, step.name));
    match jobs.values().find_map(|job| transactional(job.plan())) {
        Some((job, step)) => Err(StartError::Transactional { job, step }),
        None => Ok(()),
    }
}

fn host(given: Option<String>, env: &Env, limit: usize) -> Result<String, StartError> {
    let host = match given.map_or_else(|| std::env::var("VTASK_HOST"), Ok) {
        Ok(host) => host,
        Err(VarError::NotPresent) => random_host(env, limit),
        Err(VarError::NotUnicode(host)) => {
            return Err(StartError::InvalidHost { host: host.to_string_lossy().into_owned(), limit });
        }
    };
    if host.is_empty() || host.len() > limit || host.contains('\0') {
        return Err(StartError::InvalidHost { host, limit });
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

fn new_node(owner: &Owner, jobs: &Jobs, lease: Duration) -> NewNode {
    NewNode {
        boot: owner.boot,
        host: owner.host.to_string(),
        lease_ms: i64::try_from(lease.as_millis()).unwrap_or(i64::MAX),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        plans: roster::told(jobs.iter().map(|(name, job)| (*name, job.plan()))),
    }
}

/// The runtime of the engine's own tasks: a thread that user code cannot block, or the caller's.
enum EngineRuntime {
    Own(Runtime),
    Callers(Handle),
}

impl EngineRuntime {
    fn new(is_callers: bool) -> std::io::Result<Self> {
        if is_callers {
            return Ok(Self::Callers(Handle::current()));
        }
        Builder::new_current_thread().enable_all().build().map(Self::Own)
    }

    /// The storage for the engine's calls, whose connections belong to the engine's runtime.
    fn storage(&self, clients: &Arc<dyn JobStorage>) -> Arc<dyn JobStorage> {
        let _entered = self.handle().enter();
        clients.for_engine().unwrap_or_else(|| Arc::clone(clients))
    }

    fn handle(&self) -> Handle {
        match self {
            Self::Own(runtime) => runtime.handle().clone(),
            Self::Callers(handle) => handle.clone(),
        }
    }

    fn run(self, lives: Arc<Lives>) -> std::io::Result<Finished> {
        match self {
            Self::Callers(handle) => Ok(Finished::Task(handle.spawn(lives.run()))),
            Self::Own(runtime) => {
                let (finished, is_finished) = oneshot::channel();
                let (hand_over, handed_over) = std::sync::mpsc::channel::<Runtime>();
                let thread = std::thread::Builder::new().name("vtask-engine".to_owned()).spawn(move || {
                    let Ok(runtime) = handed_over.recv() else { return };
                    runtime.block_on(lives.run());
                    // Nobody hears it where the center was dropped.
                    let _ = finished.send(());
                });
                match thread {
                    Ok(_) => hand_over.send(runtime).expect("the thread waits for it"),
                    Err(error) => {
                        // To drop a runtime is a panic where others run.
                        runtime.shutdown_background();
                        return Err(error);
                    }
                }
                Ok(Finished::Thread(is_finished))
            }
        }
    }
}
