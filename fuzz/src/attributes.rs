//! `#[job]` and the attributes under it, and `#[derive(JobContext)]`.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::{ToTokens as _, format_ident, quote};
use syn::parse::{ParseStream, Parser as _};
use syn::{DeriveInput, File, Item, ItemImpl, Result};

use crate::errors::Errors;
use crate::model::Job;
use crate::parse::{JobArgs, JobImpl, Role};
use crate::{alone, context, job};

/// Reads any text as each thing that a user writes: a macro answers with code that parses, or says what is wrong.
///
/// # Panics
///
/// If the property is broken.
pub fn check(text: &str) {
    // What is not made of tokens never reaches a macro.
    let Ok(tokens) = text.parse::<TokenStream>() else { return };
    check_written(&tokens);
    check_job(&tokens, &block());
    for item in items(&tokens) {
        check_job(&TokenStream::new(), &item);
    }
    check_context(tokens.clone());
    check_alone(&tokens);
}

/// Tells whether `#[step(…)]` takes these arguments.
pub(crate) fn is_accepted(args: &TokenStream) -> bool {
    read(&TokenStream::new(), &method(&format_ident!("step"), args)).is_ok()
}

/// A text with a `#[job(…)]` at its beginning is a job with arguments, any other is one without.
fn check_written(tokens: &TokenStream) {
    let mut trees = tokens.clone().into_iter();
    let hash = trees.next();
    match (hash, trees.next().and_then(|tree| job_args(&tree))) {
        (Some(TokenTree::Punct(_)), Some(args)) => check_job(&args, &trees.collect()),
        _ => check_job(&TokenStream::new(), tokens),
    }
}

/// The arguments of `[job(…)]`.
fn job_args(tree: &TokenTree) -> Option<TokenStream> {
    let TokenTree::Group(group) = tree else { return None };
    let mut inner = group.stream().into_iter();
    match (inner.next()?, inner.next()) {
        (TokenTree::Ident(name), Some(TokenTree::Group(args))) if name == "job" => Some(args.stream()),
        _ => None,
    }
}

