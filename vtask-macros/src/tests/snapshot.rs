//! Reads `snapshots/<name>.rs`, expands what is in it, and compares the result with `<name>.out`.
//!
//! A file holds cases, each after a line `//- title`. The first line of a case of a job may be its `#[job(…)]`.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs};

use proc_macro2::{TokenStream, TokenTree};
use syn::{Error, Result};

use crate::errors::Errors;
use crate::model::Job;
use crate::parse::{JobArgs, JobImpl};
use crate::{context, job};

/// Compares expansions of `#[job]`.
#[track_caller]
pub(super) fn check_job(name: &str) {
    check(name, |case| {
        let (args, item) = split(case);
        pretty(&job::job(args, item))
    });
}

/// Compares expansions of `#[derive(JobContext)]`.
#[track_caller]
pub(super) fn check_context(name: &str) {
    check(name, |case| pretty(&context::derive(tokens(case))));
}

/// Compares mistakes of `#[job]`: line, column, what is underlined, and the message.
#[track_caller]
pub(super) fn check_mistakes(name: &str) {
    check(name, |case| {
        let (args, item) = split(case);
        let emitted = job::job(args.clone(), item.clone()).to_string();
        assert!(
            !emitted.contains("# [step") && !emitted.contains("jobs :: step"),
            "an attribute of ours is left: {emitted}"
        );
        let Err(error) = read(args, item) else { return "no mistake\n".to_owned() };
        assert!(!emitted.contains("__private"), "the fallback is more than the item: {emitted}");
        error.into_iter().map(|error| line(&error)).collect()
    });
}

fn read(args: TokenStream, item: TokenStream) -> Result<()> {
    let mut errors = Errors::default();
    let args = JobArgs::parse(args, &mut errors);
    match errors.record(JobImpl::read(item, args.krate())) {
        Some(item) => Job::from_syn(&args, &item, errors).map(drop),
        None => errors.finish(()),
    }
}

fn line(error: &Error) -> String {
    let (start, text) = (error.span().start(), error.span().source_text().unwrap_or_default());
    format!("{}:{} `{text}`: {error}\n", start.line, start.column)
}

#[track_caller]
fn check(name: &str, expand: impl Fn(&str) -> String) {
    let file = |extension: &str| {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/snapshots").join(name).with_extension(extension)
    };
    let input = fs::read_to_string(file("rs")).expect("the snapshot has an input");
    let mut found = String::new();
    for case in input.split("//- ").skip(1) {
        let (title, code) = case.split_once('\n').expect("a case has a title");
        write!(found, "//- {title}\n{}\n", expand(code)).expect("a string takes all");
    }
    if env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::write(file("out"), &found).expect("the snapshot can be written");
    }
    let expected = fs::read_to_string(file("out")).unwrap_or_default();
    assert!(found == expected, "{name}.out differs; found:\n{found}");
}

fn tokens(code: &str) -> TokenStream {
    code.parse().expect("the case is made of tokens")
}

/// Takes the arguments of a leading `#[job(…)]`.
fn split(case: &str) -> (TokenStream, TokenStream) {
    let mut trees = tokens(case).into_iter();
    let hash = trees.next();
    let attribute = trees.next().and_then(|tree| job_args(&tree));
    match (hash, attribute) {
        (Some(TokenTree::Punct(_)), Some(args)) => (args, trees.collect()),
        _ => (TokenStream::new(), tokens(case)),
    }
}

fn job_args(tree: &TokenTree) -> Option<TokenStream> {
    let TokenTree::Group(group) = tree else { return None };
    let mut inner = group.stream().into_iter();
    match (inner.next()?, inner.next()) {
        (TokenTree::Ident(name), Some(TokenTree::Group(args))) if name == "job" => Some(args.stream()),
        (TokenTree::Ident(name), None) if name == "job" => Some(TokenStream::new()),
        _ => None,
    }
}

/// Prints an expansion as a file, after ending what is only half typed.
fn pretty(tokens: &TokenStream) -> String {
    let ended = tokens.to_string().replace("-> {", "-> HalfTyped {").replace("self . }", "self . half_typed }");
    prettyplease::unparse(&syn::parse_str(&ended).expect("the expansion is a file"))
}
