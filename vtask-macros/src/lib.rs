//! The macros of vtask: `#[job]` and `#[derive(JobContext)]`.
//!
//! Use them through the crate `vtask`, which re-exports and documents them: what they emit names `::vtask::__private`.
//!
//! The way of an attribute is parse, model, expand: `parse` knows spelling, `model` meaning, and `expand` only prints. Mistakes are
//! gathered on the way and reported at once; `fallback` then keeps the user's own code alive.

mod alone;
mod case;
mod context;
mod duration;
mod errors;
mod expand;
mod fallback;
mod job;
mod model;
mod parse;
mod suggest;
#[cfg(test)]
mod tests;
mod types;

use proc_macro::TokenStream;

use crate::parse::Role;

/// Makes a job of an `impl` block; documented at `vtask::job`.
#[proc_macro_attribute]
pub fn job(args: TokenStream, item: TokenStream) -> TokenStream {
    job::job(args.into(), item.into()).into()
}

/// Marks a step of a job; documented at `vtask::step`.
#[proc_macro_attribute]
pub fn step(_args: TokenStream, item: TokenStream) -> TokenStream {
    alone::alone(Role::Step, item.into()).into()
}

/// Marks what runs after a job has succeeded; documented at `vtask::on_success`.
#[proc_macro_attribute]
pub fn on_success(_args: TokenStream, item: TokenStream) -> TokenStream {
    alone::alone(Role::OnSuccess, item.into()).into()
}

/// Marks what runs after a job has failed or was cancelled; documented at `vtask::on_failure`.
#[proc_macro_attribute]
pub fn on_failure(_args: TokenStream, item: TokenStream) -> TokenStream {
    alone::alone(Role::OnFailure, item.into()).into()
}

/// Makes a type the data of a job; documented at `vtask::JobContext`.
#[proc_macro_derive(JobContext, attributes(context))]
pub fn job_context(input: TokenStream) -> TokenStream {
    context::derive(input.into()).into()
}
