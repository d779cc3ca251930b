//! A node: runs the jobs that are registered with it.

mod builder;
mod health;
mod lives;
mod shutdown;
mod signal;
mod start;

use std::fmt;
use std::sync::Arc;

use tokio::task::JoinHandle;

pub use self::builder::JobCenterBuilder;
pub use self::health::{DueJobs, EngineState, Health, HealthProbe, PausedJobs};
use self::lives::Lives;
pub use self::shutdown::{Shutdown, ShutdownError};
pub use self::start::StartError;
use crate::client::{Client, InvokeJson};
use crate::engine::{Jobs, Phase};

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

/// Where the engine runs.
enum Finished {
    Thread(tokio::sync::oneshot::Receiver<()>),
    Task(JoinHandle<()>),
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

    /// The name that it was started under; one that another process has taken goes on as `host~…`.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Saves a job by its name, with data as JSON and a keyword, once the name and the shape of the data are checked
    /// against the registered jobs.
    ///
    /// Awaiting the builder gives [`NoSuchJob`](crate::InvokeError::NoSuchJob) if no job of the name is registered,
    /// [`InvalidData`](crate::InvokeError::InvalidData) with the position if the JSON is not its data, or another
    /// [`InvokeError`](crate::InvokeError).
    pub fn invoke_json(
        &self,
        name: impl Into<String>,
        json: impl Into<String>,
        keyword: impl Into<String>,
    ) -> InvokeJson {
        self.client.invoke_known(&self.jobs, name, json, keyword)
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
