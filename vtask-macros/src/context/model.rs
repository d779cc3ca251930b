//! What the user declared about a context.

use proc_macro2::Span;
use syn::ext::IdentExt as _;
use syn::meta::ParseNestedMeta;
use syn::spanned::Spanned as _;
use syn::{
    Attribute, Data, DeriveInput, Field, Fields, Generics, Ident, Index, Lit, Member, Meta, Path, Result, Variant,
    parse_quote,
};

use crate::errors::Errors;
use crate::suggest::{did_you_mean, list};
use crate::types::print;

/// A context without a mistake.
pub(super) struct ContextType<'a> {
    pub(super) krate: Path,
    pub(super) name: &'a Ident,
    pub(super) generics: &'a Generics,
    /// The fields of the keyword, in order.
    pub(super) keyword: Vec<Keyword>,
    /// All fields or variants, as written.
    pub(super) fields: Vec<String>,
}

/// A field that is part of the keyword.
pub(super) struct Keyword {
    pub(super) field: Member,
    /// The place of its type, for "does not implement `Display`".
    pub(super) span: Span,
}

impl<'a> ContextType<'a> {
    /// Judges a type; all that is wrong with it is in the error.
    pub(super) fn from_syn(input: &'a DeriveInput) -> Result<Self> {
        let mut errors = Errors::default();
        for lifetime in input.generics.lifetimes() {
            errors.at(
                lifetime,
                format!("a context is stored, so it cannot borrow: own what `{}` lends", lifetime.lifetime),
            );
        }
        let krate = krate(&input.attrs, &mut errors);
        let keyword = match &input.data {
            Data::Struct(data) => keyword(&data.fields, &mut errors),
            Data::Enum(data) => {
                let attrs = data.variants.iter().flat_map(|variant| {
                    variant.attrs.iter().chain(variant.fields.iter().flat_map(|field| &field.attrs))
                });
                refuse(attrs, &mut errors);
                Vec::new()
            }
            Data::Union(data) => {
                errors.at(data.union_token, "a union cannot be stored: make it a struct or an enum");
                Vec::new()
            }
        };
        let fields = fields(&input.data);
        errors.finish(Self { krate, name: &input.ident, generics: &input.generics, keyword, fields })
    }

    /// Makes what stands in for a context with mistakes, if anything can.
    pub(super) fn fallback(input: &'a DeriveInput) -> Option<Self> {
        let can_be_stored = input.generics.lifetimes().next().is_none() && !matches!(input.data, Data::Union(_));
        can_be_stored.then(|| Self {
            krate: krate(&input.attrs, &mut Errors::default()),
            name: &input.ident,
            generics: &input.generics,
            keyword: Vec::new(),
            fields: Vec::new(),
        })
    }
}

/// Prints the fields of a struct, or the variants of an enum.
fn fields(data: &Data) -> Vec<String> {
    let print_all = |fields: &Fields| fields.iter().map(print_field).collect::<Vec<_>>();
    match data {
        Data::Struct(data) => print_all(&data.fields),
        Data::Enum(data) => {
            let print_variant = |variant: &Variant| match (&variant.fields, print_all(&variant.fields).join(", ")) {
                (Fields::Named(_), fields) => format!("{} {{ {fields} }}", variant.ident),
                (Fields::Unnamed(_), fields) => format!("{}({fields})", variant.ident),
                (Fields::Unit, _) => variant.ident.to_string(),
            };
            data.variants.iter().map(print_variant).collect()
        }
        Data::Union(_) => Vec::new(),
    }
}

fn print_field(field: &Field) -> String {
    let (ty, is_keyword) = (print(&field.ty), field.attrs.iter().any(|attr| attr.path().is_ident("context")));
    let mark = if is_keyword { "#[context(keyword)] " } else { "" };
    field.ident.as_ref().map_or_else(|| format!("{mark}{ty}"), |name| format!("{mark}{}: {ty}", name.unraw()))
}

/// Reads `#[context(crate = …)]` on the type.
fn krate(attrs: &[Attribute], errors: &mut Errors) -> Path {
    let mut path = None;
    each_word(attrs, &["crate"], errors, |meta| {
        let value = meta.value()?;
        if value.peek(Lit) {
            return Err(value.error("expected a path without quotes: write for example `crate = ::vtask`"));
        }
        path = Some(value.call(Path::parse_mod_style)?);
        Ok(())
    });
    path.unwrap_or_else(|| parse_quote!(::vtask))
}

/// Reads `#[context(keyword)]` on the fields of a struct.
fn keyword(fields: &Fields, errors: &mut Errors) -> Vec<Keyword> {
    let mut keyword = Vec::new();
    for (index, field) in fields.iter().enumerate() {
        let mut marked = false;
        each_word(&field.attrs, &["keyword"], errors, |_| {
            marked = true;
            Ok(())
        });
        if marked {
            keyword.push(Keyword { field: member(index, field), span: field.ty.span() });
        }
    }
    keyword
}

/// Returns how a field is reached: `id` or `0`.
fn member(index: usize, field: &Field) -> Member {
    field.ident.clone().map_or_else(|| Member::Unnamed(Index::from(index)), Member::Named)
}

/// Reports what an enum cannot have.
fn refuse<'a>(attrs: impl Iterator<Item = &'a Attribute>, errors: &mut Errors) {
    for attr in attrs.filter(|attr| attr.path().is_ident("context")) {
        errors.at(
            attr,
            "the variants of an enum have no field in common for a keyword: give it at `invoke` with `.keyword(…)`",
        );
    }
}

/// Reads the words of all `#[context(…)]`, each of which is known and written once.
fn each_word(
    attrs: &[Attribute],
    known: &[&str],
    errors: &mut Errors,
    mut read: impl FnMut(&ParseNestedMeta<'_>) -> Result<()>,
) {
    let mut seen: Vec<String> = Vec::new();
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("context")) {
        if says_nothing(attr) {
            errors.at(
                attr,
                format!("`#[context]` says nothing here: write {} in it, or drop it", list(known.iter().copied())),
            );
            continue;
        }
        errors.record(attr.parse_nested_meta(|meta| {
            let word = meta.path.get_ident().map(|ident| ident.unraw().to_string()).unwrap_or_default();
            if !known.contains(&word.as_str()) {
                return Err(unknown(&meta, &word, known));
            }
            if seen.contains(&word) {
                return Err(meta.error(format!("`{word}` is written twice: keep one")));
            }
            seen.push(word);
            read(&meta)
        }));
    }
}

/// Says whether it is `#[context]` or `#[context()]`.
fn says_nothing(attr: &Attribute) -> bool {
    match &attr.meta {
        Meta::Path(_) => true,
        Meta::List(list) => list.tokens.is_empty(),
        Meta::NameValue(_) => false,
    }
}

/// Says that a word is not known, and which ones are.
fn unknown(meta: &ParseNestedMeta<'_>, word: &str, known: &[&str]) -> syn::Error {
    let guess = did_you_mean(word, known.iter().copied());
    meta.error(format!("`#[context]` does not know `{word}` here{guess} (it takes {})", list(known.iter().copied())))
}
