//! Candidates that a claim left out: others got them first, or an open transaction has locked them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use vtask_storage::value::{Candidate, Claim, Claimed, JobId, Lease};

/// One that was left out is not tried again for so long, then for twice as long, and so on: to wait for its lock would hold up
/// all others, and many such would never let the claimer come to those behind them.
const PAUSE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(20));

/// Which were left out under which lease, and until when they are not tried again. Under another lease somebody had it
/// meanwhile and has given it back: then no lock is in the way.
#[derive(Debug, Default)]
pub(super) struct LeftOut(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    left: BTreeMap<JobId, Left>,
    /// How many the last look passed over, by name. Those that others got first are not found again, and not counted.
    in_the_way: BTreeMap<String, usize>,
}

#[derive(Debug, Clone, Copy)]
struct Left {
    lease: Lease,
    pause: Duration,
    until: Instant,
}

impl LeftOut {
    pub(super) fn add(&self, claims: &[Claim], claimed: &[Claimed]) {
        if claimed.len() == claims.len() {
            return;
        }
        let (now, left_out) = (Instant::now(), &mut self.lock().left);
        for Claim { id, seen, .. } in claims.iter().filter(|claim| claimed.iter().all(|row| row.id != claim.id)) {
            let before = left_out.get(id).filter(|left| left.lease == *seen);
            let pause = before.map_or(PAUSE.0, |left| (left.pause * 2).min(PAUSE.1));
            left_out.insert(*id, Left { lease: *seen, pause, until: now + pause });
        }
    }

    /// How many a look for this name has to go past.
    pub(super) fn in_the_way(&self, name: &str) -> usize {
        self.lock().in_the_way.get(name).copied().unwrap_or_default()
    }

    /// Takes those out that are not to be tried now; answers whether more were in the way than the look allowed for.
    pub(super) fn pass_over(&self, candidates: &mut Vec<Candidate>) -> bool {
        let (now, mut state) = (Instant::now(), self.lock());
        let State { left, in_the_way } = &mut *state;
        // How long it was left alone is kept until it has been tried again, most likely.
        left.retain(|_, left| now < left.until + PAUSE.1);
        let is_left = |candidate: &Candidate, left: &Left| left.lease == candidate.lease && now < left.until;
        let mut passed: BTreeMap<String, usize> = BTreeMap::new();
        candidates.retain(|candidate| {
            let is_left = left.get(&candidate.id).is_some_and(|left| is_left(candidate, left));
            if is_left {
                *passed.entry(candidate.name.clone()).or_default() += 1;
            }
            !is_left
        });
        let is_more = passed.iter().any(|(name, count)| *count > in_the_way.get(name).copied().unwrap_or_default());
        *in_the_way = passed;
        is_more
    }

    // Nothing under this lock can panic half-way.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use vtask_storage::value::Timestamp;

    use super::*;

    fn candidate(lease: i64) -> Candidate {
        let (name, wake_at) = ("a".to_owned(), Timestamp(1));
        Candidate { id: JobId(7), lease: Lease(lease), bytes: 1, crashes: 0, name, step: None, plan: 0, wake_at }
    }

    #[test]
    fn job_that_others_got_and_gave_back_is_tried_at_once() {
        let left_out = LeftOut::default();
        left_out.add(&[Claim { id: JobId(7), seen: Lease(1), lease: Lease(2) }], &[]);
        let mut candidates = vec![candidate(1), candidate(3)];
        assert!(left_out.pass_over(&mut candidates), "nobody has allowed for it");
        assert_eq!(left_out.in_the_way("a"), 1);
        assert_eq!(candidates.iter().map(|candidate| candidate.lease).collect::<Vec<_>>(), [Lease(3)]);
    }

    #[test]
    fn jobs_that_others_got_widen_no_look() {
        let left_out = LeftOut::default();
        let claims: Vec<Claim> = (1..=100).map(|id| Claim { id: JobId(id), seen: Lease(1), lease: Lease(2) }).collect();
        left_out.add(&claims, &[]);
        // They are in other hands, and no look finds them.
        assert!(!left_out.pass_over(&mut Vec::new()));
        assert_eq!(left_out.in_the_way("a"), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn job_that_is_left_out_again_and_again_is_tried_ever_more_seldom() {
        let (left_out, claim) = (LeftOut::default(), Claim { id: JobId(7), seen: Lease(1), lease: Lease(2) });
        for seconds in [5, 10, 20, 20] {
            left_out.add(&[claim], &[]);
            let tried = || {
                let mut candidates = vec![candidate(1)];
                left_out.pass_over(&mut candidates);
                candidates.len()
            };
            tokio::time::advance(Duration::from_secs(seconds) - Duration::from_millis(1)).await;
            assert_eq!(tried(), 0, "before {seconds} s");
            tokio::time::advance(Duration::from_millis(1)).await;
            assert_eq!(tried(), 1, "after {seconds} s");
        }
    }
}
