//! Durations as the user writes them: `"5s"`, `"1h 30m"`, `"5s..10m"`.

use std::time::Duration;

/// The longest duration: 100 years of 365.25 days.
const LONGEST: Duration = Duration::from_hours(100 * 8_766);

/// Reads a duration of whole milliseconds, from 1 ms to 100 years, and returns it in milliseconds.
pub(crate) fn millis(text: &str) -> Result<u64, String> {
    if text.split(|c: char| !c.is_alphabetic()).any(|unit| unit == "M") {
        return Err(format!("{text:?} has the unit M, which is months: write \"m\" for minutes, or \"months\""));
    }
    let duration = humantime::parse_duration(text.trim()).map_err(|error| {
        format!("{text:?} is not a duration ({error}): write for example \"500ms\", \"30s\" or \"1h 30m\"")
    })?;
    if duration < Duration::from_millis(1) {
        return Err(format!("{text:?} is too short: the least is \"1ms\""));
    }
    if duration > LONGEST {
        return Err(format!("{text:?} is too long: the most is \"100years\""));
    }
    if !duration.subsec_nanos().is_multiple_of(1_000_000) {
        return Err(format!("{text:?} is finer than a millisecond: round it to whole milliseconds"));
    }
    u64::try_from(duration.as_millis()).map_err(|_| format!("{text:?} is too long: the most is \"100years\""))
}

/// Reads `"5s"` or `"5s..10m"` and returns the first and the longest wait in milliseconds.
pub(crate) fn range(text: &str) -> Result<(u64, u64), String> {
    let Some((first, longest)) = text.split_once("..") else {
        return millis(text).map(|period| (period, period));
    };
    if longest.starts_with(['=', '.']) {
        return Err(format!("{text:?} is not a range of waits: write it with two dots, as in \"5s..10m\""));
    }
    if first.trim().is_empty() || longest.trim().is_empty() {
        return Err(format!("{text:?} lacks one of its ends: write the first and the longest wait, as in \"5s..10m\""));
    }
    let (first_ms, longest_ms) = (millis(first)?, millis(longest)?);
    if first_ms > longest_ms {
        let (first, longest) = (first.trim(), longest.trim());
        return Err(format!("{text:?} runs backwards: write \"{longest}..{first}\""));
    }
    Ok((first_ms, longest_ms))
}
