//! Stopping a center.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::timeout;

use super::{Finished, JobCenter, signal};
use crate::engine::{Engine, Phase};

/// The engine has so long to end after its last write; only a storage call that never answers takes longer.
const LAST_CALL: Duration = Duration::from_secs(5);

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

impl Shutdown {
    fn of(engine: &Engine) -> Self {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counts = &engine.counts;
        Self {
            finished: count(&counts.finished),
            handed_over: count(&counts.handed_over),
            dropped: count(&counts.dropped),
        }
    }
}

/// Why a center has ended as in a crash. What it had not recorded is repeated elsewhere or after the next start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShutdownError {
    /// The storage did not take the last writes in time, or another process has taken the jobs over.
    #[error("the last writes were not taken; the running steps of {held} jobs will be repeated")]
    Unrecorded {
        /// How many jobs were still held.
        held: u64,
    },
    /// The engine had ended by itself before, because the storage refused it or its runtime ended.
    #[error("the engine had ended before, as in a crash")]
    EngineEnded,
    /// The process was told to end a second time.
    #[error("told to end again while shutting down")]
    Interrupted,
    /// The signals cannot be listened to.
    #[error("the signals to end cannot be listened to")]
    Signals(#[source] io::Error),
}

impl Finished {
    /// Waits until the engine has ended.
    async fn wait(&mut self) {
        match self {
            // It ended also where its thread panicked and says nothing.
            Self::Thread(finished) => drop(finished.await),
            Self::Task(task) => drop(task.await),
        }
    }
}

impl JobCenter {
    /// Stops: claims nothing more, lets running steps finish and be saved, and hands the rest over.
    ///
    /// A step that runs longer than the grace is dropped. So this takes the grace at most, and about 10 s more where the
    /// storage does not answer or a step blocks its thread. Jobs may still be invoked on the client; they run elsewhere or
    /// after the next start.
    ///
    /// # Errors
    ///
    /// [`ShutdownError::Unrecorded`] if the storage did not take what was left to write,
    /// [`ShutdownError::EngineEnded`] if the engine had ended before.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: a future that is dropped leaves the center as a crash does, maybe in the middle of a storage
    /// call.
    pub async fn shutdown(mut self) -> Result<Shutdown, ShutdownError> {
        let engine = self.lives.last();
        if engine.phases.is(Phase::Ended) {
            return Err(ShutdownError::EngineEnded);
        }
        engine.stop().await.map_err(|held| ShutdownError::Unrecorded { held })?;
        if timeout(LAST_CALL, self.finished.wait()).await.is_err() {
            // All jobs are written; what is left behind is the node's own row.
            engine.abandon();
        }
        Ok(Shutdown::of(&engine))
    }

    /// Works until the process is told to end, by Ctrl-C or SIGTERM, and then shuts down.
    ///
    /// # Errors
    ///
    /// As [`shutdown`](Self::shutdown), also before a signal; [`ShutdownError::Interrupted`] if a second signal comes
    /// meanwhile, [`ShutdownError::Signals`] if signals cannot be listened to. The center then ends as in a crash.
    ///
    /// # Cancel safety
    ///
    /// As [`shutdown`](Self::shutdown): a future that is dropped leaves the center as a crash does.
    pub async fn run_until_signal(mut self) -> Result<Shutdown, ShutdownError> {
        tokio::select! {
            biased;
            told = signal::told_to_end() => told.map_err(ShutdownError::Signals)?,
            () = self.finished.wait() => return Err(ShutdownError::EngineEnded),
        }
        tokio::select! {
            biased;
            shutdown = self.shutdown() => shutdown,
            again = signal::told_to_end() => Err(again.err().map_or(ShutdownError::Interrupted, ShutdownError::Signals)),
        }
    }
}
