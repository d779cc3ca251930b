//! A wire between a client and its server that a test listens on and cuts.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::database::{Kind, TestDatabase};
use crate::dice::{Dice, nonce};

/// What becomes of a request that a trap waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lost {
    /// The server does not get it, or not the whole of it; the connection is cut at once.
    Request,
    /// The server gets it, and its answers get no further; the connection is cut when the test says so.
    Answer,
}

/// Carries what a client and a server say to each other, until it is told to cut them off.
pub(super) struct Proxy {
    url: String,
    wire: Wire,
    listening: JoinHandle<()>,
}

#[derive(Clone)]
struct Wire {
    address: SocketAddr,
    server: String,
    trap: Arc<Mutex<Option<Trap>>>,
    /// What has happened to all connections that were there at the time.
    mishap: watch::Sender<Mishap>,
    quality: watch::Sender<Quality>,
    shears: Shears,
}

/// What happens to a connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Mishap {
    #[default]
    Cut,
    /// It is reset, so that what is on its way is lost.
    Reset,
    /// Its client hears that nothing more will come; what it says still arrives.
    HalfClosed,
    /// Neither side hears of the other any more, nor of its end.
    Silent,
}

/// How a wire carries what is said.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Quality {
    /// So long it takes, in either direction.
    pub(super) latency: Duration,
    /// It comes in pieces of one byte to so many.
    pub(super) slices: Option<usize>,
    /// So many bytes pass in a second.
    pub(super) speed: Option<u32>,
}

/// Cuts connections one by one; clones share it.
#[derive(Clone, Default)]
pub(super) struct Shears(Arc<Cuts>);

#[derive(Default)]
struct Cuts {
    /// What cuts each of the present connections.
    scissors: Mutex<BTreeMap<u64, oneshot::Sender<()>>>,
    opened: AtomicU64,
    made: AtomicU64,
    /// Those that came between a request and its answer.
    in_doubt: AtomicU64,
}

