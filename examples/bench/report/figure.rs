//! A figure with all that stands beside it.

use serde::{Serialize, Serializer};

use super::spread::{Spread, median, quantile};

/// A line of a table: what vtask does, and what the database does at best.
#[derive(Debug, Serialize)]
pub(crate) struct Figure {
    pub(crate) label: String,
    pub(crate) unit: &'static str,
    #[serde(flatten)]
    pub(crate) rounds: Spread,
    pub(crate) limit: Option<Spread>,
    /// Of the figure to the limit, round by round.
    pub(crate) ratio: Option<Spread>,
    pub(crate) budget: Option<Budget>,
    #[serde(serialize_with = "as_object")]
    pub(crate) details: Vec<Detail>,
}

/// What DESIGN section 9 asks for.
#[derive(Debug, Serialize)]
pub(crate) struct Budget {
    pub(crate) text: String,
    pub(crate) is_met: bool,
}

/// What else was seen.
#[derive(Debug)]
pub(crate) struct Detail {
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
}

impl Figure {
    /// A figure that was measured in some rounds.
    pub(crate) fn new(label: impl Into<String>, unit: &'static str, rounds: &[f64]) -> Self {
        let (label, rounds) = (label.into(), Spread::of(rounds));
        Self { label, unit, rounds, limit: None, ratio: None, budget: None, details: Vec::new() }
    }

    /// Times in milliseconds, taken one after the other over so many rounds.
    pub(crate) fn latency(label: impl Into<String>, times: &[f64], rounds: usize) -> Self {
        let figure = Self::new(label, "ms", &medians(times, rounds));
        let rounds = Spread { median: median(times), ..figure.rounds };
        let figure = Self { rounds, ..figure };
        figure
            .detail(rounds.median, "ms p50")
            .detail(quantile(times, 0.95), "ms p95")
            .detail(quantile(times, 0.99), "ms p99")
    }

    /// Times beside those of the bare limit, which were taken in turn.
    pub(crate) fn beside_latency(self, times: &[f64], limits: &[f64], rounds: usize) -> Self {
        let mut figure = self.beside(&medians(times, rounds), &medians(limits, rounds));
        if let (Some(limit), Some(ratio)) = (&mut figure.limit, &mut figure.ratio) {
            limit.median = median(limits);
            ratio.median = figure.rounds.median / limit.median;
        }
        figure.detail(quantile(limits, 0.95), "ms p95 bare").detail(quantile(limits, 0.99), "ms p99 bare")
    }

    /// Beside the bare limit, which was measured in the same rounds.
    pub(crate) fn beside(mut self, rounds: &[f64], limits: &[f64]) -> Self {
        let ratios: Vec<f64> = rounds.iter().zip(limits).map(|(figure, limit)| figure / limit).collect();
        (self.limit, self.ratio) = (Some(Spread::of(limits)), Some(Spread::of(&ratios)));
        self
    }

    /// Asks for this part of the limit, or more.
    pub(crate) fn at_least_of_limit(self, percent: f64) -> Self {
        let is_met = self.ratio.is_some_and(|ratio| 100.0 * ratio.median >= percent);
        self.budget(format!("≥ {percent:.0} %"), is_met)
    }

    /// Asks for so many times the limit, or less.
    pub(crate) fn at_most_of_limit(self, times: f64) -> Self {
        let is_met = self.ratio.is_some_and(|ratio| ratio.median <= times);
        self.budget(format!("≤ {times} ×"), is_met)
    }

    /// Asks for so much in its own unit, or less.
    pub(crate) fn at_most(self, most: f64) -> Self {
        let (text, is_met) = (format!("≤ {most} {}", self.unit), self.rounds.median <= most);
        self.budget(text, is_met)
    }

    pub(crate) fn budget(mut self, text: impl Into<String>, is_met: bool) -> Self {
        self.budget = Some(Budget { text: text.into(), is_met });
        self
    }

    /// Adds what was seen beside it, unless nothing was.
    pub(crate) fn detail(mut self, value: f64, unit: &'static str) -> Self {
        if !value.is_nan() {
            self.details.push(Detail { value, unit });
        }
        self
    }
}

fn as_object<S: Serializer>(details: &[Detail], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(details.iter().map(|detail| (detail.unit, detail.value)))
}

/// The median of each round.
fn medians(times: &[f64], rounds: usize) -> Vec<f64> {
    times.chunks(times.len().div_ceil(rounds).max(1)).map(median).collect()
}
