//! Everything that is tested through the public API, one module a feature.

mod callback;
mod faults;
mod invoke;
mod log;
mod open;
mod operate;
mod outcome;
mod recovery;
mod retry;
mod rows;
mod secret;
mod setup;
mod wait;
