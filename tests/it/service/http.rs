//! As much of an HTTP client as the tests need.

use std::io;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// What has not been answered by then will not be.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Value,
}

/// Where a service listens.
#[derive(Debug, Clone)]
pub(super) struct Door(pub(super) String);

impl Door {
    /// Asks, such as `GET /health`, and reads the whole answer; an error if the service dies meanwhile.
    pub(super) async fn ask(&self, request: &str, body: &str) -> io::Result<Answer> {
        let asked = async {
            let (mut stream, mut answer) = (self.send(request, body).await?, String::new());
            stream.read_to_string(&mut answer).await?;
            parse(&answer).ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, answer))
        };
        timeout(PATIENCE, asked).await.expect("it answers, or it dies")
    }

    /// Asks, and does not wait for an answer.
    pub(super) async fn send(&self, request: &str, body: &str) -> io::Result<TcpStream> {
        let mut stream = TcpStream::connect(&self.0).await?;
        let head = format!("{request} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", self.0);
        let about = format!("content-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all(format!("{head}{about}{body}").as_bytes()).await?;
        Ok(stream)
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path}"), "").await.unwrap()
    }

    pub(super) async fn post(&self, order: &Value) -> Answer {
        self.ask("POST /orders", &order.to_string()).await.unwrap()
    }
}

/// `None` if a part of it is missing.
fn parse(answer: &str) -> Option<Answer> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, body: serde_json::from_str(body).ok()? })
}
