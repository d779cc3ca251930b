//! Group commit: what arrives while a call is under way goes into the next one.
//!
//! A lone item is sent at once, as a batch of one. Nobody is answered before the storage has acknowledged his batch. Where
//! the storage carries out several calls at a time, a second one begins once as much waits as the first one has: so the
//! batches are as large as they can be while the database works on one and the jobs on the next.

mod aside;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::Instant;
use vtask_storage::{Lanes, StorageError, is_mutant};

use self::aside::Aside;
use crate::env::{Backoff, Env};
use crate::flow;

/// At most so many items are in one call.
const MOST_ROWS: usize = 256;
/// At most so many bytes are in one call, unless one item alone is larger.
const MOST_BYTES: usize = 4 << 20;
/// What waits does not wait longer for a call under way where another one may be made: a locked row may be in its way.
const LATE: Duration = Duration::from_millis(50);
/// So many items may wait; whoever comes then waits until there is room.
const ROOM: usize = 4096;

/// A storage call that takes several items and answers each.
pub(crate) trait Batch: Send + Sync + 'static {
    type Item: Send + Sync + 'static;
    type Answer: Send + 'static;
    /// What goes beside an item and not to the storage.
    type Tag: Send + 'static;

    /// How much of a call an item fills.
    fn bytes(item: &Self::Item) -> usize;

    /// Makes the call. It may be made again with the same items, and then answers the same.
    fn send(&self, items: &[Self::Item]) -> impl Future<Output = Result<Vec<Self::Answer>, StorageError>> + Send;

    /// Whether an answer ends the matter; else the item is sent again, by itself.
    fn is_final(_answer: &Self::Answer) -> bool {
        true
    }

    /// Makes an item ready to wait for somebody's lock: it may take long, and nothing has come of it so far.
    fn set_aside(&self, _item: &mut Self::Item, _tag: &mut Self::Tag) {}

    /// Does what follows from an answer, whether or not somebody still waits for it.
    fn answered(&self, _item: &Self::Item, _answer: &Self::Answer, _tag: Self::Tag) {}
}

/// The queue in front of such a call; clones share it.
pub(crate) struct Group<B: Batch>(Arc<Inner<B>>);

struct Inner<B: Batch> {
    batch: B,
    env: Env,
    /// Where the calls run; where the first of a batch was submitted, if `None`.
    runtime: Option<Handle>,
    /// How long an item waits for a storage that fails for a while; for ever, if `None`.
    patience: Option<Duration>,
    room: Arc<Semaphore>,
    closed: AtomicBool,
    queue: Mutex<Queue<B>>,
    aside: Aside<B>,
}

struct Queue<B: Batch> {
    waiting: VecDeque<(B::Item, Caller<B>)>,
    /// One for each call that may be made at a time.
    lanes: Vec<Lane>,
    /// A further call beside those under way is made for so many items at least.
    worth: usize,
}

/// A task that empties the queue, or room for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lane {
    Free,
    Begun,
    /// It took a batch of so many from the queue then.
    Sending(Instant, usize),
}

impl<B: Batch> Queue<B> {
    /// The lane of a drain that what waits is worth.
    fn open(&mut self) -> Option<usize> {
        let free = self.lanes.iter().position(|lane| *lane == Lane::Free)?;
        self.is_worth_it(free).then(|| {
            self.lanes[free] = Lane::Begun;
            free
        })
    }

    /// Whether what waits is worth a call of this lane, or had better be left to the others that are under way.
    fn is_worth_it(&self, lane: usize) -> bool {
        let others = self.lanes.iter().enumerate().filter(|(other, _)| *other != lane);
        let under_way = others.filter_map(|(_, state)| match state {
            Lane::Free => None,
            Lane::Begun => Some(0),
            Lane::Sending(since, items) => (since.elapsed() < LATE).then_some(*items),
        });
        under_way.max().is_none_or(|most| self.waiting.len() >= self.worth.max(most))
    }
}

