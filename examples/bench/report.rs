//! What is printed: tables of figures, each beside its bare limit.

use std::time::Duration;

use crate::latency::Latencies;
use crate::load::Rate;

/// Throughput of one kind of load, round by round.
pub(crate) struct Throughput {
    pub(crate) label: String,
    pub(crate) steps: u32,
    /// The least that vtask should reach of the bare limit, in percent.
    pub(crate) budget: Option<f64>,
    /// vtask and bare.
    pub(crate) rounds: Vec<(Rate, Rate)>,
}

/// The most that a job of ten steps should take, in bare commits of the same number.
const LATENCY: f64 = 1.3;
/// The most that a first step should be behind the commit that saves the job.
const BEGIN: Duration = Duration::from_millis(1);

pub(crate) fn print_throughput(lines: &[Throughput]) {
    println!(
        "  median of the rounds       vtask     steps/s      bare   of it  (rounds)     CPU µs a job: vtask  bare"
    );
    println!("                            jobs/s                jobs/s");
    lines.iter().for_each(print_line);
    let noise = lines.iter().map(|line| spread(&line.bare())).fold(0.0, f64::max);
    println!("  noise: the bare limit itself differs by up to {noise:.0} % of its median between rounds");
}

impl Throughput {
    fn bare(&self) -> Vec<f64> {
        self.rounds.iter().map(|(_, bare)| bare.jobs).collect()
    }
}

fn print_line(line: &Throughput) {
    let of = |value: fn(&(Rate, Rate)) -> f64| line.rounds.iter().map(value).collect::<Vec<f64>>();
    let jobs = median(of(|(vtask, _)| vtask.jobs));
    let ratios = of(|(vtask, bare)| percent(vtask.jobs, bare.jobs));
    let (least, most) = ends(&ratios);
    let ratio = median(ratios);
    let verdict = line.budget.map_or(String::new(), |least| verdict(&format!("≥ {least:.0} %"), ratio >= least));
    println!(
        "  {:<24} {jobs:>7.0}  {:>10.0}  {:>8.0}  {ratio:>4.0} %  {:<13} {:>18.0}  {:>4.0}{verdict}",
        line.label,
        jobs * f64::from(line.steps),
        median(line.bare()),
        format!("({least:.0}–{most:.0} %)"),
        median(of(|(vtask, _)| vtask.cpu)),
        median(of(|(_, bare)| bare.cpu)),
    );
}

pub(crate) fn print_latency(times: &Latencies, rounds: usize) {
    println!("  one at a time              vtask               bare commits       of it  (rounds)");
    let (job, bare) = (&times.job, &times.bare);
    let size = job.len().div_ceil(rounds).max(1);
    let medians = |times: &Vec<Duration>| times.chunks(size).map(middle).collect::<Vec<f64>>();
    let ratios: Vec<f64> = medians(job).iter().zip(medians(bare)).map(|(job, bare)| job / bare).collect();
    let (least, most) = ends(&ratios);
    let ratio = median(ratios);
    let verdict_of_job = verdict(&format!("≤ {LATENCY}"), ratio <= LATENCY);
    let rounds = format!("({least:.2}–{most:.2})");
    println!("  10 steps, until waited   {}  {}    {ratio:.2}  {rounds}{verdict_of_job}", pair(job), pair(bare));
    let (begin, insert) = (middle(&times.begin), middle(&times.insert));
    let verdict_of_begin = verdict("≤ one commit + 1 ms", begin <= insert + BEGIN.as_secs_f64() * 1e3);
    let (begin, insert) = (pair(&times.begin), pair(&times.insert));
    println!("  until step 1 begins      {begin}  {insert}{verdict_of_begin}");
    println!("  noise: the bare commits differ by {:.0} % of their median between rounds", spread(&medians(bare)));
}

/// Steps of a job in memory for each second of CPU.
pub(crate) fn print_memory(label: &str, steps: u32, rates: &[Rate], budget: f64) {
    let of = |value: fn(&Rate) -> f64| rates.iter().map(value).collect::<Vec<f64>>();
    let per_cpu: Vec<f64> = of(|rate| rate.cpu).iter().map(|cpu| f64::from(steps) * 1e6 / cpu).collect();
    let (least, most) = ends(&per_cpu);
    let (jobs, per_cpu) = (median(of(|rate| rate.jobs)), median(per_cpu));
    let verdict = verdict(&format!("≥ {budget:.0}"), per_cpu >= budget);
    println!("  {label:<24} {jobs:>7.0} jobs/s, {per_cpu:.0} steps per CPU-second ({least:.0}–{most:.0}){verdict}");
}

fn verdict(budget: &str, is_met: bool) -> String {
    format!("   budget {budget}: {}", if is_met { "met" } else { "MISSED" })
}

fn pair(times: &[Duration]) -> String {
    format!("{:>6.2} ms (p90 {:.2})", middle(times), quantile(millis(times), 0.9))
}

fn middle(times: &[Duration]) -> f64 {
    median(millis(times))
}

fn millis(times: &[Duration]) -> Vec<f64> {
    times.iter().map(|time| time.as_secs_f64() * 1e3).collect()
}

fn median(values: Vec<f64>) -> f64 {
    quantile(values, 0.5)
}

/// The value that this part of all values does not exceed; NaN for none.
fn quantile(mut values: Vec<f64>, part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of a length is a place in it")]
    let place = (part * (values.len() as f64 - 1.0)).round().max(0.0) as usize;
    values.get(place).copied().unwrap_or(f64::NAN)
}

fn ends(values: &[f64]) -> (f64, f64) {
    values.iter().fold((f64::INFINITY, 0.0), |(least, most), value| (value.min(least), value.max(most)))
}

/// How far the values lie apart, in percent of their median.
fn spread(values: &[f64]) -> f64 {
    let (least, most) = ends(values);
    percent(most - least, median(values.to_vec()))
}

fn percent(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { 100.0 * part / whole } else { 0.0 }
}
