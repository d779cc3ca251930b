//! Watching the other nodes, and calling those dead that show no life.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;
use vtask_storage::is_mutant;
use vtask_storage::value::{Boot, LivingNode, Nodes};

use super::Engine;

/// What was seen of the others.
#[derive(Default)]
pub(super) struct Observer {
    seen: BTreeMap<Boot, Seen>,
    last_look: Option<Instant>,
}

/// A heartbeat, and since when it is the last one.
#[derive(Clone, Copy)]
struct Seen {
    beat: i64,
    since: Instant,
}

impl Observer {
    /// Those whose heartbeat has not changed for the whole of their lease, under this node's eyes.
    ///
    /// No clock but this process's own decides, and a look that came late proves nothing of the time before it.
    fn silent(&mut self, living: &[LivingNode], own: Boot, now: Instant) -> Vec<LivingNode> {
        let gap = self.last_look.replace(now).map_or(Duration::MAX, |last| now - last);
        self.seen.retain(|boot, _| living.iter().any(|node| node.boot == *boot));
        let others = living.iter().filter(|node| node.boot != own);
        others.filter(|node| self.is_silent(node, gap, now)).copied().collect()
    }

    fn is_silent(&mut self, node: &LivingNode, gap: Duration, now: Instant) -> bool {
        let lease = Duration::from_millis(u64::try_from(node.lease_ms).unwrap_or(0));
        let seen = self.seen.entry(node.boot).or_insert(Seen { beat: node.beat, since: now });
        let is_late = gap > lease / 2 && !is_mutant("death by clock");
        if seen.beat != node.beat || is_late {
            *seen = Seen { beat: node.beat, since: now };
        }
        now - seen.since >= lease
    }

    /// What was seen until now proves nothing.
    fn forget(&mut self) {
        self.seen.clear();
    }
}

impl Engine {
    /// Calls the silent dead, and has what the dead hold freed.
    pub(super) async fn see(&self, observer: &mut Observer, nodes: Nodes) {
        if !self.life.beats_arrive() && !is_mutant("death by clock") {
            observer.forget();
        }
        let silent = observer.silent(&nodes.living, self.owner.boot, Instant::now());
        if !silent.is_empty() {
            for node in &silent {
                tracing::warn!(
                    boot = node.boot.0,
                    "a node has shown no life for the whole of its lease; it is called dead"
                );
            }
            let storage = &self.storage;
            self.repeat_unlocked(|| storage.declare_dead(&silent)).await;
        }
        // A row of this life that nobody knows of is the reconciler's affair.
        let others = nodes.orphaning.into_iter().filter(|node| node.boot != self.owner.boot);
        let others: Vec<_> = others.collect();
        if !others.is_empty() {
            self.orphaning.send_replace(others);
        }
    }
}

#[cfg(test)]
mod tests {
    use vtask_storage::value::NodeState;

    use super::*;

    const OWN: Boot = Boot(1);

    fn node(boot: i64, beat: i64) -> LivingNode {
        LivingNode { boot: Boot(boot), beat, lease_ms: 15_000, state: NodeState::Up }
    }

    /// Looks every 2 s at what `beats` shows of node 2, and answers after how many looks it is silent.
    fn silent_after(beats: impl Iterator<Item = i64>) -> Option<usize> {
        let (mut observer, start) = (Observer::default(), Instant::now());
        beats.enumerate().position(|(look, beat)| {
            let now = start + Duration::from_secs(2) * u32::try_from(look).unwrap();
            !observer.silent(&[node(1, 0), node(2, beat)], OWN, now).is_empty()
        })
    }

    #[test]
    fn node_is_silent_after_its_whole_lease() {
        assert_eq!(silent_after(std::iter::repeat_n(7, 99)), Some(8), "16 s after it was first seen");
        assert_eq!(silent_after((0..99).map(|look| look.min(3))), Some(3 + 8), "counted from the last change");
        assert_eq!(silent_after((0..99).map(|look| look / 7)), None, "each beat begins a new lease");
    }

    #[test]
    fn look_that_came_late_proves_nothing() {
        let (mut observer, start) = (Observer::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        assert!(observer.silent(&[node(2, 7)], OWN, at(0)).is_empty());
        assert!(observer.silent(&[node(2, 7)], OWN, at(100)).is_empty(), "nobody looked meanwhile");
        assert!(observer.silent(&[node(2, 7)], OWN, at(107)).is_empty());
        assert!(observer.silent(&[node(2, 7)], OWN, at(114)).is_empty());
        assert_eq!(observer.silent(&[node(2, 7)], OWN, at(115)), [node(2, 7)]);
    }

    #[test]
    fn node_does_not_watch_itself() {
        let (mut observer, start) = (Observer::default(), Instant::now());
        for look in 0..99 {
            assert!(observer.silent(&[node(1, 7)], OWN, start + Duration::from_secs(look)).is_empty());
        }
    }
}
