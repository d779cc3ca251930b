//! The bare limit: the same rows and bytes by hand-written SQL.
//!
//! A batch is one insert of many rows and, for each step, one guarded update of these rows that leaves a new lease; each
//! statement is a commit of its own. Ids are given, nothing is read, nothing is claimed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;

use crate::connection::Connection;
use crate::load::{Rate, watch};
use crate::sample::Sample;
use crate::scratch::Scratch;
use crate::sql::{Cell, Sql, Writer};

/// No batch begins with an id that another one has used.
static NEXT_ID: AtomicI64 = AtomicI64::new(1);

/// A connection that writes batches.
pub(crate) struct Bare {
    connection: Connection,
    sample: Arc<Sample>,
    sql: Vec<Sql>,
    rows: usize,
}

/// A row of the batch under way.
struct Row {
    id: i64,
    lease: i64,
}

impl Bare {
    pub(crate) async fn open(scratch: &Scratch, sample: &Arc<Sample>, rows: usize) -> anyhow::Result<Self> {
        let connection = Connection::open(&scratch.url, scratch.kind).await?;
        let sql = Writer { kind: scratch.kind, sample, rows }.all();
        Ok(Self { connection, sample: Arc::clone(sample), sql, rows })
    }

    /// Writes a batch, and tells of each commit how many rows it had.
    pub(crate) async fn batch(&mut self, mut committed: impl FnMut(usize)) -> anyhow::Result<()> {
        let id = || Row { id: NEXT_ID.fetch_add(1, Ordering::Relaxed), lease: random() };
        let mut rows: Vec<Row> = (0..self.rows).map(|_| id()).collect();
        for (step, sql) in self.sql.iter().enumerate() {
            let cells: Vec<Vec<Cell>> = match step {
                0 => rows.iter().map(|row| self.inserted(row)).collect(),
                _ => rows.iter_mut().map(|row| updated(&self.sample, step - 1, row)).collect(),
            };
            self.connection.execute(sql, &cells).await?;
            committed(rows.len());
        }
        Ok(())
    }

    fn inserted(&self, row: &Row) -> Vec<Cell> {
        let (hash, keyword) = (rand::random(), format!("{:036x}", rand::random::<u128>()));
        vec![
            Cell::Big(row.id),
            Cell::Text(keyword.into()),
            Cell::Hash(hash),
            Cell::Hash(hash),
            Cell::Big(random()),
            Cell::Big(row.lease),
            Cell::Text(Arc::clone(&self.sample.input)),
        ]
    }
}

fn updated(sample: &Sample, step: usize, row: &mut Row) -> Vec<Cell> {
    let (old_lease, lease) = (row.lease, random());
    row.lease = lease;
    vec![
        Cell::Big(lease),
        Cell::Text(Arc::clone(&sample.input)),
        Cell::Text(Arc::clone(&sample.responses[step])),
        Cell::Text(Arc::clone(&sample.histories[step])),
        Cell::Big(row.id),
        Cell::Big(old_lease),
    ]
}

/// As long as vtask's tokens.
fn random() -> i64 {
    rand::random::<i64>() & i64::MAX
}

/// Writes batches over so many connections, and looks how many jobs that would be.
pub(crate) async fn measure(
    scratch: &Scratch,
    sample: &Arc<Sample>,
    rows: usize,
    connections: usize,
    window: Duration,
) -> anyhow::Result<Rate> {
    let (written, is_over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let mut writers = JoinSet::new();
    for _ in 0..connections {
        let mut bare = Bare::open(scratch, sample, rows).await?;
        let (written, is_over) = (Arc::clone(&written), Arc::clone(&is_over));
        writers.spawn(async move {
            while !is_over.load(Ordering::Relaxed) {
                let count = |rows| {
                    written.fetch_add(rows as u64, Ordering::Relaxed);
                };
                bare.batch(count).await?;
            }
            anyhow::Ok(())
        });
    }
    let rate = watch(&written, window).await;
    is_over.store(true, Ordering::Relaxed);
    while let Some(ended) = writers.join_next().await {
        ended??;
    }
    let commits = f64::from(u32::try_from(sample.steps.len())? + 1);
    Ok(Rate { jobs: rate.jobs / commits, cpu: rate.cpu * commits })
}
