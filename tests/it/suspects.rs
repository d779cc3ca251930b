//! Jobs that kill the process that runs them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use vtask::storage::value::{LivingNode, NodeState};
use vtask::storage::{ReadJobs, WriteNodes};
use vtask::{Client, HistoryEvent, JobContext, Reason, Status, WaitError, job};

use crate::jobs::{Once, OnceHandle};
use crate::setup::{center, paused_client, paused_storage};
use crate::written::accuse;

const DAY: Duration = Duration::from_secs(86_400);

#[derive(Debug, Serialize, Deserialize, JobContext)]
struct Kind {
    is_deadly: bool,
}

/// Runs for a second, or kills the process.
#[derive(Clone, Default)]
struct Work {
    /// How many run now.
    running: Arc<AtomicUsize>,
    /// How many others ran when the deadly one killed the process.
    beside: Arc<Mutex<Vec<usize>>>,
    kill: Arc<Notify>,
}

/// Counts who runs, however it ends.
struct Running(Arc<AtomicUsize>);

impl Running {
    fn begin(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[job]
impl Work {
    #[step]
    async fn first(&self, kind: &Kind) -> anyhow::Result<()> {
        let _running = Running::begin(&self.running);
        if kind.is_deadly {
            sleep(Duration::from_millis(100)).await;
            self.beside.lock().unwrap().push(self.running.load(Ordering::SeqCst) - 1);
            self.kill.notify_one();
            std::future::pending::<()>().await;
        }
        sleep(Duration::from_secs(1)).await;
        Ok(())
    }

    #[step]
    async fn second(&self) -> anyhow::Result<()> {
        sleep(Duration::from_secs(1)).await;
        Ok(())
    }
}

/// Restarts the process, under one name, whenever it is killed.
async fn supervise(client: &Client, job: &Work, concurrency: usize, until: impl Future<Output = ()>) {
    let lives = async {
        loop {
            let center = center(client).host("one").concurrency(concurrency).register(job.clone());
            let center = center.start().await.unwrap();
            job.kill.notified().await;
            drop(center);
        }
    };
    tokio::select! {
        () = lives => {}
        () = until => {}
    }
}

#[tokio::test(start_paused = true)]
async fn job_that_kills_its_process_is_found_out_and_its_neighbours_are_not_failed() {
    let (client, job) = (paused_client(), Work::default());
    let handle = WorkHandle::new(&client);
    let mut neighbours = Vec::new();
    for _ in 0..40 {
        neighbours.push(handle.invoke(Kind { is_deadly: false }).await.unwrap());
    }
    let deadly = handle.invoke(Kind { is_deadly: true }).await.unwrap();
    for _ in 0..40 {
        neighbours.push(handle.invoke(Kind { is_deadly: false }).await.unwrap());
    }
    let all_end = async {
        let reason = match deadly.wait().await {
            Err(WaitError::Paused { reason, .. }) => reason,
            other => panic!("it cannot end: {other:?}"),
        };
        assert_eq!(reason, Reason::Poison);
        for run in &neighbours {
            run.wait().await.expect("no neighbour is failed");
        }
    };
    timeout(DAY, supervise(&client, &job, 100, all_end)).await.expect("it is found out");
    let beside = job.beside.lock().unwrap().clone();
    assert_eq!(beside.len(), 8, "five deaths beside others, and three alone: {beside:?}");
    assert_eq!(beside[0], 80, "at first nobody is a suspect");
    assert!(beside[1..].iter().all(|others| *others < 25), "then suspects share a quarter of the slots: {beside:?}");
    assert_eq!(beside[5..], [0, 0, 0], "the last three prove it");
    let info = deadly.info().await.unwrap();
    assert_eq!((info.status, info.crashes, info.failed_attempts), (Status::Paused, 8, 0));
    assert!(info.error.as_deref().is_some_and(|error| error.starts_with("8 processes died")), "{:?}", info.error);
    assert_eq!(info.history.iter().filter(|entry| entry.event == HistoryEvent::Crashed).count(), 8);
}

#[tokio::test(start_paused = true)]
async fn suspect_that_was_only_a_neighbour_is_cleared_by_its_next_record() {
    let (client, job) = (paused_client(), Work::default());
    let handle = WorkHandle::new(&client);
    let deadly = handle.invoke(Kind { is_deadly: true }).await.unwrap();
    let neighbour = handle.invoke(Kind { is_deadly: false }).await.unwrap();
    timeout(DAY, supervise(&client, &job, 8, async { drop(neighbour.wait().await) })).await.unwrap();
    let info = neighbour.info().await.unwrap();
    assert_eq!((info.status, info.crashes), (Status::Succeeded, 0));
    assert!(
        info.history.iter().any(|entry| entry.event == HistoryEvent::Crashed),
        "it was beside it: {:?}",
        info.history
    );
    assert!(deadly.info().await.unwrap().crashes > 0);
}

#[tokio::test(start_paused = true)]
async fn poison_that_somebody_mended_goes_on_when_it_is_resumed() {
    let (client, job) = (paused_client(), Work::default());
    let handle = WorkHandle::new(&client);
    let deadly = handle.invoke(Kind { is_deadly: true }).await.unwrap();
    timeout(DAY, supervise(&client, &job, 1, async { drop(deadly.wait().await) })).await.unwrap();
    assert_eq!(deadly.info().await.unwrap().reason, Some(Reason::Poison));
    deadly.restart(Work::FIRST).data(Kind { is_deadly: false }).await.unwrap();
    let _center = center(&client).host("one").register(job).start().await.unwrap();
    deadly.wait().await.unwrap();
    assert_eq!(deadly.info().await.unwrap().crashes, 0);
}

#[tokio::test(start_paused = true)]
async fn one_node_of_the_fleet_runs_one_suspect_alone_while_the_others_go_on() {
    let storage = paused_storage();
    let job = Work::default();
    let client = Client::with_seed(storage.clone(), 1);
    let mut suspects = Vec::new();
    for _ in 0..6 {
        let run = WorkHandle::new(&client).invoke(Kind { is_deadly: false }).await.unwrap();
        accuse(&storage, &run, 5).await;
        suspects.push(run);
    }
    let mut centers = Vec::new();
    for seed in 2..6 {
        let client = Client::with_seed(storage.clone(), seed);
        centers.push(center(&client).register(job.clone()).register(Once::default()).start().await.unwrap());
    }
    let (mut most_running, mut most_isolating) = (0, 0);
    let others = OnceHandle::new(&client);
    for _ in 0..20_000 {
        let nodes = storage.due(&[], true).await.unwrap().nodes.unwrap();
        let isolating = |node: &&LivingNode| node.state == NodeState::Isolating;
        most_isolating = most_isolating.max(nodes.living.iter().filter(isolating).count());
        most_running = most_running.max(job.running.load(Ordering::SeqCst));
        sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(others.invoke(()).await.unwrap().wait().await.unwrap(), 1);
    for run in &suspects {
        assert_eq!(run.info().await.unwrap().status, Status::Succeeded, "each has its turn");
    }
    assert_eq!(most_running, 1, "one at a time in the whole fleet");
    assert!(most_isolating >= 1, "{most_isolating}");
}

#[tokio::test(start_paused = true)]
async fn suspect_waits_until_the_node_is_empty_and_keeps_it_no_longer_than_the_grace() {
    let storage = paused_storage();
    let client = Client::with_seed(storage.clone(), 1);
    let long = crate::jobs::Gated::closed();
    let (job, once) = (Work::default(), Once::default());
    let grace = Duration::from_secs(30);
    let _center = center(&client)
        .grace(grace)
        .register(job.clone())
        .register(long.clone())
        .register(once.clone())
        .start()
        .await
        .unwrap();
    let long_run = crate::jobs::GatedHandle::new(&client).invoke(()).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    let other = Client::with_seed(storage.clone(), 2);
    let suspect =
        WorkHandle::new(&other).invoke(Kind { is_deadly: false }).delay(Duration::from_secs(5)).await.unwrap();
    accuse(&storage, &suspect, 6).await;
    sleep(Duration::from_secs(8)).await;
    let next = OnceHandle::new(&client).invoke(()).await.unwrap();
    sleep(Duration::from_secs(5)).await;
    assert!(once.log.all().is_empty(), "nothing new begins while the node gets empty");
    timeout(grace, next.wait()).await.expect("it does not wait for ever").unwrap();
    assert_eq!(suspect.info().await.unwrap().status, Status::Running, "it does not run beside another");
    let after = OnceHandle::new(&client).invoke(()).await.unwrap();
    timeout(Duration::from_secs(8), after.wait()).await.expect("the next try leaves time for others").unwrap();
    long.gate.add_permits(1);
    long_run.wait().await.unwrap();
    timeout(Duration::from_secs(60), suspect.wait()).await.expect("its turn comes").unwrap();
}

#[tokio::test(start_paused = true)]
async fn node_that_was_stopping_accuses_nobody() {
    let storage = paused_storage();
    let client = Client::with_seed(storage.clone(), 1);
    let job = Work::default();
    let first = center(&client).host("one").register(job.clone()).start().await.unwrap();
    let run = WorkHandle::new(&client).invoke(Kind { is_deadly: true }).await.unwrap();
    job.kill.notified().await;
    let boot = storage.due(&[], true).await.unwrap().nodes.unwrap().living[0].boot;
    storage.enter(boot, NodeState::Stopping).await.unwrap();
    drop(first);
    let _second = center(&client).host("one").register(job.clone()).start().await.unwrap();
    job.kill.notified().await;
    assert_eq!(run.info().await.unwrap().crashes, 0);
}
