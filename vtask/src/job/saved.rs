//! Mending what another version of a job has saved, before it is decoded.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::{Map, Value};

use super::result::BoxError;
use crate::codec::{Outputs, redact};
use crate::flow;

/// A job as it is saved, for the function that [`#[job(migrate = …)]`](macro@crate::job) names: it makes of what another
/// version has saved what the present types read.
///
/// The values are those that are stored: a [`Secret`](crate::Secret) is `{"$secret": …}`, and a whole number that fits
/// neither `i64` nor `u64` has lost digits. What the function leaves as it is stays as it was saved, digit by digit.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct SavedContext {
    /// The data.
    pub data: Value,
    /// The output of each recorded step, by the name under which it was recorded.
    pub outputs: Map<String, Value>,
}

/// Shows itself without secrets.
impl fmt::Debug for SavedContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outputs = redact(Value::Object(self.outputs.clone()));
        let mut debug = f.debug_struct("SavedContext");
        debug.field("data", &redact(self.data.clone())).field("outputs", &outputs).finish()
    }
}

/// Mends what is saved.
pub(crate) type Migrate = fn(&mut SavedContext) -> Result<(), BoxError>;

/// Calls the user's function, whatever its error is.
///
/// # Errors
///
/// What the function says.
pub fn migrate<E: Into<BoxError>>(
    function: fn(&mut SavedContext) -> Result<(), E>,
    saved: &mut SavedContext,
) -> Result<(), BoxError> {
    function(saved).map_err(Into::into)
}

/// Why what is saved could not be mended.
#[derive(Debug, thiserror::Error)]
#[error("what is saved could not be migrated: {0}")]
pub(crate) struct NotMended(String);

impl From<serde_json::Error> for NotMended {
    fn from(error: serde_json::Error) -> Self {
        Self(error.to_string())
    }
}

/// Mends the data and the outputs of a row in place, and answers whether that changed anything.
pub(crate) fn mend(migrate: Migrate, input: &mut String, outputs: &mut Outputs) -> Result<bool, NotMended> {
    let before = read(input, outputs)?;
    let mut after = before.clone();
    match catch_unwind(AssertUnwindSafe(|| migrate(&mut after))) {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return Err(NotMended(flow::message(&*error))),
        Err(panic) => return Err(NotMended(format!("it panicked: {}", flow::panic_message(&*panic)))),
    }
    if after == before {
        return Ok(false);
    }
    let mended = changed_outputs(&before.outputs, &after.outputs, outputs)?;
    if after.data != before.data {
        *input = after.data.to_string();
    }
    *outputs = mended;
    Ok(true)
}

fn read(input: &str, outputs: &Outputs) -> Result<SavedContext, NotMended> {
    let each = |name: &str| Ok((name.to_owned(), serde_json::from_str(outputs.get(name).unwrap_or("null"))?));
    let outputs: Result<_, serde_json::Error> = outputs.names().map(each).collect();
    Ok(SavedContext { data: serde_json::from_str(input)?, outputs: outputs? })
}

/// The outputs in the order of their recording, new ones last.
fn changed_outputs(
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    saved: &Outputs,
) -> Result<Outputs, serde_json::Error> {
    let mut changed = Outputs::default();
    let kept = saved.names().filter(|name| after.contains_key(*name));
    let new = after.keys().map(String::as_str).filter(|name| !before.contains_key(*name));
    for name in kept.chain(new) {
        let as_saved = saved.get(name).filter(|_| before.get(name) == after.get(name));
        let output = as_saved.map_or_else(|| after[name].to_string(), str::to_owned);
        changed.push(name.to_owned(), output);
    }
    Ok(changed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(migrate: Migrate, input: &str, outputs: &str, expected: (&str, &str, bool)) {
        let (mut input, mut outputs) = (input.to_owned(), Outputs::parse(outputs).unwrap());
        let changed = mend(migrate, &mut input, &mut outputs).unwrap();
        assert_eq!((input.as_str(), outputs.json().as_str(), changed), expected);
    }

    #[test]
    fn what_is_left_alone_stays_digit_by_digit() {
        let big = r#"{ "n": 123456789012345678901234567890.10 }"#;
        check(|_| Ok(()), big, r#"{"b":1.00,"a":2}"#, (big, r#"{"b":1.00,"a":2}"#, false));
        let touch_a = |saved: &mut SavedContext| {
            saved.outputs["a"] = Value::from(3);
            saved.outputs.insert("c".to_owned(), Value::Null);
            Ok(())
        };
        check(touch_a, big, r#"{"b":1.00,"a":2}"#, (big, r#"{"b":1.00,"a":3,"c":null}"#, true));
    }

    #[test]
    fn outputs_can_be_renamed_and_dropped() {
        let rename = |saved: &mut SavedContext| {
            let old = saved.outputs.remove("b").unwrap_or_default();
            saved.outputs.insert("pay".to_owned(), old);
            saved.data = Value::from(7);
            Ok(())
        };
        check(rename, "null", r#"{"b":"x","a":2}"#, ("7", r#"{"a":2,"pay":"x"}"#, true));
    }

    #[test]
    fn error_and_panic_change_nothing_and_are_told() {
        let told = |migrate: Migrate| {
            let (mut input, mut outputs) = ("1".to_owned(), Outputs::parse("{}").unwrap());
            let error = mend(migrate, &mut input, &mut outputs).unwrap_err();
            assert_eq!((input.as_str(), outputs.json().as_str()), ("1", "{}"));
            error.to_string()
        };
        let fails: Migrate = |saved| {
            saved.data = Value::Null;
            Err("no such year".into())
        };
        assert_eq!(told(fails), "what is saved could not be migrated: no such year");
        assert_eq!(told(|_| panic!("oh")), "what is saved could not be migrated: it panicked: oh");
    }

    #[test]
    fn debug_shows_no_secret() {
        let data = serde_json::json!({"card": {"$secret": "hush"}});
        let saved = SavedContext { outputs: Map::from_iter([("a".to_owned(), data.clone())]), data };
        assert!(!format!("{saved:?}").contains("hush"), "{saved:?}");
    }
}
