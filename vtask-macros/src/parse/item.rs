//! The `impl` block of a job. Bodies stay tokens, so that a half-typed one still passes through.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::TokenStreamExt as _;
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::{Attribute, Error, Generics, Ident, LitStr, Result, Signature, Token, Type, Visibility, braced, token};

use super::Role;

/// An inherent `impl` block.
pub(crate) struct JobImpl {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) unsafety: Option<Token![unsafe]>,
    pub(crate) impl_token: Token![impl],
    pub(crate) generics: Generics,
    pub(crate) self_ty: Type,
    pub(crate) brace: token::Brace,
    pub(crate) inner_attrs: Vec<Attribute>,
    pub(crate) members: Vec<Member>,
}

/// A member of the block.
pub(crate) enum Member {
    /// A function, with or without `self`.
    Method(Box<Method>),
    /// A constant, a type or a macro call, as written.
    Other(TokenStream),
}

/// A function of the block.
pub(crate) struct Method {
    /// Our attributes, with what they say that it is.
    pub(crate) marks: Vec<(Role, Attribute)>,
    /// The other attributes.
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) defaultness: Option<Token![default]>,
    pub(crate) sig: Signature,
    /// `{ … }`, unread; or a `;` where the user has not written it yet.
    pub(crate) body: TokenTree,
}

impl JobImpl {
    /// Returns the functions of the block.
    pub(crate) fn methods(&self) -> impl Iterator<Item = &Method> {
        self.members.iter().filter_map(|member| match member {
            Member::Method(method) => Some(&**method),
            Member::Other(_) => None,
        })
    }
}

impl JobImpl {
    /// Reads a block and nothing behind it; `krate` is another name of `vtask`.
    pub(crate) fn read(tokens: TokenStream, krate: Option<&Ident>) -> Result<Self> {
        (|input: ParseStream<'_>| Self::parse(input, krate)).parse2(tokens)
    }

    /// Reads a block.
    pub(crate) fn parse(input: ParseStream<'_>, krate: Option<&Ident>) -> Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        expect_impl(input)?;
        let unsafety = input.parse()?;
        let impl_token = input.parse()?;
        let mut generics: Generics = if input.peek(Token![<]) { input.parse()? } else { Generics::default() };
        let self_ty = self_type(input)?;
        generics.where_clause = input.parse()?;
        let content;
        let brace = braced!(content in input);
        let inner_attrs = content.call(Attribute::parse_inner)?;
        let mut members = Vec::new();
        while !content.is_empty() {
            members.push(Member::parse(&content, krate)?);
        }
        Ok(Self { attrs, unsafety, impl_token, generics, self_ty, brace, inner_attrs, members })
    }
}

/// Explains what `#[job]` is for, unless it stands on an `impl`.
fn expect_impl(input: ParseStream<'_>) -> Result<()> {
    let ahead = input.fork();
    ahead.parse::<Visibility>()?;
    if ahead.peek(Token![impl]) || ahead.peek(Token![unsafe]) && ahead.peek2(Token![impl]) {
        return Ok(());
    }
    let what = match ahead.call(Ident::parse_any) {
        Ok(word) if word == "struct" || word == "enum" => format!("not on the {word}"),
        Ok(word) if word == "trait" => "not on a trait".to_owned(),
        Ok(word) if word == "fn" || word == "async" => "not on a function".to_owned(),
        _ => "not here".to_owned(),
    };
    Err(input.error(format!("`#[job]` goes on the `impl` block that holds the steps, {what}")))
}

/// Reads the type that the block is for, and refuses the `impl` of a trait.
fn self_type(input: ParseStream<'_>) -> Result<Type> {
    let negative = input.peek(Token![!]);
    let ty: Type = if negative { Type::Verbatim(TokenStream::new()) } else { input.parse()? };
    if negative || input.peek(Token![for]) {
        let message = "`#[job]` goes on an `impl` block of the type itself, not on the `impl` of a trait: write `impl PlaceOrder { … }`";
        return Err(if negative { input.error(message) } else { Error::new_spanned(ty, message) });
    }
    Ok(ty)
}

impl Member {
    /// Returns the name of a function or a constant.
    pub(crate) fn name(&self) -> Option<Ident> {
        match self {
            Self::Method(method) => Some(method.sig.ident.clone()),
            Self::Other(tokens) => {
                let mut trees = tokens.clone().into_iter();
                trees.by_ref().find(|tree| matches!(tree, TokenTree::Ident(word) if word == "const"))?;
                trees.next().and_then(|tree| if let TokenTree::Ident(name) = tree { Some(name) } else { None })
            }
        }
    }

    /// Reads a member.
    fn parse(input: ParseStream<'_>, krate: Option<&Ident>) -> Result<Self> {
        if is_method(&input.fork())? {
            return Method::parse(input, krate).map(Box::new).map(Self::Method);
        }
        other(input).map(Self::Other)
    }
}

/// Says whether a function comes next.
fn is_method(ahead: ParseStream<'_>) -> Result<bool> {
    ahead.call(Attribute::parse_outer)?;
    ahead.parse::<Visibility>()?;
    ahead.parse::<Option<Token![default]>>()?;
    ahead.parse::<Option<Token![const]>>()?;
    ahead.parse::<Option<Token![async]>>()?;
    ahead.parse::<Option<Token![unsafe]>>()?;
    if ahead.parse::<Option<Token![extern]>>()?.is_some() {
        ahead.parse::<Option<LitStr>>()?;
    }
    Ok(ahead.peek(Token![fn]))
}

/// Reads a member up to its `;`, or up to the braces of a macro call.
fn other(input: ParseStream<'_>) -> Result<TokenStream> {
    let mut tokens = TokenStream::new();
    let mut after_bang = false;
    while !input.is_empty() {
        let tree: TokenTree = input.parse()?;
        let ends = match &tree {
            TokenTree::Punct(punct) => punct.as_char() == ';',
            TokenTree::Group(group) => after_bang && group.delimiter() == Delimiter::Brace,
            _ => false,
        };
        after_bang = matches!(&tree, TokenTree::Punct(punct) if punct.as_char() == '!');
        tokens.append(tree);
        if ends {
            break;
        }
    }
    Ok(tokens)
}

impl Method {
    /// Reads a function, and sorts its attributes.
    fn parse(input: ParseStream<'_>, krate: Option<&Ident>) -> Result<Self> {
        let (mut marks, mut attrs) = (Vec::new(), Vec::new());
        for attr in input.call(Attribute::parse_outer)? {
            match Role::of(attr.path(), krate) {
                Some(role) => marks.push((role, attr)),
                None => attrs.push(attr),
            }
        }
        let (vis, defaultness, sig) = (input.parse()?, input.parse()?, input.parse()?);
        let has_body = input.peek(token::Brace) || input.peek(Token![;]);
        let body = if has_body {
            input.parse()?
        } else {
            return Err(input.error("expected the body of the method"));
        };
        Ok(Self { marks, attrs, vis, defaultness, sig, body })
    }
}
