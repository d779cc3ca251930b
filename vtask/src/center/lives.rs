//! The lives of a node: one engine after the other, where others declare one dead that goes on.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;
use vtask_storage::value::{Boot, NewNode, Owner, Pulse};
use vtask_storage::{JobStorage, StorageError};

use super::EngineState;
use crate::answer::answer;
use crate::engine::{Engine, Phase, Setup};
use crate::env::Backoff;

/// The present life, and how the next one is set up.
pub(super) struct Lives {
    setup: Setup,
    node: NewNode,
    present: Mutex<Present>,
}

struct Present {
    engine: Arc<Engine>,
    host: String,
    /// Whether there will be no more.
    is_last: bool,
}

/// Puts a node on the list, and answers when that was sent: its lease runs from then at the latest, whenever the answer comes.
pub(super) async fn join(storage: &dyn JobStorage, node: &NewNode) -> Result<Instant, StorageError> {
    let sent = Instant::now();
    storage.join(node).await?;
    Ok(sent)
}

impl Lives {
    pub(super) fn new(setup: Setup, node: NewNode) -> Arc<Self> {
        let engine = Engine::new(setup.clone());
        setup.hub.add(&engine);
        let host = node.host.clone();
        Arc::new(Self { setup, node, present: Mutex::new(Present { engine, host, is_last: false }) })
    }

    pub(super) fn present(&self) -> Arc<Engine> {
        Arc::clone(&self.lock().engine)
    }

    /// The last life: there will be none after it.
    pub(super) fn last(&self) -> Arc<Engine> {
        let mut present = self.lock();
        present.is_last = true;
        Arc::clone(&present.engine)
    }

    pub(super) fn state(&self) -> EngineState {
        let present = self.lock();
        let engine = &present.engine;
        if engine.phases.is(Phase::Ended) {
            let begins_again = !present.is_last && engine.was_declared_dead().is_some();
            return if begins_again { EngineState::Unsure } else { EngineState::Ended };
        }
        match engine.phases.is(Phase::Stopping) {
            true => EngineState::Stopping,
            false if engine.is_sure() => EngineState::Working,
            false => EngineState::Unsure,
        }
    }

    /// Lives until the last life has ended.
    pub(super) async fn run(self: Arc<Self>) {
        self.live().await;
        self.last();
    }

    async fn live(&self) {
        loop {
            let engine = self.present();
            Arc::clone(&engine).run().await;
            let Some(end) = engine.was_declared_dead() else { return };
            if !self.begin_again(end).await {
                return;
            }
        }
    }

    /// Begins a new life, with all that was running lost to whoever takes it over; false if there is to be none.
    async fn begin_again(&self, end: Pulse) -> bool {
        let boot = self.setup.env.boot();
        let host = self.next_host(end, boot);
        let node = NewNode { boot, host: host.clone(), ..self.node.clone() };
        let mut backoff = Backoff::default();
        let storage = &*self.setup.storage;
        let joined = loop {
            let error = match answer(storage, join(storage, &node)).await {
                Ok(joined) => break joined,
                Err(error) => error,
            };
            tracing::warn!(error = %crate::flow::message(&error), "the storage failed while the node joined again");
            if self.lock().is_last || !error.is_transient() {
                return false;
            }
            backoff.wait(&self.setup.env).await;
        };
        self.replace(Owner { boot, host: host.into() }, joined)
    }

    /// A name that another process took is not taken back: that would go on for ever.
    fn next_host(&self, end: Pulse, boot: Boot) -> String {
        if end != Pulse::Replaced {
            let host = self.lock().host.clone();
            tracing::error!(host, "other nodes have called this one dead; it lost what it ran, and begins a new life");
            return host;
        }
        let host = &self.node.host;
        let suffix = format!("~{:x}", boot.0);
        let end = host.floor_char_boundary(self.setup.limits.name.saturating_sub(suffix.len()));
        let next = format!("{}{suffix}", &host[..end]);
        tracing::error!(
            host,
            next,
            "ANOTHER PROCESS HAS STARTED UNDER THE NAME OF THIS NODE, which lost what it ran and goes on \
             under another name: give each process a host of its own"
        );
        next
    }

    fn replace(&self, owner: Owner, joined: Instant) -> bool {
        let host = owner.host.to_string();
        let engine = Engine::new(Setup { owner, joined, ..self.setup.clone() });
        let mut present = self.lock();
        if present.is_last {
            return false;
        }
        self.setup.hub.add(&engine);
        (present.engine, present.host) = (engine, host);
        true
    }

    // Nothing under this lock can panic half-way.
    fn lock(&self) -> MutexGuard<'_, Present> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
