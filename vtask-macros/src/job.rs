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
    read(args, item.clone()).unwrap_or_else(|error| fallback::job(item, &error))
}

/// Reads the arguments and the item; all their mistakes are in the error.
fn read(args: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let mut errors = Errors::default();
    let args = JobArgs::parse(args, &mut errors);
    match errors.record(syn::parse2::<JobImpl>(item)) {
        Some(item) => Job::from_syn(&args, &item, errors).map(Job::into_token_stream),
        None => errors.finish(TokenStream::new()),
    }
}
