//! The bare limit of a queue: rows that are there are claimed many at a time, and finished together.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::claim::Claimer;
use super::{Bare, Round, Row, random, together};
use crate::rate::{Rate, Span};
use crate::sample::Sample;
use crate::scratch::Scratch;

/// A connection that claims rows and finishes them.
struct Queue {
    bare: Bare,
    claimer: Claimer,
}

impl Round for Queue {
    async fn round(&mut self, written: &AtomicU64) -> anyhow::Result<bool> {
        let lease = random();
        let ids = self.claimer.claim(&mut self.bare.connection, lease).await?;
        // The last ones are too few for the statement; by then the measurement is over.
        if ids.len() < self.bare.rows {
            return Ok(false);
        }
        let mut rows: Vec<Row> = ids.into_iter().map(|id| Row { id, lease }).collect();
        self.bare.update(0, &mut rows).await?;
        written.fetch_add(rows.len() as u64, Ordering::Relaxed);
        Ok(true)
    }
}

/// Inserts so many rows or a few more, which are due, in nobody's hands, and of one step.
pub(crate) async fn fill(scratch: &Scratch, sample: &Arc<Sample>, rows: usize, count: usize) -> anyhow::Result<()> {
    let mut bare = Bare::open(scratch, sample, rows).await?;
    for _ in 0..count.div_ceil(rows) {
        bare.insert().await?;
    }
    Ok(())
}

/// Works off the queue over so many connections, so many rows a statement.
pub(crate) async fn measure(
    scratch: &Scratch,
    sample: &Arc<Sample>,
    rows: usize,
    connections: usize,
    span: Span,
) -> anyhow::Result<Rate> {
    let opened = Bare::open_many(scratch, sample, rows, connections).await?;
    let claimer = |number| Claimer::new(scratch.kind, sample, rows, (number, connections));
    let queues = opened.into_iter().enumerate().map(|(number, bare)| Queue { bare, claimer: claimer(number) });
    together(queues.collect(), span).await
}
