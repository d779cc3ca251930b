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
            tokio::spawn(Sending { announcer: Arc::clone(self), is_done: false }.run(channel));
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

/// The task that sends until nothing more has come.
struct Sending {
    announcer: Arc<Announcer>,
    is_done: bool,
}

impl Sending {
    async fn run(mut self, channel: Arc<dyn Announcements>) {
        while !self.is_done {
            if let Err(error) = answer(&*self.announcer.storage, channel.announce()).await {
                tracing::debug!(error = %crate::flow::message(&error), "other processes were not told of due jobs");
            }
            tokio::time::sleep(APART).await;
            self.is_done = self.announcer.is_done();
        }
    }
}

impl Drop for Sending {
    /// A runtime that ends drops the task half-way. The next announcement goes out on that of its caller.
    fn drop(&mut self) {
        if !self.is_done {
            *self.announcer.lock() = State::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;
    use tokio::runtime::Runtime;
    use vtask_storage::{Listener, MemoryStorage, StorageError};

    use super::*;

    #[derive(Default)]
    struct Counting(AtomicUsize);

    #[async_trait]
    impl Announcements for Counting {
        async fn announce(&self) -> Result<(), StorageError> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }

        async fn listen(&self) -> Result<Box<dyn Listener>, StorageError> {
            Err(StorageError::Unavailable("nobody listens here".into()))
        }
    }

    #[test]
    fn runtime_that_ends_silences_nobody_else() {
        let channel = Arc::new(Counting::default());
        let (storage, state) = (Arc::new(MemoryStorage::default()), Mutex::default());
        let announcer = Arc::new(Announcer { storage, channel: Some(channel.clone()), state });
        for _ in 0..2 {
            let runtime = Runtime::new().unwrap();
            runtime.block_on(async { announcer.announce() });
        }
        let runtime = Runtime::new().unwrap();
        let before = channel.0.load(Ordering::Relaxed);
        runtime.block_on(async {
            announcer.announce();
            tokio::time::sleep(APART * 20).await;
        });
        assert!(channel.0.load(Ordering::Relaxed) > before);
    }
}
