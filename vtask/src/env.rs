//! Randomness and wall time, the two things that a replay would have to fix beside the runtime's clock.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rand::Rng;
use rand::rngs::StdRng;
use uuid::{Builder, Uuid};
use vtask_storage::is_mutant;
use vtask_storage::value::{Boot, Lease};

/// Where random numbers come from. Monotonic time comes from the runtime, which tests pause.
#[derive(Clone, Default)]
pub(crate) struct Env {
    seeded: Option<Arc<Mutex<StdRng>>>,
}

impl Env {
    /// Randomness that repeats for the same seed.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn seeded(seed: u64) -> Self {
        Self { seeded: Some(Arc::new(Mutex::new(rand::SeedableRng::seed_from_u64(seed)))) }
    }

    pub(crate) fn random(&self) -> u64 {
        match &self.seeded {
            Some(rng) => rng.lock().unwrap_or_else(PoisonError::into_inner).next_u64(),
            None => rand::rng().next_u64(),
        }
    }

    pub(crate) fn lease(&self) -> Lease {
        Lease::from_random(self.random())
    }

    /// The token that a row gets whose present one is this.
    pub(crate) fn lease_after(&self, present: Lease) -> Lease {
        match present {
            same if is_mutant("same lease") => same,
            Lease(last) if is_mutant("counted lease") => Lease(last + 1),
            _ => self.lease(),
        }
    }

    pub(crate) fn boot(&self) -> Boot {
        Boot::from_random(self.random())
    }

    /// A UUIDv7: unique, and in the order of time as far as the clocks agree.
    pub(crate) fn uuid(&self) -> Uuid {
        let mut random = [0; 10];
        random[..8].copy_from_slice(&self.random().to_be_bytes());
        random[8..].copy_from_slice(&self.random().to_be_bytes()[..2]);
        Builder::from_unix_timestamp_millis(millis(wall()), &random).into_uuid()
    }

    /// A wait between half and three halves of this one, so that what started together does not stay together.
    pub(crate) fn jitter(&self, wait: Duration) -> Duration {
        let share = u32::try_from(self.random() >> 32).unwrap_or(0);
        wait / 2 + wait.mul_f64(f64::from(share) / f64::from(u32::MAX))
    }

    /// Mixes a list.
    pub(crate) fn shuffle<T>(&self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.up_to(last));
        }
    }

    /// One of a list.
    pub(crate) fn choose<'a, T>(&self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.up_to(items.len().saturating_sub(1)))
    }

    fn up_to(&self, last: usize) -> usize {
        usize::try_from(self.random() % (last as u64 + 1)).unwrap_or(last)
    }
}

/// The time of day, for people; nothing is decided by it.
pub(crate) fn wall() -> SystemTime {
    SystemTime::now()
}

fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Waits that double from 10 ms to 1 s, for what should soon work again.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    tries: u32,
}

impl Backoff {
    /// How often it was waited.
    pub(crate) fn tries(&self) -> u32 {
        self.tries
    }

    pub(crate) async fn wait(&mut self, env: &Env) {
        let wait = Duration::from_millis(10 << self.tries.min(7)).min(Duration::from_secs(1));
        self.tries += 1;
        tokio::time::sleep(env.jitter(wait)).await;
    }
}
