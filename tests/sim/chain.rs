//! A job whose every step does what the dice say.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use vtask::{Attempt, JobContext, JobFailure, job, stop};

use crate::database::Database;
use crate::ledger::Beginning;
use crate::process::silent_for;

/// The lease of every node.
pub(crate) const LEASE: Duration = Duration::from_secs(5);
/// How often the second step is tried again; a number in the attribute too.
pub(crate) const SECOND_RETRIES: u32 = 2;
/// The steps, in order.
pub(crate) const STEPS: [&str; 3] = ["first", "second", "third"];
/// The longest that the second step may take.
const SECOND_TIMEOUT: Duration = Duration::from_secs(3);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JobContext)]
pub(crate) struct Data {
    #[context(keyword)]
    pub(crate) number: u32,
    /// Each attempt changes it; only those of recorded steps may stay.
    pub(crate) scribble: u64,
}

/// The process that a job runs in.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) database: Database,
    pub(crate) node: usize,
    /// When the last heartbeat that arrived was sent, by the clock of the process.
    pub(crate) beaten: watch::Sender<Option<Instant>>,
}

pub(crate) struct Chain(pub(crate) Place);

enum End {
    Good,
    Fails,
    Panics,
    Stops,
}

impl Place {
    /// Tells the books that a step begins, and does what the dice say.
    async fn act(
        &self,
        attempt: &Attempt,
        data: &mut Data,
        outputs: &[(&'static str, u64)],
        longest: Duration,
    ) -> anyhow::Result<u64> {
        let (keyword, step) = (attempt.keyword(), attempt.step());
        let (wait, end, nonce) = {
            let mut state = self.database.lock();
            let beginning = Beginning {
                node: self.node,
                id: attempt.id(),
                keyword,
                step,
                attempt: attempt.number(),
                data,
                outputs,
                silent_for: silent_for(&self.beaten),
            };
            let (rows, ledger) = state.books();
            ledger.begin(rows, &beginning);
            state.note(|| format!("{} begins {step} of {keyword}, attempt {}", self.node, attempt.number()));
            let drawn = state.draw(longest);
            if drawn.0 >= longest || !matches!(drawn.1, End::Good) {
                state.ledger.fail(keyword, step);
            }
            drawn
        };
        data.scribble = nonce;
        sleep(wait).await;
        self.database.lock().note(|| format!("{} ends {step} of {keyword} with {nonce}", self.node));
        match end {
            End::Good => Ok(nonce),
            End::Fails => anyhow::bail!("the dice say no"),
            End::Panics => std::panic::panic_any(SIMULATED),
            End::Stops => Err(stop("the dice say stop")),
        }
    }
}

/// What a panic of the dice says.
pub(crate) const SIMULATED: &str = "the dice say panic";

impl crate::database::State {
    fn draw(&mut self, longest: Duration) -> (Duration, End, u64) {
        let millis = match self.dice.below(10) {
            0 => self.dice.below(6000),
            1..=4 => self.dice.below(300),
            _ => 0,
        };
        let end = match self.dice.below(100) {
            _ if self.is_calm() => End::Good,
            0..=11 => End::Fails,
            12 | 13 => End::Panics,
            14 => End::Stops,
            _ => End::Good,
        };
        let wait = Duration::from_millis(millis);
        let wait = if self.is_calm() { wait.min(longest / 2) } else { wait };
        (wait, end, self.dice.below(1 << 40))
    }
}

const FOR_EVER: Duration = Duration::from_secs(1 << 20);

#[job(name = "chain")]
impl Chain {
    #[step(retry = always, period = "500ms..4s")]
    pub(crate) async fn first(&self, data: &mut Data, attempt: &Attempt) -> anyhow::Result<u64> {
        self.0.act(attempt, data, &[], FOR_EVER).await
    }

    #[step(retry = 2, period = "1s", timeout = "3s")]
    pub(crate) async fn second(&self, data: &mut Data, first: &u64, attempt: &Attempt) -> anyhow::Result<u64> {
        self.0.act(attempt, data, &[("first", *first)], SECOND_TIMEOUT).await
    }

    #[step(retry = 1, period = "61s..65s")]
    pub(crate) async fn third(
        &self,
        data: &mut Data,
        first: &u64,
        second: &u64,
        attempt: &Attempt,
    ) -> anyhow::Result<u64> {
        self.0.act(attempt, data, &[("first", *first), ("second", *second)], FOR_EVER).await
    }

    #[on_success(retry = 3, period = "1s")]
    async fn thank(&self, data: &Data, third: &u64, attempt: &Attempt) -> anyhow::Result<()> {
        self.0.act(attempt, &mut data.clone(), &[("third", *third)], FOR_EVER).await.map(drop)
    }

    #[on_failure(retry = 3, period = "1s")]
    async fn undo(&self, data: &Data, failure: &JobFailure, attempt: &Attempt) -> anyhow::Result<()> {
        let _ = failure;
        self.0.act(attempt, &mut data.clone(), &[], FOR_EVER).await.map(drop)
    }
}
