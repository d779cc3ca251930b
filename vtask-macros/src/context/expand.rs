//! Prints the implementation of `JobContext`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Path;

use super::model::{ContextType, Keyword};
use crate::expand::Root;
use crate::types::{located, ours_at};

/// Prints the implementation.
pub(super) fn context(context: &ContextType<'_>) -> TokenStream {
    let ContextType { krate, name, generics, keyword, fields } = context;
    let (impl_generics, arguments, _) = generics.split_for_impl();
    let (bounds, parts) = (bounds(context), keyword.iter().map(|keyword| part(krate, keyword)));
    let declared = if keyword.is_empty() { quote!(Undeclared) } else { quote!(Declared) };
    let parts = if keyword.is_empty() { quote!(::std::vec::Vec::new()) } else { quote!(::std::vec![#(#parts),*]) };
    quote! {
        #[automatically_derived]
        impl #impl_generics #krate::JobContext for #name #arguments #bounds {
            type Keyword = #krate::__private::#declared;
            const FIELDS: &'static [&'static str] = &[#(#fields),*];
            fn keyword_parts(&self) -> ::std::vec::Vec<::std::string::String> {
                #parts
            }
        }
    }
}

/// Prints the `where` clause: a generic context is one where it can be stored.
fn bounds(context: &ContextType<'_>) -> TokenStream {
    let ContextType { krate, name, generics, .. } = context;
    let (_, arguments, where_clause) = generics.split_for_impl();
    if generics.params.is_empty() {
        return quote!(#where_clause);
    }
    let user = where_clause.into_iter().flat_map(|clause| &clause.predicates);
    quote!(where #(#user,)* #name #arguments: #krate::__private::ContextBounds)
}

/// Prints one part of the keyword, at the type of its field.
fn part(krate: &Path, keyword: &Keyword) -> TokenStream {
    let (field, span) = (located(&keyword.field, keyword.span), ours_at(keyword.span));
    let private = Root(krate).private_at(keyword.span);
    quote_spanned!(span=> #private::keyword_part(&self.#field))
}
