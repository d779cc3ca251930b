//! The jobs that are measured: steps that do next to nothing, over data of some hundred bytes that each step changes.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use vtask::{Job, JobContext, job};

/// A job that has not ended by then will not end.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, Serialize, Deserialize, JobContext)]
pub(crate) struct Parcel {
    stamps: u32,
    address: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    padding: String,
}

impl Parcel {
    /// A parcel with so many bytes of padding.
    pub(crate) fn new(payload: usize) -> Self {
        let address = "Charles Babbage Esq., 1 Dorset Street, Manchester Square, London W1, Great Britain".to_owned();
        Self { stamps: 0, address, padding: "x".repeat(payload) }
    }
}

/// Where the steps say how far they are, so that whoever keeps jobs in flight asks no database for it.
///
/// A job counts as done when the body of its last step runs; at a steady rate that is as often as its record is
/// written.
#[derive(Debug)]
pub(crate) struct Board {
    steps: u32,
    done: AtomicU64,
    /// A permit for each job that may be invoked; the last step gives it back.
    room: Semaphore,
    begun: Mutex<Option<Instant>>,
    prints: bool,
}

impl Board {
    /// For jobs of so many steps, so many of them in flight.
    pub(crate) fn new(steps: u32, in_flight: usize) -> Arc<Self> {
        Arc::new(Self::with(steps, in_flight, false))
    }

    /// One that prints a line when a job begins and when its last step runs.
    pub(crate) fn printing(steps: u32) -> Arc<Self> {
        Arc::new(Self::with(steps, 0, true))
    }

    fn with(steps: u32, in_flight: usize, prints: bool) -> Self {
        Self { steps, done: AtomicU64::new(0), room: Semaphore::new(in_flight), begun: Mutex::new(None), prints }
    }

    /// Counts the jobs that are done.
    pub(crate) fn done(&self) -> &AtomicU64 {
        &self.done
    }

    /// Waits until so many jobs more may be in flight.
    pub(crate) async fn room(&self, jobs: usize) -> anyhow::Result<()> {
        let permits = self.room.acquire_many(u32::try_from(jobs)?);
        let late = || format!("a job did not end within {PATIENCE:?}");
        timeout(PATIENCE, permits).await.with_context(late)??.forget();
        Ok(())
    }

    /// When the last job began its first step.
    pub(crate) fn begun(&self) -> Option<Instant> {
        *self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stamp(&self, parcel: &mut Parcel) -> anyhow::Result<String> {
        if parcel.stamps == 0 {
            *self.begun.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
            self.print("begun");
        }
        parcel.stamps += 1;
        if parcel.stamps == self.steps {
            self.done.fetch_add(1, Ordering::Relaxed);
            self.room.add_permits(1);
            self.print("done");
        }
        Ok(format!("stamp number {}", parcel.stamps))
    }

    fn print(&self, line: &str) {
        if self.prints {
            // If nobody reads it any more, this process is about to end.
            let _ = writeln!(std::io::stdout(), "{line}");
        }
    }
}

/// A job that is measured.
pub(crate) trait Measured: Job<Data = Parcel> {
    const STEPS: u32;

    fn new(board: &Arc<Board>) -> Self;
}

macro_rules! measured {
    ($($name:ident has $steps:literal: $($step:ident)*;)*) => {$(
        pub(crate) struct $name(Arc<Board>);

        #[job]
        impl $name {
            $(
                #[step]
                async fn $step(&self, parcel: &mut Parcel) -> anyhow::Result<String> {
                    self.0.stamp(parcel)
                }
            )*
        }

        impl Measured for $name {
            const STEPS: u32 = $steps;

            fn new(board: &Arc<Board>) -> Self {
                Self(Arc::clone(board))
            }
        }
    )*};
}

measured! {
    One has 1: step_0;
    Two has 2: step_0 step_1;
    Three has 3: step_0 step_1 step_2;
    Four has 4: step_0 step_1 step_2 step_3;
    Five has 5: step_0 step_1 step_2 step_3 step_4;
    Six has 6: step_0 step_1 step_2 step_3 step_4 step_5;
    Seven has 7: step_0 step_1 step_2 step_3 step_4 step_5 step_6;
    Eight has 8: step_0 step_1 step_2 step_3 step_4 step_5 step_6 step_7;
    Nine has 9: step_0 step_1 step_2 step_3 step_4 step_5 step_6 step_7 step_8;
    Ten has 10: step_0 step_1 step_2 step_3 step_4 step_5 step_6 step_7 step_8 step_9;
}
