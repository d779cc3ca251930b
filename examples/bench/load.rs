//! Jobs through the public API, so many in flight, as a service invokes them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::JoinSet;
use vtask::Client;

use crate::jobs::{Board, Parcel};
use crate::rate::{Rate, Span, watch_tasks};
use crate::subject::{Jobs, Subject};

/// As many callers as a service has at a time.
const CALLERS: usize = 64;
/// With [`Way::InvokeMany`] the jobs in flight are invoked in so many parts, so that there is work while one is saved.
const PARTS: usize = 4;

/// How jobs are invoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// 64 callers, each one job after the other as soon as there is room for one more.
    Invoke,
    /// Few callers that invoke many at a time.
    InvokeMany,
    /// A caller for each job in flight, who waits for its output.
    Wait,
}

#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) subject: Subject,
    pub(crate) way: Way,
    pub(crate) in_flight: usize,
    pub(crate) concurrency: usize,
    pub(crate) payload: usize,
    pub(crate) span: Span,
}

/// What came of a load.
pub(crate) struct Seen {
    pub(crate) rate: Rate,
    /// How many jobs there were in all, also before and after the rate was taken.
    pub(crate) jobs: u64,
}

/// Keeps jobs in flight, and looks how fast they end. `started` is awaited when everything is ready.
pub(crate) async fn measure(
    client: &Client,
    load: Load,
    started: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<Seen> {
    let board = Board::new(load.subject.steps, load.in_flight);
    let center = load.subject.work(client, &board, load.concurrency).await?;
    started.await?;
    let is_over = Arc::new(AtomicBool::new(false));
    let mut callers = call(client, load, &board, &is_over);
    let rate = watch_tasks(board.done(), load.span, &mut callers).await?;
    is_over.store(true, Ordering::Relaxed);
    while let Some(ended) = callers.join_next().await {
        ended??;
    }
    board.room(load.in_flight).await?;
    center.shutdown().await?;
    Ok(Seen { rate, jobs: board.done().load(Ordering::Relaxed) })
}

fn call(client: &Client, load: Load, board: &Arc<Board>, is_over: &Arc<AtomicBool>) -> JoinSet<anyhow::Result<()>> {
    let (count, at_a_time) = match load.way {
        Way::Invoke => (CALLERS.min(load.in_flight), 1),
        Way::InvokeMany => (PARTS, load.in_flight.div_ceil(PARTS)),
        Way::Wait => (load.in_flight, 1),
    };
    let caller = Caller { jobs: load.subject.jobs(client), board: Arc::clone(board), at_a_time, load };
    let mut callers = JoinSet::new();
    for _ in 0..count {
        callers.spawn(caller.clone().run(Arc::clone(is_over)));
    }
    callers
}

/// A task of a service that invokes jobs.
#[derive(Clone)]
struct Caller {
    jobs: Arc<dyn Jobs>,
    board: Arc<Board>,
    at_a_time: usize,
    load: Load,
}

impl Caller {
    async fn run(self, is_over: Arc<AtomicBool>) -> anyhow::Result<()> {
        while !is_over.load(Ordering::Relaxed) {
            self.board.room(self.at_a_time).await?;
            let parcel = || Parcel::new(self.load.payload);
            match self.load.way {
                Way::Invoke => drop(self.jobs.invoke(parcel()).await?),
                Way::Wait => drop(self.jobs.finish(parcel()).await?),
                Way::InvokeMany => self.jobs.invoke_many((0..self.at_a_time).map(|_| parcel()).collect()).await?,
            }
        }
        Ok(())
    }
}