/// Blocks with the tokens as arguments of an attribute, as parameters, as the type of an output, and as members.
fn items(tokens: &TokenStream) -> Vec<TokenStream> {
    let marks = ["step", "on_success", "on_failure"].map(|mark| method(&format_ident!("{mark}"), tokens));
    let others = [
        quote!(impl A { #[step] async fn first(&self) -> R<u8> {} #[step] async fn next(&self, #tokens) -> R<u8> {} }),
        quote!(impl A { #[step] async fn first(&self) -> #tokens {} }),
        quote!(impl<#tokens> A { #[step] fn first(&self, data: &Data) -> R<u8> {} }),
        quote!(impl A { #[step] async fn first(&self, data: &Data) -> R<u8> {} #tokens }),
    ];
    marks.into_iter().chain(others).collect()
}

/// A block of one step.
pub(crate) fn block() -> TokenStream {
    quote!(impl A { #[step] async fn first(&self) -> R<u8> {} })
}

/// A block whose second method has the tokens as arguments of its mark.
pub(crate) fn method(mark: &proc_macro2::Ident, args: &TokenStream) -> TokenStream {
    quote!(impl A { #[step] async fn first(&self) -> R<u8> {} #[#mark(#args)] async fn second(&self) -> R<u8> {} })
}

fn check_job(args: &TokenStream, item: &TokenStream) {
    if has_nameless_parameter(item) {
        return;
    }
    let expansion = job::job(args.clone(), item.clone());
    match read(args, item) {
        Ok(()) => check_generated(&expansion, item),
        Err(error) => check_refusal(&expansion, &error, item),
    }
    check_parses(&expansion, item);
    assert_eq!(marks_left(&expansion), 0, "attributes of ours are left: {expansion}");
}

/// `impl<_>`, which `syn` reads and the compiler hands to no macro.
fn has_nameless_parameter(item: &TokenStream) -> bool {
    JobImpl::read(item.clone(), None).is_ok_and(|item| item.generics.type_params().any(|param| param.ident == "_"))
}

/// Reads a block where `vtask` has its own name.
fn plain(input: ParseStream<'_>) -> Result<JobImpl> {
    JobImpl::parse(input, None)
}

/// The mistakes that `#[job]` finds.
pub(crate) fn read(args: &TokenStream, item: &TokenStream) -> Result<()> {
    let mut errors = Errors::default();
    let args = JobArgs::parse(args.clone(), &mut errors);
    match errors.record(JobImpl::read(item.clone(), args.krate())) {
        Some(item) => Job::from_syn(&args, &item, errors).map(drop),
        None => errors.finish(()),
    }
}

/// Behind the user's block, which may hold what does not parse yet, stands one implementation of `Job`.
fn check_generated(expansion: &TokenStream, item: &TokenStream) {
    let generated = |input: ParseStream<'_>| plain(input).and_then(|_| input.parse::<File>());
    let file = parsed(generated.parse2(expansion.clone()), expansion, item);
    let jobs = file.items.iter().filter(|item| is_impl_of(item, "Job")).count();
    assert_eq!(jobs, 1, "{expansion} of {item}");
}

/// What an expansion is read as.
fn parsed(result: Result<File>, expansion: &TokenStream, item: &TokenStream) -> File {
    result.unwrap_or_else(|error| panic!("{error} in {expansion} of {item}"))
}

fn is_impl_of(item: &Item, name: &str) -> bool {
    let Item::Impl(ItemImpl { trait_: Some((path, _)), .. }) = item else { return false };
    path.segments.last().is_some_and(|segment| segment.ident == name)
}

/// A refusal says something, and is all that stands behind the user's item.
fn check_refusal(expansion: &TokenStream, error: &syn::Error, item: &TokenStream) {
    let (said, emitted) = (error.to_compile_error().to_string(), expansion.to_string());
    assert!(emitted.ends_with(&said), "{emitted} does not end with {said}");
    assert!(error.clone().into_iter().all(|error| !error.to_string().is_empty()), "{said} of {item}");
}

/// What was code is code again. The compiler hands no macro what begins with an attribute of a whole file.
fn check_parses(expansion: &TokenStream, item: &TokenStream) {
    if syn::parse2::<File>(item.clone()).is_ok_and(|file| file.attrs.is_empty()) {
        let _ = parsed(syn::parse2(expansion.clone()), expansion, item);
    }
}

fn parses<T: syn::parse::Parse>(tokens: &TokenStream) -> bool {
    syn::parse2::<T>(tokens.clone()).is_ok()
}

/// Counts the marks of the methods in the block at the beginning, if there is one.
fn marks_left(expansion: &TokenStream) -> usize {
    let block = |input: ParseStream<'_>| {
        let block = plain(input)?;
        input.parse::<TokenStream>()?;
        Ok(block)
    };
    block.parse2(expansion.clone()).map_or(0, |block| block.methods().map(|method| method.marks.len()).sum())
}

fn check_context(input: TokenStream) {
    let is_type = parses::<DeriveInput>(&input);
    let expansion = context::derive(input);
    let file = syn::parse2::<File>(expansion.clone()).unwrap_or_else(|error| panic!("{error} in {expansion}"));
    let contexts = file.items.iter().filter(|item| is_impl_of(item, "JobContext")).count();
    let refusals = file.items.iter().filter(|item| is_compile_error(item)).count();
    assert!(contexts <= 1 && contexts + refusals > 0, "{expansion}");
    assert!(is_type || contexts == 0, "{expansion}");
}

fn is_compile_error(item: &Item) -> bool {
    let Item::Macro(call) = item else { return false };
    call.mac.path.segments.last().is_some_and(|segment| segment.ident == "compile_error")
}

/// A mark without a job leaves its item as it is, behind a message.
fn check_alone(item: &TokenStream) {
    for role in [Role::Step, Role::OnSuccess, Role::OnFailure] {
        let expansion = alone::alone(role, item.clone());
        check_parses(&expansion, item);
        let trees: Vec<TokenTree> = expansion.into_iter().collect();
        let is_message =
            |tree: &TokenTree| matches!(tree, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
        let behind = trees.iter().position(is_message).map_or(0, |message| message + 1);
        let left: TokenStream = trees[behind..].iter().cloned().collect();
        assert!(behind > 0 && left.to_token_stream().to_string() == item.to_string(), "{left} of {item}");
    }
}
