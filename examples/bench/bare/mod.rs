//! The bare limit: the same rows and bytes by hand-written SQL.
//!
//! A batch is one insert of many rows and, for each step, one guarded update of these rows that leaves a new lease; each
//! statement is a commit of its own. Ids are given, nothing is read, nothing is claimed.

mod claim;
mod connection;
pub(crate) mod queue;
mod sql;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use tokio::task::JoinSet;

use self::connection::Connection;
use self::sql::{Cell, Sql, Writer};
use crate::rate::{Rate, Span, watch_tasks};
use crate::sample::Sample;
use crate::scratch::Scratch;

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

    async fn open_many(
        scratch: &Scratch,
        sample: &Arc<Sample>,
        rows: usize,
        connections: usize,
    ) -> anyhow::Result<Vec<Self>> {
        let mut opened = Vec::with_capacity(connections);
        for _ in 0..connections {
            opened.push(Self::open(scratch, sample, rows).await?);
        }
        Ok(opened)
    }

    /// Writes a batch, and tells of each commit how many rows it had.
    pub(crate) async fn batch(&mut self, mut committed: impl FnMut(usize)) -> anyhow::Result<()> {
        let mut rows = self.insert().await?;
        committed(rows.len());
        for step in 0..self.sample.steps.len() {
            self.update(step, &mut rows).await?;
            committed(rows.len());
        }
        Ok(())
    }

    async fn insert(&mut self) -> anyhow::Result<Vec<Row>> {
        let id = || Row { id: NEXT_ID.fetch_add(1, Ordering::Relaxed), lease: random() };
        let rows: Vec<Row> = (0..self.rows).map(|_| id()).collect();
        let cells: Vec<Vec<Cell>> = rows.iter().map(|row| inserted(&self.sample, row)).collect();
        self.connection.execute(&self.sql[0], &cells).await?;
        Ok(rows)
    }

    async fn update(&mut self, step: usize, rows: &mut [Row]) -> anyhow::Result<()> {
        let cells: Vec<Vec<Cell>> = rows.iter_mut().map(|row| updated(&self.sample, step, row)).collect();
        self.connection.execute(&self.sql[step + 1], &cells).await
    }
}

fn inserted(sample: &Sample, row: &Row) -> Vec<Cell> {
    let (hash, keyword) = (rand::random(), format!("{:036x}", rand::random::<u128>()));
    vec![
        Cell::Big(row.id),
        Cell::Text(keyword.into()),
        Cell::Hash(hash),
        Cell::Hash(hash),
        Cell::Big(random()),
        Cell::Big(row.lease),
        Cell::Text(Arc::clone(&sample.input)),
    ]
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

/// What a connection does over and over.
trait Round: Send + 'static {
    /// Does it once, and counts the rows of each commit; `false` when there is nothing more to do.
    fn round(&mut self, written: &AtomicU64) -> impl Future<Output = anyhow::Result<bool>> + Send;
}

impl Round for Bare {
    async fn round(&mut self, written: &AtomicU64) -> anyhow::Result<bool> {
        let count = |rows| {
            written.fetch_add(rows as u64, Ordering::Relaxed);
        };
        self.batch(count).await?;
        Ok(true)
    }
}

/// Writes batches over so many connections, and looks how many jobs that would be.
pub(crate) async fn measure(
    scratch: &Scratch,
    sample: &Arc<Sample>,
    rows: usize,
    connections: usize,
    span: Span,
) -> anyhow::Result<Rate> {
    let writers = Bare::open_many(scratch, sample, rows, connections).await?;
    let commits = u32::try_from(sample.steps.len())? + 1;
    Ok(together(writers, span.times(commits.into())).await?.of_each(commits))
}

/// Has all do their rounds at the same time, and looks how many rows a second that gives.
async fn together<R: Round>(writers: Vec<R>, span: Span) -> anyhow::Result<Rate> {
    let (written, is_over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let mut tasks = JoinSet::new();
    for mut writer in writers {
        let (written, is_over) = (Arc::clone(&written), Arc::clone(&is_over));
        tasks.spawn(async move {
            while !is_over.load(Ordering::Relaxed) && writer.round(&written).await? {}
            anyhow::Ok(())
        });
    }
    let rate = watch_tasks(&written, span, &mut tasks).await?;
    is_over.store(true, Ordering::Relaxed);
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok(rate)
}
