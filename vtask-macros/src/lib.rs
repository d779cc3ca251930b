//! The macros of the crate `vtask`, which re-exports and documents them.

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

/// Implements `vtask::job`.
#[proc_macro_attribute]
pub fn job(args: TokenStream, item: TokenStream) -> TokenStream {
    job::job(args.into(), item.into()).into()
}

/// Implements `vtask::step`.
#[proc_macro_attribute]
pub fn step(_args: TokenStream, item: TokenStream) -> TokenStream {
    alone::alone(Role::Step, item.into()).into()
}

/// Implements `vtask::on_success`.
#[proc_macro_attribute]
pub fn on_success(_args: TokenStream, item: TokenStream) -> TokenStream {
    alone::alone(Role::OnSuccess, item.into()).into()
}

/// Implements `vtask::on_failure`.
#[proc_macro_attribute]
pub fn on_failure(_args: TokenStream, item: TokenStream) -> TokenStream {
    alone::alone(Role::OnFailure, item.into()).into()
}

/// Implements `derive(vtask::JobContext)`.
#[proc_macro_derive(JobContext, attributes(context))]
pub fn job_context(input: TokenStream) -> TokenStream {
    context::derive(input.into()).into()
}
