//! Prints a job. Nothing can fail here: all judgement is in the model.

mod block;
mod call;
mod constants;
mod context;
mod handle;
mod policy;
mod root;
mod table;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

use self::constants::Constants;
use self::context::Context;
use self::handle::Handle;
use self::table::Table;
use crate::model::Job;

pub(crate) use self::root::Root;

impl ToTokens for Job<'_> {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let (block, constants, context) = (self.item, Constants(self), Context(self));
        let (handle, table) = (Handle(self), Table(self));
        tokens.extend(quote!(#block #constants #context #handle #table));
    }
}
