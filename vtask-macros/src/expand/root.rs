//! Paths into the crate `vtask`.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Path;

use crate::types::{located, ours_at};

/// The path of the crate `vtask`, as `crate = …` gives it.
#[derive(Clone, Copy)]
pub(crate) struct Root<'a>(pub(crate) &'a Path);

impl Root<'_> {
    /// Returns `::vtask::__private`.
    pub(crate) fn private(self) -> TokenStream {
        let Self(path) = self;
        quote!(#path::__private)
    }

    /// Returns `::vtask::__private` at a place of the user's code, where errors about it belong.
    pub(crate) fn private_at(self, span: Span) -> TokenStream {
        let path = located(self.0, span);
        quote_spanned!(ours_at(span)=> #path::__private)
    }

    /// Returns the output in a step's return type.
    pub(crate) fn output(self, result: &impl ToTokens, span: Span) -> TokenStream {
        let private = self.private_at(span);
        quote_spanned!(ours_at(span)=> <#result as #private::StepResult>::Output)
    }
}
