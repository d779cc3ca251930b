//! Showing the others that this node lives, and no longer than it does.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use vtask_storage::StorageError;
use vtask_storage::value::{Beat, Pulse};

use super::watched::Watched;
use super::{Engine, Phase};

/// So many heartbeats are sent in one lease.
const BEATS: u32 = 3;

/// What a node knows of its own life.
pub(super) struct Life {
    pub(super) lease: Duration,
    /// When the last heartbeat that arrived was sent.
    beaten: Watched<Instant>,
    /// How many have arrived.
    beats: AtomicU64,
    /// Since when the claimer makes its present round.
    round: Mutex<Option<Instant>>,
    end: Mutex<Option<Pulse>>,
}

impl Life {
    /// To join the list of nodes is the first heartbeat.
    pub(super) fn new(lease: Duration, joined: Instant) -> Self {
        Self {
            lease,
            beaten: Watched::new(joined),
            beats: AtomicU64::new(0),
            round: Mutex::default(),
            end: Mutex::default(),
        }
    }

    fn has_beaten(&self, sent: Instant) {
        self.beats.fetch_add(1, Ordering::Relaxed);
        self.beaten.change(|beaten| {
            *beaten = sent;
            true
        });
    }

    /// How many heartbeats have arrived.
    pub(super) fn beats(&self) -> u64 {
        self.beats.load(Ordering::Relaxed)
    }

    fn between_beats(&self) -> Duration {
        self.lease / BEATS
    }

    /// Whether the others cannot have called this node dead.
    pub(super) fn is_sure(&self) -> bool {
        self.beaten.get().elapsed() < self.lease
    }

    /// Whether its heartbeats arrive as they should: else what it sees of the others may be the database's fault.
    pub(super) fn beats_arrive(&self) -> bool {
        self.beaten.get().elapsed() < self.between_beats() * 3 / 2
    }

    /// A round of the claimer, until this is dropped.
    pub(super) fn round(&self) -> OneRound<'_> {
        *lock(&self.round) = Some(Instant::now());
        OneRound(self)
    }

    fn claimer_is_stuck(&self) -> bool {
        lock(&self.round).is_some_and(|since| since.elapsed() >= self.lease)
    }
}

/// A round of the claimer.
pub(super) struct OneRound<'a>(&'a Life);

impl Drop for OneRound<'_> {
    fn drop(&mut self) {
        *lock(&self.0.round) = None;
    }
}

impl Engine {
    /// A heartbeat is sent only while the writer and the claimer get on: a node that shows life can record what it runs.
    pub(super) async fn beat_until_ended(self: &Arc<Self>) {
        while !self.phases.is(Phase::Ended) {
            if self.writer.busy_for() >= self.life.lease || self.life.claimer_is_stuck() {
                tracing::error!("the writer or the claimer is stuck; the node sends no heartbeat");
            } else if !self.beat().await {
                return;
            }
            tokio::select! {
                biased;
                () = self.phases.reach(Phase::Ended) => {}
                () = tokio::time::sleep(self.life.between_beats()) => {}
            }
        }
    }

    /// Whether the node still lives.
    async fn beat(&self) -> bool {
        match self.repeat(|| self.try_beat()).await {
            Some((sent, Pulse::Alive)) => self.life.has_beaten(sent),
            Some((_, end)) if !self.phases.is(Phase::Ended) => {
                *lock(&self.life.end) = Some(end);
                self.abandon();
                return false;
            }
            _ => {}
        }
        true
    }

    /// A number of its own for each try: one that arrives after all then shows as late as it was sent, if not later.
    async fn try_beat(&self) -> Result<(Instant, Pulse), StorageError> {
        let running = i32::try_from(self.leases.len()).unwrap_or(i32::MAX);
        let beat = Beat { boot: self.owner.boot, number: self.env.lease().0, running };
        let sent = Instant::now();
        Ok((sent, self.storage.beat(&beat).await?))
    }

    /// How others ended this life, if they did.
    pub(crate) fn was_declared_dead(&self) -> Option<Pulse> {
        *lock(&self.life.end)
    }

    /// Whether the others cannot have called this node dead.
    pub(crate) fn is_sure(&self) -> bool {
        self.life.is_sure()
    }

    /// Waits while the others may have called this node dead: it starts nothing that is theirs by then.
    pub(super) async fn sure_to_live(&self) {
        tokio::select! {
            biased;
            // Only a heartbeat that arrives makes it sure again.
            () = self.life.beaten.wait_until(|_| self.life.is_sure()) => {}
            () = self.phases.reach(Phase::Stopping) => {}
        }
    }
}

// Nothing under these locks can panic half-way.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
