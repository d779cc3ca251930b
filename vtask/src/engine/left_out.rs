//! Candidates that a claim left out: others got them first, or an open transaction has locked them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use vtask_storage::value::{Candidate, Claim, Claimed, JobId, Lease};

/// One that was left out is not tried again for so long: to wait for its lock would hold up all others.
const PAUSE: Duration = Duration::from_secs(5);

/// Which were left out under which lease, and until when they are not tried again. Under another lease somebody had it
/// meanwhile and has given it back: then no lock is in the way.
#[derive(Debug, Default)]
pub(super) struct LeftOut(Mutex<BTreeMap<JobId, (Lease, Instant)>>);

impl LeftOut {
    pub(super) fn add(&self, claims: &[Claim], claimed: &[Claimed]) {
        if claimed.len() == claims.len() {
            return;
        }
        let until = Instant::now() + PAUSE;
        let missing = claims.iter().filter(|claim| claimed.iter().all(|row| row.id != claim.id));
        self.lock().extend(missing.map(|claim| (claim.id, (claim.seen, until))));
    }

    /// Takes those out that are not to be tried now.
    pub(super) fn pass_over(&self, candidates: &mut Vec<Candidate>) {
        let (now, mut left_out) = (Instant::now(), self.lock());
        left_out.retain(|_, (_, until)| now < *until);
        candidates.retain(|candidate| left_out.get(&candidate.id).is_none_or(|(lease, _)| *lease != candidate.lease));
    }

    // Nothing under this lock can panic half-way.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<JobId, (Lease, Instant)>> {
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
        left_out.pass_over(&mut candidates);
        assert_eq!(candidates.iter().map(|candidate| candidate.lease).collect::<Vec<_>>(), [Lease(3)]);
    }
}
