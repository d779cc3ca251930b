//! What a node asks of its database when there is nothing to do.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::time::sleep;
use vtask::Client;
use vtask::storage::{Database, OpenOptions, open};

use super::On;
use crate::counted::Counted;
use crate::counters::Counters;
use crate::jobs::Board;
use crate::progress::say;
use crate::report::Figure;
use crate::scratch::Kind;

/// Less than so many a second.
const BUDGET: f64 = 1.0;
/// A node looks every 1.8 s, and beats every 5 s.
const WINDOWS: u32 = 6;
/// Whatever else uses the server only adds to its counts, so the least of these counts.
const ROUNDS: usize = 2;

pub(crate) async fn figures(on: &On<'_>) -> anyhow::Result<Vec<Figure>> {
    on.empty("task").await?;
    let (subject, calls) = (on.subject(), Arc::new(AtomicU64::new(0)));
    let client = client(on, &calls).await?;
    say(format_args!("an idle node, {ROUNDS} times {:?}", on.options.window * WINDOWS));
    let center = subject.work(&client, &Board::new(subject.steps, 0), on.options.concurrency).await?;
    sleep(on.options.window * settling(on)).await;
    let a_second = least(on, &calls).await?;
    center.shutdown().await?;
    let label = match on.scratch.kind {
        Kind::Sqlite => "storage calls",
        Kind::Postgres => "transactions",
        Kind::MySql => "statements",
    };
    Ok(vec![Figure::new(label, "/s", &[a_second]).budget("< 1 /s", a_second < BUDGET)])
}

/// A session of PostgreSQL that becomes idle tells within 10 s what it did before.
fn settling(on: &On<'_>) -> u32 {
    if on.scratch.kind == Kind::Postgres { 11 } else { 2 }
}

async fn least(on: &On<'_>, calls: &AtomicU64) -> anyhow::Result<f64> {
    let window = on.options.window * WINDOWS;
    // A server counts the look before, too.
    let own = if on.scratch.kind == Kind::Sqlite { 0.0 } else { 1.0 };
    let (mut before, mut least) = (queries(on, calls).await?, f64::INFINITY);
    for _ in 0..ROUNDS {
        sleep(window).await;
        let now = queries(on, calls).await?;
        least = least.min((now - before - own) / window.as_secs_f64());
        before = now;
    }
    Ok(least.max(0.0))
}

async fn queries(on: &On<'_>, calls: &AtomicU64) -> anyhow::Result<f64> {
    if on.scratch.kind == Kind::Sqlite {
        return Ok(calls.load(Ordering::Relaxed) as f64);
    }
    Ok(Counters::read(on).await?.queries)
}

/// A SQLite file counts nothing, so that somebody else has to.
async fn client(on: &On<'_>, calls: &Arc<AtomicU64>) -> anyhow::Result<Client> {
    if on.scratch.kind != Kind::Sqlite {
        return on.client().await;
    }
    let storage = open(&Database::from(on.scratch.url.as_str()), &OpenOptions::default()).await?;
    Ok(Client::with_storage(Counted::new(storage, Arc::clone(calls))))
}
