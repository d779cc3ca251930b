//! What steps and callbacks have in common.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::spanned::Spanned as _;
use syn::{Attribute, Expr, ExprLit, Ident, Lit, Meta, ReturnType, Type};

use super::Policy;
use super::parameters::{Parameter, Source};
use super::values::{Setting, string};
use crate::errors::Errors;
use crate::parse::{Arg, Method, MethodArgs, Role};
use crate::types::{print, replace_self};

/// A marked method, with its arguments read.
pub(crate) struct Marked<'a> {
    pub(crate) role: Role,
    pub(crate) attr: &'a Attribute,
    pub(crate) args: MethodArgs,
    pub(crate) method: &'a Method,
}

/// What the engine calls: a step or a callback.
pub(crate) struct Routine<'a> {
    pub(crate) method: &'a Method,
    pub(crate) describe: String,
    pub(crate) policy: Policy,
    pub(crate) parameters: Vec<Parameter<'a>>,
    pub(crate) output: Output,
}

/// What a method returns.
pub(crate) struct Output {
    /// The type, with `Self` replaced.
    pub(crate) ty: TokenStream,
    /// The type as text.
    pub(crate) text: String,
    pub(crate) span: Span,
}

impl<'a> Marked<'a> {
    /// Reads the marks of a method; a second one is a mistake.
    pub(crate) fn from_method(method: &'a Method, errors: &mut Errors) -> Option<Self> {
        let mut marks = method.marks.iter();
        let &(role, ref attr) = marks.next()?;
        for (second, attr) in marks {
            errors.at(attr, format!("a method is one thing only, and this one is `{role}` already: drop `{second}`"));
        }
        Some(Self { role, attr, args: MethodArgs::parse(role, attr, errors), method })
    }
}

impl<'a> Routine<'a> {
    /// Returns the name of the method.
    pub(crate) fn name(&self) -> &'a Ident {
        &self.method.sig.ident
    }

    /// Says whether the method is `async`.
    pub(crate) fn is_async(&self) -> bool {
        self.method.sig.asyncness.is_some()
    }

    /// Returns the steps whose outputs must be there, in order.
    pub(crate) fn needs(&self) -> Vec<usize> {
        let output = |parameter: &Parameter<'_>| match parameter.source {
            Source::Output(step) => Some(step),
            _ => None,
        };
        let mut needs: Vec<_> = self.parameters.iter().filter_map(output).collect();
        needs.sort_unstable();
        needs.dedup();
        needs
    }

    /// Says whether the method takes the transaction of its checkpoint.
    pub(crate) fn is_transactional(&self) -> bool {
        self.parameters.iter().any(|parameter| matches!(parameter.source, Source::Engine { transaction: true }))
    }
}

impl Output {
    /// Reads the return type of a method.
    pub(crate) fn of(method: &Method, owner: &Type) -> Self {
        match &method.sig.output {
            ReturnType::Default => Self { ty: quote!(()), text: String::new(), span: method.sig.ident.span() },
            ReturnType::Type(_, ty) => Self { ty: replace_self(ty, owner), text: print(ty), span: ty.span() },
        }
    }
}

/// Reads `describe`, or else the first line of the documentation.
pub(crate) fn describe(arg: Option<&Arg>, method: &Method, errors: &mut Errors) -> String {
    match Setting::read(arg, errors, |expr| string(expr).map(syn::LitStr::value)) {
        Setting::Given(text) => text,
        Setting::Absent | Setting::Wrong => method.attrs.iter().find_map(first_line).unwrap_or_default(),
    }
}

/// Returns the first line of a doc attribute that says something.
fn first_line(attr: &Attribute) -> Option<String> {
    let Meta::NameValue(pair) = &attr.meta else { return None };
    let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = &pair.value else { return None };
    let text = text.value();
    let mut lines = text.lines().map(|line| line.trim().trim_start_matches("* ").trim());
    lines.find(|line| pair.path.is_ident("doc") && !line.is_empty()).map(str::to_owned)
}
