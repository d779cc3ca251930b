//! What a step says to the engine through its error.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::job::result::BoxError;

/// An error that fails the job now, without a retry.
///
/// What the step had changed in its data is saved with the failure: this is a decision, not an accident. In a callback
/// it gives up the callback, and the outcome stands.
///
/// ```
/// use vtask::stop;
///
/// fn check(cents: u64) -> anyhow::Result<()> {
///     if cents == 0 {
///         return Err(stop("nothing to pay"));
///     }
///     Ok(())
/// }
/// # assert_eq!(check(0).unwrap_err().to_string(), "nothing to pay");
/// ```
///
/// `why` is a text or an error, whose sources are told too. It converts into any error type that has `From<Stop>`, as `anyhow::Error` and `Box<dyn Error + Send + Sync>` do.
pub fn stop<E: From<Stop>>(why: impl Into<Box<dyn Error + Send + Sync>>) -> E {
    Stop { cause: why.into(), mark: Mark::Stop }.into()
}

/// An error that fails the attempt and has the next one wait this long, whatever the step's period says.
///
/// It costs an attempt as any failure does: after the last one the job fails all the same.
///
/// ```
/// use std::time::Duration;
/// use vtask::retry_after;
///
/// fn check(busy: bool) -> anyhow::Result<()> {
///     if busy {
///         return Err(retry_after(Duration::from_secs(30), "the bank is closed for a moment"));
///     }
///     Ok(())
/// }
/// # assert!(check(true).is_err());
/// ```
pub fn retry_after<E: From<RetryAfter>>(wait: Duration, cause: impl Into<Box<dyn Error + Send + Sync>>) -> E {
    RetryAfter { cause: cause.into(), mark: Mark::RetryAfter(wait) }.into()
}

/// The error of [`stop`].
#[derive(Debug)]
pub struct Stop {
    cause: BoxError,
    mark: Mark,
}

/// The error of [`retry_after`].
#[derive(Debug)]
pub struct RetryAfter {
    cause: BoxError,
    mark: Mark,
}

/// What the engine looks for. It is the *source* of its error, because wrappers such as anyhow hide the type of the
/// outermost one.
#[derive(Debug, Clone, Copy)]
enum Mark {
    Stop,
    RetryAfter(Duration),
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&message(&*self.cause))
    }
}

impl fmt::Display for RetryAfter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&message(&*self.cause))
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stop => f.write_str("not to be tried again"),
            Self::RetryAfter(wait) => write!(f, "to be tried again in {wait:?}"),
        }
    }
}

impl Error for Stop {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.mark)
    }
}

impl Error for RetryAfter {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.mark)
    }
}

impl Error for Mark {}

/// What an error asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    Retry,
    RetryAfter(Duration),
    Stop,
}

/// Finds what an error asks for, anywhere in its chain.
pub(crate) fn wish(error: &(dyn Error + 'static)) -> Wish {
    match chain(error).find_map(|error| error.downcast_ref::<Mark>()) {
        Some(Mark::Stop) => Wish::Stop,
        Some(Mark::RetryAfter(wait)) => Wish::RetryAfter(*wait),
        None => Wish::Retry,
    }
}

/// The messages of an error and its sources, without marks and without what a message already says.
pub(crate) fn message(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    for error in chain(error).filter(|error| !error.is::<Mark>()) {
        let next = error.to_string();
        if text.is_empty() {
            text = next;
        } else if !text.ends_with(&next) {
            text = format!("{text}: {next}");
        }
    }
    text
}

/// What a panic says.
pub(crate) fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without a message").to_owned()
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stop_is_found_below_other_errors() {
        #[derive(Debug, thiserror::Error)]
        #[error("order 7")]
        struct Outer(#[source] Stop);

        let error: BoxError = Outer(stop("no money")).into();
        assert_eq!(wish(&*error), Wish::Stop);
        assert_eq!(message(&*error), "order 7: no money");
    }

    #[test]
    fn cause_of_retry_after_is_told_once() {
        let error: RetryAfter = retry_after(Duration::from_secs(2), "busy");
        assert_eq!(wish(&error), Wish::RetryAfter(Duration::from_secs(2)));
        assert_eq!(message(&error), "busy");
    }

    #[test]
    fn other_errors_are_retried() {
        let error: BoxError = "broken".into();
        assert_eq!(wish(&*error), Wish::Retry);
    }
}
