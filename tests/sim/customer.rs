//! Who invokes a job, meddles with it, and waits for its end.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::sleep;
use vtask::{Client, JobFilter, JobRun, Status, WaitError};

use crate::chain::{Chain, ChainHandle, Data};
use crate::database::Database;

/// Those who are not done.
pub(crate) type Open = Arc<Mutex<BTreeSet<u32>>>;

/// One who wants job number so-and-so done.
pub(crate) struct Customer {
    pub(crate) database: Database,
    pub(crate) client: Client,
    pub(crate) number: u32,
    pub(crate) open: Open,
}

/// Resumes what is paused once nothing goes wrong any more: a roll-back or a late request may have paused what nobody
/// waits for.
pub(crate) async fn resume_all(database: Database, client: Client) {
    loop {
        sleep(Duration::from_secs(5)).await;
        if !database.lock().is_calm() {
            continue;
        }
        let paused = client.list(&JobFilter::default().status(Status::Paused)).await;
        for job in paused.map(|page| page.jobs).unwrap_or_default() {
            drop(client.resume(&job.keyword).await);
        }
    }
}

impl Customer {
    pub(crate) async fn act(self) {
        self.pause(20_000).await;
        let mut run = self.invoke().await;
        for _ in 0..self.below(4) {
            self.pause(8_000).await;
            self.meddle(&run).await;
        }
        loop {
            match run.wait().await {
                Ok(_) | Err(WaitError::Failed { .. } | WaitError::Cancelled { .. }) => break,
                Err(WaitError::Paused { .. }) => drop(run.resume().await),
                Err(WaitError::NotFound { .. }) => {
                    self.was_lost(&run);
                    run = self.invoke().await;
                }
                Err(WaitError::Storage(_)) => {}
                Err(other) => self.wrong(format!("{} ends with {other:?}", run.keyword())),
            }
            self.pause(1_000).await;
        }
        self.open.lock().expect("nothing panics").remove(&self.number);
    }

    /// Until it is told that the job is saved.
    async fn invoke(&self) -> JobRun<Chain> {
        loop {
            let delay = Duration::from_millis(if self.below(4) == 0 { self.below(5_000) } else { 0 });
            let data = Data { number: self.number, scribble: 0 };
            match ChainHandle::new(&self.client).invoke(data).delay(delay).await {
                Ok(run) => {
                    self.database.lock().ledger.acknowledged.insert(run.keyword().to_owned());
                    return run;
                }
                Err(_) => self.pause(1_000).await,
            }
        }
    }

    /// Does what an operator may do; that it may be refused is tried elsewhere.
    async fn meddle(&self, run: &JobRun<Chain>) {
        match self.below(7) {
            0 => drop(run.cancel().await),
            1 | 2 => drop(run.pause().await),
            3 => drop(run.restart(Chain::FIRST).await),
            4 => drop(run.restart(Chain::SECOND).await),
            _ => drop(run.resume().await),
        }
    }

    fn was_lost(&self, run: &JobRun<Chain>) {
        if !self.database.lock().ledger.is_lost(run.keyword()) {
            self.wrong(format!("P1: {} was saved and is gone", run.keyword()));
        }
    }

    fn wrong(&self, what: String) {
        self.database.lock().ledger.violations.push(what);
    }

    fn below(&self, end: u64) -> u64 {
        self.database.lock().dice.below(end)
    }

    async fn pause(&self, most_millis: u64) {
        let millis = 1 + self.below(most_millis);
        sleep(Duration::from_millis(millis)).await;
    }
}
