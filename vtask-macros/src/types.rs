//! Small questions about types, asked of their syntax.

use proc_macro2::{Delimiter, Group, Spacing, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{GenericArgument, Ident, PathArguments, PathSegment, Type};

/// A type as a parameter may spell it.
#[derive(Clone, Copy)]
pub(crate) enum Shape<'a> {
    /// `&T`.
    Shared(&'a Type),
    /// `&mut T`.
    Mutable(&'a Type),
    /// `Option<&T>`.
    Optional(&'a Type),
    /// Anything else.
    Value(&'a Type),
}

impl<'a> Shape<'a> {
    /// Tells how a type is spelt.
    pub(crate) fn of(ty: &'a Type) -> Self {
        match peel(ty) {
            Type::Reference(reference) if reference.mutability.is_some() => Self::Mutable(&reference.elem),
            Type::Reference(reference) => Self::Shared(&reference.elem),
            other => optional(other).map_or(Self::Value(other), Self::Optional),
        }
    }

    /// Returns the `T` of all spellings, also of `Option<T>` and `Option<&mut T>`.
    pub(crate) fn inner(self) -> &'a Type {
        match self {
            Self::Shared(ty) | Self::Mutable(ty) | Self::Optional(ty) => ty,
            Self::Value(ty) => match option_argument(ty).map(peel) {
                Some(Type::Reference(reference)) => &reference.elem,
                argument => argument.unwrap_or(ty),
            },
        }
    }
}

/// Returns the `T` of `Option<&T>`.
fn optional(ty: &Type) -> Option<&Type> {
    match peel(option_argument(ty)?) {
        Type::Reference(reference) if reference.mutability.is_none() => Some(&reference.elem),
        _ => None,
    }
}

/// Returns the `T` of `Option<T>`.
fn option_argument(ty: &Type) -> Option<&Type> {
    let segment = last_segment(ty).filter(|segment| segment.ident == "Option")?;
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else { return None };
    match arguments.args.first() {
        Some(GenericArgument::Type(argument)) => Some(argument),
        _ => None,
    }
}

/// Looks through parentheses and the invisible groups that `macro_rules!` puts around a type.
pub(crate) fn peel(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => peel(&group.elem),
        Type::Paren(paren) => peel(&paren.elem),
        _ => ty,
    }
}

/// Returns the last segment of a type that is a path.
pub(crate) fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match peel(ty) {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    }
}

/// Returns the token by which a type borrows, or is not nameable: `&`, `'a` or `impl`; `&'static` borrows nothing.
pub(crate) fn unstorable(ty: &impl ToTokens) -> Option<TokenTree> {
    find_unstorable(ty.to_token_stream())
}

/// Looks for such a token, also inside groups.
fn find_unstorable(tokens: TokenStream) -> Option<TokenTree> {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let spelt = |index: usize, text: &str| trees.get(index).is_some_and(|tree| tree.to_string() == text);
    trees.iter().enumerate().find_map(|(index, tree)| match tree {
        TokenTree::Group(group) => find_unstorable(group.stream()),
        TokenTree::Ident(ident) if ident == "impl" => Some(tree.clone()),
        TokenTree::Punct(punct) if punct.as_char() == '&' && !spelt(index + 1, "'") => Some(tree.clone()),
        TokenTree::Punct(punct) if punct.as_char() == '\'' && !spelt(index + 1, "static") => Some(tree.clone()),
        _ => None,
    })
}

/// Returns the `&` in the `T` of a type that is called `Result<T, E>`, also of a `&'static`: that can be stored but not read back.
pub(crate) fn borrowed_output(ty: &Type) -> Option<TokenTree> {
    let segment = last_segment(ty).filter(|segment| segment.ident == "Result")?;
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else { return None };
    find_ampersand(arguments.args.first()?.to_token_stream())
}

/// Looks for a `&`, also inside groups.
fn find_ampersand(tokens: TokenStream) -> Option<TokenTree> {
    tokens.into_iter().find_map(|tree| match &tree {
        TokenTree::Group(group) => find_ampersand(group.stream()),
        TokenTree::Punct(punct) if punct.as_char() == '&' => Some(tree),
        _ => None,
    })
}

/// Writes `ty` in place of each `Self`, and `<ty>` where a path goes on behind it.
pub(crate) fn replace_self(tokens: impl ToTokens, ty: &Type) -> TokenStream {
    let mut replaced = TokenStream::new();
    let mut trees = tokens.into_token_stream().into_iter().peekable();
    while let Some(tree) = trees.next() {
        match tree {
            TokenTree::Ident(ident) if ident == "Self" => {
                let goes_on = matches!(trees.peek(), Some(TokenTree::Punct(punct)) if punct.as_char() == ':' && punct.spacing() == Spacing::Joint);
                let ty = if goes_on { quote!(<#ty>) } else { quote!(#ty) };
                replaced.extend(located(&ty, ident.span()));
            }
            TokenTree::Group(group) => replaced.extend([regroup(&group, replace_self(group.stream(), ty))]),
            other => replaced.extend([other]),
        }
    }
    replaced
}

/// Puts tokens at a place of the user's code, for errors, without changing what their names mean.
pub(crate) fn located(tokens: &impl ToTokens, span: Span) -> TokenStream {
    let relocate = |tree: TokenTree| {
        let mut tree = match &tree {
            TokenTree::Group(group) => regroup(group, located(&group.stream(), span)),
            _ => tree,
        };
        tree.set_span(span.resolved_at(tree.span()));
        tree
    };
    tokens.to_token_stream().into_iter().map(relocate).collect()
}

/// Replaces what is inside a group.
fn regroup(group: &Group, stream: TokenStream) -> TokenTree {
    let mut new = Group::new(group.delimiter(), stream);
    new.set_span(group.span());
    new.into()
}

/// Puts an identifier of ours at a place of the user's code.
///
/// Its names are ours also there, and lints take it for generated code.
pub(crate) fn ours_at(span: Span) -> Span {
    span.resolved_at(Span::call_site())
}

/// Returns the identifier with a span of ours, at its own place.
pub(crate) fn as_ours(ident: &Ident) -> Ident {
    let mut ours = ident.clone();
    ours.set_span(ours_at(ident.span()));
    ours
}

/// Prints a type as people write it: `anyhow::Result<Receipt>`.
pub(crate) fn print(tokens: &impl ToTokens) -> String {
    let mut text = String::new();
    print_to(tokens.to_token_stream(), &mut text);
    text.trim().to_owned()
}

/// Prints tokens at the end of a text.
fn print_to(tokens: TokenStream, text: &mut String) {
    for tree in tokens {
        match tree {
            TokenTree::Group(group) => print_group(&group, text),
            TokenTree::Punct(colon)
                if colon.as_char() == ':' && colon.spacing() == Spacing::Alone && !text.ends_with(':') =>
            {
                text.push_str(": ");
            }
            TokenTree::Punct(punct) => print_punct(punct.as_char(), text),
            word => print_word(&word.to_string(), text),
        }
    }
}

/// Prints a group with its brackets.
fn print_group(group: &Group, text: &mut String) {
    let (open, close) = match group.delimiter() {
        Delimiter::Parenthesis => ("(", ")"),
        Delimiter::Bracket => ("[", "]"),
        Delimiter::Brace => ("{", "}"),
        Delimiter::None => ("", ""),
    };
    text.push_str(open);
    print_to(group.stream(), text);
    text.push_str(close);
}

/// Prints a sign with the blanks that people put around it.
fn print_punct(punct: char, text: &mut String) {
    match punct {
        ',' | ';' => text.extend([punct, ' ']),
        '+' | '=' => text.extend([' ', punct, ' ']),
        '-' => text.extend([' ', punct]),
        '>' if text.ends_with(" -") => text.push_str("> "),
        '&' | '\'' if text.ends_with(char::is_alphanumeric) => text.extend([' ', punct]),
        _ => text.push(punct),
    }
}

/// Prints a name or literal, apart from a name before it.
fn print_word(word: &str, text: &mut String) {
    if text.ends_with(|last: char| last.is_alphanumeric() || last == '_') || word == "as" {
        text.push(' ');
    }
    text.push_str(word);
}
