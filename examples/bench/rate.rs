//! How fast a count rises.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cpu_time::ProcessTime;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::jobs::PATIENCE;

/// How often a count is looked at.
const LOOK: Duration = Duration::from_millis(1);

/// When a measurement ends, whichever comes first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub(crate) count: u64,
    pub(crate) window: Duration,
}

/// What was seen meanwhile.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate {
    pub(crate) a_second: f64,
    /// Microseconds of CPU that this process took for each, without the server's.
    pub(crate) cpu: f64,
}

impl Span {
    /// How far a count may rise before it counts.
    pub(crate) fn warm_up(self) -> u64 {
        self.count.div_ceil(5)
    }

    /// The same for what makes up one of these.
    pub(crate) fn times(self, factor: u64) -> Self {
        Self { count: self.count * factor, ..self }
    }
}

impl Rate {
    /// Of what is made up of so many of these.
    pub(crate) fn of_each(self, factor: u32) -> Self {
        Self { a_second: self.a_second / f64::from(factor), cpu: self.cpu * f64::from(factor) }
    }
}

/// Looks how fast a count rises, once it rises steadily.
///
/// It rises by leaps, because many are saved together: so it is taken from the end of one leap to the end of another.
pub(crate) async fn watch(done: &AtomicU64, span: Span) -> anyhow::Result<Rate> {
    let warm_up = Look::after(done, 0).await?;
    let (mut first, mut warm) = (warm_up, false);
    while !warm {
        first = Look::after(done, first.count).await?;
        warm = first.count >= warm_up.count + span.warm_up() || warm_up.at.elapsed() >= span.window / 5;
    }
    let mut last = first;
    while last.count < first.count + span.count && last.at - first.at < span.window {
        last = Look::after(done, last.count).await?;
    }
    last.since(first)
}

/// A count as it was.
#[derive(Clone, Copy)]
struct Look {
    count: u64,
    at: Instant,
    cpu: ProcessTime,
}

impl Look {
    /// Waits until the count is higher than that.
    async fn after(done: &AtomicU64, seen: u64) -> anyhow::Result<Self> {
        let begun = Instant::now();
        while done.load(Ordering::Relaxed) <= seen {
            anyhow::ensure!(begun.elapsed() < PATIENCE, "nothing has ended for {PATIENCE:?}");
            sleep(LOOK).await;
        }
        Ok(Self { count: done.load(Ordering::Relaxed), at: Instant::now(), cpu: ProcessTime::now() })
    }

    fn since(self, first: Self) -> anyhow::Result<Rate> {
        let count = f64::from(u32::try_from(self.count - first.count)?);
        let (cpu, elapsed) = (self.cpu.duration_since(first.cpu), self.at - first.at);
        Ok(Rate { a_second: count / elapsed.as_secs_f64(), cpu: cpu.as_secs_f64() * 1e6 / count })
    }
}

/// Looks how fast the count rises that these tasks raise, unless one of them fails.
pub(crate) async fn watch_tasks(
    done: &AtomicU64,
    span: Span,
    tasks: &mut JoinSet<anyhow::Result<()>>,
) -> anyhow::Result<Rate> {
    tokio::select! {
        biased;
        failure = first_failure(tasks) => Err(failure),
        rate = watch(done, span) => rate,
    }
}

async fn first_failure(tasks: &mut JoinSet<anyhow::Result<()>>) -> anyhow::Error {
    while let Some(ended) = tasks.join_next().await {
        if let Err(failure) = ended.map_err(Into::into).flatten() {
            return failure;
        }
    }
    std::future::pending().await
}
