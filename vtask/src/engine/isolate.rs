//! Running a suspect alone.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};
use vtask_storage::value::{Candidate, JobSummary, LivingNode, NodeState, Nodes};

use super::slots::Slot;
use super::{Engine, Phase};
use crate::env::Env;

/// A node that does not get empty within the grace tries again after this, then after twice as long, and so on.
const PAUSE: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(600));

/// When this node may run a suspect alone.
#[derive(Debug, Default)]
pub(super) struct Isolation {
    is_under_way: bool,
    pause: Option<Duration>,
    not_before: Option<Instant>,
}

impl Isolation {
    fn is_open(&self) -> bool {
        !self.is_under_way && self.not_before.is_none_or(|instant| instant <= Instant::now())
    }

    fn end(&mut self, has_run: bool, env: &Env) {
        let pause = self.pause.filter(|_| !has_run).map_or(PAUSE.0, |pause| (pause * 2).min(PAUSE.1));
        self.pause = Some(pause);
        // So that two which met do not meet again.
        self.not_before = (!has_run).then(|| Instant::now() + env.jitter(pause));
        self.is_under_way = false;
    }
}

impl Engine {
    /// Runs one of these suspects alone, if no other node does so now.
    pub(super) fn isolate_one(self: &Arc<Self>, suspects: &[Candidate], nodes: &Nodes) {
        let mut isolation = self.isolation();
        let may = isolation.is_open() && self.life.is_sure() && !self.others_isolate(&nodes.living);
        // One whose row is locked is in no other's way for long.
        let suspect = self.env.choose(suspects).filter(|_| may).cloned();
        if isolation.is_under_way || (suspect.is_none() && !self.isolates(&nodes.living)) {
            return;
        }
        isolation.is_under_way = true;
        let engine = Arc::clone(self);
        tokio::spawn(async move {
            match suspect {
                Some(suspect) => {
                    let has_run = engine.isolate(suspect).await;
                    engine.isolation().end(has_run, &engine.env);
                    engine.poke();
                }
                // A statement of an isolation that has ended landed after all, and keeps the others from theirs.
                None => {
                    engine.enter(NodeState::Up).await;
                    engine.isolation().is_under_way = false;
                }
            }
        });
    }

    /// Whether the others see this node isolate.
    fn isolates(&self, living: &[LivingNode]) -> bool {
        living.iter().any(|node| node.state == NodeState::Isolating && node.boot == self.owner.boot)
    }

    async fn enter(&self, state: NodeState) {
        // That it stops stands.
        if self.phases.is(Phase::Stopping) {
            return;
        }
        self.repeat(|| self.storage.enter(self.owner.boot, state)).await;
    }

    fn others_isolate(&self, living: &[LivingNode]) -> bool {
        living.iter().any(|node| node.state == NodeState::Isolating && node.boot != self.owner.boot)
    }

    /// Whether the suspect has run, and is alone no longer.
    async fn isolate(self: &Arc<Self>, suspect: Candidate) -> bool {
        self.enter(NodeState::Isolating).await;
        let has_run = self.run_alone(suspect).await.is_some();
        self.enter(NodeState::Up).await;
        has_run
    }

    async fn run_alone(self: &Arc<Self>, suspect: Candidate) -> Option<()> {
        let storage = &self.storage;
        // Of two nodes that said so at once, each sees the other, and both step back.
        let nodes = self.repeat(|| storage.due(&[], true)).await?.nodes?;
        if self.others_isolate(&nodes.living) {
            return None;
        }
        let id = [suspect.id];
        let summary = match self.repeat(|| storage.summaries(&id)).await?.pop()? {
            Ok(summary) => summary,
            Err(error) => {
                self.pause_unreadable(suspect.id, suspect.lease, &error).await;
                return None;
            }
        };
        let mut slot = self.all_slots(&summary).await?;
        // It would be accused of what it claims if the others have called this node dead.
        if !self.life.is_sure() {
            return None;
        }
        let (alone, is_over) = oneshot::channel::<()>();
        slot.isolation = Some(alone);
        tracing::warn!(
            job.id = %suspect.id,
            crashes = suspect.crashes,
            "processes died while they ran this job; it runs alone on this node"
        );
        if self.claim(&[suspect], Some(slot)).await == 0 {
            return None;
        }
        // Whoever has the slot drops it.
        let _ = is_over.await;
        Some(())
    }

    /// All slots, if what runs leaves them within the grace.
    async fn all_slots(&self, summary: &JobSummary) -> Option<Slot> {
        let job = self.jobs.get(summary.name.as_str())?;
        let all = timeout(self.grace, self.slots.take(job.plan().name, summary.state.crashes));
        tokio::select! {
            biased;
            () = self.phases.reach(Phase::Stopping) => None,
            slot = all => slot.ok(),
        }
    }
}
