//! Jobs that several tests run.

use std::sync::Arc;

use tokio::sync::Semaphore;
use vtask::job;

use crate::log::Log;

/// Ends at once with 1.
#[derive(Clone, Default)]
pub(crate) struct Once {
    pub(crate) log: Log,
}

#[job]
impl Once {
    #[step]
    pub(crate) async fn only(&self) -> anyhow::Result<u32> {
        self.log.add("only");
        Ok(1)
    }
}

/// Waits for a permit, so that a test decides when it ends.
#[derive(Clone)]
pub(crate) struct Gated {
    pub(crate) log: Log,
    pub(crate) gate: Arc<Semaphore>,
}

impl Gated {
    pub(crate) fn closed() -> Self {
        Self { log: Log::default(), gate: Arc::new(Semaphore::new(0)) }
    }
}

#[job]
impl Gated {
    #[step]
    pub(crate) async fn only(&self) -> anyhow::Result<u32> {
        self.log.add("only");
        self.gate.acquire().await?.forget();
        Ok(1)
    }
}

/// Ends at once with 1, and has a callback.
#[derive(Clone, Default)]
pub(crate) struct Thanks {
    pub(crate) log: Log,
}

#[job]
impl Thanks {
    #[step]
    pub(crate) async fn only(&self) -> anyhow::Result<u32> {
        Ok(1)
    }

    #[on_success]
    pub(crate) async fn thank(&self) -> anyhow::Result<()> {
        self.log.add("thank");
        Ok(())
    }
}
