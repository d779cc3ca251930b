//! One process invokes, another one works, and the database is all that they share.
//!
//! `cargo run --example two_processes -- work` in one terminal and `cargo run --example two_processes -- invoke` in
//! another, in either order. The jobs are in the file `two_processes.db`, or wherever you say to both:
//! `… -- work postgres://user:password@host/db`. Start as many workers as you like. Ctrl-C or SIGTERM ends one when its
//! running step is saved; another worker goes on from there. What one that was killed ran goes on at once if it had a
//! name and gets it again (`VTASK_HOST=one cargo run --example two_processes -- work`), else on another within 23 s.

use std::process::ExitCode;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use vtask::{Client, JobCenter, JobContext, job};

/// What the invoker gives.
#[derive(Debug, Serialize, Deserialize, JobContext)]
struct Parcel {
    to: String,
}

/// What the invoker gets.
#[derive(Debug, Serialize, Deserialize)]
struct Label {
    to: String,
    cents: usize,
}

/// Workers have one of these, with all that the steps need to work. The invoker has none: it only names the type.
struct Post;

/// How long a step takes: long enough to end a worker in the middle of it.
const LONG: Duration = Duration::from_millis(300);

#[job]
impl Post {
    #[step]
    async fn weigh(&self, parcel: &Parcel) -> anyhow::Result<usize> {
        println!("worker: weighs the parcel to {}", parcel.to);
        tokio::time::sleep(LONG).await;
        Ok(100 * parcel.to.len())
    }

    #[step]
    async fn stamp(&self, parcel: &Parcel, weigh: &usize) -> anyhow::Result<Label> {
        println!("worker: stamps the parcel to {}", parcel.to);
        tokio::time::sleep(LONG).await;
        Ok(Label { to: parcel.to.clone(), cents: weigh / 2 })
    }
}

/// A client is enough to invoke and to wait; no step runs in this process.
async fn invoke(client: &Client) -> anyhow::Result<()> {
    let posts = PostHandle::new(client);
    let mut runs = Vec::new();
    for to in ["Ada", "Grace", "Barbara"] {
        runs.push(posts.invoke(Parcel { to: to.to_owned() }).await?);
        println!("invoker: the parcel to {to} is saved");
    }
    for run in runs {
        let label: Label = run.wait().await?;
        println!("invoker: {} cents to {}", label.cents, label.to);
    }
    Ok(())
}

/// Works until it is told to end. One job at a time, so that a second worker finds something to do.
async fn work(client: &Client) -> anyhow::Result<()> {
    let center = JobCenter::builder(client).concurrency(1).register(Post).start().await?;
    println!("worker: ready");
    center.run_until_signal().await?;
    println!("worker: ended");
    Ok(())
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let url = std::env::args().nth(2).unwrap_or_else(|| "sqlite://two_processes.db".to_owned());
    match std::env::args().nth(1).as_deref() {
        Some("work") => work(&Client::connect(url).await?).await?,
        Some("invoke") => invoke(&Client::connect(url).await?).await?,
        _ => {
            eprintln!("usage: two_processes work [URL], and elsewhere: two_processes invoke [URL]");
            return Ok(ExitCode::from(2));
        }
    }
    Ok(ExitCode::SUCCESS)
}
