//! Group commit: what arrives while a call is under way goes into the next one.
//!
//! A lone item is sent at once, as a batch of one. Nobody is answered before the storage has acknowledged his batch.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::Instant;
use vtask_storage::StorageError;

use crate::env::{Backoff, Env};

/// At most so many items are in one call.
const MOST_ROWS: usize = 256;
/// At most so many bytes are in one call, unless one item alone is larger.
const MOST_BYTES: usize = 4 << 20;
/// So many items may wait; whoever comes then waits until there is room.
const ROOM: usize = 4096;

/// A storage call that takes several items and answers each.
pub(crate) trait Batch: Send + Sync + 'static {
    type Item: Send + Sync + 'static;
    type Answer: Send + 'static;

    /// How much of a call an item fills.
    fn bytes(item: &Self::Item) -> usize;

    /// Makes the call. It may be made again with the same items, and then answers the same.
    fn send(&self, items: &[Self::Item]) -> impl Future<Output = Result<Vec<Self::Answer>, StorageError>> + Send;
}

/// The queue in front of such a call; clones share it.
pub(crate) struct Group<B: Batch>(Arc<Inner<B>>);

struct Inner<B: Batch> {
    batch: B,
    env: Env,
    /// Where the calls run; where the first of a batch was submitted, if `None`.
    runtime: Option<Handle>,
    /// How long a storage that fails for a while is waited for; for ever, if `None`.
    patience: Option<Duration>,
    room: Semaphore,
    closed: AtomicBool,
    queue: Mutex<Queue<B>>,
}

struct Queue<B: Batch> {
    waiting: VecDeque<(B::Item, Reply<B>)>,
    is_draining: bool,
}

/// The item comes back with its answer.
type Reply<B> = oneshot::Sender<Result<(<B as Batch>::Item, <B as Batch>::Answer), StorageError>>;

/// Items of one call, and who waits for each.
type Part<B> = (Vec<<B as Batch>::Item>, Vec<Reply<B>>);

impl<B: Batch> Clone for Group<B> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<B: Batch> Group<B> {
    pub(crate) fn new(batch: B, env: Env, runtime: Option<Handle>, patience: Option<Duration>) -> Self {
        let queue = Mutex::new(Queue { waiting: VecDeque::new(), is_draining: false });
        let room = Semaphore::new(ROOM);
        Self(Arc::new(Inner { batch, env, runtime, patience, room, closed: AtomicBool::new(false), queue }))
    }

    /// Sends an item with the next call, waits for its answer, and gives both.
    ///
    /// # Cancel safety
    ///
    /// A dropped future leaves its item in the queue: it is sent, and nobody hears the answer.
    pub(crate) async fn submit(&self, item: B::Item) -> Result<(B::Item, B::Answer), StorageError> {
        let permit = self.0.room.acquire().await;
        let (reply, answer) = oneshot::channel();
        self.push(item, reply);
        let answer = answer.await;
        drop(permit);
        answer.unwrap_or_else(|_| Err(StorageError::Unavailable("the runtime that sent the call has ended".into())))
    }

    /// Gives up on a storage that fails, from now on.
    pub(crate) fn close(&self) {
        self.0.closed.store(true, Ordering::Relaxed);
    }

    /// Whether nothing is queued or under way.
    pub(crate) fn is_idle(&self) -> bool {
        !self.0.lock().is_draining
    }

    fn push(&self, item: B::Item, reply: Reply<B>) {
        let mut queue = self.0.lock();
        queue.waiting.push_back((item, reply));
        if !queue.is_draining {
            queue.is_draining = true;
            let runtime = self.0.runtime.clone().unwrap_or_else(Handle::current);
            runtime.spawn(Drain { inner: Arc::clone(&self.0), is_done: false }.run());
        }
    }
}

impl<B: Batch> Inner<B> {
    fn lock(&self) -> MutexGuard<'_, Queue<B>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next batch, or `None` when the queue is empty; then the next item starts a new drain.
    fn take(&self) -> Option<Part<B>> {
        let mut queue = self.lock();
        let (mut items, mut replies, mut bytes) = (Vec::new(), Vec::new(), 0);
        while let Some((item, _)) = queue.waiting.front() {
            bytes += B::bytes(item);
            if items.len() == MOST_ROWS || (bytes > MOST_BYTES && !items.is_empty()) {
                break;
            }
            let (item, reply) = queue.waiting.pop_front().expect("the front was just looked at");
            items.push(item);
            replies.push(reply);
        }
        queue.is_draining = !items.is_empty();
        queue.is_draining.then_some((items, replies))
    }

    /// Sends a batch until the storage answers, and splits it down to the culprit where the storage refuses it.
    async fn commit(&self, part: Part<B>) {
        let mut parts = vec![part];
        while let Some((mut items, mut replies)) = parts.pop() {
            match self.send(&items).await {
                Ok(answers) => {
                    let answered = items.into_iter().zip(answers);
                    answered.zip(replies).for_each(|(answered, reply)| tell(reply, Ok(answered)));
                }
                Err(error) if items.len() == 1 => tell(replies.remove(0), Err(error)),
                Err(error) if error.is_transient() => {
                    let message = crate::flow::message(&error);
                    let error = || StorageError::Unavailable(message.clone().into());
                    replies.into_iter().for_each(|reply| tell(reply, Err(error())));
                }
                Err(_) => {
                    let half = items.len() / 2;
                    parts.push((items.split_off(half), replies.split_off(half)));
                    parts.push((items, replies));
                }
            }
        }
    }

    async fn send(&self, items: &[B::Item]) -> Result<Vec<B::Answer>, StorageError> {
        let (begun, mut backoff) = (Instant::now(), Backoff::default());
        loop {
            let error = match self.batch.send(items).await {
                Err(error) if error.is_transient() => error,
                answer => return answer,
            };
            let is_late = self.patience.is_some_and(|patience| begun.elapsed() >= patience);
            if is_late || self.closed.load(Ordering::Relaxed) {
                return Err(error);
            }
            tracing::warn!(error = %crate::flow::message(&error), rows = items.len(), "the storage failed; trying again");
            backoff.wait(&self.env).await;
        }
    }
}

/// Answers, unless whoever asked has gone.
fn tell<T>(reply: oneshot::Sender<T>, answer: T) {
    drop(reply.send(answer));
}

/// The task that empties a queue.
struct Drain<B: Batch> {
    inner: Arc<Inner<B>>,
    is_done: bool,
}

impl<B: Batch> Drain<B> {
    async fn run(mut self) {
        while let Some(part) = self.inner.take() {
            self.inner.commit(part).await;
        }
        self.is_done = true;
    }
}

impl<B: Batch> Drop for Drain<B> {
    /// A runtime that ends drops the task half-way; the next item then starts another one elsewhere.
    fn drop(&mut self) {
        if !self.is_done {
            self.inner.lock().is_draining = false;
        }
    }
}
