//! What the code that `#[job]` and `#[derive(JobContext)]` generate calls. No part of the public API.

pub use crate::context::{Context, ContextBounds, Declared, Undeclared, debug_context, keyword_part};
use crate::job::Step;
pub use crate::job::result::{BoxError, StepError, StepResult, Stored};
pub use crate::job::saved::migrate;
pub use crate::job::scope::{Provided, Scope, ask};
pub use crate::job::table::{
    Body, BodyFuture, CallbackRow, JobTable, OnExhausted, Period, Policy, Retry, Source, StepRow,
};

/// Makes a step's constant.
#[must_use]
pub const fn step<J, T>(index: usize, method: &'static str) -> Step<J, T> {
    Step::new(index, method)
}

/// The recorded output that a parameter names.
///
/// # Errors
///
/// If it is not recorded; the engine checks that before it calls.
pub fn output<'a, T>(slot: &'a Option<T>, step: &'static str) -> Result<&'a T, BoxError> {
    slot.as_ref().ok_or_else(|| format!("the output of step {step} is not recorded").into())
}

/// An output as JSON.
///
/// # Errors
///
/// If it does not serialize.
pub fn encode<T: Stored>(slot: &Option<T>) -> Result<Option<String>, serde_json::Error> {
    slot.as_ref().map(serde_json::to_string).transpose()
}

/// An output from JSON, or one that is made up.
///
/// # Errors
///
/// If it does not deserialize.
pub fn decode<T: Stored>(slot: &mut Option<T>, source: Source<'_>) -> Result<(), serde_json::Error> {
    *slot = match source {
        Source::Json(json) => Some(serde_json::from_str(json)?),
        Source::Type(number) => made_up(number),
    };
    Ok(())
}

#[cfg(feature = "testing")]
fn made_up<T: Stored>(number: usize) -> Option<T> {
    crate::testing::sample::one(number)
}

#[cfg(not(feature = "testing"))]
fn made_up<T>(_number: usize) -> Option<T> {
    None
}
