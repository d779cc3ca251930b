//! The form of a step or callback, apart from its parameters.

use quote::ToTokens;
use syn::{Attribute, FnArg, Ident, ReceiverKind, ReturnType, Safety, Signature, Type};

use crate::errors::Errors;
use crate::parse::{Method, Role};
use crate::types::{borrowed_output, last_segment, peel, print, unstorable};

/// Types of the prelude that a step may be thought to return as they are.
const NO_RESULT: [&str; 16] = [
    "Option", "String", "Vec", "bool", "char", "u8", "u16", "u32", "u64", "usize", "i8", "i16", "i32", "i64", "isize",
    "f64",
];

/// Reports all that a method may not be.
pub(crate) fn check(role: Role, method: &Method, errors: &mut Errors) {
    let who = role.article();
    check_cfg(who, &method.attrs, errors);
    check_qualifiers(who, &method.sig, errors);
    check_generics(who, &method.sig, errors);
    check_receiver(who, &method.sig, errors);
    check_output(who, &method.sig, errors);
}

/// Reports `cfg`: nodes that are built differently would disagree about the job.
pub(crate) fn check_cfg(who: &str, attrs: &[Attribute], errors: &mut Errors) {
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("cfg") || attr.path().is_ident("cfg_attr")) {
        errors.at(attr, format!("`cfg` on {who}: nodes that are built differently would disagree about the job, so put it inside the body"));
    }
}

/// Reports `const`, `unsafe`, `extern` and `...`.
fn check_qualifiers(who: &str, sig: &Signature, errors: &mut Errors) {
    let mut refuse = |qualifier: &dyn ToTokens| {
        errors.at(qualifier, format!("{who} cannot be `{}`: drop it", print(&qualifier.to_token_stream())));
    };
    if let Some(constness) = &sig.constness {
        refuse(constness);
    }
    if let Safety::Unsafe(_) = &sig.safety {
        refuse(&sig.safety);
    }
    if let Some(abi) = &sig.abi {
        refuse(abi);
    }
    if let Some(variadic) = &sig.variadic {
        refuse(variadic);
    }
}

/// Reports parameters and bounds of the method's own.
fn check_generics(who: &str, sig: &Signature, errors: &mut Errors) {
    let (params, where_clause) = (&sig.generics.params, &sig.generics.where_clause);
    if !params.is_empty() {
        errors.at(params, format!("{who} cannot be generic: the engine calls it with nothing to choose from"));
    } else if let Some(where_clause) = where_clause {
        errors.at(where_clause, format!("{who} cannot have a `where` clause: put it on the `impl`"));
    }
}

/// Reports anything but `&self`.
fn check_receiver(who: &str, sig: &Signature, errors: &mut Errors) {
    let Some(FnArg::Receiver(receiver)) = sig.inputs.first() else {
        return errors.at(&sig.ident, format!("{who} is a method: write `&self` as its first parameter"));
    };
    let found = print(receiver);
    match &receiver.kind {
        ReceiverKind::Reference(_, None, None) => {}
        ReceiverKind::Reference(_, _, Some(_)) => errors.at(
            receiver,
            format!(
                "{who} takes `&self`, not `{found}`: many runs share one job, so what changes belongs into the context"
            ),
        ),
        _ => errors.at(receiver, format!("{who} takes `&self`, not `{found}`: write `&self`")),
    }
}

/// Reports a return type that is no `Result`, or cannot be stored.
fn check_output(who: &str, sig: &Signature, errors: &mut Errors) {
    match &sig.output {
        ReturnType::Default => {
            errors.at(&sig.ident, format!("{who} must return a Result: write `-> Result<T, E>`"));
        }
        ReturnType::Type(_, ty) if is_no_result(ty) => {
            errors.at(ty, format!("{who} must return a Result, not `{0}`: write `-> Result<{0}, E>`", print(ty)));
        }
        ReturnType::Type(_, ty) => check_storable(who, ty, errors),
    }
}

/// Says whether a type cannot be an alias of `Result`; what may be one is left to the compiler, which says it less well.
fn is_no_result(ty: &Type) -> bool {
    let known = |name: &Ident| NO_RESULT.iter().any(|known| name == known);
    match peel(ty) {
        Type::Path(_) => last_segment(ty).is_some_and(|last| known(&last.ident)),
        other => {
            matches!(other, Type::Tuple(_) | Type::Array(_) | Type::Slice(_) | Type::Never(_) | Type::TraitObject(_))
        }
    }
}

/// Reports a return type that borrows or has no name.
fn check_storable(who: &str, ty: &Type, errors: &mut Errors) {
    let Some(cause) = unstorable(ty).or_else(|| borrowed_output(ty)) else { return };
    let message = match cause.to_string().as_str() {
        "impl" => format!("{who} returns a type with a name: write it in place of `impl …`"),
        _ => format!("what {who} returns is stored, so it cannot borrow: return an owned value"),
    };
    errors.push(syn::Error::new(cause.span(), message));
}
