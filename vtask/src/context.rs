//! What is saved of a job.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::codec;

/// The data of a job: what an invocation gives, what the steps share, and what is saved after each of them.
///
/// Derive it; `#[context(keyword)]` on a field makes that field the job's identity, so that two invocations with the
/// same value are one job. With several such fields their values are joined by `/`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the data of a job",
    label = "not a `JobContext`",
    note = "add `#[derive(serde::Serialize, serde::Deserialize, vtask::JobContext)]` to `{Self}`"
)]
pub trait JobContext: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Whether the data declares its keyword.
    #[doc(hidden)]
    type Keyword: KeywordMode;

    /// The values of the keyword fields.
    #[doc(hidden)]
    fn keyword_parts(&self) -> Vec<String>;
}

/// A job without data.
impl JobContext for () {
    type Keyword = Undeclared;

    fn keyword_parts(&self) -> Vec<String> {
        Vec::new()
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Declared {}
    impl Sealed for super::Undeclared {}
}

/// Whether data declares its keyword.
pub trait KeywordMode: sealed::Sealed + Send + Sync + 'static {}

/// The data has a `#[context(keyword)]` field.
#[derive(Debug)]
pub enum Declared {}

/// The data has none.
#[derive(Debug)]
pub enum Undeclared {}

impl KeywordMode for Declared {}
impl KeywordMode for Undeclared {}

/// Data whose invocations may be given a keyword.
#[diagnostic::on_unimplemented(
    message = "the data declares its keyword itself",
    label = "this job's keyword comes from its `#[context(keyword)]` field",
    note = "leave out `.keyword(…)`, or take `#[context(keyword)]` off the data"
)]
pub trait TakesKeyword: KeywordMode {}

impl TakesKeyword for Undeclared {}

/// The struct that `#[job]` generates for the job `J`: the data and one output a step.
pub trait Context<J>: fmt::Debug + Send + Sync + 'static {
    /// The data.
    type Data: JobContext;

    /// A context with no step recorded.
    fn new(data: Self::Data) -> Self;

    /// The data.
    fn data(&self) -> &Self::Data;

    /// Puts other data in its place.
    fn replace(&mut self, data: Self::Data);
}

/// What data needs beside the derive.
pub trait ContextBounds: Serialize + DeserializeOwned + Send + Sync + 'static {}

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> ContextBounds for T {}

/// A field that the redacted `Debug` of a context shows.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stored",
    label = "does not implement `serde::Serialize`",
    note = "the data of a job and the outputs of its steps are saved as JSON"
)]
pub trait Show {
    /// Its JSON, with the values of secrets left out.
    fn show(&self) -> String;
}

impl<T: Serialize> Show for T {
    fn show(&self) -> String {
        match serde_json::to_value(self) {
            Ok(value) => codec::redact(value).to_string(),
            Err(error) => format!("<{error}>"),
        }
    }
}

/// Writes a context without its secrets.
///
/// # Errors
///
/// What the formatter says.
pub fn debug_context(f: &mut fmt::Formatter<'_>, name: &str, fields: &[(&str, &dyn Show)]) -> fmt::Result {
    let mut debug = f.debug_struct(name);
    for (field, value) in fields {
        debug.field(field, &format_args!("{}", value.show()));
    }
    debug.finish()
}
