//! The queue in front of the storage: runtimes that end, callers that leave, callers without end.

use std::future::{IntoFuture, pending, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Notify, Semaphore, oneshot};
use tokio::time::{Instant, sleep, timeout};
use vtask::storage::MemoryStorage;
use vtask::{Client, InvokeError, JobCenter, JobFilter, StorageError, job};

use crate::hooked::{Fault, Hooked, faulty};
use crate::jobs::OnceHandle;
use crate::setup::{paused_storage, within};

static ENCODING: Semaphore = Semaphore::const_new(0);

/// Takes 300 ms to encode, and says when it begins.
struct Large;

impl Serialize for Large {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        ENCODING.add_permits(1);
        std::thread::sleep(Duration::from_millis(300));
        serializer.serialize_u32(1)
    }
}

impl<'de> Deserialize<'de> for Large {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u32::deserialize(deserializer).map(|_| Self)
    }
}

struct Makes;

#[job]
impl Makes {
    #[step]
    async fn only(&self) -> anyhow::Result<Large> {
        Ok(Large)
    }
}

#[test]
fn center_that_is_dropped_while_an_output_is_encoded_lets_its_runtime_end() {
    within(Duration::from_secs(10), || {
        Runtime::new().unwrap().block_on(async {
            let client = Client::in_memory();
            let center = JobCenter::builder(&client).host("one").register(Makes).start().await.unwrap();
            MakesHandle::new(&client).invoke(()).await.unwrap();
            ENCODING.acquire().await.unwrap().forget();
            drop(center);
            sleep(Duration::from_secs(1)).await;
        });
    });
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn caller_is_answered_although_the_runtime_of_an_earlier_one_ends() {
    within(Duration::from_secs(10), || {
        let (is_stuck, begun) = (Arc::new(AtomicBool::new(true)), Arc::new(Notify::new()));
        let (stuck, begins) = (Arc::clone(&is_stuck), Arc::clone(&begun));
        // The first insert is never answered: it ends with its runtime.
        let storage = Hooked::new(MemoryStorage::default(), move |call| {
            let is_first = call.name == "insert" && stuck.swap(false, Ordering::SeqCst);
            let begins = Arc::clone(&begins);
            async move {
                if is_first {
                    begins.notify_one();
                    pending::<()>().await;
                }
                call.go().await
            }
        });
        let handle = OnceHandle::new(&Client::with_storage(storage));
        let (leave, left) = oneshot::channel::<()>();
        let first = handle.clone();
        let first = std::thread::spawn(move || {
            runtime().block_on(async {
                tokio::select! {
                    answer = first.invoke(()) => panic!("nobody can answer: {answer:?}"),
                    _ = left => {}
                }
            });
        });
        runtime().block_on(async {
            begun.notified().await;
            let mut second = handle.invoke(()).into_future();
            tokio::select! {
                biased;
                answer = &mut second => panic!("the first call is under way: {answer:?}"),
                () = ready(()) => {}
            }
            leave.send(()).unwrap();
            first.join().unwrap();
            let answer = timeout(Duration::from_secs(5), second).await.expect("there is an answer");
            assert!(
                matches!(answer, Ok(_) | Err(InvokeError::Storage { source: StorageError::Unavailable(_), .. })),
                "{answer:?}"
            );
            let third = timeout(Duration::from_secs(5), handle.invoke(()).into_future()).await;
            third.expect("there is an answer").unwrap();
        });
    });
}

#[tokio::test(start_paused = true)]
async fn invokes_that_their_callers_drop_take_no_more_room_than_others() {
    let is_stuck = Arc::new(AtomicBool::new(true));
    let stuck = Arc::clone(&is_stuck);
    let storage = Hooked::new(paused_storage(), move |call| {
        let waits = call.name == "insert" && stuck.load(Ordering::SeqCst);
        async move {
            if waits {
                sleep(Duration::from_secs(3600)).await;
            }
            call.go().await
        }
    });
    let client = Client::with_seed(storage, 1);
    for _ in 0..6000 {
        let mut invoke = OnceHandle::new(&client).invoke(()).into_future();
        tokio::select! {
            biased;
            answer = &mut invoke => panic!("the storage is stuck: {answer:?}"),
            () = ready(()) => {}
        }
    }
    is_stuck.store(false, Ordering::SeqCst);
    sleep(Duration::from_secs(7200)).await;
    let (mut saved, mut filter) = (0, JobFilter::default().limit(1000));
    loop {
        let page = client.list(&filter).await.unwrap();
        saved += page.jobs.len();
        let Some(next) = page.next else { break };
        filter = filter.before(next);
    }
    assert!(saved <= 4096 + 256, "{saved} were kept, in a queue for 4096 and one call of 256");
}

#[tokio::test(start_paused = true)]
async fn every_one_of_many_invokes_gives_up_within_its_patience() {
    let handle = OnceHandle::new(&Client::with_seed(faulty(|_| Some(Fault::Before)), 1));
    let began = Instant::now();
    let mut invokes = tokio::task::JoinSet::new();
    for _ in 0..1500 {
        let handle = handle.clone();
        invokes.spawn(async move { handle.invoke(()).await.unwrap_err() });
    }
    invokes.join_all().await;
    assert!(began.elapsed() < Duration::from_secs(40), "{:?}", began.elapsed());
}
