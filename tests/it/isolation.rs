//! What a suspect is given, takes from others, and gives back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, Semaphore};
use tokio::time::{sleep, timeout};
use vtask::storage::value::{Claimed, NodeState};
use vtask::storage::{MemoryStorage, ReadJobs, WriteJobs, WriteNodes};
use vtask::{Client, HistoryEvent, Status, WaitError, job, stop};

use crate::hooked::{Answer, Hooked, cut};
use crate::jobs::{Gated, GatedHandle, Once, OnceHandle};
use crate::log::Log;
use crate::setup::{center, paused_client, paused_storage};
use crate::written::{accuse, write_of};

const SOON: Duration = Duration::from_secs(5);
const HOUR: Duration = Duration::from_secs(3600);

/// Ends its first step at once, and its second at a permit.
#[derive(Clone)]
struct Two {
    log: Log,
    gate: Arc<Semaphore>,
}

#[job]
impl Two {
    #[step]
    async fn first(&self) -> anyhow::Result<()> {
        Ok(())
    }

    #[step]
    async fn second(&self) -> anyhow::Result<()> {
        self.log.add("second");
        self.gate.acquire().await?.forget();
        Ok(())
    }
}

async fn until_logged(log: &Log, count: usize) {
    let reached = async {
        while log.all().len() < count {
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(HOUR, reached).await.unwrap_or_else(|_| panic!("there are only {:?}", log.all()));
}

/// The states of the nodes that live.
async fn states(storage: &MemoryStorage) -> Vec<NodeState> {
    storage.due(&[], true).await.unwrap().nodes.unwrap().living.iter().map(|node| node.state).collect()
}

#[tokio::test(start_paused = true)]
async fn suspect_that_is_cleared_leaves_to_others_what_it_had_as_one() {
    for crashes in [4, 5] {
        let storage = paused_storage();
        let client = Client::with_seed(storage.clone(), 1);
        let job = Two { log: Log::default(), gate: Arc::new(Semaphore::new(0)) };
        let cleared = TwoHandle::new(&client).invoke(()).await.unwrap();
        accuse(&storage, &cleared, crashes).await;
        let center = center(&client).concurrency(4).register(job.clone()).register(Once::default());
        let _center = center.start().await.unwrap();
        until_logged(&job.log, 1).await;
        let other = OnceHandle::new(&client).invoke(()).await.unwrap();
        let ended = timeout(Duration::from_millis(100), other.wait()).await;
        assert_eq!(ended.expect("the other slots are free").unwrap(), 1, "after {crashes} crashes");
        assert_eq!(states(&storage).await, [NodeState::Up], "it is alone no longer");
        let next = TwoHandle::new(&client).invoke(()).delay(Duration::from_secs(1)).await.unwrap();
        let mut summary = storage.summaries(&[next.id()]).await.unwrap().remove(0).unwrap();
        summary.state.crashes = 4;
        storage.write(&[&write_of(&summary)]).await.unwrap();
        timeout(SOON, until_logged(&job.log, 2)).await.expect("its share is free for the next suspect");
    }
}

/// Kills the process in its callback.
#[derive(Clone, Default)]
struct DeadlyThanks {
    log: Log,
    kill: Arc<Notify>,
}

#[job]
impl DeadlyThanks {
    #[step]
    async fn only(&self) -> anyhow::Result<u32> {
        Ok(7)
    }

    #[on_success]
    async fn thank(&self) -> anyhow::Result<()> {
        self.log.add("thank");
        self.kill.notify_one();
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn callback_that_kills_its_process_is_given_up_and_the_outcome_stands() {
    let (client, job) = (paused_client(), DeadlyThanks::default());
    let run = DeadlyThanksHandle::new(&client).invoke(()).await.unwrap();
    for death in 1..=8 {
        let center = center(&client).host("one").register(job.clone()).start().await.unwrap();
        timeout(HOUR, job.kill.notified()).await.unwrap_or_else(|_| panic!("no death number {death}"));
        drop(center);
    }
    let _center = center(&client).host("one").register(job.clone()).start().await.unwrap();
    sleep(HOUR).await;
    assert_eq!(job.log.all().len(), 8, "it is not called again");
    let info = run.info().await.unwrap();
    assert_eq!((info.status, info.is_held, info.failed_attempts), (Status::Succeeded, false, 0));
    assert_eq!(run.wait().await.unwrap(), 7);
    let last = info.history.last().expect("there is a story");
    assert!(last.error.as_deref().is_some_and(|error| error.starts_with("8 processes died")), "{last:?}");
}

/// Kills the process in its step.
#[derive(Clone, Default)]
struct Deadly {
    kill: Arc<Notify>,
}

#[job]
impl Deadly {
    #[step]
    async fn only(&self) -> anyhow::Result<()> {
        self.kill.notify_one();
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn poison_that_somebody_asked_to_cancel_is_cancelled() {
    let storage = paused_storage();
    let (client, job) = (Client::with_seed(storage.clone(), 1), Deadly::default());
    let run = DeadlyHandle::new(&client).invoke(()).await.unwrap();
    accuse(&storage, &run, 7).await;
    let first = center(&client).host("one").register(job.clone()).start().await.unwrap();
    timeout(HOUR, job.kill.notified()).await.expect("it has its turn");
    run.cancel().await.unwrap();
    drop(first);
    let _second = center(&client).host("one").register(job).start().await.unwrap();
    let ended = timeout(HOUR, run.wait()).await.expect("it ends");
    assert!(matches!(ended, Err(WaitError::Cancelled { .. })), "{ended:?}");
}

#[tokio::test(start_paused = true)]
async fn suspects_that_find_no_room_are_held_by_nobody() {
    let storage = paused_storage();
    let (client, job) = (Client::with_seed(storage.clone(), 1), Gated::closed());
    let mut suspects = Vec::new();
    for _ in 0..6 {
        let run = GatedHandle::new(&client).invoke(()).await.unwrap();
        accuse(&storage, &run, 3).await;
        suspects.push(run);
    }
    let _center = center(&client).concurrency(8).register(job.clone()).start().await.unwrap();
    sleep(SOON).await;
    let mut held = 0;
    for run in &suspects {
        held += usize::from(run.info().await.unwrap().is_held);
    }
    assert_eq!((job.log.all().len(), held), (1, 1), "a death would accuse those that wait here");
    job.gate.add_permits(6);
    for run in &suspects {
        assert_eq!(timeout(HOUR, run.wait()).await.expect("it has its turn").unwrap(), 1);
    }
}

/// Fails at once; its callback waits for a permit.
#[derive(Clone)]
struct Fails(Gated);

#[job]
impl Fails {
    #[step]
    async fn only(&self) -> anyhow::Result<()> {
        Err(stop("no address"))
    }

    #[on_failure]
    async fn refund(&self) -> anyhow::Result<()> {
        self.0.only().await.map(drop)
    }
}

/// Ends a suspect of so many crashes, and runs another job while its callback is under way.
async fn check_callback_beside_others(crashes: i32, is_cancelled: bool, ends: Status) {
    let storage = paused_storage();
    let (client, job) = (Client::with_seed(storage.clone(), 1), Fails(Gated::closed()));
    let run = FailsHandle::new(&client).invoke(()).await.unwrap();
    accuse(&storage, &run, crashes).await;
    if is_cancelled {
        run.cancel().await.unwrap();
    }
    let _center = center(&client).register(job.clone()).register(Once::default()).start().await.unwrap();
    until_logged(&job.0.log, 1).await;
    let other = OnceHandle::new(&client).invoke(()).await.unwrap();
    assert_eq!(timeout(SOON, other.wait()).await.expect("it is not in its way").unwrap(), 1);
    let info = run.info().await.unwrap();
    assert_eq!((info.status, info.crashes, info.is_held), (ends, 0, true));
}

#[tokio::test(start_paused = true)]
async fn callback_of_a_suspect_that_failed_runs_beside_others() {
    check_callback_beside_others(6, false, Status::Failed).await;
}

#[tokio::test(start_paused = true)]
async fn callback_of_a_suspect_that_is_cancelled_runs_beside_others() {
    check_callback_beside_others(8, true, Status::Cancelled).await;
}

#[tokio::test(start_paused = true)]
async fn suspect_whose_row_is_locked_empties_the_node_ever_more_seldom() {
    let (storage, enters) = (paused_storage(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&enters);
    let hooked = Hooked::new(storage.clone(), move |call| {
        counted.fetch_add(usize::from(call.name == "enter"), Ordering::SeqCst);
        let is_claim = call.name == "claim";
        async move { if is_claim { Ok(Answer::new(Vec::<Claimed>::new())) } else { call.go().await } }
    });
    let (client, other) = (Client::with_seed(hooked, 1), Client::with_seed(storage.clone(), 2));
    let suspect = OnceHandle::new(&other).invoke(()).await.unwrap();
    accuse(&storage, &suspect, 5).await;
    let _center = center(&client).register(Once::default()).start().await.unwrap();
    sleep(HOUR).await;
    let isolations = enters.load(Ordering::SeqCst) / 2;
    assert!((5..25).contains(&isolations), "{isolations} in an hour");
}

/// Fails twice.
#[derive(Clone, Default)]
struct Flaky {
    tries: Arc<AtomicUsize>,
}

#[job]
impl Flaky {
    #[step(retry = 2, period = "20s")]
    async fn only(&self) -> anyhow::Result<()> {
        anyhow::ensure!(self.tries.fetch_add(1, Ordering::SeqCst) >= 2, "not yet");
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn suspect_that_ran_alone_is_held_by_nobody_while_it_waits_for_a_retry() {
    let storage = paused_storage();
    let (client, job) = (Client::with_seed(storage.clone(), 1), Flaky::default());
    let run = FlakyHandle::new(&client).invoke(()).await.unwrap();
    accuse(&storage, &run, 5).await;
    let _center = center(&client).register(job.clone()).start().await.unwrap();
    for tries in 1..=2 {
        while job.tries.load(Ordering::SeqCst) < tries {
            sleep(Duration::from_millis(10)).await;
        }
        sleep(SOON).await;
        assert!(!run.info().await.unwrap().is_held, "the next try has to be alone, too");
        assert_eq!(states(&storage).await, [NodeState::Up]);
    }
    timeout(HOUR, run.wait()).await.expect("it is tried again").unwrap();
    let info = run.info().await.unwrap();
    assert_eq!(info.history.iter().filter(|entry| entry.event == HistoryEvent::Failed).count(), 2);
}

#[tokio::test(start_paused = true)]
async fn suspect_that_waits_for_an_empty_node_is_not_claimed_when_that_stops() {
    let storage = paused_storage();
    let claims = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&claims);
    let hooked = Hooked::new(storage.clone(), move |call| {
        counted.fetch_add(usize::from(call.name == "claim"), Ordering::SeqCst);
        call.go()
    });
    let (client, other) = (Client::with_seed(hooked, 1), Client::with_seed(storage.clone(), 2));
    let (long, once) = (Gated::closed(), Once::default());
    let center = center(&client).register(long.clone()).register(once.clone()).start().await.unwrap();
    sleep(SOON).await;
    let running = GatedHandle::new(&client).invoke(()).await.unwrap();
    let suspect = OnceHandle::new(&other).invoke(()).await.unwrap();
    accuse(&storage, &suspect, 5).await;
    sleep(SOON).await;
    assert_eq!(states(&storage).await, [NodeState::Isolating]);
    let before = claims.load(Ordering::SeqCst);
    let shutdown = tokio::spawn(center.shutdown());
    sleep(Duration::from_secs(1)).await;
    long.gate.add_permits(1);
    shutdown.await.unwrap().unwrap();
    assert_eq!(running.wait().await.unwrap(), 1);
    sleep(HOUR).await;
    assert_eq!((claims.load(Ordering::SeqCst), once.log.all().len()), (before, 0));
}

#[tokio::test(start_paused = true)]
async fn node_that_may_have_been_called_dead_claims_no_suspect() {
    let (storage, mute, acts) = (paused_storage(), Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let (is_mute, counted) = (Arc::clone(&mute), Arc::clone(&acts));
    let hooked = Hooked::new(storage.clone(), move |call| {
        counted.fetch_add(usize::from(matches!(call.name, "claim" | "enter")), Ordering::SeqCst);
        let fails = call.name == "beat" && is_mute.load(Ordering::SeqCst);
        async move { if fails { Err(cut()) } else { call.go().await } }
    });
    let (client, other) = (Client::with_seed(hooked, 1), Client::with_seed(storage.clone(), 2));
    let (long, once) = (Gated::closed(), Once::default());
    let _center = center(&client).register(long.clone()).register(once.clone()).start().await.unwrap();
    GatedHandle::new(&client).invoke(()).await.unwrap();
    sleep(SOON).await;
    let suspect = OnceHandle::new(&other).invoke(()).await.unwrap();
    accuse(&storage, &suspect, 5).await;
    mute.store(true, Ordering::SeqCst);
    sleep(SOON).await;
    assert_eq!(states(&storage).await, [NodeState::Isolating], "it was sure when it began");
    let before = acts.load(Ordering::SeqCst);
    sleep(3 * SOON).await;
    long.gate.add_permits(1);
    sleep(HOUR).await;
    assert_eq!(acts.load(Ordering::SeqCst), before + 1, "it isolates no longer, and that is all");
    assert_eq!(states(&storage).await, [NodeState::Up]);
    mute.store(false, Ordering::SeqCst);
    timeout(HOUR, suspect.wait()).await.expect("it is sure again").unwrap();
}

#[tokio::test(start_paused = true)]
async fn statement_of_an_isolation_that_lands_late_keeps_nobody_from_isolating() {
    let storage = paused_storage();
    let (client, other) = (Client::with_seed(storage.clone(), 1), Client::with_seed(storage.clone(), 2));
    let _one = center(&client).register(Gated::closed()).start().await.unwrap();
    sleep(SOON).await;
    let living = storage.due(&[], true).await.unwrap().nodes.unwrap().living;
    storage.enter(living[0].boot, NodeState::Isolating).await.unwrap();
    let _two = center(&other).register(Once::default()).start().await.unwrap();
    let suspect = OnceHandle::new(&other).invoke(()).await.unwrap();
    accuse(&storage, &suspect, 5).await;
    timeout(Duration::from_secs(60), suspect.wait()).await.expect("nobody else isolates").unwrap();
    assert_eq!(states(&storage).await, [NodeState::Up; 2]);
}

/// How many run now, and how many ran at once.
#[derive(Clone, Default)]
struct Counted {
    running: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl Counted {
    async fn run(&self) {
        self.most.fetch_max(self.running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        sleep(Duration::from_secs(1)).await;
        self.running.fetch_sub(1, Ordering::SeqCst);
    }
}

struct Left(Counted);

#[job]
impl Left {
    #[step]
    async fn only(&self) -> anyhow::Result<()> {
        self.0.run().await;
        Ok(())
    }
}

struct Right(Counted);

#[job]
impl Right {
    #[step]
    async fn only(&self) -> anyhow::Result<()> {
        self.0.run().await;
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn nodes_that_say_at_once_that_they_isolate_do_so_one_after_the_other() {
    let (storage, counted) = (paused_storage(), Counted::default());
    // Each has looked at the other before that one says so.
    let slow = Hooked::new(storage.clone(), |call| async move {
        sleep(Duration::from_millis(if call.name == "enter" { 700 } else { 0 })).await;
        call.go().await
    });
    let (client, other) = (Client::with_seed(slow.clone(), 1), Client::with_seed(slow, 2));
    let (left, right) = (LeftHandle::new(&client).invoke(()), RightHandle::new(&client).invoke(()));
    let (left, right) = (left.await.unwrap(), right.await.unwrap());
    accuse(&storage, &left, 5).await;
    accuse(&storage, &right, 5).await;
    let _one = center(&client).register(Left(counted.clone())).start().await.unwrap();
    let _two = center(&other).register(Right(counted.clone())).start().await.unwrap();
    timeout(HOUR, left.wait()).await.expect("it has its turn").unwrap();
    timeout(HOUR, right.wait()).await.expect("it has its turn").unwrap();
    assert_eq!(counted.most.load(Ordering::SeqCst), 1);
}

/// Waits for another job inside its step.
#[derive(Clone)]
struct Parent {
    child: OnceHandle,
    log: Log,
}

#[job]
impl Parent {
    #[step]
    async fn only(&self) -> anyhow::Result<u32> {
        let child = self.child.invoke(()).keyword("child").delay(Duration::from_secs(20)).await?;
        let output = child.wait().await?;
        self.log.add("the child has ended");
        Ok(output)
    }
}

#[tokio::test(start_paused = true)]
async fn suspect_that_waits_for_another_job_does_not_stop_the_node_when_it_goes_on() {
    let storage = paused_storage();
    let client = Client::with_seed(storage.clone(), 1);
    let (once, long, log) = (OnceHandle::new(&client), Gated::closed(), Log::default());
    let run = ParentHandle::new(&client).invoke(()).await.unwrap();
    accuse(&storage, &run, 5).await;
    let parent = Parent { child: once.clone(), log: log.clone() };
    let center = center(&client).register(parent).register(Once::default()).register(long.clone());
    let _center = center.start().await.unwrap();
    sleep(Duration::from_secs(10)).await;
    // It waits, and the node is open meanwhile.
    GatedHandle::new(&client).invoke(()).await.unwrap();
    until_logged(&long.log, 1).await;
    until_logged(&log, 1).await;
    let next = once.invoke(()).await.unwrap();
    timeout(SOON, next.wait()).await.expect("others begin").unwrap();
    assert_eq!(timeout(SOON, run.wait()).await.expect("it goes on").unwrap(), 1);
}

/// Blocks its thread until it is let go, past its timeout.
#[derive(Clone, Default)]
struct Blocks {
    log: Log,
    is_over: Arc<AtomicBool>,
}

#[job]
impl Blocks {
    #[step(timeout = "50ms")]
    async fn only(&self) -> anyhow::Result<()> {
        self.log.add("only");
        let begun = Instant::now();
        while !self.is_over.load(Ordering::Relaxed) && begun.elapsed() < 4 * SOON {
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn suspect_that_blocks_its_thread_is_left_behind_with_one_slot() {
    for crashes in [4, 5] {
        let storage = MemoryStorage::default();
        let (client, job) = (Client::with_storage(storage.clone()), Blocks::default());
        let suspect = BlocksHandle::new(&client).invoke(()).await.unwrap();
        accuse(&storage, &suspect, crashes).await;
        let center = center(&client).concurrency(4).grace(Duration::from_millis(200));
        let center = center.register(job.clone()).register(Once::default()).start().await.unwrap();
        until_logged(&job.log, 1).await;
        suspect.wait().await.expect_err("its time is over");
        let other = OnceHandle::new(&client).invoke(()).await.unwrap();
        assert_eq!(timeout(SOON, other.wait()).await.expect("the other slots are free").unwrap(), 1);
        assert_eq!(states(&storage).await, [NodeState::Up], "it is alone no longer, after {crashes} crashes");
        job.is_over.store(true, Ordering::Relaxed);
        center.shutdown().await.unwrap();
    }
}
