//! The typed handle: `PlaceOrderHandle`.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::GenericParam;

use crate::model::Job;

/// The handle of a job.
pub(super) struct Handle<'a>(pub(super) &'a Job<'a>);

impl ToTokens for Handle<'_> {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self(job) = self;
        let (name, owner, krate) = (job.owner.companion("Handle"), job.owner.ty, &job.krate);
        let (attrs, params) = (job.inherited_attrs(), job.owner.generics.params.iter().map(without_bounds));
        let doc = format!(" A typed handle to invoke and find {} jobs.", job.owner.link());
        tokens.extend(quote! {
            #(#attrs)*
            #[doc = #doc]
            #[allow(dead_code, non_camel_case_types, private_interfaces, unreachable_pub, rustdoc::private_intra_doc_links)]
            pub type #name<#(#params),*> = #krate::JobHandle<#owner>;
        });
    }
}

/// Prints a parameter of an alias, where bounds mean nothing.
fn without_bounds(param: &GenericParam) -> TokenStream {
    match param {
        GenericParam::Type(param) => param.ident.to_token_stream(),
        other => other.to_token_stream(),
    }
}
