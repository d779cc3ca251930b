//! Names that somebody draws at random: they can be compared, and mean nothing else.
//!
//! The model draws the smallest number that is not in use. That is what randomness is worth here: a new token equals no
//! other that anything still knows, not even one that the database has forgotten.

/// The token in a row; a write shows the present one and leaves a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Lease(pub u8);

/// One life of a process; it is what owns rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Boot(pub u8);

impl Boot {
    /// Owns what is to be claimed.
    pub const NOBODY: Self = Self(0);
}

/// The name under which a process joins the list of nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Host(pub u8);

/// What one execution of a step returned; no two executions return the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Output(pub u8);

impl Output {
    /// The step is not recorded.
    pub const NONE: Self = Self(0);

    /// Whether the step is recorded.
    #[must_use]
    pub fn is_some(self) -> bool {
        self != Self::NONE
    }
}

/// The numbers that are not in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Fresh {
    pub(crate) lease: u8,
    pub(crate) boot: u8,
    pub(crate) host: u8,
    pub(crate) output: u8,
}

impl Fresh {
    pub(crate) fn lease(&mut self) -> Lease {
        Lease(next(&mut self.lease))
    }

    pub(crate) fn boot(&mut self) -> Boot {
        Boot(next(&mut self.boot))
    }

    pub(crate) fn host(&mut self) -> Host {
        Host(next(&mut self.host))
    }

    pub(crate) fn output(&mut self) -> Output {
        Output(next(&mut self.output))
    }
}

fn next(last: &mut u8) -> u8 {
    *last += 1;
    *last
}
