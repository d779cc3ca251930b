//! Everything that is tested through the public API, one module a feature.

mod outcome;
mod setup;
