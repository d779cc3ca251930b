//! What is emitted beside errors: the user's item without our attributes, so that its callers stay quiet.

use proc_macro2::{Delimiter, Group, Spacing, TokenStream, TokenTree};
use syn::parse::{ParseStream, Parser as _};
use syn::{Error, Ident, Path};

use crate::parse::Role;

/// Emits `item` without our attributes, and the errors.
///
/// It works on tokens, so it serves also for what does not parse.
pub(crate) fn job(item: TokenStream, krate: Option<&Ident>, error: &Error) -> TokenStream {
    let mut tokens: TokenStream = item.into_iter().map(|tree| strip_block(tree, krate)).collect();
    tokens.extend(error.to_compile_error());
    tokens
}

/// Removes our attributes from a `{ … }`; anything else is left as it is.
fn strip_block(tree: TokenTree, krate: Option<&Ident>) -> TokenTree {
    let TokenTree::Group(block) = &tree else { return tree };
    if block.delimiter() != Delimiter::Brace {
        return tree;
    }
    let mut stripped = Group::new(Delimiter::Brace, strip(block.stream(), krate));
    stripped.set_span(block.span());
    stripped.into()
}

/// Removes our attributes from the members of a block.
fn strip(members: TokenStream, krate: Option<&Ident>) -> TokenStream {
    let mut kept = TokenStream::new();
    let mut trees = members.into_iter().peekable();
    while let Some(tree) = trees.next() {
        match trees.peek() {
            Some(next) if is_hash(&tree) && is_ours(next, krate) => drop(trees.next()),
            _ => kept.extend([tree]),
        }
    }
    kept
}

/// Says whether a token is the `#` of an attribute.
fn is_hash(tree: &TokenTree) -> bool {
    matches!(tree, TokenTree::Punct(punct) if punct.as_char() == '#' && punct.spacing() == Spacing::Alone)
}

/// Says whether a token is the `[step(…)]` of an attribute of ours.
fn is_ours(tree: &TokenTree, krate: Option<&Ident>) -> bool {
    let TokenTree::Group(group) = tree else { return false };
    group.delimiter() == Delimiter::Bracket
        && leading_path.parse2(group.stream()).is_ok_and(|path| Role::of(&path, krate).is_some())
}

/// Reads the path of an attribute, whatever follows it.
fn leading_path(input: ParseStream<'_>) -> syn::Result<Path> {
    let path = input.call(Path::parse_mod_style)?;
    input.parse::<TokenStream>()?;
    Ok(path)
}
