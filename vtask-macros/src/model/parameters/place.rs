//! A method, and what is at hand in it.

use std::rc::Rc;

use syn::Ident;
use syn::ext::IdentExt as _;

use crate::parse::{Method, Role};
use crate::suggest::list;

/// A method whose parameters are judged.
pub(crate) struct Place<'a> {
    pub(crate) role: Role,
    pub(crate) method: &'a Method,
    /// The names of all steps.
    pub(crate) steps: Rc<[&'a Ident]>,
    /// How many of them come before this method.
    pub(crate) earlier: usize,
}

impl<'a> Place<'a> {
    /// Finds the step that a parameter names; a leading `_` is ignored.
    pub(super) fn step(&self, parameter: &Ident) -> Option<usize> {
        let name = parameter.unraw().to_string();
        let bare = name.trim_start_matches('_');
        self.steps.iter().map(|step| step.unraw().to_string()).position(|step| step == name || step == bare)
    }

    /// Returns the names of the steps whose outputs are at hand.
    pub(super) fn outputs(&self) -> Vec<String> {
        self.steps[..self.earlier].iter().map(|step| step.unraw().to_string()).collect()
    }

    /// Lists what a parameter can be, apart from the context.
    pub(super) fn at_hand(&self) -> String {
        let outputs = self.outputs();
        let mut words: Vec<&str> = outputs.iter().map(String::as_str).chain(["&Attempt"]).collect();
        match self.role {
            Role::Step if self.is_async() => words.push("&DatabaseTransaction"),
            Role::OnFailure => words.push("&JobFailure"),
            Role::Step | Role::OnSuccess => {}
        }
        format!("at hand beside the context: {}", list(words))
    }

    /// Returns the name of the method.
    pub(super) fn name(&self) -> &'a Ident {
        &self.method.sig.ident
    }

    /// Says whether the method is `async`.
    pub(super) fn is_async(&self) -> bool {
        self.method.sig.asyncness.is_some()
    }
}
