//! `key = value, …`: each value is kept as an expression, so that each key gets its own error.

use proc_macro2::{TokenStream, TokenTree};
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::{Error, Expr, Ident, Lit, Result, Token};

use crate::errors::Errors;
use crate::suggest::{did_you_mean, list};

/// The keys of an attribute.
pub(crate) struct Keys {
    /// The attribute, for messages: `#[step]`.
    pub(crate) of: &'static str,
    /// Each key with an example of its use.
    pub(crate) known: &'static [(&'static str, &'static str)],
}

/// One `key = value`.
pub(crate) struct Arg {
    /// What stands before the `=`.
    pub(crate) key: Ident,
    /// What stands behind it.
    pub(crate) value: Expr,
}

/// What stands in the parentheses of an attribute: known keys, none twice.
#[derive(Default)]
pub(crate) struct Args(Vec<Arg>);

impl Args {
    /// Reads all that can be read, and reports the rest.
    pub(crate) fn parse(tokens: TokenStream, keys: &Keys, errors: &mut Errors) -> Self {
        let mut args = Self::default();
        let parser = |input: ParseStream<'_>| {
            while !input.is_empty() {
                match Arg::parse(input, keys) {
                    Ok(arg) => args.add(arg, keys, errors),
                    Err(error) => errors.push(error),
                }
                skip_past_comma(input)?;
            }
            Ok(())
        };
        if let Err(error) = parser.parse2(tokens) {
            errors.push(error);
        }
        args
    }

    /// Takes the argument of a key out of the list.
    pub(crate) fn take(&mut self, key: &str) -> Option<Arg> {
        let index = self.0.iter().position(|arg| arg.key == key)?;
        Some(self.0.swap_remove(index))
    }

    /// Keeps an argument, or reports that its key is there already.
    fn add(&mut self, arg: Arg, keys: &Keys, errors: &mut Errors) {
        if self.0.iter().any(|earlier| earlier.key == arg.key) {
            errors.at(&arg.key, format!("`{}` is written twice in `{}`: keep one", arg.key, keys.of));
        } else {
            self.0.push(arg);
        }
    }
}

impl Arg {
    /// Reads one `key = value`.
    fn parse(input: ParseStream<'_>, keys: &Keys) -> Result<Self> {
        if input.peek(Lit) {
            let (literal, (_, example)): (Lit, _) = (input.parse()?, keys.known[0]);
            return Err(Error::new_spanned(
                literal,
                format!("`{}` takes keys with values: write for example `{example}`", keys.of),
            ));
        }
        let key = input.call(Ident::parse_any)?;
        let (_, example) = keys.find(&key)?;
        if !input.peek(Token![=]) {
            return Err(Error::new(key.span(), format!("`{key}` needs a value: write `{example}`")));
        }
        let equals: Token![=] = input.parse()?;
        if input.is_empty() || input.peek(Token![,]) {
            let message = format!("`{key}` needs a value: write `{example}`");
            return Err(Error::new_spanned(quote::quote!(#key #equals), message));
        }
        let value = input.parse()?;
        if input.is_empty() || input.peek(Token![,]) {
            return Ok(Self { key, value });
        }
        Err(input.error(format!("expected `,` after the value of `{key}`")))
    }
}

impl Keys {
    /// Finds a known key with its example.
    fn find(&self, key: &Ident) -> Result<&(&'static str, &'static str)> {
        self.known.iter().find(|(known, _)| key == known).ok_or_else(|| self.unknown(key))
    }

    /// Says that a key is not known, and which ones are.
    fn unknown(&self, key: &Ident) -> Error {
        let names = || self.known.iter().map(|(known, _)| *known);
        let guess = did_you_mean(&key.to_string(), names());
        Error::new(key.span(), format!("`{}` has no key `{key}`{guess} (it takes {})", self.of, list(names())))
    }
}

/// Moves behind the next comma, over whatever a mistake has left.
fn skip_past_comma(input: ParseStream<'_>) -> Result<()> {
    while !input.is_empty() {
        let tree: TokenTree = input.parse()?;
        if matches!(tree, TokenTree::Punct(punct) if punct.as_char() == ',') {
            break;
        }
    }
    Ok(())
}
