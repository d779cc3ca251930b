//! Nodes that die, freeze and are started twice, and the others that go on with their work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use vtask::storage::value::LivingNode;
use vtask::storage::{MemoryStorage, ReadJobs, WriteNodes};
use vtask::{Client, HistoryEvent, StartError, job};

use crate::hooked::{Call, Hooked, cut};
use crate::jobs::{Gated, GatedHandle, Once, OnceHandle};
use crate::setup::{center, paused_client, paused_storage, start};

const HOUR: Duration = Duration::from_secs(3600);

/// Who ran a step, and the gate that lets it end.
#[derive(Clone)]
struct Signed {
    by: &'static str,
    gated: Gated,
}

#[job]
impl Signed {
    #[step]
    async fn first(&self) -> anyhow::Result<String> {
        self.gated.only().await?;
        Ok(self.by.to_owned())
    }

    #[step]
    async fn second(&self, first: &String) -> anyhow::Result<String> {
        self.gated.log.add(format!("second by {} after {first}", self.by));
        Ok(format!("{first}, {}", self.by))
    }
}

fn signed(by: &'static str) -> Signed {
    Signed { by, gated: Gated::closed() }
}

#[tokio::test(start_paused = true)]
async fn work_of_a_node_that_died_goes_on_elsewhere_within_23_seconds() {
    // Deaths at different times of the heartbeat and of the looks.
    for millis in (0..6000).step_by(700) {
        let client = paused_client();
        let (one, two) = (signed("one"), signed("two"));
        two.gated.gate.add_permits(1);
        let first = center(&client).host("one").register(one.clone()).start().await.unwrap();
        let run = SignedHandle::new(&client).invoke(()).await.unwrap();
        let _second = center(&client).host("two").register(two).start().await.unwrap();
        sleep(Duration::from_secs(60) + Duration::from_millis(millis)).await;
        assert_eq!(one.gated.log.all(), ["only"]);
        drop(first);
        let died = Instant::now();
        assert_eq!(timeout(HOUR, run.wait()).await.expect("somebody takes it over").unwrap(), "two, two");
        assert!(died.elapsed() <= Duration::from_secs(23), "{:?} after a death at {millis} ms", died.elapsed());
        let info = run.info().await.unwrap();
        assert_eq!((info.failed_attempts, info.host.as_str()), (0, "two"));
        assert_eq!(
            info.history.iter().filter(|entry| entry.event == HistoryEvent::Crashed).count(),
            1,
            "{:?}",
            info.history
        );
    }
}

#[tokio::test(start_paused = true)]
async fn node_that_shows_life_keeps_its_work() {
    let (client, job) = (paused_client(), Gated::closed());
    let _one = center(&client).host("one").register(job.clone()).start().await.unwrap();
    let run = GatedHandle::new(&client).invoke(()).await.unwrap();
    let _two = center(&client).host("two").register(job.clone()).start().await.unwrap();
    sleep(HOUR).await;
    job.gate.add_permits(1);
    assert_eq!(run.wait().await.unwrap(), 1);
    let info = run.info().await.unwrap();
    assert_eq!((job.log.all().len(), info.crashes, info.host.as_str()), (1, 0, "one"));
}

#[tokio::test(start_paused = true)]
async fn death_is_noticed_though_every_answer_is_slow() {
    for seconds in [2, 3, 5] {
        let slow = Hooked::new(paused_storage(), move |call| async move {
            sleep(Duration::from_secs(seconds)).await;
            call.go().await
        });
        let (client, other) = (Client::with_seed(slow.clone(), 1), Client::with_seed(slow.inner.clone(), 2));
        let (one, two) = (signed("one"), signed("two"));
        two.gated.gate.add_permits(1);
        let first = center(&client).host("one").register(one.clone()).start().await.unwrap();
        let run = SignedHandle::new(&other).invoke(()).await.unwrap();
        while one.gated.log.all().is_empty() {
            sleep(Duration::from_millis(100)).await;
        }
        let _second = center(&client).host("two").register(two).start().await.unwrap();
        sleep(60 * Duration::from_secs(1)).await;
        assert_eq!(run.info().await.unwrap().host, "one", "a node that lives keeps its work");
        drop(first);
        let died = Instant::now();
        assert_eq!(timeout(HOUR, run.wait()).await.expect("somebody takes it over").unwrap(), "two, two");
        assert!(died.elapsed() <= Duration::from_secs(100), "{:?} with answers of {seconds} s", died.elapsed());
    }
}

/// A storage whose calls wait while it is closed, as those of a frozen process do.
fn door(storage: MemoryStorage, holds: fn(&Call) -> bool) -> (Hooked, watch::Sender<bool>) {
    let (open, is_open) = watch::channel(true);
    let hooked = Hooked::new(storage, move |call| {
        let mut is_open = is_open.clone();
        async move {
            if holds(&call) {
                is_open.wait_for(|open| *open).await.map(drop).unwrap_or_default();
            }
            call.go().await
        }
    });
    (hooked, open)
}

