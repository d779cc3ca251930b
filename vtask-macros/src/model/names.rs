//! The names under which jobs and steps are stored.

use proc_macro2::Span;
use syn::{Error, Expr, Result};

use super::values::{Setting, peel, string};
use crate::errors::Errors;
use crate::parse::Arg;

/// The longest name, in bytes.
const LONGEST: usize = 64;

/// A stored name, and where it was written.
pub(crate) struct Name {
    pub(crate) text: String,
    pub(crate) span: Span,
}

/// The names of one job or step.
pub(crate) struct Names {
    /// The present one; none if it was written wrongly.
    name: Option<Name>,
    /// The former ones.
    was: Vec<Name>,
}

impl Names {
    /// Reads `name` and `was`; what is not named is called `default`.
    pub(crate) fn from_args(name: Option<&Arg>, was: Option<&Arg>, default: Name, errors: &mut Errors) -> Self {
        let name = match Setting::read(name, errors, one) {
            Setting::Absent => errors.record(
                default
                    .check()
                    .map_err(|error| Error::new(error.span(), format!("{error}, for example with `name = \"…\"`"))),
            ),
            given => given.given(),
        };
        Self { name, was: Setting::read(was, errors, several).given().unwrap_or_default() }
    }

    /// Returns the present name.
    pub(crate) fn name(&self) -> &str {
        self.name.as_ref().map_or("", |name| &name.text)
    }

    /// Returns the former names.
    pub(crate) fn was(&self) -> impl Iterator<Item = &str> {
        self.was.iter().map(|name| name.text.as_str())
    }

    /// Returns the present name and the former ones.
    fn all(&self) -> impl Iterator<Item = &Name> {
        self.name.iter().chain(&self.was)
    }
}

impl Name {
    /// Refuses a name that cannot be stored.
    fn check(self) -> Result<Self> {
        let text = &self.text;
        let error = if text.is_empty() {
            "an empty name cannot be found again: write 1 to 64 bytes".to_owned()
        } else if text.len() > LONGEST {
            format!("the name `{text}` has {} bytes: shorten it to {LONGEST} or less", text.len())
        } else if text.contains('/') {
            format!("the name `{text}` contains `/`, which ends a job's name in a keyword: leave it out")
        } else if text.starts_with('$') {
            format!("the name `{text}` begins with `$`, as the marks of vtask do: leave it out")
        } else if text.contains(char::is_control) {
            format!("the name {text:?} contains a control character: leave it out")
        } else {
            return Ok(self);
        };
        Err(Error::new(self.span, error))
    }
}

/// Reports each name that an earlier one in the same table has already.
pub(crate) fn check_unique<'a>(table: impl IntoIterator<Item = &'a Names>, errors: &mut Errors) {
    let mut seen: Vec<&str> = Vec::new();
    for name in table.into_iter().flat_map(Names::all) {
        if seen.contains(&name.text.as_str()) {
            errors.at_span(name.span, format!("the name `{}` is taken: names and former names are unique", name.text));
        }
        seen.push(&name.text);
    }
}

/// Reads one name.
fn one(expr: &Expr) -> Result<Name> {
    let literal = string(expr)?;
    Name { text: literal.value(), span: literal.span() }.check()
}

/// Reads one name or a list of them.
fn several(expr: &Expr) -> Result<Vec<Name>> {
    let Expr::Array(array) = peel(expr) else { return Ok(vec![one(expr)?]) };
    let mut errors = Errors::default();
    let names = array.elems.iter().filter_map(|elem| errors.record(one(elem))).collect();
    errors.finish(names)
}
