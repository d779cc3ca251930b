//! A process with a clock of its own, which can be killed, frozen and told to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep};
use vtask::storage::value::Pulse;
use vtask::{Client, JobCenter};

use crate::chain::{Chain, LEASE, Place};
use crate::database::Database;
use crate::hooked::{Hooked, cut};
use crate::setup::paused_storage;

/// One process. Dropped, it is killed: every task of it ends where it waits.
pub(crate) struct Process {
    pub(crate) node: usize,
    pub(crate) host: String,
    runtime: Runtime,
    /// How fast its clock runs, in thousandths of the true one.
    rate: u32,
    /// Until when it does not run, and whether its clock does meanwhile.
    frozen: Option<(Duration, bool)>,
    /// What its clock has to make up.
    missed: Duration,
    stop: Arc<Notify>,
    has_ended: Arc<AtomicBool>,
}

impl Process {
    /// One that does nothing yet.
    pub(crate) fn new(node: usize, host: String, rate: u32) -> Self {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
        let (stop, has_ended) = (Arc::default(), Arc::default());
        Self { node, host, runtime, rate, frozen: None, missed: Duration::ZERO, stop, has_ended }
    }

    /// One that runs jobs.
    pub(crate) fn worker(database: &Database, node: usize, host: String, rate: u32, seed: u64) -> Self {
        let process = Self::new(node, host, rate);
        let (client, beaten) = {
            let _entered = process.runtime.enter();
            connect(database, node, seed)
        };
        let place = Place { database: database.clone(), node, beaten };
        let (host, stop, has_ended) = (process.host.clone(), Arc::clone(&process.stop), Arc::clone(&process.has_ended));
        process.spawn(async move {
            let center = loop {
                let builder = JobCenter::builder(&client).on_this_runtime().host(&host).lease(LEASE).concurrency(3);
                match builder.grace(Duration::from_secs(3)).register(Chain(place.clone())).start().await {
                    Ok(center) => break center,
                    Err(_) => sleep(Duration::from_secs(1)).await,
                }
            };
            stop.notified().await;
            // Whatever it says, the process ends then.
            let _ = center.shutdown().await;
            has_ended.store(true, Ordering::Relaxed);
        });
        process
    }

    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        drop(self.runtime.spawn(task));
    }

    pub(crate) fn enter(&self) -> tokio::runtime::EnterGuard<'_> {
        self.runtime.enter()
    }

    pub(crate) fn stop(&self) {
        self.stop.notify_one();
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::Relaxed)
    }

    pub(crate) fn is_frozen(&self) -> bool {
        self.frozen.is_some()
    }

    /// Has it do nothing until then; its clock goes on meanwhile, as that of a stopped process, or not, as that of a machine
    /// that sleeps.
    pub(crate) fn freeze(&mut self, until: Duration, clock_runs: bool) {
        self.frozen = Some((until, clock_runs));
    }

    /// Lets so much time go by.
    pub(crate) fn run(&mut self, now: Duration, by: Duration) {
        let by = by * self.rate / 1000;
        if let Some((until, clock_runs)) = self.frozen {
            if clock_runs {
                self.missed += by;
            }
            if now < until {
                return;
            }
            self.frozen = None;
        }
        let missed = std::mem::take(&mut self.missed);
        self.runtime.block_on(async {
            // All that its clock missed is over at once.
            if !missed.is_zero() {
                tokio::time::advance(missed).await;
            }
            sleep(by).await;
        });
    }
}

/// A client of the process, and where it says when it sent the last heartbeat that arrived.
fn connect(database: &Database, node: usize, seed: u64) -> (Client, watch::Sender<Option<Instant>>) {
    let beaten = watch::Sender::new(None);
    let (database, beats) = (database.clone(), beaten.clone());
    let mut storage = Hooked::new(paused_storage(), move |call| {
        let (database, beats) = (database.clone(), beats.clone());
        async move {
            let (name, sent) = (call.name, Instant::now());
            let answer = database.send(node, call).await.unwrap_or_else(|_| Err(cut()))?;
            let is_sign = name == "join" || answer.0.downcast_ref::<Pulse>() == Some(&Pulse::Alive);
            if is_sign {
                beats.send_modify(|beaten| *beaten = (*beaten).max(Some(sent)));
            }
            Ok(answer)
        }
    });
    storage.gives_up = seed.is_multiple_of(2);
    (Client::with_seed(storage, seed), beaten)
}

/// How long the process has shown no life.
pub(crate) fn silent_for(beaten: &watch::Sender<Option<Instant>>) -> Duration {
    beaten.borrow().map_or(Duration::ZERO, |beaten| beaten.elapsed())
}

/// A client of this process.
pub(crate) fn client(process: &Process, database: &Database, seed: u64) -> Client {
    let _entered = process.enter();
    connect(database, process.node, seed).0
}
