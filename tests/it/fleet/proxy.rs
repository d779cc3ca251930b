//! A wire between a client and its server that a test listens on and cuts.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::database::{Kind, TestDatabase};

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
    /// Changes when all connections are cut.
    cut: watch::Sender<()>,
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
        let sprung = tokio::time::timeout(std::time::Duration::from_secs(60), &mut self.sprung).await;
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
        let wire = Wire { address, server, trap: Arc::default(), cut: watch::Sender::new(()) };
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

    /// Cuts all connections and refuses new ones, as while the server restarts.
    pub(super) fn close(&self) {
        self.listening.abort();
        self.wire.cut.send_replace(());
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
            tokio::spawn(self.clone().carry(client));
        }
    }

    /// Carries one connection until either side ends it or it is cut; both ends are closed then.
    async fn carry(self, mut client: TcpStream) -> std::io::Result<()> {
        let mut all_cut = self.cut.subscribe();
        let mut server = TcpStream::connect(&self.server).await?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let (mut there, mut back) = ([0; 1 << 14], [0; 1 << 14]);
        let (mut heard, mut cut) = (Vec::new(), None);
        loop {
            tokio::select! {
                biased;
                _ = all_cut.changed() => return Ok(()),
                _ = told(&mut cut) => return Ok(()),
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
                    server.write_all(request).await?;
                }
                length = server.read(&mut back) => {
                    let answer = &back[..length?];
                    if answer.is_empty() {
                        return Ok(());
                    }
                    if cut.is_none() {
                        client.write_all(answer).await?;
                    }
                }
            }
        }
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
