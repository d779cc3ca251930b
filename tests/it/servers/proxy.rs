//! A server behind a proxy that swallows its answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::database::{Kind, TestDatabase};

/// Lets everything pass, but for the answers on the first connection that asks with a certain word in it.
pub(super) struct Proxy {
    url: String,
    accepted: Arc<AtomicUsize>,
    fate: watch::Receiver<Fate>,
}

/// What has become of that connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fate {
    /// There is none yet.
    Open,
    /// The request is on its way to the server; its answer will be swallowed.
    Silent,
    /// The client has closed it.
    Closed,
}

/// What the connections share.
#[derive(Clone)]
struct Trap {
    word: Arc<[u8]>,
    is_set: Arc<AtomicBool>,
    fate: watch::Sender<Fate>,
}

impl Proxy {
    pub(super) async fn to(database: &TestDatabase, word: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (beginning, place) = database.url().split_once('@').unwrap();
        let (server, name) = place.split_once('/').unwrap();
        let plain = if database.kind() == Kind::MySql { "ssl-mode=disabled" } else { "sslmode=disable" };
        let url = format!("{beginning}@{}/{name}?{plain}", listener.local_addr().unwrap());
        let (sender, fate) = watch::channel(Fate::Open);
        let is_set = Arc::new(AtomicBool::new(true));
        let trap = Trap { word: word.as_bytes().into(), is_set, fate: sender };
        let accepted = Arc::new(AtomicUsize::new(0));
        tokio::spawn(accept(listener, server.to_owned(), Arc::clone(&accepted), trap));
        Self { url, accepted, fate }
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// How many connections there have been.
    pub(super) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    pub(super) async fn reach(&self, fate: Fate) {
        let mut present = self.fate.clone();
        let reached = timeout(Duration::from_secs(60), present.wait_for(|present| *present >= fate)).await;
        reached.unwrap_or_else(|_| panic!("the connection is not {fate:?}")).unwrap();
    }
}

async fn accept(listener: TcpListener, server: String, accepted: Arc<AtomicUsize>, trap: Trap) {
    while let Ok((client, _)) = listener.accept().await {
        accepted.fetch_add(1, Ordering::SeqCst);
        let (client, server) = (client.into_split(), TcpStream::connect(&server).await.unwrap().into_split());
        let is_silent = Arc::new(AtomicBool::new(false));
        tokio::spawn(answers(server.0, client.1, Arc::clone(&is_silent)));
        tokio::spawn(requests(client.0, server.1, is_silent, trap.clone()));
    }
}

async fn requests(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, is_silent: Arc<AtomicBool>, trap: Trap) {
    let (mut chunk, mut seen) = (vec![0; 1 << 16], Vec::new());
    while let Ok(count @ 1..) = from.read(&mut chunk).await {
        seen.extend_from_slice(&chunk[..count]);
        if seen.windows(trap.word.len()).any(|window| *window == *trap.word)
            && trap.is_set.swap(false, Ordering::SeqCst)
        {
            is_silent.store(true, Ordering::SeqCst);
            trap.fate.send_replace(Fate::Silent);
        }
        // A word may come in two parts.
        seen.drain(..seen.len().saturating_sub(trap.word.len()));
        if to.write_all(&chunk[..count]).await.is_err() {
            break;
        }
    }
    if is_silent.load(Ordering::SeqCst) {
        trap.fate.send_replace(Fate::Closed);
    }
}

async fn answers(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, is_silent: Arc<AtomicBool>) {
    let mut chunk = vec![0; 1 << 16];
    while let Ok(count @ 1..) = from.read(&mut chunk).await {
        if !is_silent.load(Ordering::SeqCst) && to.write_all(&chunk[..count]).await.is_err() {
            return;
        }
    }
}
