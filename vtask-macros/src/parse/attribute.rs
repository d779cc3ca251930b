//! The arguments of `#[job]`, `#[step]` and the callbacks, by name.

use proc_macro2::TokenStream;
use syn::{Attribute, Expr, Ident, Meta};

use super::{Arg, Args, Keys, Role};
use crate::errors::Errors;

const RETRY: (&str, &str) = ("retry", "retry = 3");
const PERIOD: (&str, &str) = ("period", "period = \"5s..10m\"");
const TIMEOUT: (&str, &str) = ("timeout", "timeout = \"30s\"");
const NAME: (&str, &str) = ("name", "name = \"stored_name\"");
const WAS: (&str, &str) = ("was", "was = \"former_name\"");
const DESCRIBE: (&str, &str) = ("describe", "describe = \"What it does.\"");
const ON_EXHAUSTED: (&str, &str) = ("on_exhausted", "on_exhausted = pause");
const CONCURRENCY: (&str, &str) = ("concurrency", "concurrency = 8");
const MIGRATE: (&str, &str) = ("migrate", "migrate = mend");
const CRATE: (&str, &str) = ("crate", "crate = ::vtask");

const JOB: Keys = Keys { of: "#[job]", known: &[NAME, WAS, MIGRATE, CONCURRENCY, RETRY, PERIOD, TIMEOUT, CRATE] };
const STEP: Keys = Keys { of: "#[step]", known: &[RETRY, PERIOD, TIMEOUT, ON_EXHAUSTED, NAME, WAS, DESCRIBE] };
const ON_SUCCESS: Keys = Keys { of: "#[on_success]", known: &[RETRY, PERIOD, TIMEOUT, DESCRIBE] };
const ON_FAILURE: Keys = Keys { of: "#[on_failure]", known: ON_SUCCESS.known };

/// How often and how long to try.
pub(crate) struct PolicyArgs {
    pub(crate) retry: Option<Arg>,
    pub(crate) period: Option<Arg>,
    pub(crate) timeout: Option<Arg>,
}

/// What stands in `#[job(…)]`.
pub(crate) struct JobArgs {
    pub(crate) name: Option<Arg>,
    pub(crate) was: Option<Arg>,
    pub(crate) migrate: Option<Arg>,
    pub(crate) concurrency: Option<Arg>,
    pub(crate) policy: PolicyArgs,
    pub(crate) krate: Option<Arg>,
}

/// What stands in `#[step(…)]`, `#[on_success(…)]` or `#[on_failure(…)]`; a callback has no names and no `on_exhausted`.
pub(crate) struct MethodArgs {
    pub(crate) policy: PolicyArgs,
    pub(crate) on_exhausted: Option<Arg>,
    pub(crate) name: Option<Arg>,
    pub(crate) was: Option<Arg>,
    pub(crate) describe: Option<Arg>,
}

impl PolicyArgs {
    /// Takes the keys of a policy out of the list.
    fn take(args: &mut Args) -> Self {
        Self { retry: args.take("retry"), period: args.take("period"), timeout: args.take("timeout") }
    }
}

impl JobArgs {
    /// Reads the arguments of `#[job]`.
    pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut args = Args::parse(tokens, &JOB, errors);
        Self {
            name: args.take("name"),
            was: args.take("was"),
            migrate: args.take("migrate"),
            concurrency: args.take("concurrency"),
            policy: PolicyArgs::take(&mut args),
            krate: args.take("crate"),
        }
    }

    /// Returns the name that `crate = …` has for `vtask`.
    pub(crate) fn krate(&self) -> Option<&Ident> {
        match &self.krate.as_ref()?.value {
            Expr::Path(path) => path.path.segments.last().map(|segment| &segment.ident),
            _ => None,
        }
    }
}

impl MethodArgs {
    /// Reads the arguments of a method's attribute; a bare `#[step]` has none.
    pub(crate) fn parse(role: Role, attribute: &Attribute, errors: &mut Errors) -> Self {
        let keys = match role {
            Role::Step => &STEP,
            Role::OnSuccess => &ON_SUCCESS,
            Role::OnFailure => &ON_FAILURE,
        };
        let mut args = match &attribute.meta {
            Meta::List(list) => Args::parse(list.tokens.clone(), keys, errors),
            Meta::NameValue(pair) => {
                errors.at(
                    pair,
                    format!("`{role}` takes its arguments in parentheses: write for example `({})`", RETRY.1),
                );
                Args::default()
            }
            Meta::Path(_) => Args::default(),
        };
        Self {
            policy: PolicyArgs::take(&mut args),
            on_exhausted: args.take("on_exhausted"),
            name: args.take("name"),
            was: args.take("was"),
            describe: args.take("describe"),
        }
    }
}
