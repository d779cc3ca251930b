//! One constant per step: `PlaceOrder::CHARGE`.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};

use super::Root;
use crate::model::{Job, Step};
use crate::types::{located, ours_at};

/// The constants of a job.
pub(super) struct Constants<'a>(pub(super) &'a Job<'a>);

impl ToTokens for Constants<'_> {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self(job) = self;
        let root = Root(&job.krate);
        let (impl_generics, _, where_clause) = job.owner.generics.split_for_impl();
        let (attrs, ty) = (job.inherited_attrs(), job.owner.ty);
        let constants = job.steps.iter().enumerate().map(|(index, step)| constant(root, index, step));
        tokens.extend(quote! {
            #(#attrs)*
            #[automatically_derived]
            impl #impl_generics #ty #where_clause {
                #(#constants)*
            }
        });
    }
}

/// Prints the constant of one step, as visible as its method.
fn constant(root: Root<'_>, index: usize, step: &Step<'_>) -> TokenStream {
    let (routine, constant, name) = (&step.routine, &step.constant, step.names.name());
    let (vis, doc, span) = (&routine.method.vis, doc(step), routine.output.span);
    let (krate, private) = (located(root.0, span), root.private_at(span));
    let output = root.output(&routine.output.ty, span);
    quote_spanned! {ours_at(span)=>
        #[doc = #doc]
        #[allow(dead_code, deprecated, private_interfaces, unreachable_pub)]
        #vis const #constant: #krate::Step<Self, #output> = #private::step(#index, #name);
    }
}

/// Returns the documentation of a step's constant.
fn doc(step: &Step<'_>) -> String {
    let (name, describe) = (step.names.name(), &step.routine.describe);
    if describe.is_empty() { format!(" The step `{name}`.") } else { format!(" The step `{name}`: {describe}") }
}
