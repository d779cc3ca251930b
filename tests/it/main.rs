//! Everything that is tested through the public API, one module a feature.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says by a panic that a claim is false")]

mod callback;
mod entity;
mod examples;
mod faults;
mod invoke;
mod log;
mod macro_ui;
mod open;
mod operate;
mod outcome;
mod recovery;
mod retry;
mod rows;
mod secret;
mod setup;
mod signal;
mod wait;
