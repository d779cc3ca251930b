//! `#[step]`, `#[on_success]` and `#[on_failure]` outside of a `#[job]`: they explain themselves.

use proc_macro2::{Span, TokenStream};
use syn::Error;

use crate::parse::Role;

/// Reports an attribute that no `#[job]` has read, and leaves its item as it is.
pub(crate) fn alone(role: Role, item: TokenStream) -> TokenStream {
    let message = format!("`{role}` marks a method inside an `impl` block under `#[job]`: put `#[job]` on that block");
    let mut tokens = Error::new(Span::call_site(), message).into_compile_error();
    tokens.extend(item);
    tokens
}
