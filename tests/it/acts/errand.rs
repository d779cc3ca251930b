//! Jobs that stop in the state that a test wants them in.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use vtask::{Attempt, JobContext, job, retry_after, stop};

use crate::log::Log;

/// What the first run of a job does; a restarted one waits for the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Deed {
    /// Waits for the gate, whatever it is told.
    Waits,
    /// Waits for a retry, which is so many seconds away.
    Retries(u64),
    /// Succeeds.
    Passes,
    /// Succeeds; then its callback waits for the gate.
    CallsBack,
    /// Fails for good.
    Stops,
}

#[derive(Debug, Serialize, Deserialize, JobContext)]
pub(super) struct Data {
    #[context(keyword)]
    pub(super) keyword: String,
    pub(super) deed: Deed,
}

/// The work of both jobs.
#[derive(Clone)]
pub(super) struct Work {
    /// What ran of which job.
    pub(super) log: Log,
    pub(super) gate: watch::Sender<bool>,
}

impl Work {
    fn note(&self, data: &Data, what: &str) {
        self.log.add(format!("{} {what}", data.keyword));
    }

    async fn pass_gate(&self) {
        self.gate.subscribe().wait_for(|open| *open).await.expect("the test keeps the gate");
    }

    async fn first(&self, data: &Data, attempt: &Attempt) -> anyhow::Result<u32> {
        self.note(data, "first");
        match data.deed {
            _ if attempt.restarts() > 0 => self.pass_gate().await,
            Deed::Waits => self.pass_gate().await,
            Deed::Retries(seconds) if !*self.gate.borrow() => {
                return Err(retry_after(Duration::from_secs(seconds), "not yet"));
            }
            Deed::Stops => return Err(stop("never")),
            Deed::Retries(_) | Deed::Passes | Deed::CallsBack => {}
        }
        Ok(1)
    }

    async fn thank(&self, data: &Data) {
        self.note(data, "thank");
        if data.deed == Deed::CallsBack {
            self.pass_gate().await;
        }
    }
}

/// A job that the living node runs.
pub(super) struct Errand(pub(super) Work);

#[job]
impl Errand {
    #[step(retry = always)]
    async fn first(&self, data: &Data, attempt: &Attempt) -> anyhow::Result<u32> {
        self.0.first(data, attempt).await
    }

    #[step]
    async fn second(&self, data: &Data, first: &u32) -> anyhow::Result<u32> {
        self.0.note(data, "second");
        Ok(first + 1)
    }

    #[on_success]
    async fn thank(&self, data: &Data) -> anyhow::Result<()> {
        self.0.thank(data).await;
        Ok(())
    }

    #[on_failure]
    async fn undo(&self, data: &Data) -> anyhow::Result<()> {
        self.0.note(data, "undo");
        Ok(())
    }
}

/// A job that no living node runs until the gate is open.
pub(super) struct Orphan(pub(super) Work);

#[job]
impl Orphan {
    #[step(retry = always)]
    async fn first(&self, data: &Data, attempt: &Attempt) -> anyhow::Result<u32> {
        self.0.first(data, attempt).await
    }

    #[step]
    async fn second(&self, data: &Data, first: &u32) -> anyhow::Result<u32> {
        self.0.note(data, "second");
        Ok(first + 1)
    }

    #[on_success]
    async fn thank(&self, data: &Data) -> anyhow::Result<()> {
        self.0.thank(data).await;
        Ok(())
    }

    #[on_failure]
    async fn undo(&self, data: &Data) -> anyhow::Result<()> {
        self.0.note(data, "undo");
        Ok(())
    }
}
