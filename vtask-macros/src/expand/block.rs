//! The user's own block.

use proc_macro2::TokenStream;
use quote::{ToTokens, TokenStreamExt as _, quote};

use crate::parse::{JobImpl, Member, Method};

/// Prints the user's block without our attributes; the marked methods are spared the lints that the form of a step provokes.
impl ToTokens for JobImpl {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self { attrs, unsafety, impl_token, generics, self_ty, brace, inner_attrs, members } = self;
        let where_clause = &generics.where_clause;
        tokens.append_all(attrs);
        quote!(#unsafety #impl_token #generics #self_ty #where_clause).to_tokens(tokens);
        brace.surround(tokens, |tokens| {
            tokens.append_all(inner_attrs);
            tokens.append_all(members);
        });
    }
}

impl ToTokens for Member {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Method(method) => method.to_tokens(tokens),
            Self::Other(other) => other.to_tokens(tokens),
        }
    }
}

impl ToTokens for Method {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self { marks, attrs, vis, defaultness, sig, body } = self;
        if !marks.is_empty() {
            // Before what the user says of lints, which goes over it.
            tokens.extend(quote! {
                #[allow(
                    clippy::missing_const_for_fn, clippy::missing_errors_doc, clippy::needless_pass_by_ref_mut, clippy::ptr_arg,
                    clippy::ref_option, clippy::too_many_arguments, clippy::trivially_copy_pass_by_ref, clippy::unnecessary_wraps,
                    clippy::unused_async, clippy::unused_self
                )]
            });
        }
        tokens.append_all(attrs);
        tokens.extend(quote!(#vis #defaultness #sig #body));
    }
}
