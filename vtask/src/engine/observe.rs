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

/// A node that sends no heartbeat while so many of this node's own arrive, sent as often, shows no life, however slow the
/// database is.
const OWN_BEATS: u64 = 4;

/// A heartbeat, and since when it is the last one.
#[derive(Clone, Copy)]
struct Seen {
    beat: i64,
    /// Since when this node has watched it without a gap.
    since: Instant,
    first: Instant,
    /// How many heartbeats of this node had arrived then.
    own_beats: u64,
}

/// This node's own life, for comparison.
#[derive(Clone, Copy)]
struct Own {
    boot: Boot,
    lease: Duration,
    /// How many of its heartbeats have arrived.
    beats: u64,
}

impl Observer {
    /// Those whose heartbeat has not changed for the whole of their lease, under this node's eyes.
    ///
    /// No clock but this process's own decides, and a look that came late proves nothing of the time before it; unless so
    /// many of this node's own heartbeats arrived meanwhile that theirs would have, too.
    fn silent(&mut self, living: &[LivingNode], own: Own, now: Instant) -> Vec<LivingNode> {
        let gap = self.last_look.replace(now).map_or(Duration::MAX, |last| now - last);
        self.seen.retain(|boot, _| living.iter().any(|node| node.boot == *boot));
        let others = living.iter().filter(|node| node.boot != own.boot);
        others.filter(|node| self.is_silent(node, own, gap, now)).copied().collect()
    }

    fn is_silent(&mut self, node: &LivingNode, own: Own, gap: Duration, now: Instant) -> bool {
        let lease = Duration::from_millis(u64::try_from(node.lease_ms).unwrap_or(0));
        let new = Seen { beat: node.beat, since: now, first: now, own_beats: own.beats };
        let seen = self.seen.entry(node.boot).or_insert(new);
        if seen.beat != node.beat {
            *seen = new;
        } else if gap > lease / 2 && !is_mutant("death by clock") {
            seen.since = now;
        }
        // With a longer lease it sends fewer in the same time.
        let owed =
            OWN_BEATS * u64::try_from(lease.as_millis().div_ceil(own.lease.as_millis().max(1))).unwrap_or(u64::MAX);
        let is_overdue = own.beats - seen.own_beats >= owed;
        now - seen.since >= lease || is_overdue && now - seen.first >= lease
    }

    /// That nothing was heard until now proves nothing.
    fn forget(&mut self, now: Instant) {
        self.seen.values_mut().for_each(|seen| seen.since = now);
    }
}

impl Engine {
    /// Calls the silent dead, and has what the dead hold freed.
    pub(super) async fn see(&self, observer: &mut Observer, nodes: Nodes) {
        let now = Instant::now();
        if !self.life.beats_arrive() && !is_mutant("death by clock") {
            observer.forget(now);
        }
        let own = Own { boot: self.owner.boot, lease: self.life.lease, beats: self.life.beats() };
        let silent = observer.silent(&nodes.living, own, now);
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

    const LEASE: Duration = Duration::from_secs(15);
    const OWN: Own = Own { boot: Boot(1), lease: LEASE, beats: 0 };

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

    /// Looks every so many seconds, between which a heartbeat of this node arrives, at what `beats` shows of node 2.
    fn silent_after_slow_looks(lease: Duration, seconds: u64, beats: impl Iterator<Item = i64>) -> Option<usize> {
        let (mut observer, start) = (Observer::default(), Instant::now());
        beats.enumerate().position(|(look, beat)| {
            let look = u64::try_from(look).unwrap();
            let own = Own { beats: look, ..OWN };
            let other = LivingNode { lease_ms: i64::try_from(lease.as_millis()).unwrap(), ..node(2, beat) };
            !observer.silent(&[node(1, 0), other], own, start + Duration::from_secs(seconds * look)).is_empty()
        })
    }

    #[test]
    fn node_is_silent_where_many_of_this_one_s_beats_arrive_and_none_of_its_own() {
        let silent = || std::iter::repeat_n(7, 99);
        assert_eq!(silent_after_slow_looks(LEASE, 10, silent()), Some(4), "each look is late");
        assert_eq!(silent_after_slow_looks(LEASE, 10, (0..99).map(|look| look / 3)), None, "its beats are slow, too");
        assert_eq!(silent_after_slow_looks(LEASE * 3, 30, silent()), Some(12), "it sends fewer of them");
        assert_eq!(silent_after_slow_looks(LEASE / 3, 3, silent()), Some(4), "it would send more of them");
        assert_eq!(silent_after_slow_looks(LEASE * 2, 1, silent()), Some(30), "no sooner than after its lease");
    }

    #[test]
    fn beats_that_did_not_arrive_prove_nothing() {
        let (mut observer, start) = (Observer::default(), Instant::now());
        for second in 0..99 {
            let now = start + Duration::from_secs(second);
            // The database is away: no beat of this node arrives either.
            observer.forget(now);
            assert!(observer.silent(&[node(2, 7)], Own { beats: second.min(3), ..OWN }, now).is_empty());
        }
    }

    #[test]
    fn node_does_not_watch_itself() {
        let (mut observer, start) = (Observer::default(), Instant::now());
        for look in 0..99 {
            assert!(observer.silent(&[node(1, 7)], OWN, start + Duration::from_secs(look)).is_empty());
        }
    }
}
