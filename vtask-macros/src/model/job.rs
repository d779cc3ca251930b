//! The job as a whole.

use std::rc::Rc;

use quote::format_ident;
use syn::ext::IdentExt as _;
use syn::{Attribute, Error, Expr, ExprPath, Ident, Lit, Meta, Path, Result, Type, TypePath, parse_quote};

use super::method::{Marked, describe};
use super::names::{Name, Names, check_unique};
use super::parameters::{Parameter, Parameters, Place};
use super::policy::{Settings, check_job_period, defaults_for, pauses};
use super::values::{Setting, function, literal, path};
use super::{Output, Owner, Policy, Routine, signature};
use crate::case::snake;
use crate::errors::Errors;
use crate::parse::{JobArgs, JobImpl, Member, Role};
use crate::types::{ours_at, peel};

/// Fields of the generated context struct that no step can be named after.
const RESERVED: [&str; 2] = ["data", "__job"];

/// A job without a mistake.
pub(crate) struct Job<'a> {
    pub(crate) item: &'a JobImpl,
    /// The path of the crate `vtask`.
    pub(crate) krate: Path,
    pub(crate) owner: Owner<'a>,
    pub(crate) names: Names,
    pub(crate) concurrency: Option<usize>,
    /// The function that mends what another version has saved.
    pub(crate) migrate: Option<ExprPath>,
    /// The type of the context; none stands for `()`.
    pub(crate) data: Option<&'a Type>,
    pub(crate) steps: Vec<Step<'a>>,
    pub(crate) on_success: Option<Callback<'a>>,
    pub(crate) on_failure: Option<Callback<'a>>,
}

/// A step.
pub(crate) struct Step<'a> {
    pub(crate) routine: Routine<'a>,
    pub(crate) names: Names,
    /// The constant that stands for the step: `CHARGE`.
    pub(crate) constant: Ident,
}

/// A callback.
pub(crate) type Callback<'a> = Routine<'a>;

impl<'a> Job<'a> {
    /// Judges a block; all that is wrong with it is in the error.
    pub(crate) fn from_syn(args: &JobArgs, item: &'a JobImpl, mut errors: Errors) -> Result<Self> {
        let owner = Owner::from_syn(item, &mut errors);
        let names = job_names(args, &owner, &mut errors);
        let krate = Setting::read(args.krate.as_ref(), &mut errors, path).given();
        let concurrency = Setting::read(args.concurrency.as_ref(), &mut errors, concurrency).given();
        let migrate = Setting::read(args.migrate.as_ref(), &mut errors, function).given();
        let marked: Vec<_> = item.methods().filter_map(|method| Marked::from_method(method, &mut errors)).collect();
        let (data, routines) = routines(args, &owner, &marked, &mut errors);
        let (mut steps, mut on_success, mut on_failure) = (Vec::new(), Vec::new(), Vec::new());
        for (marked, routine) in marked.iter().zip(routines) {
            match marked.role {
                Role::Step => steps.push(Step::new(marked, routine, &mut errors)),
                Role::OnSuccess => on_success.push((marked, routine)),
                Role::OnFailure => on_failure.push((marked, routine)),
            }
        }
        check_data(&owner, data, &mut errors);
        check_steps(item, &steps, &mut errors);
        let on_success = single(on_success, &mut errors);
        let on_failure = single(on_failure, &mut errors);
        let krate = krate.unwrap_or_else(|| parse_quote!(::vtask));
        errors.finish(Self { item, krate, owner, names, concurrency, migrate, data, steps, on_success, on_failure })
    }

