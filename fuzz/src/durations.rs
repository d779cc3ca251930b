//! Waits as the user writes them: `5s`, `1h 30m`, `5s..10m`.

use std::time::Duration;

use quote::quote;

use crate::attributes::is_accepted;
use crate::duration::{millis, range};

/// 100 years of 365.25 days, in milliseconds.
const LONGEST_MS: u64 = 3_155_760_000_000;

/// Reads any text: what is accepted is a wait that can be waited, means the same however it is written, and what is
/// refused is told how to write it.
///
/// # Panics
///
/// If the property is broken.
pub fn check(text: &str) {
    match millis(text) {
        Ok(ms) => check_wait(text, ms),
        Err(message) => check_message(text, &message),
    }
    match range(text) {
        Ok((first, longest)) => check_range(text, first, longest),
        Err(message) => check_message(text, &message),
    }
    assert_eq!(is_accepted(&quote!(timeout = #text)), millis(text).is_ok(), "{text:?} as a timeout");
    assert_eq!(is_accepted(&quote!(retry = 1, period = #text)), range(text).is_ok(), "{text:?} as a period");
}

fn check_wait(text: &str, ms: u64) {
    assert!((1..=LONGEST_MS).contains(&ms), "{text:?} is {ms} ms");
    let printed = humantime::format_duration(Duration::from_millis(ms)).to_string();
    assert_eq!(millis(&printed), Ok(ms), "{text:?} is printed as {printed:?}");
    assert_eq!(millis(&format!("\n {text}\t")), Ok(ms), "blanks around {text:?} mean nothing");
    assert_eq!(range(text), Ok((ms, ms)), "{text:?} alone is a range");
    assert_eq!(range(&format!("{text}..{text}")), Ok((ms, ms)), "{text:?} twice is a range");
}

fn check_range(text: &str, first: u64, longest: u64) {
    assert!(1 <= first && first <= longest && longest <= LONGEST_MS, "{text:?} is from {first} to {longest} ms");
    let printed = |ms| humantime::format_duration(Duration::from_millis(ms)).to_string();
    let again = format!("{}..{}", printed(first), printed(longest));
    assert_eq!(range(&again), Ok((first, longest)), "{text:?} is printed as {again:?}");
    if let Some((before, behind)) = text.split_once("..") {
        assert_eq!((millis(before), millis(behind)), (Ok(first), Ok(longest)), "{text:?} is made of two waits");
    }
}

/// A message names the text, or the half that is wrong, and what it suggests is accepted.
fn check_message(text: &str, message: &str) {
    let halves = text.split_once("..").map_or([text, text], |(first, longest)| [first, longest]);
    let named = [text, halves[0], halves[1]].iter().any(|part| message.starts_with(&format!("{part:?}")));
    assert!(named, "{message} does not name {text:?}");
    let suggested = message.strip_prefix(&format!("{text:?} runs backwards: write \""));
    if let Some(suggested) = suggested.and_then(|suggested| suggested.strip_suffix('"')) {
        assert!(range(suggested).is_ok(), "{message}, which is refused too");
    }
}
