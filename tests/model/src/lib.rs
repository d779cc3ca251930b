//! An exhaustive model of the protocol by which nodes share jobs.
//!
//! It knows nothing of the code: it says once more, in as few words as possible, what the database does with a guarded
//! statement ([`database`], [`statement`]), what a process keeps in memory ([`process`]) and what it does next (`step`),
//! and lets everything happen that may go wrong between the two: processes die, are taken for dead, and come twice;
//! statements are lost, repeated and late; answers are lost; operators cancel, pause, resume and restart; the database
//! forgets its last commits. [`explore()`] then visits *every* state that can come of it, within [`Bounds`], and checks in
//! each
//!
//! - that no [`Promise`] is broken, and
//! - that the protocol alone, without any further fault or operator, can bring every job to its end.
//!
//! Each [`Rule`] of the protocol can be left out. The tests show for each what breaks without it, so the model cannot be
//! right by saying nothing.
//!
//! ```
//! use vtask_model::{Bounds, Protocol, Rule, explore};
//!
//! let bounds = Bounds { inserts: 1, crashes: 1, ..Bounds::default() };
//! assert!(explore(&Protocol::new(bounds)).verdict().is_ok());
//! assert!(explore(&Protocol::new(bounds).without(Rule::RepeatedSweep)).verdict().is_err());
//! ```
//!
//! # What is left out
//!
//! Time is only an order: what waits may be due at any moment, and a heartbeat is missed when the model likes. Slots,
//! batches, isolation of suspects, and rows of other programs are not there, for no promise about a single job rests on
//! them. A job has two steps and a callback for each outcome.

mod action;
mod bounds;
mod canonical;
pub mod database;
mod event;
pub mod explore;
mod fingerprint;
pub mod former;
mod judge;
mod model;
mod possible;
pub mod process;
mod promise;
mod rules;
mod state;
pub mod statement;
mod step;
mod token;

pub use action::Action;
pub use bounds::Bounds;
pub use event::{Event, Events};
pub use explore::explore;
pub use model::Protocol;
pub use promise::{Promise, Promises};
pub use rules::{Rule, Rules};
pub use state::State;
pub use token::{Boot, Fresh, Host, Lease, Output};
