//! How often and how long a step is tried.

use syn::{Error, Expr, Lit, Result};

use super::values::{Setting, literal, text, word};
use crate::duration;
use crate::errors::Errors;
use crate::parse::{Arg, PolicyArgs, Role};

/// The most attempts after the first.
const MOST_RETRIES: u32 = 1_000_000;

/// How many attempts follow the first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retry {
    /// This many.
    Times(u32),
    /// As many as it takes.
    Always,
}

/// The wait before an attempt, in milliseconds.
#[derive(Clone, Copy)]
pub(crate) struct Period {
    /// Before the second attempt.
    pub(crate) first_ms: u64,
    /// What doubling leads to; the same as `first_ms` for a fixed wait.
    pub(crate) longest_ms: u64,
}

/// How a step or callback is tried.
pub(crate) struct Policy {
    pub(crate) retry: Retry,
    pub(crate) period: Period,
    pub(crate) timeout_ms: Option<u64>,
    /// Whether it pauses, rather than fails, after the last attempt.
    pub(crate) pauses: bool,
}

/// The settings of one attribute.
#[derive(Clone, Copy)]
pub(crate) struct Settings {
    retry: Setting<Retry>,
    period: Setting<Period>,
    timeout_ms: Setting<u64>,
}

impl Default for Period {
    fn default() -> Self {
        Self { first_ms: 1_000, longest_ms: 60_000 }
    }
}

impl Settings {
    /// The settings of a bare attribute.
    pub(crate) const NONE: Self = Self { retry: Setting::Absent, period: Setting::Absent, timeout_ms: Setting::Absent };

    /// Reads the settings of one attribute.
    pub(crate) fn from_args(args: &PolicyArgs, errors: &mut Errors) -> Self {
        Self {
            retry: Setting::read(args.retry.as_ref(), errors, retry),
            period: Setting::read(args.period.as_ref(), errors, period),
            timeout_ms: Setting::read(args.timeout.as_ref(), errors, |expr| text(expr, duration::millis)),
        }
    }

    /// Says whether a step retries under these settings; one that is written wrongly may.
    fn retries(self) -> bool {
        !matches!(self.retry, Setting::Absent | Setting::Given(Retry::Times(0)))
    }
}

impl Policy {
    /// Judges the settings of a method, over the defaults that its job gives.
    pub(crate) fn from_args(
        args: &PolicyArgs,
        defaults: Settings,
        is_async: bool,
        errors: &mut Errors,
    ) -> (Self, bool) {
        let own = Settings::from_args(args, errors);
        let settings = Settings { retry: own.retry.or(defaults.retry), ..own };
        if let (Some(period), Setting::Given(_), false) = (&args.period, own.period, settings.retries()) {
            period_without_retry(period, "this", errors);
        }
        if let (Some(timeout), false) = (&args.timeout, is_async) {
            errors.at(&timeout.key, "`timeout` on a method that is not `async`, which cannot be interrupted: make it `async`, or drop `timeout`");
        }
        // A blocking step cannot be interrupted, so the default of its job passes it by.
        let timeout_ms = if is_async { own.timeout_ms.or(defaults.timeout_ms) } else { Setting::Absent };
        let policy = Self {
            retry: settings.retry.given().unwrap_or(Retry::Times(0)),
            period: own.period.or(defaults.period).given().unwrap_or_default(),
            timeout_ms: timeout_ms.given(),
            pauses: false,
        };
        (policy, settings.retries())
    }
}

/// Reports a `period` on a job none of whose steps retries.
pub(crate) fn check_job_period(args: &PolicyArgs, settings: Settings, any_retries: bool, errors: &mut Errors) {
    if let (Some(period), Setting::Given(_), false) = (&args.period, settings.period, any_retries) {
        period_without_retry(period, "every step", errors);
    }
}

/// Reports a `period` that nothing waits for.
fn period_without_retry(period: &Arg, who: &str, errors: &mut Errors) {
    let message =
        format!("`period` without `retry`: {who} has one attempt and never waits, so add `retry` or drop `period`");
    errors.at(&period.key, message);
}

/// Reads `on_exhausted`: whether the job pauses.
pub(crate) fn pauses(arg: Option<&Arg>, retry: Retry, errors: &mut Errors) -> bool {
    let words = [("fail", false), ("pause", true)];
    if let (Some(arg), Retry::Always) = (arg, retry) {
        errors.at(&arg.key, "`on_exhausted` with `retry = always`: there is no last attempt, so drop `on_exhausted` or give `retry` a number");
    }
    Setting::read(arg, errors, |expr| word(expr, &words, "`fail` or `pause`")).given().unwrap_or(false)
}

/// Reads the number of attempts after the first.
fn retry(expr: &Expr) -> Result<Retry> {
    let wanted = format!("a number from 0 to {MOST_RETRIES}, or `always`");
    match literal(expr) {
        Some(Lit::Int(number)) => match number.base10_parse() {
            Ok(times) if times <= MOST_RETRIES => Ok(Retry::Times(times)),
            _ => Err(Error::new(number.span(), format!("`{number}` is no number of retries: write {wanted}"))),
        },
        Some(Lit::Str(quoted)) if quoted.value().parse::<u32>().is_ok() => {
            Err(Error::new(quoted.span(), format!("`{}` is a number, not a string: drop the quotes", quoted.value())))
        }
        _ => word(expr, &[("always", Retry::Always)], &wanted),
    }
}

/// Reads the wait between attempts.
fn period(expr: &Expr) -> Result<Period> {
    text(expr, duration::range).map(|(first_ms, longest_ms)| Period { first_ms, longest_ms })
}

/// Says which defaults of the job reach a method: a callback has its own.
pub(crate) fn defaults_for(role: Role, job: Settings) -> Settings {
    if role.is_callback() { Settings::NONE } else { job }
}
