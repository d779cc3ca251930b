//! The body of a row: the call of the user's method.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::Ident;
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;

use super::Root;
use crate::model::{Job, Output, Parameter, Routine, Source};
use crate::types::ours_at;

/// Prints the body of a step, which records its output.
pub(super) fn step(job: &Job<'_>, routine: &Routine<'_>) -> TokenStream {
    let (root, Output { ty, span, .. }) = (Root(&job.krate), &routine.output);
    let (private, call, slot) = (root.private_at(*span), call(job, routine), named(routine.name(), *span));
    let recorded = quote_spanned!(ours_at(*span)=> <#ty as #private::StepResult>::record(#call, &mut context.#slot));
    body(root, routine, true, &recorded)
}

/// Prints the body of a callback, whose result is only looked at.
pub(super) fn callback(job: &Job<'_>, routine: &Routine<'_>) -> TokenStream {
    let (root, Output { ty, span, .. }) = (Root(&job.krate), &routine.output);
    let (private, call) = (root.private_at(*span), call(job, routine));
    let finished = quote_spanned!(ours_at(*span)=> <#ty as #private::StepResult>::finish(#call));
    let uses_context = routine.parameters.iter().any(|parameter| !matches!(parameter.source, Source::Engine { .. }));
    body(root, routine, uses_context, &finished)
}

/// Prints a closure that captures nothing; a parameter that it does not use has a leading `_`.
///
/// Without the `::<Self>` the compiler does not see through `Job::Context` to the fields.
fn body(root: Root<'_>, routine: &Routine<'_>, uses_context: bool, result: &TokenStream) -> TokenStream {
    let span = ours_at(routine.name().span());
    let private = root.private_at(span);
    let uses_scope = routine.parameters.iter().any(|parameter| matches!(parameter.source, Source::Engine { .. }));
    let context = Ident::new(if uses_context { "context" } else { "_context" }, span);
    let scope = Ident::new(if uses_scope { "scope" } else { "_scope" }, span);
    if routine.is_async() {
        quote_spanned! {span=>
            #private::Body::<Self>::Async(|job, #context, #scope| ::std::boxed::Box::pin(async move { #result }))
        }
    } else {
        quote_spanned!(span=> #private::Body::<Self>::Blocking(|job, #context, #scope| #result))
    }
}

/// Prints the call of the method.
///
/// It stands at the return type, and its result goes straight into another call, for a `let` would fire lints on the user's line.
fn call(job: &Job<'_>, routine: &Routine<'_>) -> TokenStream {
    let span = routine.output.span;
    let method = named(routine.name(), span);
    let arguments = routine.parameters.iter().map(|parameter| argument(job, parameter));
    let wait = routine.is_async().then(|| quote_spanned!(ours_at(span)=> .await));
    quote_spanned!(ours_at(span)=> Self::#method(job, #(#arguments),*) #wait)
}

/// Prints one argument, at the type of its parameter.
fn argument(job: &Job<'_>, parameter: &Parameter<'_>) -> TokenStream {
    let span = parameter.ty.span();
    let private = Root(&job.krate).private_at(span);
    // A field stands at the return type that it has its own type from, so that what is wrong with that is told once.
    let output = |step: usize| {
        let routine = &job.steps[step].routine;
        let (name, span) = (routine.name(), routine.output.span);
        let field = named(name, span);
        (quote_spanned!(ours_at(span)=> context.#field), name.unraw().to_string())
    };
    let span = ours_at(span);
    match parameter.source {
        // Behind a `match`, for a `?` or a call would word "mismatched types" in terms of itself.
        Source::Output(step) => {
            let (field, name) = output(step);
            quote_spanned!(span=> match #private::output(&#field, #name)? { output => output })
        }
        Source::MaybeOutput(step) => {
            let (field, _) = output(step);
            quote_spanned!(span=> match &#field { output => output.as_ref() })
        }
        Source::Engine { .. } => quote_spanned!(span=> #private::ask(scope)?),
        Source::Data { mutable: true } => quote_spanned!(span=> &mut context.data),
        Source::Data { mutable: false } => quote_spanned!(span=> &context.data),
    }
}

/// Puts a name of the user's at another place of his code.
fn named(name: &Ident, span: Span) -> Ident {
    let mut name = name.clone();
    name.set_span(ours_at(span));
    name
}
