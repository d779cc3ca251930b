//! The parameters after `&self`: outputs by name, what the engine lends by type, and the context, which is left over.

mod context;
mod place;
mod sort;

use syn::{FnArg, Type};

use self::context::Context;
use self::sort::{LeftOver, Sorted};
use crate::errors::Errors;

pub(crate) use self::place::Place;

/// Where the argument of a parameter comes from.
#[derive(Clone, Copy)]
pub(crate) enum Source {
    /// The output of the step of this index, which has been recorded.
    Output(usize),
    /// The output of the step of this index, if it has been recorded.
    MaybeOutput(usize),
    /// The engine, by type; for a `DatabaseTransaction`, `transaction` is true.
    Engine {
        /// Whether it makes the step transactional.
        transaction: bool,
    },
    /// The context.
    Data {
        /// Whether the step may change it.
        mutable: bool,
    },
}

/// A parameter of a step or callback.
pub(crate) struct Parameter<'a> {
    /// The type as written, for its place.
    pub(crate) ty: &'a Type,
    pub(crate) source: Source,
}

/// What the parameters of all methods come to.
pub(crate) struct Parameters<'a> {
    /// The type of the context; none stands for `()`.
    pub(crate) data: Option<&'a Type>,
    /// The parameters of each method, in the order of the methods.
    pub(crate) of: Vec<Vec<Parameter<'a>>>,
}

impl<'a> Parameters<'a> {
    /// Judges the parameters of all methods together, for they share one context.
    pub(crate) fn judge(places: &[Place<'a>], errors: &mut Errors) -> Self {
        let sorted: Vec<Vec<Sorted<'a>>> = places.iter().map(|place| sort_all(place, errors)).collect();
        let left: Vec<Vec<&LeftOver<'a>>> = sorted.iter().map(|sorted| left_over(sorted)).collect();
        let context = Context::find(places, &left);
        context.check(places, &left, errors);
        Self {
            data: context.data(),
            of: sorted.iter().map(|sorted| sorted.iter().map(Sorted::parameter).collect()).collect(),
        }
    }
}

/// Sorts the parameters of one method; what is wrong in itself is reported and left out.
fn sort_all<'a>(place: &Place<'a>, errors: &mut Errors) -> Vec<Sorted<'a>> {
    let typed = place.method.sig.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(typed) => Some(typed),
        FnArg::Receiver(_) => None,
    });
    typed.filter_map(|typed| errors.record(place.sort(typed))).collect()
}

/// Picks the parameters that are neither outputs nor the engine's.
fn left_over<'s, 'a>(sorted: &'s [Sorted<'a>]) -> Vec<&'s LeftOver<'a>> {
    let only = |sorted: &'s Sorted<'a>| match sorted {
        Sorted::LeftOver(left) => Some(left),
        Sorted::Known(_) => None,
    };
    sorted.iter().filter_map(only).collect()
}
