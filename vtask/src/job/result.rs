//! What a step returns.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// An error of any type, as the engine keeps it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The return type of a step, behind whatever alias: `Result<T, E>`.
#[diagnostic::on_unimplemented(
    message = "a step cannot return `{Self}`",
    label = "not a `Result` whose output can be stored",
    note = "a step returns `Result<T, E>` where `T` is `Serialize + DeserializeOwned + Send + Sync + 'static` and `E` \
            converts into `Box<dyn Error + Send + Sync>`, such as `anyhow::Result<T>`"
)]
pub trait StepResult {
    /// What is recorded.
    type Output: Serialize + DeserializeOwned + Send + Sync + 'static;

    /// The output, or the error in a box.
    ///
    /// # Errors
    ///
    /// What the step returned.
    fn boxed(self) -> Result<Self::Output, BoxError>;
}

impl<T, E> StepResult for Result<T, E>
where
    T: Serialize + DeserializeOwned + Send + Sync + 'static,
    E: Into<BoxError>,
{
    type Output = T;

    fn boxed(self) -> Result<T, BoxError> {
        self.map_err(Into::into)
    }
}