#[tokio::test(start_paused = true)]
async fn node_that_was_frozen_changes_nothing_that_others_have_taken_over() {
    let storage = paused_storage();
    let (frozen, thawed) = door(storage.clone(), |_| true);
    let (cold, warm) = (Client::with_seed(frozen, 1), Client::with_seed(storage, 2));
    let (one, two) = (signed("one"), signed("two"));
    let _first = center(&cold).host("one").register(one.clone()).start().await.unwrap();
    let run = SignedHandle::new(&warm).invoke(()).keyword("k").await.unwrap();
    sleep(Duration::from_secs(5)).await;
    assert_eq!(one.gated.log.all().len(), 1);
    thawed.send_replace(false);
    let _second = center(&warm).host("two").register(two.clone()).start().await.unwrap();
    two.gated.gate.add_permits(10);
    assert_eq!(timeout(HOUR, run.wait()).await.expect("it is taken over").unwrap(), "two, two");
    // The frozen one's body ends, and its record is on its way.
    one.gated.gate.add_permits(10);
    sleep(Duration::from_secs(60)).await;
    let before = run.context().await.unwrap();
    thawed.send_replace(true);
    sleep(Duration::from_secs(60)).await;
    let after = run.context().await.unwrap();
    assert_eq!((&before.first, &before.second), (&after.first, &after.second));
    assert_eq!(one.gated.log.all(), ["only"], "it did not begin the second step");
    // It begins a new life under its name.
    drop(_second);
    let next = SignedHandle::new(&warm).invoke(()).await.unwrap();
    assert_eq!(timeout(HOUR, next.wait()).await.expect("it works again").unwrap(), "one, one");
    assert_eq!(next.info().await.unwrap().host, "one");
}

/// Two nodes, of which the first runs a job, on a storage that is disturbed for a minute.
async fn nobody_dies_while(holds: fn(&Call) -> bool) {
    let (storage, open) = door(paused_storage(), holds);
    let (client, job) = (Client::with_seed(storage, 1), Gated::closed());
    let _one = center(&client).host("one").register(job.clone()).start().await.unwrap();
    let run = GatedHandle::new(&client).invoke(()).await.unwrap();
    let _two = center(&client).host("two").register(job.clone()).start().await.unwrap();
    let _three = center(&client).host("three").register(job.clone()).start().await.unwrap();
    sleep(Duration::from_secs(30)).await;
    open.send_replace(false);
    sleep(Duration::from_secs(60)).await;
    open.send_replace(true);
    sleep(Duration::from_secs(60)).await;
    job.gate.add_permits(1);
    assert_eq!(run.wait().await.unwrap(), 1);
    let info = run.info().await.unwrap();
    assert_eq!((job.log.all().len(), info.crashes, info.host.as_str()), (1, 0, "one"));
}

#[tokio::test(start_paused = true)]
async fn database_that_stalls_kills_nobody() {
    nobody_dies_while(|_| true).await;
}

#[tokio::test(start_paused = true)]
async fn database_that_stalls_for_writers_only_kills_nobody() {
    nobody_dies_while(|call| call.name != "due").await;
}

#[tokio::test(start_paused = true)]
async fn node_that_cannot_show_life_starts_no_step_past_its_lease() {
    let is_mute = Arc::new(AtomicBool::new(false));
    let mute = Arc::clone(&is_mute);
    let storage = Hooked::new(paused_storage(), move |call| {
        let mute = mute.load(Ordering::SeqCst) && call.name == "beat";
        async move { if mute { Err(cut()) } else { call.go().await } }
    });
    let (client, job) = (Client::with_seed(storage, 1), signed("one"));
    let _center = start(&client, job.clone()).await;
    let run = SignedHandle::new(&client).invoke(()).await.unwrap();
    sleep(Duration::from_secs(10)).await;
    is_mute.store(true, Ordering::SeqCst);
    sleep(Duration::from_secs(20)).await;
    job.gated.gate.add_permits(1);
    sleep(Duration::from_secs(20)).await;
    assert_eq!(run.output(Signed::FIRST).await.unwrap().as_deref(), Some("one"), "what is finished is recorded");
    assert_eq!(job.gated.log.all(), ["only"], "the second step has to wait");
    is_mute.store(false, Ordering::SeqCst);
    assert_eq!(timeout(Duration::from_secs(10), run.wait()).await.expect("it goes on").unwrap(), "one, one");
}

