//! Asking for the health of a center.

use std::fmt;
use std::sync::{Arc, Weak};

use vtask_storage::StorageError;

use super::{BOUNDS, EngineState, Health};
use crate::center::JobCenter;
use crate::center::lives::Lives;
use crate::client::Client;

/// Looks at the health of a center from elsewhere, such as a web endpoint: also while the center shuts down, and after
/// it. Cheap to clone; it keeps nothing of the center alive but its client.
///
/// [`JobCenter::health_probe`] makes one.
#[derive(Clone)]
pub struct HealthProbe {
    client: Client,
    lives: Weak<Lives>,
}

impl fmt::Debug for HealthProbe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HealthProbe").field("engine", &self.engine()).finish_non_exhaustive()
    }
}

impl HealthProbe {
    /// How far the engine is, by what this process knows; the storage is not asked.
    #[must_use]
    pub fn engine(&self) -> EngineState {
        self.lives.upgrade().map_or(EngineState::Ended, |lives| lives.state())
    }

    /// How the center and the jobs of its database are getting on; see [`JobCenter::health`].
    ///
    /// # Errors
    ///
    /// [`StorageError`] if the storage fails.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn health(&self) -> Result<Health, StorageError> {
        let overview = self.client.call_once(|storage| async move { storage.overview(BOUNDS).await }).await?;
        Ok(Health::new(self.engine(), overview))
    }
}

impl JobCenter {
    /// How this center and the jobs of its database are getting on.
    ///
    /// It costs an index look-up for each name of jobs that are in nobody's hands, a look at up to 1000 paused jobs, and
    /// one at the nodes, however large the table is: call it every few seconds if you like. A storage that fails is asked
    /// once and not waited for; one that does not answer is, so set a time limit.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if the storage fails.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    ///
    /// # Examples
    ///
    /// What a readiness endpoint answers, also while [`run_until_signal`](Self::run_until_signal) has the center:
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use vtask::HealthProbe;
    ///
    /// async fn ready(probe: HealthProbe) -> (u16, String) {
    ///     match tokio::time::timeout(Duration::from_secs(2), probe.health()).await {
    ///         Ok(Ok(health)) if health.is_well() => (200, health.to_string()),
    ///         Ok(Ok(health)) => (503, health.to_string()),
    ///         Ok(Err(error)) => (503, error.to_string()),
    ///         Err(_) => (503, "the storage does not answer".to_owned()),
    ///     }
    /// }
    ///
    /// # use vtask::{Client, JobCenter, job};
    /// # struct Greet;
    /// # #[job]
    /// # impl Greet {
    /// #     #[step]
    /// #     async fn greet(&self) -> anyhow::Result<()> { Ok(()) }
    /// # }
    /// # #[tokio::main]
    /// # async fn main() -> anyhow::Result<()> {
    /// # let client = Client::in_memory();
    /// let center = JobCenter::builder(&client).register(Greet).start().await?;
    /// let probe = center.health_probe();
    /// assert_eq!(ready(probe.clone()).await, (200, "the engine works".to_owned()));
    ///
    /// center.shutdown().await?;
    /// assert_eq!(ready(probe).await, (503, "the engine has ended".to_owned()));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn health(&self) -> Result<Health, StorageError> {
        self.health_probe().health().await
    }

    /// A handle that looks at the health of this center, and does not need the center for it.
    #[must_use]
    pub fn health_probe(&self) -> HealthProbe {
        HealthProbe { client: self.client.clone(), lives: Arc::downgrade(&self.lives) }
    }
}
