//! Candidates that a claim left out: others got them first, or an open transaction has locked them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use vtask_storage::value::{Candidate, Claim, Claimed, JobId};

/// One that was left out is not tried again for so long: to wait for its lock would hold up all others.
const PAUSE: Duration = Duration::from_secs(5);

/// Which were left out, and until when they are not tried again.
#[derive(Debug, Default)]
pub(super) struct LeftOut(Mutex<BTreeMap<JobId, Instant>>);

impl LeftOut {
    pub(super) fn add(&self, claims: &[Claim], claimed: &[Claimed]) {
        if claimed.len() == claims.len() {
            return;
        }
        let until = Instant::now() + PAUSE;
        let missing = claims.iter().filter(|claim| claimed.iter().all(|row| row.id != claim.id));
        self.lock().extend(missing.map(|claim| (claim.id, until)));
    }

    /// Takes those out that are not to be tried now.
    pub(super) fn pass_over(&self, candidates: &mut Vec<Candidate>) {
        let (now, mut left_out) = (Instant::now(), self.lock());
        left_out.retain(|_, until| now < *until);
        candidates.retain(|candidate| !left_out.contains_key(&candidate.id));
    }

    // Nothing under this lock can panic half-way.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<JobId, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
