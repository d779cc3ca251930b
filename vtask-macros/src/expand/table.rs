//! The implementation of `Job`: a constant table.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote_spanned};
use syn::ExprPath;
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;

use super::context::data_item;
use super::policy::{option, policy};
use super::{Root, call};
use crate::model::{Callback, Job, Step};
use crate::types::ours_at;

/// The table of a job.
pub(super) struct Table<'a>(pub(super) &'a Job<'a>);

impl ToTokens for Table<'_> {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self(job) = self;
        let (impl_generics, arguments, where_clause) = job.owner.generics.split_for_impl();
        let (attrs, krate, ty, data) = (job.inherited_attrs(), &job.krate, job.owner.ty, data_item(job));
        let (context, output, table) = (job.owner.companion("Context"), self.output(), self.table());
        let span = ours_at(job.owner.name().span());
        let private = Root(&job.krate).private_at(span);
        tokens.extend(quote_spanned! {span=>
            #(#attrs)*
            #[automatically_derived]
            #[allow(deprecated)]
            impl #impl_generics #krate::Job for #ty #where_clause {
                #data
                #output
                type Context = #context #arguments;
                const TABLE: #private::JobTable<Self> = #table;
            }
        });
    }
}

impl Table<'_> {
    /// Prints the output of the job, which is that of its last step.
    fn output(&self) -> Option<TokenStream> {
        let Self(job) = self;
        let output = &job.steps.last()?.routine.output;
        let ty = Root(&job.krate).output(&output.ty, output.span);
        Some(quote_spanned!(ours_at(output.span)=> type Output = #ty;))
    }

    /// Prints the table itself.
    fn table(&self) -> TokenStream {
        let Self(job) = self;
        let (private, name, was) =
            (Root(&job.krate).private_at(job.owner.name().span()), job.names.name(), job.names.was());
        let concurrency = option(job.concurrency.map(ToTokens::into_token_stream));
        let migrate = option(job.migrate.as_ref().map(|function| migrate(Root(&job.krate), function)));
        let steps = job.steps.iter().map(|step| step_row(job, step));
        let on_success = option(job.on_success.as_ref().map(|callback| callback_row(job, callback)));
        let on_failure = option(job.on_failure.as_ref().map(|callback| callback_row(job, callback)));
        quote_spanned! {ours_at(job.owner.name().span())=>
            #private::JobTable {
                name: #name,
                was: &[#(#was),*],
                concurrency: #concurrency,
                migrate: #migrate,
                steps: &[#(#steps),*],
                on_success: #on_success,
                on_failure: #on_failure,
            }
        }
    }
}

/// Prints the call of the function that mends, at its path.
fn migrate(root: Root<'_>, function: &ExprPath) -> TokenStream {
    let span = ours_at(function.span());
    let private = root.private_at(function.span());
    quote_spanned!(span=> |saved| #private::migrate(#function, saved))
}

/// Prints the row of a step, at its name.
fn step_row(job: &Job<'_>, step: &Step<'_>) -> TokenStream {
    let (root, routine) = (Root(&job.krate), &step.routine);
    let (name, was, describe) = (step.names.name(), step.names.was(), &routine.describe);
    let (policy, needs, transactional) = (policy(root, &routine.policy), routine.needs(), routine.is_transactional());
    let (output_type, codec, body) = (&routine.output.text, codec(root, step), call::step(job, routine));
    let span = ours_at(routine.name().span());
    let private = root.private_at(span);
    quote_spanned! {span=>
        #private::StepRow {
            name: #name,
            was: &[#(#was),*],
            describe: #describe,
            policy: #policy,
            needs: &[#(#needs),*],
            transactional: #transactional,
            output_type: #output_type,
            #codec
            body: #body,
        }
    }
}

/// Prints how the output of a step is stored, at its type.
fn codec(root: Root<'_>, step: &Step<'_>) -> TokenStream {
    let span = ours_at(step.routine.output.span);
    let (private, mut slot) = (root.private_at(span), step.routine.name().clone());
    slot.set_span(span);
    quote_spanned! {span=>
        encode: |context| #private::encode(&context.#slot),
        decode: |context, json| #private::decode(&mut context.#slot, json),
    }
}

/// Prints the row of a callback, at its name.
fn callback_row(job: &Job<'_>, callback: &Callback<'_>) -> TokenStream {
    let (root, span) = (Root(&job.krate), ours_at(callback.name().span()));
    let (name, describe) = (callback.name().unraw().to_string(), &callback.describe);
    let (private, policy) = (root.private_at(span), policy(root, &callback.policy));
    let (needs, body) = (callback.needs(), call::callback(job, callback));
    quote_spanned! {span=>
        #private::CallbackRow {
            name: #name,
            describe: #describe,
            policy: #policy,
            needs: &[#(#needs),*],
            body: #body,
        }
    }
}
