//! Tells the parameters apart, one at a time.

use syn::ext::IdentExt as _;
use syn::{Error, Ident, Pat, PatType, Result, Type};

use super::{Parameter, Place, Source};
use crate::case::snake;
use crate::errors::Errors;
use crate::model::signature::check_cfg;
use crate::parse::Role;
use crate::types::{Shape, last_segment, peel, print};

/// A parameter that is right in itself.
pub(super) enum Sorted<'a> {
    /// An output, or something of the engine's.
    Known(Parameter<'a>),
    /// The context, if it is the only one.
    LeftOver(LeftOver<'a>),
}

/// A parameter that is neither an output nor the engine's.
pub(super) struct LeftOver<'a> {
    pub(super) param: &'a PatType,
    pub(super) name: &'a Ident,
    pub(super) shape: Shape<'a>,
    /// The step of that name, which comes later or is the method itself.
    pub(super) later: Option<usize>,
}

impl<'a> Sorted<'a> {
    /// Returns what the argument will be.
    pub(super) fn parameter(&self) -> Parameter<'a> {
        match self {
            Self::Known(Parameter { ty, source }) => Parameter { ty, source: *source },
            Self::LeftOver(left) => {
                let mutable = matches!(left.shape, Shape::Mutable(_));
                Parameter { ty: &left.param.ty, source: Source::Data { mutable } }
            }
        }
    }
}

impl<'a> Place<'a> {
    /// Sorts one parameter.
    pub(super) fn sort(&self, param: &'a PatType) -> Result<Sorted<'a>> {
        let mut errors = Errors::default();
        check_cfg("a parameter of a step", &param.attrs, &mut errors);
        errors.finish(())?;
        let name = plain_name(param)?;
        check_lifetime(name, &param.ty)?;
        let (shape, step) = (Shape::of(&param.ty), self.step(name));
        let known = match (step, Lent::of(shape)) {
            (Some(step), _) if step < self.earlier => self.output(name, shape, param, step)?,
            (_, Some(lent)) => self.lent(lent, name, shape, param)?,
            (later, None) => return Ok(Sorted::LeftOver(LeftOver { param, name, shape, later })),
        };
        Ok(Sorted::Known(Parameter { ty: &param.ty, source: known }))
    }

    /// Judges a parameter that names an earlier step.
    fn output(&self, name: &Ident, shape: Shape<'_>, param: &PatType, step: usize) -> Result<Source> {
        let (called, ty) = (self.steps[step].unraw(), print(shape.inner()));
        let message = match (self.role, shape) {
            (Role::OnFailure, Shape::Optional(_)) => return Ok(Source::MaybeOutput(step)),
            (Role::Step | Role::OnSuccess, Shape::Shared(_)) => return Ok(Source::Output(step)),
            (Role::OnFailure, _) => {
                format!(
                    "the step `{called}` may not have been recorded when the job failed: write `{name}: Option<&{ty}>`"
                )
            }
            (_, Shape::Optional(_)) => {
                format!("the step `{called}` has been recorded here: write `{name}: &{ty}`")
            }
            _ => format!(
                "`{name}` is the recorded output of the step `{called}`, which is only lent: write `{name}: &{ty}`"
            ),
        };
        Err(Error::new_spanned(&param.ty, message))
    }

    /// Judges a parameter that the engine lends.
    fn lent(&self, lent: Lent, name: &Ident, shape: Shape<'_>, param: &PatType) -> Result<Source> {
        let ty = lent.name();
        let message = match (lent, self.role) {
            (Lent::Failure, Role::Step | Role::OnSuccess) => {
                format!("only `#[on_failure]` knows the `JobFailure`: drop `{name}`")
            }
            (Lent::Transaction, Role::OnSuccess | Role::OnFailure) => {
                format!("a callback has no transaction: drop `{name}`, or make a last step of it")
            }
            (Lent::Transaction, Role::Step) if !self.is_async() => {
                format!("only an `async` step can have a transaction: make it `async`, or drop `{name}`")
            }
            _ if !matches!(shape, Shape::Shared(_)) => {
                format!("`{ty}` is only lent: write `{name}: &{ty}`")
            }
            _ => return Ok(Source::Engine { transaction: matches!(lent, Lent::Transaction) }),
        };
        Err(Error::new_spanned(param, message))
    }
}

/// What the engine lends, known by the last segment of its type.
#[derive(Clone, Copy)]
enum Lent {
    Attempt,
    Failure,
    Transaction,
}

impl Lent {
    /// Tells by the last segment of a type whether the engine lends it.
    fn of(shape: Shape<'_>) -> Option<Self> {
        let name = &last_segment(shape.inner())?.ident;
        [Self::Attempt, Self::Failure, Self::Transaction].into_iter().find(|lent| name == lent.name())
    }

    /// Returns the name of the type.
    fn name(self) -> &'static str {
        match self {
            Self::Attempt => "Attempt",
            Self::Failure => "JobFailure",
            Self::Transaction => "DatabaseTransaction",
        }
    }
}

/// Returns the name of a parameter, or says how to write it as a plain name.
fn plain_name(param: &PatType) -> Result<&Ident> {
    let ty = print(&param.ty);
    let (written, name) = match &*param.pat {
        Pat::Ident(pat) if pat.by_ref.is_none() && pat.mutability.is_none() && pat.subpat.is_none() => {
            return Ok(&pat.ident);
        }
        Pat::Ident(pat) => ("a plain name", pat.ident.to_string()),
        Pat::Wild(_) => ("a name, for the name tells what it is", format!("_{}", name_after(&param.ty))),
        _ => ("a plain name, to be taken apart in the body", name_after(&param.ty)),
    };
    Err(Error::new_spanned(&param.pat, format!("a parameter of a step is {written}: write `{name}: {ty}`")))
}

/// Makes up the name of a parameter from its type.
fn name_after(ty: &Type) -> String {
    last_segment(Shape::of(ty).inner())
        .map_or_else(|| "input".to_owned(), |last| snake(&last.ident.unraw().to_string()))
}

/// Refuses `&'static T`: a parameter is lent for one call.
fn check_lifetime(name: &Ident, ty: &Type) -> Result<()> {
    let Type::Reference(reference) = peel(ty) else { return Ok(()) };
    match &reference.lifetime {
        Some(lifetime) if lifetime.ident != "_" => {
            let message = format!("`{name}` is lent for one call: drop the `{lifetime}`");
            Err(Error::new_spanned(lifetime, message))
        }
        _ => Ok(()),
    }
}
