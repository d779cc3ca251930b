//! Hearing from other processes that jobs may be due.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use vtask_storage::{Announcements, StorageError};

use super::{Engine, Phase};
use crate::env::Backoff;

impl Engine {
    /// Looks for what is due whenever another process says that something may be.
    pub(super) async fn listen_until_stopped(&self) {
        let Some(channel) = self.storage.announcements() else { return };
        let mut backoff = Backoff::default();
        while !self.phases.is(Phase::Stopping) {
            let error = tokio::select! {
                biased;
                () = self.phases.reach(Phase::Stopping) => return,
                heard = self.listen(&channel, &mut backoff) => heard.err(),
            };
            self.hears.store(false, Ordering::Relaxed);
            if let Some(error) = error {
                tracing::debug!(error = %crate::flow::message(&error), "nothing is heard from other processes");
            }
            backoff.wait(&self.env).await;
        }
    }

    async fn listen(&self, channel: &Arc<dyn Announcements>, backoff: &mut Backoff) -> Result<(), StorageError> {
        let mut listener = channel.listen().await?;
        *backoff = Backoff::default();
        self.hears.store(true, Ordering::Relaxed);
        loop {
            // Also at first: what came before was not heard.
            self.poke();
            listener.heard().await?;
        }
    }
}
