//! Turns the expressions of the arguments into values, each with its own error.

use std::fmt::Display;

use syn::{Error, Expr, ExprLit, ExprPath, Ident, Lit, LitStr, Path, Result};

use crate::errors::Errors;
use crate::parse::Arg;
use crate::suggest::did_you_mean;

/// What became of a key.
#[derive(Clone, Copy)]
pub(crate) enum Setting<T> {
    /// It was not written.
    Absent,
    /// It was written wrongly, and that is reported.
    Wrong,
    /// It was understood.
    Given(T),
}

impl<T> Setting<T> {
    /// Reads the argument of a key, if there is one.
    pub(crate) fn read(arg: Option<&Arg>, errors: &mut Errors, read: impl FnOnce(&Expr) -> Result<T>) -> Self {
        match arg.map(|arg| errors.record(read(&arg.value))) {
            None => Self::Absent,
            Some(None) => Self::Wrong,
            Some(Some(value)) => Self::Given(value),
        }
    }

    /// Takes another setting where this one was not written.
    pub(crate) fn or(self, other: Self) -> Self {
        if matches!(self, Self::Absent) { other } else { self }
    }

    /// Returns the value that was understood.
    pub(crate) fn given(self) -> Option<T> {
        match self {
            Self::Given(value) => Some(value),
            Self::Absent | Self::Wrong => None,
        }
    }
}

/// Looks through parentheses and the invisible groups that `macro_rules!` puts around an expression.
pub(crate) fn peel(expr: &Expr) -> &Expr {
    match expr {
        Expr::Group(group) => peel(&group.expr),
        Expr::Paren(paren) => peel(&paren.expr),
        _ => expr,
    }
}

/// Reads a literal.
pub(crate) fn literal(expr: &Expr) -> Option<&Lit> {
    match peel(expr) {
        Expr::Lit(ExprLit { lit, .. }) => Some(lit),
        _ => None,
    }
}

/// Reads a string literal.
pub(crate) fn string(expr: &Expr) -> Result<&LitStr> {
    match literal(expr) {
        Some(Lit::Str(text)) => Ok(text),
        _ => Err(Error::new_spanned(expr, "expected a string: write it in double quotes")),
    }
}

/// Reads a string literal, and says what is wrong with its text at the literal.
pub(crate) fn text<T, E: Display>(expr: &Expr, read: impl FnOnce(&str) -> std::result::Result<T, E>) -> Result<T> {
    let literal = string(expr)?;
    read(&literal.value()).map_err(|error| Error::new(literal.span(), error))
}

/// Reads one of a few words, which are not quoted; `wanted` tells what may stand there.
pub(crate) fn word<T: Copy>(expr: &Expr, words: &[(&str, T)], wanted: &str) -> Result<T> {
    let names = || words.iter().map(|(name, _)| *name);
    let found = |word: &str| words.iter().find(|(name, _)| *name == word).map(|(_, value)| *value);
    if let Some(Lit::Str(quoted)) = literal(expr)
        && found(&quoted.value()).is_some()
    {
        return Err(Error::new(
            quoted.span(),
            format!("`{}` is a word, not a string: drop the quotes", quoted.value()),
        ));
    }
    let Some(word) = ident(expr) else {
        return Err(Error::new_spanned(expr, format!("expected {wanted}")));
    };
    found(&word.to_string()).ok_or_else(|| {
        let guess = did_you_mean(&word.to_string(), names());
        Error::new(word.span(), format!("`{word}` is not known here{guess} (expected {wanted})"))
    })
}

/// Reads an identifier.
pub(crate) fn ident(expr: &Expr) -> Option<&Ident> {
    match peel(expr) {
        Expr::Path(path) => path.path.get_ident(),
        _ => None,
    }
}

/// Reads the path of a function.
pub(crate) fn function(expr: &Expr) -> Result<ExprPath> {
    match peel(expr) {
        Expr::Path(path) => Ok(path.clone()),
        _ => Err(Error::new_spanned(expr, "expected the path of a function: write for example `migrate = mend`")),
    }
}

/// Reads the path of the crate `vtask`.
pub(crate) fn path(expr: &Expr) -> Result<Path> {
    match peel(expr) {
        Expr::Path(path) if path.qself.is_none() => Ok(path.path.clone()),
        _ => Err(Error::new_spanned(expr, "expected a path without quotes: write for example `crate = ::vtask`")),
    }
}