/// Who submitted an item.
struct Caller<B: Batch> {
    reply: oneshot::Sender<Answered<B>>,
    tag: B::Tag,
    since: Instant,
    /// The place in the queue, held until the answer.
    _room: OwnedSemaphorePermit,
}

/// The item comes back with its answer.
type Answered<B> = Result<(<B as Batch>::Item, <B as Batch>::Answer), StorageError>;

/// Items of one call, and who waits for each.
type Part<B> = (Vec<<B as Batch>::Item>, Vec<Caller<B>>);

/// What the storage has answered, and nobody was told yet.
struct Untold<B: Batch> {
    items: Vec<B::Item>,
    answers: Vec<B::Answer>,
    callers: Vec<Caller<B>>,
}

impl<B: Batch> Clone for Group<B> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<B: Batch> Group<B> {
    /// A queue in front of so many calls at a time.
    pub(crate) fn new(
        batch: B,
        Lanes { most, worth }: Lanes,
        env: Env,
        runtime: Option<Handle>,
        patience: Option<Duration>,
    ) -> Self {
        let queue = Mutex::new(Queue { waiting: VecDeque::new(), lanes: vec![Lane::Free; most.max(1)], worth });
        let room = Arc::new(Semaphore::new(ROOM));
        let (closed, aside) = (AtomicBool::new(false), Aside::default());
        Self(Arc::new(Inner { batch, env, runtime, patience, room, closed, queue, aside }))
    }

    /// Sends an item with the next call, waits for its answer, and gives both.
    ///
    /// # Cancel safety
    ///
    /// A dropped future may leave its item to a call that is under way; one that still waits in the queue is not sent.
    pub(crate) async fn submit(&self, item: B::Item, tag: B::Tag) -> Answered<B> {
        let since = Instant::now();
        let room = self.room().await?;
        let (reply, answer) = oneshot::channel();
        if let Some(drain) = self.push(item, Caller { reply, tag, since, _room: room }) {
            self.begin(drain).await;
        }
        answer.await.unwrap_or_else(|_| Err(unavailable("the runtime that sent the call has ended")))
    }

    /// A place in the queue, unless none becomes free for longer than a caller waits.
    async fn room(&self) -> Result<OwnedSemaphorePermit, StorageError> {
        let room = Arc::clone(&self.0.room);
        if let Ok(room) = Arc::clone(&room).try_acquire_owned() {
            return Ok(room);
        }
        let room = room.acquire_owned();
        let room = match self.0.patience {
            Some(patience) => tokio::time::timeout(patience, room)
                .await
                .map_err(|_| unavailable("too many calls wait for the storage"))?,
            None => room.await,
        };
        Ok(room.expect("the semaphore is never closed"))
    }

    /// Gives up on a storage that fails, from now on.
    pub(crate) fn close(&self) {
        self.0.closed.store(true, Ordering::Relaxed);
    }

    /// Whether nothing is queued or under way.
    pub(crate) fn is_idle(&self) -> bool {
        self.0.lock().lanes.iter().all(|lane| *lane == Lane::Free) && self.0.aside.is_idle()
    }

    /// How long the oldest call under way has taken until now.
    pub(crate) fn busy_for(&self) -> Duration {
        let sent = |lane: &Lane| if let Lane::Sending(since, _) = lane { since.elapsed() } else { Duration::ZERO };
        self.0.lock().lanes.iter().map(sent).max().unwrap_or_default()
    }

    /// Queues an item; whoever gets a drain for it has to begin it.
    fn push(&self, item: B::Item, caller: Caller<B>) -> Option<Drain<B>> {
        let lane = {
            let mut queue = self.0.lock();
            queue.waiting.push_back((item, caller));
            queue.open()
        };
        lane.map(|lane| Drain::new(&self.0, lane))
    }

