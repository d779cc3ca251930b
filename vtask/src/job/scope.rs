//! What the engine gives to one execution of a method, beside the context.

use std::sync::Arc;

use sea_orm::DatabaseTransaction;

use super::result::BoxError;
use crate::attempt::Attempt;
use crate::failure::JobFailure;

/// Everything a method may ask for by type.
#[derive(Debug, Default)]
pub struct Scope {
    pub(crate) attempt: Attempt,
    pub(crate) failure: Option<JobFailure>,
    pub(crate) transaction: Option<Arc<DatabaseTransaction>>,
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for crate::attempt::Attempt {}
    impl Sealed for crate::failure::JobFailure {}
    impl Sealed for sea_orm::DatabaseTransaction {}
}

/// A type that a method may ask the engine for.
#[diagnostic::on_unimplemented(
    message = "the engine has no `{Self}` to give",
    label = "not known to the engine",
    note = "a parameter of this name is taken for `vtask::Attempt`, `vtask::JobFailure` or `sea_orm::DatabaseTransaction`"
)]
pub trait Provided: sealed::Sealed {
    /// The value, where this execution has one.
    fn provided(scope: &Scope) -> Option<&Self>;
}

impl Provided for Attempt {
    fn provided(scope: &Scope) -> Option<&Self> {
        Some(&scope.attempt)
    }
}

impl Provided for JobFailure {
    fn provided(scope: &Scope) -> Option<&Self> {
        scope.failure.as_ref()
    }
}

impl Provided for DatabaseTransaction {
    fn provided(scope: &Scope) -> Option<&Self> {
        scope.transaction.as_deref()
    }
}

/// Gives what a parameter asks for.
///
/// # Errors
///
/// If this execution has none; the macro and `register` see to it that this does not happen.
pub fn ask<T: Provided>(scope: &Scope) -> Result<&T, BoxError> {
    T::provided(scope).ok_or_else(|| format!("no {} in this execution", std::any::type_name::<T>()).into())
}
