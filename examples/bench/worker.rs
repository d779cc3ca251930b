//! This program once more, as the process that works: started by the one that measures, and ended with it.
//!
//! It is told the URL on its standard input, where a password is seen by nobody, and ends when that is closed: so it
//! does not outlive whoever started it, however that one ends.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use vtask::{Client, JobCenter, job};

use crate::interrupt::told_to_end;
use crate::jobs::Board;
use crate::resident;
use crate::subject::Subject;

/// Runs jobs of so many steps, and prints a line when one begins and when its last step runs.
pub(crate) async fn work(steps: usize) -> anyhow::Result<()> {
    let mut told = told();
    let client = Client::connect(told.recv().await.context("it is told no URL")?).await?;
    let subject = Subject::of_steps(steps);
    let center = subject.work(&client, &Board::printing(subject.steps), 256).await?;
    say("ready");
    tokio::select! {
        biased;
        interrupted = told_to_end() => interrupted?,
        _ = told.recv() => {}
    }
    center.shutdown().await?;
    Ok(())
}

/// Runs jobs that do not end, so many at a time; prints how many and in how much memory when it is told anything.
pub(crate) async fn hold(jobs: usize) -> anyhow::Result<()> {
    let mut told = told();
    let client = Client::connect(told.recv().await.context("it is told no URL")?).await?;
    let running = Arc::new(AtomicU64::new(0));
    let hold = Hold { running: Arc::clone(&running) };
    // Dropped in the end as in a crash, because its jobs would not end.
    let _center = JobCenter::builder(&client).host("hold").concurrency(jobs).register(hold).start().await?;
    say("ready");
    while told.recv().await.is_some() {
        say(&format!("{} {}", running.load(Ordering::Relaxed), resident::bytes().unwrap_or_default()));
    }
    Ok(())
}

fn say(line: &str) {
    // If nobody reads it any more, this process is about to end.
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// The lines of the standard input.
fn told() -> UnboundedReceiver<String> {
    let (sender, receiver) = unbounded_channel();
    // A thread of its own, for which nobody waits in the end.
    std::thread::spawn(move || std::io::stdin().lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    receiver
}

/// A job that waits for good.
pub(crate) struct Hold {
    running: Arc<AtomicU64>,
}

#[job(name = "hold")]
impl Hold {
    #[step]
    async fn hold(&self, _parcel: &crate::jobs::Parcel) -> anyhow::Result<()> {
        self.running.fetch_add(1, Ordering::Relaxed);
        std::future::pending().await
    }
}
