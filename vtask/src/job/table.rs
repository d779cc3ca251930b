//! The table that `#[job]` generates: data, and pointers to the user's methods.

#![allow(missing_debug_implementations, reason = "generated constants of function pointers, which nobody prints")]

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use super::Job;
use super::result::BoxError;
use super::saved::Migrate;
use super::scope::Scope;

/// A job as it was written.
pub struct JobTable<J: Job> {
    /// The stored name.
    pub name: &'static str,
    /// Former names, oldest first.
    pub was: &'static [&'static str],
    /// How many of it a node runs at a time.
    pub concurrency: Option<usize>,
    /// The steps, in source order.
    pub steps: &'static [StepRow<J>],
    /// Mends what another version has saved.
    pub migrate: Option<Migrate>,
    /// What runs after the last step.
    pub on_success: Option<CallbackRow<J>>,
    /// What runs after a failure or a cancellation.
    pub on_failure: Option<CallbackRow<J>>,
}

/// One step.
pub struct StepRow<J: Job> {
    /// The stored name.
    pub name: &'static str,
    /// Former names, oldest first.
    pub was: &'static [&'static str],
    /// One line for people.
    pub describe: &'static str,
    /// What happens when it fails.
    pub policy: Policy,
    /// The steps whose outputs it takes, by index.
    pub needs: &'static [usize],
    /// Whether its writes and its checkpoint commit together.
    pub transactional: bool,
    /// The return type as written.
    pub output_type: &'static str,
    /// Its output as JSON.
    pub encode: fn(&J::Context) -> Result<Option<String>, serde_json::Error>,
    /// Sets its output.
    pub decode: fn(&mut J::Context, Source<'_>) -> Result<(), serde_json::Error>,
    /// The method.
    pub body: Body<J>,
}

/// Where a value comes from.
#[derive(Debug, Clone, Copy)]
pub enum Source<'a> {
    /// It was saved so.
    Json(&'a str),
    /// It is made up from its type, for the sample of this number.
    Type(usize),
}

/// The callback of an outcome.
pub struct CallbackRow<J: Job> {
    /// The method's name.
    pub name: &'static str,
    /// One line for people.
    pub describe: &'static str,
    /// What happens when it fails.
    pub policy: Policy,
    /// The steps whose outputs it takes, by index.
    pub needs: &'static [usize],
    /// The method.
    pub body: Body<J>,
}

/// A future of a step's body.
pub type BodyFuture<'a> = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send + 'a>>;

/// A method of the user, called with what its parameters name.
pub enum Body<J: Job> {
    /// An `async fn`.
    Async(for<'a> fn(&'a J, &'a mut J::Context, &'a Scope) -> BodyFuture<'a>),
    /// A plain `fn`, which runs on the blocking pool.
    Blocking(for<'a> fn(&'a J, &'a mut J::Context, &'a Scope) -> Result<(), BoxError>),
}

impl<J: Job> Clone for Body<J> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<J: Job> Copy for Body<J> {}

/// What happens when an attempt fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// How often it is tried again.
    pub retry: Retry,
    /// How long it waits before that.
    pub period: Period,
    /// How long one attempt may take.
    pub timeout: Option<Duration>,
    /// What comes after the last attempt.
    pub on_exhausted: OnExhausted,
}

/// How often a failed attempt is followed by another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// So many attempts after the first.
    Times(u32),
    /// Until one succeeds.
    Always,
}

impl Retry {
    /// Whether another attempt follows the `failed`th.
    pub(crate) fn allows(self, failed: u32) -> bool {
        match self {
            Self::Times(retries) => failed <= retries,
            Self::Always => true,
        }
    }
}

/// How long a retry waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    first: Duration,
    most: Duration,
}

impl Period {
    /// Always so many milliseconds.
    #[must_use]
    pub const fn fixed(millis: u64) -> Self {
        Self::doubling(millis, millis)
    }

    /// From the first number of milliseconds, doubled at each attempt, to the second.
    #[must_use]
    pub const fn doubling(first: u64, most: u64) -> Self {
        Self { first: Duration::from_millis(first), most: Duration::from_millis(most) }
    }

    /// The wait after the `failed`th attempt (from 1). A doubling one is spread by up to a quarter either way, so that
    /// what failed together does not come back together; `random` is uniform.
    pub(crate) fn wait(self, failed: u32, random: u64) -> Duration {
        if self.first == self.most {
            return self.first;
        }
        let doubled = self.first.saturating_mul(1 << failed.saturating_sub(1).min(30)).min(self.most);
        let spread = doubled / 2;
        let share = u32::try_from(random >> 32).unwrap_or(u32::MAX);
        let part = Duration::from_secs_f64(spread.as_secs_f64() * f64::from(share) / f64::from(u32::MAX));
        (doubled - spread / 2 + part).clamp(self.first, self.most)
    }
}

/// What comes after the last failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnExhausted {
    /// The job fails.
    Fail,
    /// The job waits for a human.
    Pause,
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn fixed_period_never_varies() {
        for failed in [1, 2, 40, u32::MAX] {
            assert_eq!(Period::fixed(1000).wait(failed, u64::MAX), SECOND);
        }
    }

    #[test]
    fn doubling_period_stays_within_a_quarter_and_its_bounds() {
        let period = Period::doubling(1000, 60_000);
        for (failed, middle) in [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (u32::MAX, 60)] {
            for random in [0, u64::MAX / 2, u64::MAX] {
                let wait = period.wait(failed, random);
                let quarter = SECOND * middle / 4;
                assert!(wait >= SECOND && wait <= 60 * SECOND, "attempt {failed}: {wait:?}");
                assert!(wait + quarter + SECOND / 1000 >= SECOND * middle, "attempt {failed}: {wait:?}");
                assert!(wait <= SECOND * middle + quarter + SECOND / 1000, "attempt {failed}: {wait:?}");
            }
        }
    }

    #[test]
    fn retries_count_the_attempts_after_the_first() {
        assert!(!Retry::Times(0).allows(1));
        assert!(Retry::Times(3).allows(3));
        assert!(!Retry::Times(3).allows(4));
        assert!(Retry::Always.allows(u32::MAX));
    }
}