#[tokio::test(start_paused = true)]
async fn twin_takes_the_name_and_the_older_one_goes_on_under_another() {
    let (client, gated, once) = (paused_client(), Gated::closed(), Once::default());
    let old = center(&client).host("one").register(gated.clone()).start().await.unwrap();
    let lost = GatedHandle::new(&client).invoke(()).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(lost.info().await.unwrap().host, "one");
    let new = center(&client).host("one").register(once).start().await.unwrap();
    sleep(Duration::from_secs(20)).await;
    gated.gate.add_permits(10);
    assert_eq!(timeout(HOUR, lost.wait()).await.expect("it is run again").unwrap(), 1);
    assert_eq!(gated.log.all().len(), 2, "the running attempt was lost, and repeated by the next life");
    let host = lost.info().await.unwrap().host;
    assert!(host.starts_with("one~"), "the older one does not take the name back: {host}");
    sleep(HOUR).await;
    let run = OnceHandle::new(&client).invoke(()).await.unwrap();
    assert_eq!(run.wait().await.unwrap(), 1);
    assert_eq!(run.info().await.unwrap().host, "one", "the newer one was left alone");
    old.shutdown().await.unwrap();
    new.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn twin_that_is_called_dead_keeps_its_other_name() {
    let storage = paused_storage();
    let (client, gated) = (Client::with_seed(storage.clone(), 1), Gated::closed());
    gated.gate.add_permits(10);
    let _old = center(&client).host("one").register(gated).start().await.unwrap();
    let _new = center(&client).host("one").register(Once::default()).start().await.unwrap();
    sleep(Duration::from_secs(20)).await;
    for _ in 0..2 {
        let living = storage.due(&[], true).await.unwrap().nodes.unwrap().living;
        assert_eq!(living.len(), 2);
        storage.declare_dead(&living).await.unwrap();
        sleep(Duration::from_secs(20)).await;
        let (twins, first) = (GatedHandle::new(&client).invoke(()), OnceHandle::new(&client).invoke(()));
        let (twins, first) = (twins.await.unwrap(), first.await.unwrap());
        assert_eq!((twins.wait().await.unwrap(), first.wait().await.unwrap()), (1, 1));
        let host = twins.info().await.unwrap().host;
        assert!(host.starts_with("one~"), "it does not take the name back: {host}");
        assert_eq!(first.info().await.unwrap().host, "one");
    }
}

#[tokio::test(start_paused = true)]
async fn idle_node_asks_less_than_once_a_second() {
    let calls = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&calls);
    let storage = Hooked::new(paused_storage(), move |call| {
        counted.fetch_add(1, Ordering::Relaxed);
        call.go()
    });
    let client = Client::with_seed(storage, 1);
    let _center = center(&client).register(Once::default()).register(Gated::closed()).start().await.unwrap();
    sleep(Duration::from_secs(60)).await;
    let before = calls.load(Ordering::Relaxed);
    sleep(Duration::from_secs(1000)).await;
    let asked = calls.load(Ordering::Relaxed) - before;
    assert!(asked < 1000, "{asked} calls in 1000 s");
}

#[tokio::test(start_paused = true)]
async fn lease_that_is_too_short_is_refused() {
    let client = paused_client();
    let refused = center(&client).lease(Duration::from_millis(4999)).register(Once::default()).start().await;
    assert!(matches!(refused, Err(StartError::LeaseTooShort { .. })), "{refused:?}");
    let job = Gated::closed();
    let lease = Duration::from_secs(5);
    let first = center(&client).lease(lease).register(job.clone()).start().await.unwrap();
    let run = GatedHandle::new(&client).invoke(()).await.unwrap();
    let _second = center(&client).register(job.clone()).start().await.unwrap();
    sleep(Duration::from_secs(10)).await;
    drop(first);
    job.gate.add_permits(10);
    let died = Instant::now();
    timeout(HOUR, run.wait()).await.expect("somebody takes it over").unwrap();
    assert!(died.elapsed() < Duration::from_secs(10), "the lease is that of the node that died: {:?}", died.elapsed());
}

#[tokio::test(start_paused = true)]
async fn heartbeat_that_is_sent_again_shows_that_the_node_still_lives() {
    let storage = paused_storage();
    let is_lost = Arc::new(AtomicBool::new(false));
    let hooked = Hooked::new(storage.clone(), move |call| {
        // Of each two, the first arrives at once, and its answer is lost.
        let is_lost = call.name == "beat" && !is_lost.fetch_xor(true, Ordering::SeqCst);
        async move {
            let answer = call.go().await;
            if is_lost {
                sleep(Duration::from_secs(11)).await;
                return Err(cut());
            }
            answer
        }
    });
    let (slow, other) = (Client::with_seed(hooked, 1), Client::with_seed(storage.clone(), 2));
    let _one = center(&slow).host("one").register(Once::default()).start().await.unwrap();
    let _two = center(&other).host("two").register(Once::default()).start().await.unwrap();
    let before = storage.due(&[], true).await.unwrap().nodes.unwrap().living;
    sleep(HOUR).await;
    let after = storage.due(&[], true).await.unwrap().nodes.unwrap().living;
    let boots = |nodes: &[LivingNode]| nodes.iter().map(|node| node.boot).collect::<Vec<_>>();
    assert_eq!((boots(&after).len(), boots(&after)), (2, boots(&before)), "nobody was called dead");
}
