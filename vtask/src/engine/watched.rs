//! A value to look at and to wait for.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// A value to look at and to wait for.
///
/// Those who wait are woken in the order in which they began to. A `watch` channel draws the order, and then a simulation
/// does not repeat.
#[derive(Debug, Default)]
pub(super) struct Watched<T> {
    value: Mutex<T>,
    changed: Notify,
}

impl<T: Copy> Watched<T> {
    pub(super) fn new(value: T) -> Self {
        Self { value: Mutex::new(value), changed: Notify::new() }
    }

    pub(super) fn get(&self) -> T {
        *self.lock()
    }

    /// Changes the value, and wakes those who wait if that says that it did.
    pub(super) fn change(&self, change: impl FnOnce(&mut T) -> bool) {
        if change(&mut self.lock()) {
            self.changed.notify_waiters();
        }
    }

    /// Waits until the value is as wanted.
    pub(super) async fn wait_until(&self, is_wanted: impl Fn(T) -> bool) {
        loop {
            // From here on no change is missed.
            let changed = self.changed.notified();
            if is_wanted(self.get()) {
                return;
            }
            changed.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, T> {
        // Nothing under this lock can panic half-way.
        self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tokio::task::{JoinSet, yield_now};

    use super::*;

    #[tokio::test]
    async fn who_waits_is_woken_in_order_and_not_before() {
        let (watched, woken) = (Arc::new(Watched::new(0)), Arc::new(Mutex::new(Vec::new())));
        let mut waits = JoinSet::new();
        for number in 0..16 {
            let (watched, woken) = (Arc::clone(&watched), Arc::clone(&woken));
            waits.spawn(async move {
                watched.wait_until(|value| value >= 2).await;
                woken.lock().unwrap().push(number);
            });
        }
        for value in [1, 2] {
            yield_now().await;
            assert!(woken.lock().unwrap().is_empty(), "it is not {value} yet");
            watched.change(|present| {
                *present = value;
                true
            });
        }
        waits.join_all().await;
        assert_eq!(*woken.lock().unwrap(), (0..16).collect::<Vec<_>>());
    }
}
