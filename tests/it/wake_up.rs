//! How soon a node sees what another process has invoked.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast;
use tokio::time::{Instant, sleep, timeout};
use vtask::storage::{Announcements, JobStorage, Listener, OpenOptions, SqlStorage};
use vtask::{Client, StorageError};

use crate::database::on_server;
use crate::hooked::{Hooked, cut};
use crate::jobs::{Once, OnceHandle};
use crate::setup::{center, paused_storage, start};

#[tokio::test(start_paused = true)]
async fn busy_queue_is_seen_within_50_ms_and_an_idle_one_within_2_s() {
    let storage = paused_storage();
    let (client, other) = (Client::with_seed(storage.clone(), 1), Client::with_seed(storage, 2));
    let job = Once::default();
    let _center = start(&client, job.clone()).await;
    let handle = OnceHandle::new(&other);
    for round in 0..20 {
        sleep(Duration::from_secs(60)).await;
        for number in 0..20 {
            sleep(Duration::from_millis(number * 37)).await;
            let (before, begun) = (job.log.all().len(), Instant::now());
            handle.invoke(()).await.unwrap();
            while job.log.all().len() == before {
                sleep(Duration::from_millis(1)).await;
            }
            let most = Duration::from_millis(if number == 0 { 2000 } else { 50 });
            assert!(begun.elapsed() <= most, "round {round}, job {number}: {:?}", begun.elapsed());
        }
    }
}

/// Runs for so long.
struct Lasts(Duration);

#[vtask::job]
impl Lasts {
    #[step]
    async fn only(&self) -> anyhow::Result<u32> {
        sleep(self.0).await;
        Ok(1)
    }
}

#[tokio::test(start_paused = true)]
async fn node_that_was_full_looks_as_soon_as_one_that_was_not() {
    let storage = paused_storage();
    let (client, other) = (Client::with_seed(storage.clone(), 1), Client::with_seed(storage, 2));
    let lasts = Lasts(Duration::from_millis(10));
    let _center = center(&client).concurrency(1).register(lasts).register(Once::default()).start().await.unwrap();
    for round in 0..20 {
        sleep(Duration::from_secs(60)).await;
        let first = LastsHandle::new(&other).invoke(()).await.unwrap();
        while !first.info().await.unwrap().is_held {
            sleep(Duration::from_millis(1)).await;
        }
        let second = OnceHandle::new(&other).invoke(()).await.unwrap();
        let begun = Instant::now();
        while second.info().await.unwrap().status != vtask::Status::Succeeded {
            sleep(Duration::from_millis(1)).await;
        }
        assert!(begun.elapsed() <= Duration::from_millis(60), "round {round}: {:?}", begun.elapsed());
        assert_eq!(first.wait().await.unwrap(), 1);
    }
}

/// A channel in memory, which a test can cut.
struct Channel(broadcast::Sender<bool>);

struct Hears(broadcast::Receiver<bool>);

#[async_trait::async_trait]
impl Announcements for Channel {
    async fn announce(&self) -> Result<(), StorageError> {
        self.0.send(true).map(drop).map_err(|_| cut())
    }
    async fn listen(&self) -> Result<Box<dyn Listener>, StorageError> {
        Ok(Box::new(Hears(self.0.subscribe())))
    }
}

#[async_trait::async_trait]
impl Listener for Hears {
    async fn heard(&mut self) -> Result<(), StorageError> {
        match self.0.recv().await {
            Ok(true) => Ok(()),
            _ => Err(cut()),
        }
    }
}

/// So long does it take to listen again.
const CONNECTING: Duration = Duration::from_millis(100);

struct Slow(Channel);

#[async_trait::async_trait]
impl Announcements for Slow {
    async fn announce(&self) -> Result<(), StorageError> {
        self.0.announce().await
    }
    async fn listen(&self) -> Result<Box<dyn Listener>, StorageError> {
        sleep(CONNECTING).await;
        self.0.listen().await
    }
}

#[tokio::test(start_paused = true)]
async fn announcement_is_heard_at_once_also_after_the_connection_was_lost() {
    let storage = paused_storage();
    let sender = broadcast::channel(99).0;
    let announcing = || {
        let mut hooked = Hooked::new(storage.clone(), crate::hooked::Call::go);
        hooked.announcements = Some(Arc::new(Channel(sender.clone())));
        hooked
    };
    let (client, other) = (Client::with_seed(announcing(), 1), Client::with_seed(announcing(), 2));
    let job = Once::default();
    let _center = start(&client, job.clone()).await;
    for round in 0..10 {
        sleep(Duration::from_secs(60)).await;
        if round % 3 == 2 {
            sender.send(false).unwrap();
            sleep(Duration::from_secs(2)).await;
        }
        let begun = Instant::now();
        let run = OnceHandle::new(&other).invoke(()).await.unwrap();
        while job.log.all().len() == round {
            sleep(Duration::from_millis(1)).await;
        }
        assert!(begun.elapsed() <= Duration::from_millis(10), "round {round}: {:?}", begun.elapsed());
        run.wait().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn many_invokes_are_one_announcement_and_a_last_one() {
    let sender = broadcast::channel(999).0;
    let mut storage = Hooked::new(paused_storage(), crate::hooked::Call::go);
    storage.announcements = Some(Arc::new(Channel(sender.clone())));
    let mut heard = sender.subscribe();
    let handle = OnceHandle::new(&Client::with_seed(storage, 1));
    for _ in 0..100 {
        handle.invoke(()).await.unwrap();
    }
    sleep(Duration::from_secs(1)).await;
    let mut count = 0;
    while heard.try_recv().is_ok() {
        count += 1;
    }
    assert_eq!(count, 2, "the first at once, the rest together");
}

#[tokio::test(start_paused = true)]
async fn what_was_announced_while_nobody_listened_is_looked_for_at_once() {
    let storage = paused_storage();
    let sender = broadcast::channel(99).0;
    let mut hooked = Hooked::new(storage.clone(), crate::hooked::Call::go);
    hooked.announcements = Some(Arc::new(Slow(Channel(sender.clone()))));
    let (client, other) = (Client::with_seed(hooked, 1), Client::with_seed(storage, 2));
    let job = Once::default();
    let _center = start(&client, job.clone()).await;
    for round in 0..10 {
        sleep(Duration::from_secs(60)).await;
        sender.send(false).unwrap();
        sleep(CONNECTING / 2).await;
        OnceHandle::new(&other).invoke(()).await.unwrap();
        sleep(CONNECTING).await;
        assert_eq!(job.log.all().len(), round + 1, "it has looked when it heard again");
    }
}

on_server! { Postgres:
    async fn notification_reaches_whoever_listens(database) {
        let storage = SqlStorage::open(database.url(), &OpenOptions::default()).await.unwrap();
        let other = SqlStorage::open(database.url(), &OpenOptions::default()).await.unwrap();
        let (here, there) = (storage.announcements().unwrap(), other.announcements().unwrap());
        let (mut first, mut second) = (here.listen().await.unwrap(), there.listen().await.unwrap());
        for _ in 0..3 {
            here.announce().await.unwrap();
            for listener in [&mut first, &mut second] {
                timeout(Duration::from_secs(20), listener.heard()).await.expect("it is told").unwrap();
            }
        }
    }
}