impl Shears {
    /// Cuts the oldest connection, if there are more than these few.
    pub(super) fn cut_one(&self, few: usize) {
        let mut scissors = self.0.scissors.lock().unwrap();
        let oldest = if scissors.len() > few { scissors.pop_first() } else { None };
        drop(scissors);
        // It may end by itself at the same time.
        if oldest.is_some_and(|(_, scissors)| scissors.send(()).is_ok()) {
            self.0.made.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Tells when the new connection is to be cut.
    fn open(&self) -> (u64, oneshot::Receiver<()>) {
        let id = self.0.opened.fetch_add(1, Ordering::Relaxed);
        let (scissors, cut) = oneshot::channel();
        self.0.scissors.lock().unwrap().insert(id, scissors);
        (id, cut)
    }

    fn close(&self, id: u64) {
        self.0.scissors.lock().unwrap().remove(&id);
    }
}

/// Waits for the one request that has these bytes in it.
struct Trap {
    bytes: Vec<u8>,
    lost: Lost,
    sprung: oneshot::Sender<()>,
    cut: oneshot::Receiver<()>,
}

/// The test's end of a trap.
pub(super) struct Trapped {
    sprung: oneshot::Receiver<()>,
    cut: oneshot::Sender<()>,
}

impl Trapped {
    /// Waits until the request was seen.
    pub(super) async fn sprung(&mut self) {
        let sprung = tokio::time::timeout(Duration::from_secs(60), &mut self.sprung).await;
        sprung.expect("the request comes").expect("the connection is still carried");
    }

    pub(super) fn cut(self) {
        self.cut.send(()).expect("the connection is still carried");
    }
}

impl Proxy {
    pub(super) async fn before(database: &TestDatabase) -> Self {
        Self::before_url(database, database.url()).await
    }

    /// In front of a database, as the user of this URL.
    pub(super) async fn before_url(database: &TestDatabase, url: &str) -> Self {
        let place = url.rsplit('@').next().expect("a place");
        let server = place.split('/').next().expect("a host and a port").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it has an address");
        let plain = if database.kind() == Kind::MySql { "ssl-mode=DISABLED" } else { "sslmode=disable" };
        let url = format!("{}?{plain}", url.replace(&server, &address.to_string()));
        let (trap, mishap, quality) = (Arc::default(), watch::Sender::default(), watch::Sender::default());
        let wire = Wire { address, server, trap, mishap, quality, shears: Shears::default() };
        let listening = tokio::spawn(wire.clone().listen(listener));
        Self { url, wire, listening }
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// A URL with this address and another one.
    pub(super) fn url_with(&self, other: &Self) -> String {
        let addresses = format!("{},{}", self.wire.address, other.wire.address);
        self.url.replace(&self.wire.address.to_string(), &addresses)
    }

    /// Loses the next request that has this text in it, or its answer.
    pub(super) fn trap(&self, text: &str, lost: Lost) -> Trapped {
        let ((springs, sprung), (cuts, cut)) = (oneshot::channel(), oneshot::channel());
        let trap = Trap { bytes: text.as_bytes().to_vec(), lost, sprung: springs, cut };
        *self.wire.trap.lock().unwrap() = Some(trap);
        Trapped { sprung, cut: cuts }
    }

    /// What cuts its connections one by one.
    pub(super) fn shears(&self) -> Shears {
        self.wire.shears.clone()
    }

    /// How many connections were cut so, and how many of them between a request and its answer.
    pub(super) fn cuts(&self) -> (u64, u64) {
        let cuts = &self.wire.shears.0;
        (cuts.made.load(Ordering::Relaxed), cuts.in_doubt.load(Ordering::Relaxed))
    }

    /// Cuts all connections and refuses new ones, as while the server restarts.
    pub(super) fn close(&self) {
        self.listening.abort();
        self.strike(Mishap::Cut);
    }

    /// Has this happen to all connections; new ones are let through.
    pub(super) fn strike(&self, mishap: Mishap) {
        self.wire.mishap.send_replace(mishap);
    }

    /// From now on it carries so.
    pub(super) fn carry_so(&self, quality: Quality) {
        self.wire.quality.send_replace(quality);
    }

    /// Lets connections through again.
    pub(super) async fn open(&mut self) {
        let listener = TcpListener::bind(self.wire.address).await.expect("nobody has taken the port");
        self.listening = tokio::spawn(self.wire.clone().listen(listener));
    }
}

impl Wire {
    async fn listen(self, listener: TcpListener) {
        while let Ok((client, _)) = listener.accept().await {
            let wire = self.clone();
            tokio::spawn(async move {
                let (id, cut) = wire.shears.open();
                let carried = wire.carry(client, cut).await;
                wire.shears.close(id);
                carried
            });
        }
    }

    /// Carries one connection until either side ends it or it is cut; both ends are closed then.
    async fn carry(&self, mut client: TcpStream, mut snip: oneshot::Receiver<()>) -> std::io::Result<()> {
        let mut mishap = self.mishap.subscribe();
        let mut server = TcpStream::connect(&self.server).await?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let (mut there, mut back) = ([0; 1 << 14], [0; 1 << 14]);
        let (mut heard, mut cut, mut is_asked, mut is_deaf) = (Vec::new(), None, false, false);
        loop {
            tokio::select! {
                biased;
                _ = mishap.changed() => {
                    let what = *mishap.borrow_and_update();
                    match what {
                        Mishap::Cut => return Ok(()),
                        Mishap::Reset => {
                            client.set_zero_linger()?;
                            return server.set_zero_linger();
                        }
                        Mishap::HalfClosed => {
                            client.shutdown().await?;
                            is_deaf = true;
                        }
                        Mishap::Silent => std::future::pending().await,
                    }
                }
                _ = told(&mut cut) => return Ok(()),
                _ = &mut snip => {
                    self.shears.0.in_doubt.fetch_add(u64::from(is_asked), Ordering::Relaxed);
                    return Ok(());
                }
                length = client.read(&mut there) => {
                    let request = &there[..length?];
                    heard.extend_from_slice(request);
                    if let Some(trap) = self.springs(&heard, request.len()) {
                        // Nobody waits any more if the test has failed.
                        let _ = trap.sprung.send(());
                        if trap.lost == Lost::Request {
                            return Ok(());
                        }
                        cut = Some(trap.cut);
                    }
                    // The bytes that are looked for may come in two pieces.
                    heard.drain(..heard.len().saturating_sub(256));
                    if request.is_empty() {
                        return Ok(());
                    }
                    is_asked = true;
                    self.pass(request, &mut server).await?;
                }
                length = server.read(&mut back) => {
                    let answer = &back[..length?];
                    if answer.is_empty() {
                        return Ok(());
                    }
                    is_asked = false;
                    if cut.is_none() && !is_deaf {
                        self.pass(answer, &mut client).await?;
                    }
                }
            }
        }
    }

    async fn pass(&self, said: &[u8], to: &mut TcpStream) -> std::io::Result<()> {
        let Quality { latency, slices, speed } = *self.quality.borrow();
        sleep(latency).await;
        let (mut dice, mut rest) = (Dice::of(nonce()), said);
        while !rest.is_empty() {
            let length = slices.map_or(rest.len(), |most| 1 + dice.index(most)).min(rest.len());
            let (piece, left) = rest.split_at(length);
            to.write_all(piece).await?;
            rest = left;
            if let Some(speed) = speed {
                sleep(Duration::from_secs(1).mul_f64(piece.len() as f64 / f64::from(speed))).await;
            }
        }
        Ok(())
    }

    /// Takes the trap, if what it waits for ends in the bytes that have just come.
    fn springs(&self, heard: &[u8], new: usize) -> Option<Trap> {
        let mut trap = self.trap.lock().unwrap();
        trap.take_if(|trap| {
            let length = trap.bytes.len();
            let begin = (heard.len() - new).saturating_sub(length - 1);
            heard[begin..].windows(length).any(|window| window == trap.bytes)
        })
    }
}

/// Waits until a trapped connection is to be cut.
async fn told(cut: &mut Option<oneshot::Receiver<()>>) {
    match cut {
        Some(cut) => drop(cut.await),
        None => std::future::pending().await,
    }
}
