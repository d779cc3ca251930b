//! Setting up a center.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::JobCenter;
use super::start::{StartError, start};
use crate::client::Client;
use crate::job::Job;
use crate::job::erased::{AnyJob, Registered};

/// Settings of a [`JobCenter`].
#[must_use = "a builder does nothing until `start`"]
pub struct JobCenterBuilder {
    pub(super) client: Client,
    pub(super) host: Option<String>,
    pub(super) concurrency: usize,
    pub(super) transactions: usize,
    pub(super) grace: Duration,
    pub(super) lease: Duration,
    pub(super) on_this_runtime: bool,
    pub(super) jobs: Vec<Arc<dyn AnyJob>>,
}

impl fmt::Debug for JobCenterBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let jobs: Vec<&str> = self.jobs.iter().map(|job| job.plan().name).collect();
        f.debug_struct("JobCenterBuilder").field("host", &self.host).field("jobs", &jobs).finish_non_exhaustive()
    }
}

impl JobCenterBuilder {
    pub(super) fn new(client: Client) -> Self {
        let (concurrency, grace, lease) = (256, Duration::from_secs(30), Duration::from_secs(15));
        Self {
            client,
            host: None,
            concurrency,
            transactions: 4,
            grace,
            lease,
            on_this_runtime: false,
            jobs: Vec::new(),
        }
    }

    /// Names the node, the same in all its lives and different from every other node: 1 to 64 bytes.
    ///
    /// A start under a name takes up at once what a former life of that name left; one that still runs loses its
    /// running attempts to this one, and no recorded step, and goes on as `host~…`. Without it the environment variable
    /// `VTASK_HOST` names the node; without that, the machine's name and a random suffix. Then nobody knows the next
    /// start for the one that crashed, and what that left is taken over after the [`lease`](Self::lease).
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.host = Some(host.into());
        self
    }

    /// How many jobs run at a time, at least 1; 256 unless this says otherwise.
    ///
    /// A job that waits for a retry or, inside a step, for another job does not count.
    pub fn concurrency(mut self, jobs: usize) -> Self {
        self.concurrency = jobs;
        self
    }

    /// How many steps that take a `&DatabaseTransaction` run at a time, each on a connection of its own beside the others,
    /// at least 1; 4 unless this says otherwise, and always 1 on SQLite, which has one writer.
    pub fn transactions(mut self, steps: usize) -> Self {
        self.transactions = steps;
        self
    }

    /// How long a step may go on when the node stops or its job is cancelled; 30 s unless this says otherwise.
    ///
    /// After it the step is dropped. One that does not end by that, because it blocks its thread, is waited for as long
    /// again; then it is left behind with its slot.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// How long this node may show no life before the others take over what it runs; 15 s unless this says otherwise, and
    /// at least 5 s.
    ///
    /// It sends three heartbeats in that time. At 15 s a death is repaired within 23 s: the lease, the heartbeat before it,
    /// and the looks of the others, 2 s apart. A shorter one repairs sooner, and calls a node dead that a loaded machine
    /// or database held up for so long; then the steps that ran are repeated, and no recorded one.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Runs the engine on the runtime that calls [`start`](Self::start), and not on a thread of its own.
    ///
    /// For tests with a paused clock. In production user code that blocks the runtime would then also stop the engine.
    pub fn on_this_runtime(mut self) -> Self {
        self.on_this_runtime = true;
        self
    }

    /// Has the center run this job; the value holds what its steps need to work.
    pub fn register<J: Job>(self, job: J) -> Self {
        self.register_any(Arc::new(Registered::new(job)))
    }

    pub(crate) fn register_any(mut self, job: Arc<dyn AnyJob>) -> Self {
        self.jobs.push(job);
        self
    }

    /// Starts to work. Steps run on the runtime that calls this.
    ///
    /// # Errors
    ///
    /// [`StartError`] if no job or two jobs of one name are registered, if a step takes a
    /// `&DatabaseTransaction` that the storage does not have, if a setting cannot be, or if the storage fails.
    ///
    /// # Panics
    ///
    /// If it is called outside a tokio runtime.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped after its first poll may have put the node on the list all the same: it may have taken the
    /// jobs of a former process of its host, which then wait until its lease is over.
    pub async fn start(self) -> Result<JobCenter, StartError> {
        start(self).await
    }
}
