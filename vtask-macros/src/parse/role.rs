//! Which of our attributes a method carries.

use std::fmt::{self, Display, Formatter};

use syn::{Ident, Path};

/// What a marked method is to its job.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    /// `#[step]`.
    Step,
    /// `#[on_success]`.
    OnSuccess,
    /// `#[on_failure]`.
    OnFailure,
}

impl Role {
    /// Tells which attribute of ours a path names: `step` or `vtask::step`, and so on; `krate` is another name of `vtask`.
    pub(crate) fn of(path: &Path, krate: Option<&Ident>) -> Option<Self> {
        let mut segments = path.segments.iter().rev().map(|segment| &segment.ident);
        let name = segments.next()?;
        let ours = segments.next().is_none_or(|owner| owner == "vtask" || Some(owner) == krate);
        [Self::Step, Self::OnSuccess, Self::OnFailure].into_iter().find(|role| ours && name == role.name())
    }

    /// Says whether it is one of the two callbacks.
    pub(crate) fn is_callback(self) -> bool {
        self != Self::Step
    }

    /// Returns what a message calls the method: "a step", "a callback".
    pub(crate) fn article(self) -> &'static str {
        if self.is_callback() { "a callback" } else { "a step" }
    }

    /// Returns the name without brackets.
    fn name(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::OnSuccess => "on_success",
            Self::OnFailure => "on_failure",
        }
    }
}

impl Display for Role {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "#[{}]", self.name())
    }
}
