//! What is saved of a job.

use std::fmt;

use serde_json::Value;

use crate::codec;
use crate::job::Job;
use crate::job::result::Stored;

/// The data of a job: what an invocation gives, what the steps share, and what is saved after each of them.
///
/// Derive it; `#[context(keyword)]` on a field makes that field the job's identity, so that two invocations with the
/// same value are one job. With several such fields their values are joined by `/`.
///
/// `Stored` is whatever is `Serialize + DeserializeOwned`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the data of a job",
    label = "not a `JobContext`",
    note = "add `#[derive(serde::Serialize, serde::Deserialize, vtask::JobContext)]` to `{Self}`"
)]
pub trait JobContext: Stored + Send + Sync + 'static {
    /// Whether the data declares its keyword.
    #[doc(hidden)]
    type Keyword: KeywordMode;

    /// Its fields or variants as written.
    #[doc(hidden)]
    const FIELDS: &'static [&'static str];

    /// The values of the keyword fields.
    #[doc(hidden)]
    fn keyword_parts(&self) -> Vec<String>;
}

/// A job without data.
impl JobContext for () {
    type Keyword = Undeclared;

    const FIELDS: &'static [&'static str] = &[];

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

/// A field that is part of a keyword.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of a keyword",
    label = "not `Display`",
    note = "the keyword of a job is made of what `std::fmt::Display` writes of its `#[context(keyword)]` fields"
)]
pub trait KeywordPart: fmt::Display {}

#[diagnostic::do_not_recommend]
impl<T: fmt::Display> KeywordPart for T {}

/// Writes a part of a keyword.
#[must_use]
pub fn keyword_part<T: KeywordPart>(part: &T) -> String {
    part.to_string()
}

/// The struct that `#[job]` generates for the job `J`: the data and one output a step.
pub trait Context<J>: fmt::Debug {
    /// The data.
    type Data;

    /// A context with no step recorded.
    fn new(data: Self::Data) -> Self;

    /// The data.
    fn data(&self) -> &Self::Data;

    /// Puts other data in its place.
    fn replace(&mut self, data: Self::Data);
}

/// What data needs beside the derive.
pub trait ContextBounds: Stored + Send + Sync + 'static {}

impl<T: Stored + Send + Sync + 'static> ContextBounds for T {}

/// Writes a context without its secrets.
///
/// # Errors
///
/// What the formatter says.
pub fn debug_context<J: Job>(f: &mut fmt::Formatter<'_>, name: &str, context: &J::Context) -> fmt::Result {
    let mut debug = f.debug_struct(name);
    debug.field("data", &Shown(serde_json::to_value(context.data())));
    for step in J::TABLE.steps {
        let output =
            (step.encode)(context).and_then(|json| json.as_deref().map_or(Ok(Value::Null), serde_json::from_str));
        debug.field(step.name, &Shown(output));
    }
    debug.finish()
}

/// A value without its secrets, or why it has no JSON.
struct Shown(Result<Value, serde_json::Error>);

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Ok(value) => write!(f, "{}", codec::redact(value.clone())),
            Err(error) => write!(f, "<{error}>"),
        }
    }
}
