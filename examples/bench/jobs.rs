//! The jobs that are measured: steps that do next to nothing, over data of some hundred bytes that each step changes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use vtask::{Job, JobContext, job};

#[derive(Debug, Serialize, Deserialize, JobContext)]
pub(crate) struct Parcel {
    /// Who waits for it on the board.
    place: usize,
    stamps: u32,
    address: String,
}

impl Parcel {
    pub(crate) fn new(place: usize) -> Self {
        let address = "Charles Babbage Esq., 1 Dorset Street, Manchester Square, London W1, Great Britain".to_owned();
        Self { place, stamps: 0, address }
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
    places: Vec<Place>,
}

#[derive(Debug, Default)]
struct Place {
    begun: Mutex<Option<Instant>>,
    ended: Notify,
}

impl Board {
    pub(crate) fn new<J: Measured>(places: usize) -> Arc<Self> {
        let places = (0..places).map(|_| Place::default()).collect();
        Arc::new(Self { steps: J::STEPS, done: AtomicU64::new(0), places })
    }

    /// Counts the jobs that are done.
    pub(crate) fn done(&self) -> &AtomicU64 {
        &self.done
    }

    /// Waits until a job of this place is done.
    pub(crate) async fn ended(&self, place: usize) {
        self.places[place].ended.notified().await;
    }

    /// When the last job of this place began its first step.
    pub(crate) fn begun(&self, place: usize) -> Option<Instant> {
        *self.places[place].begun.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stamp(&self, parcel: &mut Parcel) -> anyhow::Result<String> {
        let place = &self.places[parcel.place];
        if parcel.stamps == 0 {
            *place.begun.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        }
        parcel.stamps += 1;
        if parcel.stamps == self.steps {
            self.done.fetch_add(1, Ordering::Relaxed);
            place.ended.notify_one();
        }
        Ok(format!("stamp number {}", parcel.stamps))
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
    Three has 3: step_0 step_1 step_2;
    Ten has 10: step_0 step_1 step_2 step_3 step_4 step_5 step_6 step_7 step_8 step_9;
}