    /// Sends the first batch here and now, which spares it the way to another thread; what cannot end at once goes on where
    /// the calls run. So a call is never dropped half-way.
    async fn begin(&self, drain: Drain<B>) {
        let runtime = self.0.runtime.clone().unwrap_or_else(Handle::current);
        let mut drain = Box::pin(drain.run());
        let first = poll_fn(|context| {
            // A connection that is opened belongs to the runtime where the calls run.
            let _entered = runtime.enter();
            Poll::Ready(drain.as_mut().poll(context))
        });
        if first.await.is_pending() {
            runtime.spawn(drain);
        }
    }
}

impl<B: Batch> Inner<B> {
    fn lock(&self) -> MutexGuard<'_, Queue<B>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has_more(&self) -> bool {
        !self.lock().waiting.is_empty()
    }

    /// Leaves what waits to another lane that has just begun, if there is one.
    fn leaves_the_rest(&self, lane: usize) -> bool {
        let mut queue = self.lock();
        let is_begun = queue.lanes.contains(&Lane::Begun);
        if is_begun {
            queue.lanes[lane] = Lane::Free;
        }
        is_begun
    }

    /// The next batch, or `None` when there is none for this lane. Then the lane ends, if it may, and the next item may open
    /// it again.
    fn take(&self, lane: usize, may_end: bool) -> Option<Part<B>> {
        let mut queue = self.lock();
        let without = if may_end { Lane::Free } else { Lane::Begun };
        if !queue.is_worth_it(lane) {
            queue.lanes[lane] = without;
            return None;
        }
        let most = queue.waiting.len().min(MOST_ROWS);
        let (mut items, mut callers, mut bytes) = (Vec::with_capacity(most), Vec::with_capacity(most), 0);
        while let Some((item, caller)) = queue.waiting.pop_front() {
            if caller.reply.is_closed() {
                continue;
            }
            if self.is_late(caller.since) {
                caller.fail(unavailable("the storage did not answer in time"));
                continue;
            }
            bytes += B::bytes(&item);
            if items.len() == MOST_ROWS || (bytes > MOST_BYTES && !items.is_empty()) {
                queue.waiting.push_front((item, caller));
                break;
            }
            items.push(item);
            callers.push(caller);
        }
        queue.lanes[lane] = if items.is_empty() { without } else { Lane::Sending(Instant::now(), items.len()) };
        (!items.is_empty()).then_some((items, callers))
    }

    /// Sends a batch until the storage answers, and splits it down to the culprit where the storage refuses it. The last
    /// answers are given back, for whoever tells them.
    async fn commit(self: &Arc<Self>, part: Part<B>) -> Option<Untold<B>> {
        let mut parts = vec![part];
        while let Some((mut items, mut callers)) = parts.pop() {
            let oldest = callers.iter().map(|caller| caller.since).min();
            match self.send(&items, oldest).await {
                Ok(answers) => {
                    let untold = Untold { items, answers, callers };
                    if parts.is_empty() {
                        return Some(untold);
                    }
                    self.tell(untold);
                }
                Err(StorageError::Locked(_)) => self.put_aside(items.into_iter().zip(callers).collect()),
                Err(error) if items.len() > 1 && !error.is_transient() && !is_mutant("bad row fails its batch") => {
                    let half = items.len() / 2;
                    parts.push((items.split_off(half), callers.split_off(half)));
                    parts.push((items, callers));
                }
                Err(error) => {
                    let error = Arc::new(error);
                    callers.into_iter().for_each(|caller| caller.fail(StorageError::shared(&error)));
                }
            }
        }
        None
    }

    /// Makes another call for what waits behind one that is late.
    fn open_beside(self: &Arc<Self>) {
        let lane = {
            let mut queue = self.lock();
            if queue.waiting.is_empty() { None } else { queue.open() }
        };
        if let Some(lane) = lane {
            let runtime = self.runtime.clone().unwrap_or_else(Handle::current);
            runtime.spawn(Drain::new(self, lane).run());
        }
    }

    fn tell(self: &Arc<Self>, Untold { items, answers, callers }: Untold<B>) {
        let answered = items.into_iter().zip(answers).zip(callers);
        let open = answered.filter_map(|((item, answer), caller)| self.settle(item, answer, caller));
        self.put_aside(open.collect());
    }

    /// Tells the answer, or gives back what has to be sent again.
    fn settle(&self, item: B::Item, answer: B::Answer, caller: Caller<B>) -> Option<(B::Item, Caller<B>)> {
        if !B::is_final(&answer) {
            return Some((item, caller));
        }
        let Caller { reply, tag, .. } = caller;
        self.batch.answered(&item, &answer, tag);
        // Whoever asked may have gone.
        drop(reply.send(Ok((item, answer))));
        None
    }

    async fn send(&self, items: &[B::Item], oldest: Option<Instant>) -> Result<Vec<B::Answer>, StorageError> {
        let mut backoff = Backoff::default();
        loop {
            let error = match self.batch.send(items).await {
                Err(error) if error.is_transient() && !matches!(error, StorageError::Locked(_)) => error,
                answer => return answer,
            };
            if oldest.is_some_and(|since| self.gives_up(since)) {
                return Err(error);
            }
            tracing::warn!(error = %flow::message(&error), rows = items.len(), "the storage failed; trying again");
            backoff.wait(&self.env).await;
        }
    }

    fn gives_up(&self, since: Instant) -> bool {
        self.is_late(since) || self.closed.load(Ordering::Relaxed)
    }

    fn is_late(&self, since: Instant) -> bool {
        self.patience.is_some_and(|patience| since.elapsed() >= patience)
    }
}