    /// Returns the attributes of the block that hold for what is generated beside it.
    ///
    /// What the user expects there need not be here, so it is allowed only.
    pub(crate) fn inherited_attrs(&self) -> impl Iterator<Item = Attribute> {
        self.item.attrs.iter().filter_map(|attr| match &attr.meta {
            Meta::List(list) if list.path.is_ident("expect") => {
                let lints = &list.tokens;
                Some(parse_quote!(#[allow(#lints)]))
            }
            meta => (meta.path().is_ident("cfg") || meta.path().is_ident("allow")).then(|| attr.clone()),
        })
    }
}

impl<'a> Step<'a> {
    /// Reads what only a step has: its names and `on_exhausted`.
    fn new(marked: &Marked<'a>, mut routine: Routine<'a>, errors: &mut Errors) -> Self {
        let name = routine.name();
        routine.policy.pauses = pauses(marked.args.on_exhausted.as_ref(), routine.policy.retry, errors);
        let default = Name { text: name.unraw().to_string(), span: name.span() };
        let names = Names::from_args(marked.args.name.as_ref(), marked.args.was.as_ref(), default, errors);
        let mut constant = format_ident!("{}", name.unraw().to_string().to_uppercase());
        constant.set_span(ours_at(name.span()));
        Self { routine, names, constant }
    }
}

/// Reads the names of the job, and checks them against each other.
fn job_names(args: &JobArgs, owner: &Owner<'_>, errors: &mut Errors) -> Names {
    let default = Name { text: snake(&owner.name().to_string()), span: owner.name().span() };
    let names = Names::from_args(args.name.as_ref(), args.was.as_ref(), default, errors);
    check_unique([&names], errors);
    names
}

/// Reads how many runs of the job a node may hold at once.
fn concurrency(expr: &Expr) -> Result<usize> {
    let number = match literal(expr) {
        Some(Lit::Int(number)) => number.base10_parse().ok(),
        _ => None,
    };
    let message = "`concurrency` is a number from 1: write for example `concurrency = 8`";
    number.filter(|number| *number > 0).ok_or_else(|| Error::new_spanned(expr, message))
}

/// Judges the methods, and finds the context that they share.
fn routines<'a>(
    args: &JobArgs,
    owner: &Owner<'a>,
    marked: &[Marked<'a>],
    errors: &mut Errors,
) -> (Option<&'a Type>, Vec<Routine<'a>>) {
    let settings = Settings::from_args(&args.policy, errors);
    let mut retries = false;
    let mut judge = |(marked, parameters): (&Marked<'a>, Vec<Parameter<'a>>), errors: &mut Errors| {
        let Marked { role, args, method, .. } = marked;
        signature::check(*role, method, errors);
        let is_async = method.sig.asyncness.is_some();
        let (policy, retry) = Policy::from_args(&args.policy, defaults_for(*role, settings), is_async, errors);
        retries |= retry && !role.is_callback();
        let describe = describe(args.describe.as_ref(), method, errors);
        Routine { method, describe, policy, parameters, output: Output::of(method, owner.ty) }
    };
    let Parameters { data, of } = parameters(marked, errors);
    let routines = marked.iter().zip(of).map(|pair| judge(pair, errors)).collect();
    check_job_period(&args.policy, settings, retries, errors);
    (data, routines)
}

/// Judges the parameters of the methods.
fn parameters<'a>(marked: &[Marked<'a>], errors: &mut Errors) -> Parameters<'a> {
    let is_step = |marked: &&Marked<'a>| marked.role == Role::Step;
    let steps: Rc<[_]> = marked.iter().filter(is_step).map(|marked| &marked.method.sig.ident).collect();
    let mut earlier = 0;
    let places: Vec<_> = marked
        .iter()
        .map(|marked| {
            let before = if marked.role == Role::Step { earlier } else { steps.len() };
            earlier += usize::from(marked.role == Role::Step);
            Place { role: marked.role, method: marked.method, steps: Rc::clone(&steps), earlier: before }
        })
        .collect();
    Parameters::judge(&places, errors)
}

/// Reports data that is called what `#[job]` calls a type of its own.
fn check_data(owner: &Owner<'_>, data: Option<&Type>, errors: &mut Errors) {
    let Some(Type::Path(TypePath { qself: None, path, .. })) = data.map(peel) else { return };
    let Some(name) = path.get_ident() else { return };
    if ["Context", "Handle"].iter().any(|suffix| owner.companion(suffix) == name.unraw()) {
        errors
            .at(name, format!("`#[job]` generates a `{name}` beside `{}`: call the data something else", owner.name()));
    }
}

/// Reports what is wrong with the steps as a table.
fn check_steps(item: &JobImpl, steps: &[Step<'_>], errors: &mut Errors) {
    if steps.is_empty() {
        errors.at(&item.self_ty, "a job without a step: mark a method with `#[step]`");
    }
    check_unique(steps.iter().map(|step| &step.names), errors);
    for (index, step) in steps.iter().enumerate() {
        let name = step.routine.name();
        if RESERVED.iter().any(|reserved| name.unraw() == reserved) {
            errors.at(name, format!("a step cannot be called `{name}`, a field of the generated context: rename it"));
        }
        let constant = step.constant.to_string();
        if item.members.iter().filter_map(Member::name).any(|member| member.unraw() == constant) {
            errors.at(
                name,
                format!("the constant `{constant}` of this step has the name of something else in the block: rename one of them"),
            );
        }
        if let Some(other) = steps[..index].iter().find(|other| other.constant == step.constant) {
            let (constant, other) = (&step.constant, other.routine.name());
            errors.at(
                name,
                format!("the constant `{constant}` of this step is that of `{other}` too: rename one of them"),
            );
        }
    }
}

/// Keeps the first callback of a kind, and reports another.
fn single<'a>(callbacks: Vec<(&Marked<'a>, Callback<'a>)>, errors: &mut Errors) -> Option<Callback<'a>> {
    let mut callbacks = callbacks.into_iter();
    let first = callbacks.next().map(|(_, callback)| callback)?;
    for (marked, _) in callbacks {
        let message =
            format!("a job has one `{}`, and this one has `{}`: make one method of them", marked.role, first.name());
        errors.at(marked.attr, message);
    }
    Some(first)
}
