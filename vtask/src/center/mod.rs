//! A node: runs the jobs that are registered with it.

mod builder;
mod health;
mod lives;
mod signal;
mod start;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use std::{fmt, io};

use tokio::task::JoinHandle;
use tokio::time::timeout;

pub use self::builder::JobCenterBuilder;
pub use self::health::{EngineState, Health, HealthProbe, PausedJobs, WaitingJobs};
use self::lives::Lives;
pub use self::start::StartError;
use crate::client::{Client, InvokeJson};
use crate::engine::{Jobs, Phase};
use crate::invoke::InvokeError;

/// Runs jobs: claims what is due of the registered ones, executes their steps, records each.
///
/// End it with [`shutdown`](Self::shutdown). A center that is dropped without it ends as a crash does: nothing more is
/// written, and its jobs go on at the next start of the same host, or on another node after the lease.
#[must_use = "a center that is dropped stops as in a crash"]
pub struct JobCenter {
    client: Client,
    lives: Arc<Lives>,
    jobs: Jobs,
    host: String,
    finished: Finished,
}

/// The engine has so long to end after its last write; only a storage call that never answers takes longer.
const LAST_CALL: Duration = Duration::from_secs(5);

/// Where the engine runs.
enum Finished {
    Thread(tokio::sync::oneshot::Receiver<()>),
    Task(JoinHandle<()>),
}

/// What became of the jobs that a center held when it was told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Shutdown {
    /// They ended or were paused.
    pub finished: u64,
    /// They were handed over, with the step that ran recorded and no attempt spent.
    pub handed_over: u64,
    /// Their step did not end within the grace and was dropped; it runs again on another node or after the next start,
    /// and no attempt is spent.
    pub dropped: u64,
}

impl fmt::Debug for JobCenter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobCenter").field("host", &self.host).field("jobs", &self.jobs.keys()).finish_non_exhaustive()
    }
}

impl JobCenter {
    /// Sets up a center on a client.
    pub fn builder(client: &Client) -> JobCenterBuilder {
        JobCenterBuilder::new(client.clone())
    }

    /// The client that it works on.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The name that it has in all its lives.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Saves a job by its name, with data as JSON and a keyword, once the name and the shape of the data are checked
    /// against the registered jobs.
    ///
    /// # Errors
    ///
    /// [`InvokeError::NoSuchJob`] if no job of the name is registered, [`InvokeError::Input`] with the position if the
    /// JSON is not its data; awaiting the builder has the other errors of [`InvokeError`].
    pub fn invoke_json(
        &self,
        name: &str,
        json: impl Into<String>,
        keyword: impl Into<String>,
    ) -> Result<InvokeJson, InvokeError> {
        let Some(job) = self.jobs.get(name) else {
            let known = self.jobs.keys().map(|name| (*name).to_owned()).collect();
            return Err(InvokeError::NoSuchJob { name: name.to_owned(), known });
        };
        let json = json.into();
        job.check_data(&json).map_err(|source| InvokeError::Input { name: name.to_owned(), source })?;
        Ok(self.client.invoke_json(job.plan().name, json, keyword).formerly(job.plan().was))
    }

    /// Stops: claims nothing more, lets running steps finish and be saved, and hands the rest over.
    ///
    /// A step that runs longer than the grace is dropped, so this takes the grace at most, or twice the grace if a step
    /// then blocks its thread. A storage that fails is waited for. Jobs may still be invoked on the client; they run
    /// elsewhere or after the next start.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: a future that is dropped leaves the center as a crash does, maybe in the middle of a storage
    /// call.
    pub async fn shutdown(self) -> Shutdown {
        let engine = self.lives.last();
        engine.stop().await;
        let mut center = self;
        let is_late = match &mut center.finished {
            Finished::Thread(finished) => timeout(LAST_CALL, finished).await.is_err(),
            Finished::Task(task) => timeout(LAST_CALL, task).await.is_err(),
        };
        if is_late {
            engine.abandon();
        }
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counts = &engine.counts;
        Shutdown {
            finished: count(&counts.finished),
            handed_over: count(&counts.handed_over),
            dropped: count(&counts.dropped),
        }
    }

    /// Works until the process is told to end, by Ctrl-C or SIGTERM, and then shuts down.
    ///
    /// # Errors
    ///
    /// If the signals cannot be listened to; the center then ends as in a crash.
    ///
    /// # Cancel safety
    ///
    /// As [`shutdown`](Self::shutdown): a future that is dropped leaves the center as a crash does.
    pub async fn run_until_signal(self) -> io::Result<Shutdown> {
        signal::told_to_end().await?;
        tokio::select! {
            biased;
            shutdown = self.shutdown() => Ok(shutdown),
            again = signal::told_to_end() => Err(again.err().unwrap_or_else(|| {
                io::Error::new(io::ErrorKind::Interrupted, "told to end again while shutting down")
            })),
        }
    }
}

impl Drop for JobCenter {
    fn drop(&mut self) {
        let engine = self.lives.last();
        if !engine.phases.is(Phase::Ended) {
            engine.abandon();
        }
    }
}
