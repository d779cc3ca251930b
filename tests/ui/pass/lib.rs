//! What must compile, and without a word from rustc, clippy or rustdoc about the code that the macros generate.
//!
//! It is a library, because only there the lints about documentation and visibility say all they have to say; nothing is
//! linked or run.

#![deny(warnings, missing_docs, unreachable_pub, rustdoc::all)]
#![deny(clippy::all, clippy::pedantic, clippy::nursery)]
#![expect(missing_debug_implementations, reason = "the jobs of these examples are never shown")]
#![expect(clippy::redundant_pub_crate, reason = "it asks for what `unreachable_pub` forbids")]

pub mod arguments;
pub mod contexts;
pub mod errors;
pub mod generic;
pub mod handle;
pub mod names;
pub mod parameters;
pub mod place_order;
mod private;
pub mod renamed;
