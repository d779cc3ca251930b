//! Random choices that can be made again.

use std::hash::{BuildHasher, RandomState};

/// A number that nobody else has drawn.
pub(crate) fn nonce() -> u64 {
    RandomState::new().hash_one(std::process::id())
}

/// Draws the same numbers from the same seed.
pub(crate) struct Dice(u64);

impl Dice {
    /// Prints its seed; the environment variable `VTASK_TEST_SEED` gives one.
    pub(crate) fn new() -> Self {
        let given = std::env::var("VTASK_TEST_SEED").ok().map(|seed| seed.parse().expect("a seed is a number"));
        let seed = given.unwrap_or_else(nonce);
        println!("VTASK_TEST_SEED={seed}");
        Self(seed)
    }

    /// Those of this seed.
    pub(crate) fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below this one. The steps are those of `SplitMix64`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    /// A place in a list of this length.
    pub(crate) fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).expect("it is below a length")
    }
}
