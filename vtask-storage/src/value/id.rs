//! The numbers that name things: rows, owners, leases and instants.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Keeps the 63 low bits, so that a random number is a positive `BIGINT` everywhere.
const POSITIVE: u64 = i64::MAX as u64;

/// The id of a row of `task`.
///
/// A database that lost its last commits may issue an id a second time, so an id alone does not name a job for ever;
/// a keyword does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(pub i64);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for JobId {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// The random token of a row: who writes must show the present one and leaves a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Lease(pub i64);

impl Lease {
    /// Makes a token of 63 of these random bits.
    #[must_use]
    pub fn from_random(bits: u64) -> Self {
        Self((bits & POSITIVE).cast_signed())
    }
}

/// The random id of one life of a node; it is what owns rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Boot(pub i64);

impl Boot {
    /// The owner of a row that nobody holds.
    pub const NOBODY: Self = Self(0);

    /// Makes an id of 63 of these random bits, never that of [`Boot::NOBODY`].
    #[must_use]
    pub fn from_random(bits: u64) -> Self {
        Self((bits & POSITIVE).max(1).cast_signed())
    }
}

/// An instant on the database's clock, in microseconds since 1970-01-01 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The instant `wait` after this one; stops at the last that can be written.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(micros(wait)))
    }

    /// How long after `earlier` it is; zero if it is not.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        match time.duration_since(UNIX_EPOCH) {
            Ok(after) => Self(micros(after)),
            Err(before) => Self(-micros(before.duration())),
        }
    }
}

impl From<Timestamp> for SystemTime {
    fn from(time: Timestamp) -> Self {
        let distance = Duration::from_micros(time.0.unsigned_abs());
        if time.0 < 0 { UNIX_EPOCH - distance } else { UNIX_EPOCH + distance }
    }
}

/// The duration in microseconds, at most what a `BIGINT` holds.
pub(crate) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_before_1970_comes_back_as_it_was() {
        let time = UNIX_EPOCH - Duration::from_micros(1_500_000);
        assert_eq!(SystemTime::from(Timestamp::from(time)), time);
    }

    #[test]
    fn random_boot_is_never_nobody() {
        assert_ne!(Boot::from_random(0), Boot::NOBODY);
        assert_ne!(Boot::from_random(1 << 63), Boot::NOBODY);
        assert!(Boot::from_random(u64::MAX).0 > 0);
    }
}
