//! Telling other processes that jobs may be due.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use vtask_storage::{Announcements, JobStorage};

use crate::answer::answer;

/// Announcements are so far apart: what comes meanwhile goes into the next one.
const APART: Duration = Duration::from_millis(5);

/// Tells other processes that jobs may be due, where the storage has a way to. A hint: nobody waits for it.
pub(crate) struct Announcer {
    storage: Arc<dyn JobStorage>,
    channel: Option<Arc<dyn Announcements>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    is_sending: bool,
    /// Whether something has come since the last one was sent.
    has_more: bool,
}

impl Announcer {
    pub(crate) fn new(storage: Arc<dyn JobStorage>) -> Arc<Self> {
        let channel = storage.announcements();
        Arc::new(Self { storage, channel, state: Mutex::default() })
    }

    /// The first goes out at once.
    pub(crate) fn announce(self: &Arc<Self>) {
        let Some(channel) = self.channel.clone() else { return };
        let is_under_way = {
            let mut state = self.lock();
            state.has_more = state.is_sending;
            std::mem::replace(&mut state.is_sending, true)
        };
        if !is_under_way {
            let announcer = Arc::clone(self);
            tokio::spawn(async move { announcer.send(&*channel).await });
        }
    }

    async fn send(&self, channel: &dyn Announcements) {
        loop {
            if let Err(error) = answer(&*self.storage, channel.announce()).await {
                tracing::debug!(error = %crate::flow::message(&error), "other processes were not told of due jobs");
            }
            tokio::time::sleep(APART).await;
            if self.is_done() {
                return;
            }
        }
    }

    fn is_done(&self) -> bool {
        let mut state = self.lock();
        let has_more = std::mem::take(&mut state.has_more);
        state.is_sending = has_more;
        !has_more
    }

    // Nothing under this lock can panic half-way.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
