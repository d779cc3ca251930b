//! Items that somebody's open transaction is in the way of: each goes by itself, and delays no other for longer than one
//! wait for a lock.

use std::collections::VecDeque;
use std::slice;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use vtask_storage::StorageError;

use super::{Batch, Caller, Inner};
use crate::env::Backoff;

/// A second queue, for those.
pub(super) struct Aside<B: Batch>(Mutex<State<B>>);

/// An item, and who waits for its answer.
type Waiting<B> = (<B as Batch>::Item, Caller<B>);

struct State<B: Batch> {
    /// Those that were not tried by themselves yet: they may only have been beside one that is locked.
    fresh: VecDeque<Waiting<B>>,
    locked: VecDeque<Waiting<B>>,
    /// Whether one of the locked ones comes next: after each that was in vain it is the others' turn.
    tries_locked: bool,
    is_draining: bool,
}

impl<B: Batch> Default for Aside<B> {
    fn default() -> Self {
        let (fresh, locked) = (VecDeque::new(), VecDeque::new());
        Self(Mutex::new(State { fresh, locked, tries_locked: false, is_draining: false }))
    }
}

impl<B: Batch> Aside<B> {
    pub(super) fn is_idle(&self) -> bool {
        !self.lock().is_draining
    }

    /// Queues items; whether somebody has to begin to send them.
    fn push(&self, items: Vec<Waiting<B>>) -> bool {
        let mut state = self.lock();
        state.fresh.extend(items);
        !state.fresh.is_empty() && !std::mem::replace(&mut state.is_draining, true)
    }

    /// The next, and those that have waited for too long; none when there is none, and then the next push begins anew.
    fn pop(&self, is_late: impl Fn(&Caller<B>) -> bool) -> (Option<Waiting<B>>, Vec<Caller<B>>) {
        let (mut state, mut late) = (self.lock(), Vec::new());
        let State { fresh, locked, tries_locked, is_draining } = &mut *state;
        for queue in [&mut *fresh, &mut *locked] {
            queue.retain(|(_, caller)| !caller.reply.is_closed());
            if queue.iter().any(|(_, caller)| is_late(caller)) {
                let (gone, stay): (VecDeque<_>, _) =
                    std::mem::take(queue).into_iter().partition(|(_, caller)| is_late(caller));
                late.extend(gone.into_iter().map(|(_, caller)| caller));
                *queue = stay;
            }
        }
        let (first, second) = if *tries_locked { (locked, fresh) } else { (fresh, locked) };
        let next = first.pop_front().or_else(|| second.pop_front());
        *is_draining = next.is_some();
        (next, late)
    }

    /// Puts one back at the end, and answers how many of those there are.
    fn put_back(&self, item: Waiting<B>) -> usize {
        let mut state = self.lock();
        state.locked.push_back(item);
        state.tries_locked = !state.tries_locked;
        state.locked.len()
    }

    // Nothing under this lock can panic half-way.
    fn lock(&self) -> MutexGuard<'_, State<B>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B: Batch> Inner<B> {
    pub(super) fn put_aside(self: &Arc<Self>, mut items: Vec<Waiting<B>>) {
        items.iter_mut().for_each(|(item, caller)| self.batch.set_aside(item, &mut caller.tag));
        if self.aside.push(items) {
            let runtime = self.runtime.clone().unwrap_or_else(Handle::current);
            runtime.spawn(DrainAside { inner: Arc::clone(self), is_done: false }.run());
        }
    }

    /// The next that has not waited for too long.
    fn next_aside(&self) -> Option<Waiting<B>> {
        let (next, late) = self.aside.pop(|caller| self.is_late(caller.since));
        let why = "an open transaction was in its way, or in that of others before it, for too long";
        late.into_iter().for_each(|caller| caller.fail(StorageError::Locked(why.into())));
        next
    }

    /// Sends one by itself, and gives it back if that was in vain.
    async fn send_aside(&self, item: B::Item, caller: Caller<B>) -> Option<Waiting<B>> {
        match self.batch.send(slice::from_ref(&item)).await {
            Ok(answers) => answers.into_iter().next().and_then(|answer| self.settle(item, answer, caller)),
            Err(error) if error.is_transient() && !self.gives_up(caller.since) => Some((item, caller)),
            Err(error) => {
                caller.fail(error);
                None
            }
        }
    }
}

/// The task that empties that queue.
struct DrainAside<B: Batch> {
    inner: Arc<Inner<B>>,
    is_done: bool,
}

impl<B: Batch> DrainAside<B> {
    async fn run(mut self) {
        let (mut backoff, mut in_vain) = (Backoff::default(), 0);
        while let Some((item, caller)) = self.inner.next_aside() {
            let Some(open) = self.inner.send_aside(item, caller).await else {
                in_vain = 0;
                continue;
            };
            in_vain += 1;
            if self.inner.aside.put_back(open) <= in_vain {
                backoff.wait(&self.inner.env).await;
                in_vain = 0;
            }
        }
        self.is_done = true;
    }
}

impl<B: Batch> Drop for DrainAside<B> {
    /// A runtime that ends drops the task half-way. Whoever waits is told so.
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        let unanswered = {
            let mut state = self.inner.aside.lock();
            state.is_draining = false;
            (std::mem::take(&mut state.fresh), std::mem::take(&mut state.locked))
        };
        drop(unanswered);
    }
}
