//! Tests of jobs: in memory, on a clock that nobody waits for (feature `testing`).
//!
//! A [`JobTest`] runs a job to its end as a node does, with retries, timeouts and callbacks. A wait of ten minutes takes no
//! time, and nothing is installed.
//!
//! ```
//! use std::sync::Arc;
//! use std::sync::atomic::{AtomicU32, Ordering};
//! use std::time::Duration;
//!
//! use serde::{Deserialize, Serialize};
//! use vtask::testing::JobTest;
//! use vtask::{Attempt, JobContext, Status, job};
//!
//! #[derive(Serialize, Deserialize, JobContext)]
//! struct Order {
//!     cents: u64,
//! }
//!
//! struct PlaceOrder {
//!     /// The bank has its day off so many times.
//!     days_off: Arc<AtomicU32>,
//! }
//!
//! #[job]
//! impl PlaceOrder {
//!     #[step(retry = 5, period = "1h")]
//!     async fn charge(&self, order: &mut Order) -> anyhow::Result<String> {
//!         let is_off = self.days_off.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
//!         anyhow::ensure!(is_off.is_err(), "the bank is closed");
//!         order.cents += 30; // the fee
//!         Ok("receipt 1".to_owned())
//!     }
//! }
//!
//! let days_off = Arc::new(AtomicU32::new(2));
//! let done = JobTest::new(|_client| PlaceOrder { days_off: days_off.clone() }).run(Order { cents: 70 });
//!
//! assert_eq!(done.status(), Status::Succeeded);
//! assert_eq!(done.attempts(PlaceOrder::CHARGE), 3);
//! assert_eq!(done.context().data.cents, 100); // what a failed attempt had changed is gone
//! assert!(done.took() >= Duration::from_secs(2 * 60 * 60));
//! ```
//!
//! [`crash_matrix`] runs a job again and again, and has its process die once each time: before, inside and after every step.
//! [`assert_plan!`](crate::assert_plan) keeps a deploy from stranding jobs that are under way.
//!
//! # Limits
//!
//! A step that takes a `&DatabaseTransaction` needs a database, which is not here: [`JobTest::run`] panics and says so.

#![allow(clippy::panic, reason = "a test is told by a panic what is wrong")]

mod clock;
mod job_test;
mod matrix;
mod outcome;
#[doc(hidden)]
pub mod plan;
pub(crate) mod sample;
mod stage;

pub use self::job_test::JobTest;
pub use self::matrix::crash_matrix;
pub use self::outcome::Outcome;
#[doc(inline)]
pub use crate::assert_plan;
