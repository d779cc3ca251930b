//! What stands in the parentheses of `#[job(…)]`, `#[step(…)]` and the callbacks.

use proc_macro2::{TokenStream, TokenTree};
use quote::{format_ident, quote};
use syn::Result;

use crate::attributes::{block, method, read};

/// Reads any text as the arguments of each attribute: they are taken, or each mistake is named; a comma behind the last
/// means nothing, and one callback takes what the other does.
///
/// # Panics
///
/// If the property is broken.
pub fn check(text: &str) {
    let Ok(tokens) = text.parse::<TokenStream>() else { return };
    let results = taken(&tokens);
    for error in results.iter().filter_map(|result| result.as_ref().err()) {
        assert!(error.clone().into_iter().all(|mistake| !mistake.to_string().is_empty()), "{text:?}");
    }
    let accepted = results.map(|result| result.is_ok());
    assert_eq!(accepted[2], accepted[3], "the callbacks differ: {text:?}");
    if tokens.clone().into_iter().last().is_some_and(|last| !is_comma(&last)) {
        let behind = taken(&quote!(#tokens,)).map(|result| result.is_ok());
        assert_eq!(accepted, behind, "a comma behind it: {text:?}");
    }
}

/// Whether a job, a step and the callbacks take the arguments.
fn taken(args: &TokenStream) -> [Result<()>; 4] {
    let of = |mark| read(&TokenStream::new(), &method(&format_ident!("{mark}"), args));
    [read(args, &block()), of("step"), of("on_success"), of("on_failure")]
}

fn is_comma(tree: &TokenTree) -> bool {
    matches!(tree, TokenTree::Punct(punct) if punct.as_char() == ',')
}