impl<B: Batch> Caller<B> {
    fn fail(self, error: StorageError) {
        drop(self.reply.send(Err(error)));
    }
}

fn unavailable(why: &str) -> StorageError {
    StorageError::Unavailable(why.into())
}

/// The task that empties a queue.
struct Drain<B: Batch> {
    inner: Arc<Inner<B>>,
    lane: usize,
    untold: Option<Untold<B>>,
    is_done: bool,
}

impl<B: Batch> Drain<B> {
    fn new(inner: &Arc<Inner<B>>, lane: usize) -> Self {
        Self { inner: Arc::clone(inner), lane, untold: None, is_done: false }
    }

    async fn run(mut self) {
        let mut is_first = true;
        while let Some(part) = self.take() {
            self.untold = self.carry_out(part).await;
            let is_last = !self.inner.has_more();
            if is_first || is_last {
                self.tell();
            }
            // Whoever began it sends one batch, and not those of all others.
            if std::mem::take(&mut is_first) && !is_last {
                if self.inner.leaves_the_rest(self.lane) {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        self.is_done = true;
    }

    /// The next batch; while there is none, whoever waits hears what was answered last.
    fn take(&mut self) -> Option<Part<B>> {
        loop {
            let part = self.inner.take(self.lane, self.untold.is_none());
            if part.is_some() || self.untold.is_none() {
                return part;
            }
            self.tell();
        }
    }

    /// The storage works on this batch while those of the last one hear of it.
    async fn carry_out(&mut self, part: Part<B>) -> Option<Untold<B>> {
        let inner = Arc::clone(&self.inner);
        let mut call = pin!(inner.commit(part));
        let begun = poll_fn(|context| Poll::Ready(call.as_mut().poll(context))).await;
        self.tell();
        if let Poll::Ready(untold) = begun {
            return untold;
        }
        if let Ok(untold) = tokio::time::timeout(LATE, call.as_mut()).await {
            return untold;
        }
        inner.open_beside();
        call.await
    }

    fn tell(&mut self) {
        if let Some(untold) = self.untold.take() {
            self.inner.tell(untold);
        }
    }
}

impl<B: Batch> Drop for Drain<B> {
    /// A runtime that ends drops the task half-way. Whoever waits is told so, and the next item starts another task.
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        self.tell();
        let unanswered = {
            let mut queue = self.inner.lock();
            queue.lanes[self.lane] = Lane::Free;
            std::mem::take(&mut queue.waiting)
        };
        drop(unanswered);
    }
}
