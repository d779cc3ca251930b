//! Some values in a few numbers.

use std::time::Duration;

use serde::Serialize;

/// The middle of some values, and how far they lie apart.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Spread {
    pub(crate) fn of(values: &[f64]) -> Self {
        Self { median: median(values), least: quantile(values, 0.0), most: quantile(values, 1.0) }
    }
}

pub(crate) fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// The value that this part of all values does not exceed; NaN for none.
pub(crate) fn quantile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of a length is a place in it")]
    let place = (part * (sorted.len() as f64 - 1.0)).round().max(0.0) as usize;
    sorted.get(place).copied().unwrap_or(f64::NAN)
}

pub(crate) fn millis(times: &[Duration]) -> Vec<f64> {
    times.iter().map(|time| time.as_secs_f64() * 1e3).collect()
}
