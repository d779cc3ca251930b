//! What holds of every text that reaches vtask from outside: properties, each a function that panics where it is broken.
//!
//! `cargo fuzz` drives them with what libFuzzer makes up, and `cargo test` with the corpus and what proptest makes of it.
//! The macros are here as source, because a crate of procedural macros exports nothing else; their paths begin with
//! `crate`, so they are modules of this root.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a property says by a panic that it is broken")]

pub mod arguments;
pub mod attributes;
pub mod durations;
pub mod entry;
pub mod rows;
#[cfg(test)]
mod tests;

#[path = "../../vtask-macros/src/alone.rs"]
mod alone;
#[path = "../../vtask-macros/src/case.rs"]
mod case;
#[path = "../../vtask-macros/src/context/mod.rs"]
mod context;
#[path = "../../vtask-macros/src/duration.rs"]
mod duration;
#[path = "../../vtask-macros/src/errors.rs"]
mod errors;
#[path = "../../vtask-macros/src/expand/mod.rs"]
mod expand;
#[path = "../../vtask-macros/src/fallback.rs"]
mod fallback;
#[path = "../../vtask-macros/src/job.rs"]
mod job;
#[path = "../../vtask-macros/src/model/mod.rs"]
mod model;
#[path = "../../vtask-macros/src/parse/mod.rs"]
mod parse;
#[path = "../../vtask-macros/src/suggest.rs"]
mod suggest;
#[path = "../../vtask-macros/src/types.rs"]
mod types;

use std::time::{Duration, UNIX_EPOCH};

use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;
use vtask::storage::MemoryStorage;
use vtask::storage::value::Timestamp;

/// A runtime whose clock goes on when everybody waits.
fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime without threads")
}

/// A storage on the clock of such a runtime.
fn paused_storage() -> MemoryStorage {
    let start = Instant::now();
    let now = move || UNIX_EPOCH + Duration::from_secs(1_700_000_000) + start.elapsed();
    MemoryStorage::with_clock(move || Timestamp::from(now()))
}
