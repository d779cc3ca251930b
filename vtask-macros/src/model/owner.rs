//! The type whose job it is.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident};
use syn::ext::IdentExt as _;
use syn::{Error, Generics, Ident, Type, TypePath};

use crate::errors::Errors;
use crate::parse::JobImpl;
use crate::types::{as_ours, peel, replace_self, unstorable};

/// The self type of the block.
pub(crate) struct Owner<'a> {
    /// The type as written, with its arguments.
    pub(crate) ty: &'a Type,
    pub(crate) generics: &'a Generics,
    /// The path without arguments: `super::PlaceOrder`.
    path: Vec<String>,
    name: Ident,
}

impl<'a> Owner<'a> {
    /// Judges the self type.
    pub(crate) fn from_syn(item: &'a JobImpl, errors: &mut Errors) -> Self {
        let ty = &item.self_ty;
        let (path, name) = named(ty).unwrap_or_else(|| {
            errors.at(ty, "a job needs a type with a name: write a struct, and `impl` that");
            (Vec::new(), format_ident!("Job"))
        });
        check_borrows(item, !path.is_empty(), errors);
        Self { ty, generics: &item.generics, path, name }
    }

    /// Returns the name of the type without `r#`.
    pub(crate) fn name(&self) -> &Ident {
        &self.name
    }

    /// Returns the name of a type that is generated for this one.
    pub(crate) fn companion(&self, suffix: &str) -> Ident {
        as_ours(&format_ident!("{}{suffix}", self.name))
    }

    /// Returns what the block says for a type beside it, where `Self` is another.
    pub(crate) fn on_its_behalf(&self, said: impl ToTokens) -> TokenStream {
        replace_self(said, self.ty)
    }

    /// Returns the link to this type for documentation.
    pub(crate) fn link(&self) -> String {
        match self.path.as_slice() {
            [] | [_] => format!("[`{}`]", self.name),
            path => format!("[`{}`]({})", self.name, path.join("::")),
        }
    }
}

/// Reports lifetimes: a job is kept by the engine.
fn check_borrows(item: &JobImpl, is_named: bool, errors: &mut Errors) {
    let message = "a job outlives every call, so it cannot borrow: own the value, or share it in an `Arc`";
    for lifetime in item.generics.lifetimes() {
        errors.at(lifetime, message);
    }
    if let (true, None, Some(borrow)) = (is_named, item.generics.lifetimes().next(), unstorable(&item.self_ty)) {
        errors.push(Error::new(borrow.span(), message));
    }
}

/// Returns the segments and the name of a named type.
fn named(ty: &Type) -> Option<(Vec<String>, Ident)> {
    match peel(ty) {
        Type::Path(TypePath { qself: None, path, .. }) => {
            let segments = path.segments.iter().map(|segment| segment.ident.to_string());
            path.segments.last().map(|last| (segments.collect(), last.ident.unraw()))
        }
        _ => None,
    }
}
