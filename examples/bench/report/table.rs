//! Tables for people.

use super::figure::{Detail, Figure};
use super::spread::Spread;

/// Prints the figures of a section.
pub(crate) fn print(title: &str, figures: &[Figure]) {
    println!("\n  {title}");
    println!(
        "    {:<30} {:>14}          {:<17} {:>10}  {:>6}  {:<14} budget",
        "", "median", "(rounds)", "limit", "of it", "(rounds)"
    );
    for figure in figures {
        println!("{}", line(figure).trim_end());
        if !figure.details.is_empty() {
            println!("        {}", figure.details.iter().map(detail).collect::<Vec<String>>().join(", "));
        }
    }
}

fn line(figure: &Figure) -> String {
    let Figure { label, unit, rounds, limit, ratio, budget, .. } = figure;
    let limit = limit.map_or(String::new(), |limit| number(limit.median));
    // Where less is better, the limit is exceeded.
    let (of_limit, ends) = ratio.map_or_else(Default::default, |ratio| shares(ratio, *unit == "ms"));
    let budget = budget
        .as_ref()
        .map_or(String::new(), |budget| format!("{}: {}", budget.text, if budget.is_met { "met" } else { "MISSED" }));
    let median = number(rounds.median);
    format!(
        "    {label:<30} {median:>14} {unit:<8} {:<17} {limit:>10}  {of_limit:>6}  {ends:<14} {budget}",
        between(*rounds)
    )
}

fn shares(ratio: Spread, in_times: bool) -> (String, String) {
    if in_times {
        return (format!("{:.2} ×", ratio.median), format!("({:.2}–{:.2})", ratio.least, ratio.most));
    }
    let [median, least, most] = [ratio.median, ratio.least, ratio.most].map(|part| 100.0 * part);
    (format!("{median:.0} %"), format!("({least:.0}–{most:.0} %)"))
}

fn between(rounds: Spread) -> String {
    if rounds.least < rounds.most {
        format!("({}–{})", number(rounds.least), number(rounds.most))
    } else {
        String::new()
    }
}

fn detail(detail: &Detail) -> String {
    format!("{} {}", number(detail.value), detail.unit)
}

/// With as many digits as mean something.
fn number(value: f64) -> String {
    match value.abs() {
        size if size.is_nan() => "-".to_owned(),
        size if size >= 100.0 => grouped(value),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// Thousands apart.
fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 && !grouped.ends_with('-') {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped
}
