//! `#[job]`: parse, model, expand, or fall back.

use proc_macro2::TokenStream;
use quote::ToTokens as _;
use syn::Result;

use crate::errors::Errors;
use crate::fallback;
use crate::model::Job;
use crate::parse::{JobArgs, JobImpl};

/// Expands `#[job(args)] item`.
pub(crate) fn job(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let args = JobArgs::parse(args, &mut errors);
    read(&args, item.clone(), errors).unwrap_or_else(|error| fallback::job(item, args.krate(), &error))
}

/// Reads the item; all mistakes are in the error.
fn read(args: &JobArgs, tokens: TokenStream, mut errors: Errors) -> Result<TokenStream> {
    match errors.record(JobImpl::read(tokens, args.krate())) {
        Some(item) => Job::from_syn(args, &item, errors).map(Job::into_token_stream),
        None => errors.finish(TokenStream::new()),
    }
}
