//! Bugs that can be switched on, to see that the tests find them: `tests/mutants` tries each.
//!
//! None of them is in a build without `--cfg vtask_mutants`.

/// Whether this bug is switched on, by the environment variable `VTASK_MUTANT`.
#[cfg(vtask_mutants)]
#[must_use]
pub fn is_mutant(bug: &str) -> bool {
    static CHOSEN: std::sync::LazyLock<Option<String>> =
        std::sync::LazyLock::new(|| std::env::var("VTASK_MUTANT").ok());
    CHOSEN.as_deref() == Some(bug)
}

/// Whether this bug is switched on: never.
#[cfg(not(vtask_mutants))]
#[inline(always)]
#[must_use]
pub const fn is_mutant(_bug: &str) -> bool {
    false
}
