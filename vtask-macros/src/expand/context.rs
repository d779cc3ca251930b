//! The context struct: what is saved of a job.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned as _;

use super::Root;
use crate::model::{Job, Step};
use crate::types::{as_ours, ours_at};

/// The context struct of a job, with its implementations.
pub(super) struct Context<'a>(pub(super) &'a Job<'a>);

impl ToTokens for Context<'_> {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend([self.definition(), self.context(), self.debug()]);
    }
}

impl Context<'_> {
    /// Prints the struct.
    ///
    /// It is `pub`, because a macro on an `impl` cannot see how visible the job is.
    fn definition(&self) -> TokenStream {
        let Self(job) = self;
        let (name, owner, data) = (job.owner.companion("Context"), job.owner.ty, data(job));
        let (attrs, generics) = (job.inherited_attrs(), &job.owner.generics);
        let angles = (!generics.params.is_empty()).then(|| job.owner.on_its_behalf(&generics.params));
        let angles = angles.map(|params| quote!(<#params>));
        let where_clause = job.owner.on_its_behalf(&generics.where_clause);
        let fields = job.steps.iter().map(|step| field(Root(&job.krate), step));
        let marker = self.marker().map(|ty| {
            quote! {
                #[doc(hidden)]
                __job: #ty<fn() -> #owner>,
            }
        });
        let doc =
            format!(" What is saved of a {} job: its data and the output of each recorded step.", job.owner.link());
        quote! {
            #(#attrs)*
            #[doc = #doc]
            #[allow(
                dead_code, deprecated, non_camel_case_types, non_snake_case, private_bounds, private_interfaces, unreachable_pub,
                rustdoc::private_intra_doc_links
            )]
            pub struct #name #angles #where_clause {
                /// The job's data.
                pub data: #data,
                #(#fields,)*
                #marker
            }
        }
    }

    /// A generic struct uses all its parameters, also those that no field names.
    fn marker(&self) -> Option<TokenStream> {
        let is_generic = !self.0.owner.generics.params.is_empty();
        is_generic.then(|| quote!(::core::marker::PhantomData))
    }

    /// Prints what the engine needs of the struct.
    fn context(&self) -> TokenStream {
        let Self(job) = self;
        let private = Root(&job.krate).private_at(job.owner.name().span());
        // The job stands in the trait, so that the implementation is as private as the job and may name a private type (E0446).
        let owner = job.owner.ty;
        let (attrs, header, data) =
            (job.inherited_attrs(), self.header(&quote!(#private::Context<#owner>)), data_item(job));
        let marker = self.marker().map(|value| quote!(__job: #value));
        let outputs = job.steps.iter().map(nothing);
        quote_spanned! {ours_at(job.owner.name().span())=>
            #(#attrs)*
            #[automatically_derived]
            #[allow(deprecated, private_interfaces)]
            #header {
                #data
                fn new(data: Self::Data) -> Self {
                    Self { data, #(#outputs,)* #marker }
                }
                fn data(&self) -> &Self::Data {
                    &self.data
                }
                fn replace(&mut self, data: Self::Data) {
                    self.data = data;
                }
            }
        }
    }

    /// Prints `Debug`, which shows no secret.
    fn debug(&self) -> TokenStream {
        let Self(job) = self;
        let (private, owner) = (Root(&job.krate).private(), job.owner.ty);
        let (attrs, header) = (job.inherited_attrs(), self.header(&quote!(::core::fmt::Debug)));
        let name = job.owner.companion("Context").to_string();
        quote! {
            #(#attrs)*
            #[automatically_derived]
            #header {
                fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    #private::debug_context::<#owner>(f, #name, self)
                }
            }
        }
    }

    /// Prints `impl<B: Bank> Trait for PlaceOrderContext<B> where …`.
    fn header(&self, implemented: &TokenStream) -> TokenStream {
        let Self(job) = self;
        let (impl_generics, arguments, where_clause) = job.owner.generics.split_for_impl();
        let (impl_generics, where_clause) =
            (job.owner.on_its_behalf(impl_generics), job.owner.on_its_behalf(where_clause));
        let name = job.owner.companion("Context");
        let span = ours_at(job.owner.name().span());
        quote_spanned!(span=> impl #impl_generics #implemented for #name #arguments #where_clause)
    }
}

/// Returns the type of the job's data.
fn data(job: &Job<'_>) -> TokenStream {
    job.data.map_or_else(|| quote!(()), |ty| job.owner.on_its_behalf(ty))
}

/// Prints `type Data = Order;` at the user's type, where "private type in public interface" (E0446) belongs.
pub(super) fn data_item(job: &Job<'_>) -> TokenStream {
    let data = data(job);
    quote_spanned!(ours_at(data.span())=> type Data = #data;)
}

/// Prints the field for the output of a step.
fn field(root: Root<'_>, step: &Step<'_>) -> TokenStream {
    let output = &step.routine.output;
    let (name, ty) = (as_ours(step.routine.name()), root.output(&output.ty, output.span));
    let doc = format!(" The output of the step `{}`, once it is recorded.", step.names.name());
    quote_spanned! {ours_at(output.span)=>
        #[doc = #doc]
        pub #name: ::core::option::Option<#ty>
    }
}

/// Prints the field for an output that is not there yet, at its type.
fn nothing(step: &Step<'_>) -> TokenStream {
    let (mut name, span) = (step.routine.name().clone(), ours_at(step.routine.output.span));
    name.set_span(span);
    quote_spanned!(span=> #name: ::core::option::Option::None)
}
