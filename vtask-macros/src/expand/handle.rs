//! The typed handle: `PlaceOrderHandle`.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

use crate::model::Job;

/// The handle of a job.
pub(super) struct Handle<'a>(pub(super) &'a Job<'a>);

impl ToTokens for Handle<'_> {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self(job) = self;
        let (name, owner, krate) = (job.owner.companion("Handle"), job.owner.ty, &job.krate);
        let (attrs, generics) = (job.inherited_attrs(), &job.owner.generics);
        // The alias ignores the bounds, but a `B::Receipt` among the arguments of the job needs them to be there.
        let params = job.owner.on_its_behalf(&generics.params);
        let where_clause = job.owner.on_its_behalf(&generics.where_clause);
        let doc = format!(" A typed handle to invoke and find {} jobs.", job.owner.link());
        tokens.extend(quote! {
            #(#attrs)*
            #[doc = #doc]
            #[allow(
                dead_code, non_camel_case_types, private_bounds, private_interfaces, type_alias_bounds, unreachable_pub,
                rustdoc::private_intra_doc_links
            )]
            pub type #name<#params> #where_clause = #krate::JobHandle<#owner>;
        });
    }
}
