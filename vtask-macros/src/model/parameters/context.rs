//! The context: what is left over, and the same in every method.

use syn::ext::IdentExt as _;
use syn::{Error, Ident, Type};

use super::Place;
use super::sort::LeftOver;
use crate::errors::Errors;
use crate::suggest::did_you_mean;
use crate::types::{Shape, print, unstorable};

/// The context of a job: where it was first seen.
pub(super) struct Context<'a> {
    found: Option<Found<'a>>,
}

/// A parameter that is the context beyond doubt.
#[derive(Clone, Copy)]
struct Found<'a> {
    ty: &'a Type,
    /// The method that it was seen in.
    method: &'a Ident,
}

impl<'a> Context<'a> {
    /// Finds the first method with one left-over, which then is the context.
    ///
    /// One that is named like a later step may be meant as its output, so it counts only if two methods agree on it.
    pub(super) fn find(places: &[Place<'a>], left: &[Vec<&LeftOver<'a>>]) -> Self {
        let only: Vec<_> = places.iter().zip(left).filter_map(|(place, left)| found(place, left)).collect();
        let sure = only.iter().find(|(_, later)| !later);
        let agreed =
            || only.iter().find(|(one, _)| only.iter().filter(|(other, _)| same(one.ty, other.ty)).count() > 1);
        Self { found: sure.or_else(agreed).map(|(found, _)| *found) }
    }

    /// Returns the type of the context.
    pub(super) fn data(&self) -> Option<&'a Type> {
        self.found.map(|found| found.ty)
    }

    /// Reports the left-overs that are not the context.
    pub(super) fn check(&self, places: &[Place<'a>], left: &[Vec<&LeftOver<'a>>], errors: &mut Errors) {
        if let Some(cause) = self.found.and_then(|found| unstorable(&found.ty)) {
            let message = "a context is stored, so it needs a type with a name that does not borrow";
            errors.push(Error::new(cause.span(), message));
        }
        let mut collisions = Vec::new();
        for (place, left) in places.iter().zip(left) {
            collisions.extend(self.check_method(place, left, errors));
        }
        collisions.sort_unstable();
        collisions.dedup();
        for step in collisions {
            report_collision(places, step, errors);
        }
    }

    /// Reports what is wrong in one method, and returns the step that is named like its context.
    fn check_method(&self, place: &Place<'a>, left: &[&LeftOver<'a>], errors: &mut Errors) -> Option<usize> {
        let (later, plain): (Vec<&LeftOver<'a>>, Vec<_>) = left.iter().partition(|left| left.later.is_some());
        if let ([only], []) = (later.as_slice(), plain.as_slice())
            && self.is(only)
        {
            self.check_form(place, only, errors);
            return only.later;
        }
        for named in later {
            errors.at(named.param, comes_later(place, named));
        }
        let context = plain.iter().position(|left| self.is(left)).unwrap_or(0);
        for (index, extra) in plain.into_iter().enumerate() {
            if index == context {
                self.check_form(place, extra, errors);
            } else {
                errors.at(extra.param, unknown(place, extra));
            }
        }
        None
    }

    /// Says whether a left-over has the type of the context.
    fn is(&self, left: &LeftOver<'a>) -> bool {
        self.found
            .is_some_and(|found| matches!(left.shape, Shape::Shared(ty) | Shape::Mutable(ty) if same(ty, found.ty)))
    }

    /// Reports a context that has another type, or is not a reference.
    fn check_form(&self, place: &Place<'a>, left: &LeftOver<'a>, errors: &mut Errors) {
        let (name, ty) = (left.name, print(left.shape.inner()));
        match (left.shape, self.found) {
            (Shape::Optional(_), _) => errors.at(left.param, unknown(place, left)),
            (Shape::Value(_), _) if place.role.is_callback() => {
                errors.at(&left.param.ty, format!("the context is only lent: write `{name}: &{ty}`"));
            }
            (Shape::Value(_), _) => {
                errors.at(
                    &left.param.ty,
                    format!("the context is only lent: write `{name}: &{ty}` or `{name}: &mut {ty}`"),
                );
            }
            (Shape::Shared(_) | Shape::Mutable(_), Some(found)) if !self.is(left) => {
                errors.at(left.param, differs(place, left, found));
            }
            (Shape::Mutable(_), _) if place.role.is_callback() => {
                errors.at(&left.param.ty, format!("a callback cannot change the context: write `{name}: &{ty}`"));
            }
            _ => {}
        }
    }
}

/// Returns the context of a method with one left-over, and whether it is named like a later step.
fn found<'a>(place: &Place<'a>, left: &[&LeftOver<'a>]) -> Option<(Found<'a>, bool)> {
    match left {
        [LeftOver { shape: Shape::Shared(ty) | Shape::Mutable(ty), later, .. }] => {
            Some((Found { ty, method: place.name() }, later.is_some()))
        }
        _ => None,
    }
}

/// Says whether two types are written alike.
fn same(one: &Type, other: &Type) -> bool {
    print(one) == print(other)
}

/// Reports a step that is named like the context.
fn report_collision(places: &[Place<'_>], step: usize, errors: &mut Errors) {
    if let Some(name) = places.first().and_then(|place| place.steps.get(step)) {
        errors.at(name, format!("the step `{}` is named like the context parameter: rename one of them", name.unraw()));
    }
}

/// Says that a parameter is named like a step without an output yet.
fn comes_later(place: &Place<'_>, left: &LeftOver<'_>) -> String {
    let (own, name) = (place.name().unraw(), left.name.unraw().to_string());
    let step = name.trim_start_matches('_');
    if own == step {
        return format!(
            "the step `{own}` has no output yet: if this is the context, give it another name than the step"
        );
    }
    format!("the step `{step}` comes later than `{own}`, so its output is not there yet; {}", place.at_hand())
}

/// Says that nothing is known by the name of a parameter.
fn unknown(place: &Place<'_>, left: &LeftOver<'_>) -> String {
    let (name, guess) = (left.name, guess(place, left));
    match left.shape {
        Shape::Optional(_) => {
            format!("`{name}` is not the output of a step{guess}; {}", place.at_hand())
        }
        _ => format!("`{name}` is neither an output nor the context{guess}; {}", place.at_hand()),
    }
}

/// Says that a parameter has another type than the context.
fn differs(place: &Place<'_>, left: &LeftOver<'_>, found: Found<'_>) -> String {
    let (name, guess, ty, first) = (left.name, guess(place, left), print(found.ty), found.method.unraw());
    format!("`{name}` is no output, and the context is `{ty}`, as in `{first}`{guess}; {}", place.at_hand())
}

/// Returns the output that a parameter may have meant.
fn guess(place: &Place<'_>, left: &LeftOver<'_>) -> String {
    did_you_mean(&left.name.unraw().to_string(), place.outputs().iter().map(String::as_str))
}
