//! `#[derive(JobContext)]`.

mod expand;
mod model;

use proc_macro2::TokenStream;
use syn::DeriveInput;

use self::model::ContextType;

/// Expands the derive; beside errors an implementation without a keyword keeps the jobs over this type quiet.
pub(crate) fn derive(input: TokenStream) -> TokenStream {
    let input: DeriveInput = match syn::parse2(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    match ContextType::from_syn(&input) {
        Ok(context) => expand::context(&context),
        Err(error) => {
            let mut tokens = error.into_compile_error();
            tokens.extend(ContextType::fallback(&input).as_ref().map(expand::context));
            tokens
        }
    }
}
