//! Everything that is tested through the public API, one module a feature.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says by a panic that a claim is false")]

mod acts;
mod adopt;
mod agree;
mod birth;
mod blocks;
mod callback;
mod conformance;
mod database;
mod dice;
mod entity;
mod examples;
mod faults;
mod files;
#[cfg(unix)]
mod fleet;
mod former_name;
mod health;
mod hooked;
mod invoke;
mod isolation;
mod jobs;
mod limits;
mod lives;
mod locked;
mod log;
mod lost_answers;
mod macro_ui;
mod open;
mod operate;
mod outcome;
mod panics;
mod pause;
mod process;
mod queue;
mod races;
mod recovery;
mod refused;
mod restart;
mod retry;
mod rows;
mod said;
mod secret;
mod servers;
#[cfg(unix)]
mod service;
mod setup;
mod shutdown;
mod signal;
mod silence;
mod slots;
mod sql_text;
mod suspects;
mod takeover;
mod testing;
mod threads;
mod tls;
mod transactional;
mod values;
mod versions;
mod wait;
mod wake_up;
mod within;
mod written;
