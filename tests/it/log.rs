//! What jobs did, in the order in which they did it.

use std::sync::{Arc, Mutex};

/// A list that jobs write and tests read; clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn add(&self, what: impl Into<String>) {
        self.0.lock().expect("no test panics while it logs").push(what.into());
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().expect("no test panics while it logs").clone()
    }

    pub(crate) fn count(&self, what: &str) -> usize {
        self.all().iter().filter(|entry| *entry == what).count()
    }

    pub(crate) fn clear(&self) {
        self.0.lock().expect("no test panics while it logs").clear();
    }
}
