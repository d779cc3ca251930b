//! The runtime over a simulated database, network and clocks: all that happens follows from a seed.
//!
//! Each process of a simulation is a runtime of its own, on the same thread, with a clock of its own: so it can be killed
//! where it waits, frozen, and be fast or slow. Every commit and every step that begins is held against the promises.
//!
//! A root of its own, for it is built alone where much of it is played, and optimized.
//!
//! `VTASK_SIM_SEEDS=100000` plays that many seeds, `VTASK_SIM_FIRST` is the first of them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says by a panic that a claim is false")]

mod chain;
mod customer;
mod database;
#[expect(dead_code, reason = "the other tests need the rest")]
#[path = "../it/dice.rs"]
mod dice;
#[expect(dead_code, reason = "the other tests need the rest")]
#[path = "../it/hooked.rs"]
mod hooked;
mod ledger;
mod play;
mod process;
#[expect(dead_code, reason = "the other tests need the rest")]
#[path = "../it/setup.rs"]
mod setup;

use std::panic;
use std::sync::Mutex;
use std::time::Duration;

use crate::chain::SIMULATED;
use crate::ledger::Counts;
use crate::play::{Outcome, play};

/// So many seeds are played unless the environment says otherwise.
const SEEDS: u64 = 2000;
/// Seeds that found something: two orders that did not repeat, and a life and a keyword that a roll-back had given back.
const KEPT: [u64; 4] = [10_004_800, 20_000_178, 20_008_748, 20_043_037];
/// After so many it says how far it is: one that is stopped is gone on with from there.
const PIECE: usize = 10_000;
/// So many lines of a trace are shown.
const SHOWN: usize = 120;

fn number(variable: &str, otherwise: u64) -> u64 {
    let given = std::env::var(variable).ok();
    given.map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{variable}={text} is no number")))
}

/// Plays a seed, every tenth a second time to see whether it repeats, and says what is wrong.
fn check(seed: u64) -> Result<(Counts, Duration), String> {
    let is_repeated = seed.is_multiple_of(10) || KEPT.contains(&seed);
    let outcome = play(seed, is_repeated);
    if !outcome.violations.is_empty() {
        let Outcome { trace, violations, .. } = play(seed, true);
        let from = trace.len().saturating_sub(SHOWN);
        let (trace, wrong) = (trace[from..].join("\n"), violations.join("\n"));
        return Err(format!("{trace}\n\nseed {seed}: {wrong}\nTo play it again: tests/simulate 1 {seed}"));
    }
    if is_repeated {
        let again = play(seed, true).trace;
        if outcome.trace != again {
            let same = outcome.trace.iter().zip(&again).take_while(|(first, second)| first == second).count();
            let from = same.saturating_sub(SHOWN);
            let (shown, then, or) = (outcome.trace[from..same].join("\n"), outcome.trace.get(same), again.get(same));
            return Err(format!("{shown}\n\nseed {seed} does not repeat: then {then:#?} or {or:#?}"));
        }
    }
    Ok((outcome.counts, outcome.lasted))
}

/// Panics of the dice are no news.
fn hush() {
    let loud = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if info.payload().downcast_ref::<&str>() != Some(&SIMULATED) {
            loud(info);
        }
    }));
}

/// Plays these on all cores, until one breaks a promise.
fn play_all(seeds: impl Iterator<Item = u64> + Send) -> (Counts, Duration) {
    let seeds = Mutex::new(seeds);
    let (sum, wrong) = (Mutex::new((Counts::default(), Duration::ZERO)), Mutex::new(Vec::new()));
    let work = || {
        while wrong.lock().unwrap().is_empty() {
            // Not under the lock while it is played.
            let next = seeds.lock().unwrap().next();
            let Some(seed) = next else { return };
            match check(seed) {
                Ok((counts, lasted)) => {
                    let mut sum = sum.lock().unwrap();
                    sum.0.add(&counts);
                    sum.1 += lasted;
                }
                Err(what) => wrong.lock().unwrap().push(what),
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    sum.into_inner().unwrap()
}

#[test]
fn promises_hold_whatever_the_seed_does() {
    hush();
    let (first, seeds) = (number("VTASK_SIM_FIRST", 1), number("VTASK_SIM_SEEDS", SEEDS));
    let (mut sum, mut lasted) = play_all(KEPT.into_iter());
    let end = first + seeds;
    for at in (first..end).step_by(PIECE) {
        let next = end.min(at + PIECE as u64);
        let piece = play_all(at..next);
        sum.add(&piece.0);
        lasted += piece.1;
        println!("{} seeds from {first}, {} hours: {sum:?}", next - first, lasted.as_secs() / 3600);
    }
    // Something has to happen, or nothing is shown.
    let Counts { crashes, freezes, restarts, takeovers, zombies, roll_backs, .. } = sum;
    let has_all = [crashes, freezes, restarts, takeovers].iter().all(|count| *count >= seeds / 4);
    assert!(seeds < 100 || (has_all && zombies > 0 && roll_backs > 0), "too little happened: {sum:?}");
}
