//! What a step returns.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// An error of any type, as the engine keeps it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The return type of a step, behind whatever alias: `Result<T, E>`.
///
/// It asks nothing of `T` and `E`: what they lack is told once, where they are kept, and not wherever they are named.
#[diagnostic::on_unimplemented(
    message = "a step cannot return `{Self}`",
    label = "not a `Result`",
    note = "a step or callback returns `Result<T, E>`, such as `anyhow::Result<T>`"
)]
pub trait StepResult {
    /// What is recorded.
    type Output;

    /// What it fails with.
    type Error;

    /// Keeps the output.
    ///
    /// # Errors
    ///
    /// What the step returned.
    fn record(self, slot: &mut Option<Self::Output>) -> Result<(), BoxError>
    where
        Self::Output: Stored + Send + Sync + 'static,
        Self::Error: StepError;

    /// Forgets what a callback returned, unless it failed.
    ///
    /// # Errors
    ///
    /// What the callback returned.
    fn finish(self) -> Result<(), BoxError>
    where
        Self::Error: StepError;
}

impl<T, E> StepResult for Result<T, E> {
    type Output = T;
    type Error = E;

    fn record(self, slot: &mut Option<T>) -> Result<(), BoxError>
    where
        E: StepError,
    {
        *slot = Some(self.map_err(Into::into)?);
        Ok(())
    }

    fn finish(self) -> Result<(), BoxError>
    where
        E: StepError,
    {
        self.map(drop).map_err(Into::into)
    }
}

/// What can be saved.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be saved",
    label = "not both `serde::Serialize` and `serde::de::DeserializeOwned`",
    note = "the data of a job and the outputs of its steps are saved as JSON",
    note = "for a type of your own add `#[derive(serde::Serialize, serde::Deserialize)]`; for another look whether its \
            crate has a feature `serde`"
)]
pub trait Stored: Serialize + DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> Stored for T {}

/// What a step may fail with.
#[diagnostic::on_unimplemented(
    message = "a step cannot fail with `{Self}`",
    label = "not an error",
    note = "the error of a step converts into `Box<dyn Error + Send + Sync>`: implement `std::error::Error` for it, or \
            take `anyhow::Error`"
)]
pub trait StepError: Into<BoxError> {}

#[diagnostic::do_not_recommend]
impl<E: Into<BoxError>> StepError for E {}
