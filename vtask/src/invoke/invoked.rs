//! What became of several invocations.

use std::fmt;
use std::ops::Deref;

use super::InvokeError;
use crate::run::JobRun;

/// What became of several invocations: the job or the error of each, in order.
///
/// It reads as a slice and iterates as a `Vec`; [`all`](Self::all) is for callers to whom one error is everybody's.
#[must_use = "each invocation has an error of its own: look at them, or use `.all()?`"]
pub struct Invoked<J>(pub(super) Vec<Result<JobRun<J>, InvokeError>>);

impl<J> fmt::Debug for Invoked<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.0).finish()
    }
}

impl<J> Invoked<J> {
    /// All jobs, or the first error; those without one are saved all the same.
    ///
    /// # Errors
    ///
    /// The first [`InvokeError`] among them.
    pub fn all(self) -> Result<Vec<JobRun<J>>, InvokeError> {
        self.into_iter().collect()
    }
}

impl<J> Deref for Invoked<J> {
    type Target = [Result<JobRun<J>, InvokeError>];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<J> IntoIterator for Invoked<J> {
    type Item = Result<JobRun<J>, InvokeError>;
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a, J> IntoIterator for &'a Invoked<J> {
    type Item = &'a Result<JobRun<J>, InvokeError>;
    type IntoIter = std::slice::Iter<'a, Result<JobRun<J>, InvokeError>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}
