//! The kit with which users test their own jobs.

mod crash;
mod plan;
mod run;

use std::panic::{AssertUnwindSafe, catch_unwind};

/// What it says when it panics.
#[track_caller]
fn panic_of<T>(work: impl FnOnce() -> T) -> String {
    let panic = catch_unwind(AssertUnwindSafe(work)).err().expect("it panics");
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).expect("a panic has a text")
}
