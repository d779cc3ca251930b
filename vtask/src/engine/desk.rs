//! Where a job's runner can be reached by the rest of the engine: what is asked of it, and the runner itself while the
//! user's code has its thread.

use std::any::Any;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use vtask_storage::value::Request;

use super::runner::Runner;
use crate::job::erased::Finished;
use crate::told::until;

/// The task of a body. One that began in its runner's own task is that task.
pub(super) type Running = JoinHandle<Option<Finished>>;

/// One for each job that this process holds.
#[derive(Default)]
pub(super) struct Desk {
    /// The code of what is asked.
    request: AtomicI32,
    asked: Notify,
    /// Whether the end of the job was told to those who waited.
    is_settled: AtomicBool,
    /// When a body was first polled in the runner's own task and has not come back: milliseconds of the engine, from 1;
    /// 0 while none is.
    away_since: AtomicU64,
    stage: Mutex<Stage>,
}

#[derive(Default)]
struct Stage {
    /// A runner, without its type: else whatever lies behind it would count as a part of the user's own handles, whom
    /// lints then tell how to drop them.
    away: Option<Box<dyn Any + Send>>,
    /// Of the last runner that was left here.
    serial: u64,
    /// The task that the runner works in.
    task: Option<Running>,
}

impl Stage {
    fn take(&mut self) -> Option<Box<Runner>> {
        self.away.take()?.downcast().ok()
    }
}

/// Which of the runners that were left at a desk it was.
#[derive(Debug, Clone, Copy)]
pub(super) struct Left(u64);

impl Desk {
    /// What is asked of the job's holder, and not forgotten.
    pub(super) fn request(&self) -> Request {
        Request::from_code(self.request.load(Ordering::Acquire)).unwrap_or_default()
    }

    /// Asks; what was asked before may stand.
    pub(super) fn ask(&self, request: Request) {
        let present = self.request();
        if request != present && request.replaces(present) {
            self.request.store(request.code(), Ordering::Release);
            self.asked.notify_waiters();
        }
    }

    pub(super) fn forget(&self) {
        self.request.store(Request::None.code(), Ordering::Release);
    }

    /// Says that its end is told, or that nobody need wait to be told. Whether that is new.
    pub(super) fn settle(&self) -> bool {
        !self.is_settled.swap(true, Ordering::AcqRel)
    }

    pub(super) fn is_settled(&self) -> bool {
        self.is_settled.load(Ordering::Acquire)
    }

    /// Waits until something of this kind is asked.
    pub(super) async fn asked(&self, what: fn(Request) -> bool) {
        until(&self.asked, || what(self.request())).await;
    }

    /// Says which task the runner works in, so that it can be left to the body.
    pub(super) fn work_in(&self, task: Running) {
        self.lock().task = Some(task);
    }

    /// Leaves the runner here while the user's code has its thread; the answer takes it back.
    pub(super) fn leave(&self, away: Box<Runner>, now: u64) -> Left {
        let mut stage = self.lock();
        stage.serial += 1;
        stage.away = Some(away);
        self.away_since.store(now.max(1), Ordering::Release);
        Left(stage.serial)
    }

    /// Takes the runner back, unless somebody else had to.
    pub(super) fn come_back(&self, left: Left) -> Option<Box<Runner>> {
        let mut stage = self.lock();
        // One that was relieved may have left here again, for a later body.
        if stage.serial != left.0 {
            return None;
        }
        self.away_since.store(0, Ordering::Release);
        stage.take()
    }

    /// Takes a runner that has been away for so long, and leaves its task to the body.
    pub(super) fn relieve(&self, now: u64, longest: Duration) -> Option<(Box<Runner>, Running)> {
        let since = self.away_since.load(Ordering::Acquire);
        if since == 0 || u128::from(now.saturating_sub(since)) < longest.as_millis() {
            return None;
        }
        let mut stage = self.lock();
        // It may have come back meanwhile, and be away again for another body: then this is early, and does no harm.
        let task = stage.away.is_some().then(|| stage.task.take()).flatten()?;
        self.away_since.store(0, Ordering::Release);
        Some((stage.take()?, task))
    }

    // Nothing under this lock can panic half-way.
    fn lock(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Milliseconds since `epoch`.
pub(super) fn millis_since(epoch: Instant, now: Instant) -> u64 {
    u64::try_from(now.saturating_duration_since(epoch).as_millis()).unwrap_or(u64::MAX)
}
