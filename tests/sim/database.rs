//! A database behind a network, and what may go wrong with both.

use std::collections::{BTreeMap, VecDeque};
use std::pin::pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::sync::oneshot;
use vtask::StorageError;
use vtask::storage::value::{Boot, Callback, Nodes, Timestamp};
use vtask::storage::{MemoryStorage, ReadJobs};

use crate::dice::Dice;
use crate::hooked::{Answer, Call, cut};
use crate::ledger::{Ledger, Rows, changes, rows_of};

type Reply = Result<Answer, StorageError>;
type Sender = oneshot::Sender<Reply>;

/// Of a thousand calls so many have this fault.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Faults {
    /// An error, and nothing was done.
    pub(crate) refused: u64,
    /// It is done, and the answer is lost.
    pub(crate) lost: u64,
    /// An error, and it is done long after that, or never.
    pub(crate) late: u64,
    /// It takes up to ten leases.
    pub(crate) slow: u64,
    /// It sees what was committed some commits ago, if it is a look.
    pub(crate) stale: u64,
    /// Milliseconds that a way takes, at most.
    pub(crate) latency: u64,
}

impl Faults {
    pub(crate) const NONE: Self = Self { refused: 0, lost: 0, late: 0, slow: 0, stale: 0, latency: 5 };

    pub(crate) fn drawn(dice: &mut Dice) -> Self {
        let mut up_to = |most: u64| if dice.below(3) == 0 { 0 } else { dice.below(most) };
        Self {
            refused: up_to(80),
            lost: up_to(80),
            late: up_to(40),
            slow: up_to(15),
            stale: up_to(300),
            latency: 1 + up_to(60),
        }
    }
}

/// So long after an error a statement may still land: ten leases.
pub(crate) const LATEST: u64 = 50_000;
/// So many commits ago is what a stale look sees, at most, and what a roll-back leaves.
const MOST_BACK: usize = 12;

/// What all nodes share; clones share it.
#[derive(Clone)]
pub(crate) struct Database {
    state: Arc<Mutex<State>>,
    clock: Arc<AtomicI64>,
}

pub(crate) struct State {
    /// Since the simulation began.
    pub(crate) now: Duration,
    present: MemoryStorage,
    /// What was committed before, the latest last.
    commits: VecDeque<MemoryStorage>,
    rows: Rows,
    /// What is on its way, by the time when it arrives.
    mail: BTreeMap<(Duration, u64), Mail>,
    sent: u64,
    pub(crate) dice: Dice,
    pub(crate) faults: Faults,
    is_calm: bool,
    /// Nodes whose calls nobody answers.
    pub(crate) cut_off: Vec<usize>,
    pub(crate) ledger: Ledger,
    /// What has happened, to compare two runs of a seed.
    pub(crate) trace: Vec<String>,
    is_traced: bool,
}

enum Mail {
    Call { from: usize, call: Call, answer: Option<(Duration, Sender)> },
    Answer(Sender, Reply),
}

impl Database {
    pub(crate) fn new(seed: u64, is_traced: bool) -> Self {
        let clock = Arc::new(AtomicI64::new(1_700_000_000_000_000));
        let time = Arc::clone(&clock);
        let mut dice = Dice::of(seed);
        let state = State {
            now: Duration::ZERO,
            present: MemoryStorage::with_clock(move || Timestamp(time.load(Ordering::Relaxed))),
            commits: VecDeque::new(),
            rows: Rows::new(),
            mail: BTreeMap::new(),
            sent: 0,
            faults: Faults::drawn(&mut dice),
            is_calm: false,
            cut_off: Vec::new(),
            ledger: Ledger::default(),
            trace: Vec::new(),
            is_traced,
            dice,
        };
        Self { state: Arc::new(Mutex::new(state)), clock }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing under this lock panics")
    }

    /// Sends a call; what is received is its answer.
    pub(crate) fn send(&self, from: usize, call: Call) -> oneshot::Receiver<Reply> {
        let (sender, receiver) = oneshot::channel();
        self.lock().send(from, call, sender);
        receiver
    }

    /// Lets so much time go by, and delivers what arrives meanwhile. Answers whether something did.
    pub(crate) fn advance(&self, by: Duration) -> bool {
        let micros = i64::try_from(by.as_micros()).expect("a tick is short");
        self.clock.fetch_add(micros, Ordering::Relaxed);
        let mut state = self.lock();
        state.now += by;
        let mut has_arrived = false;
        while let Some((&key, _)) = state.mail.first_key_value()
            && key.0 <= state.now
        {
            let mail = state.mail.remove(&key).expect("it was there");
            state.deliver(mail);
            has_arrived = true;
        }
        has_arrived
    }

    /// Sets the clock forward or back.
    pub(crate) fn jump(&self, seconds: i64) {
        self.clock.fetch_add(seconds * 1_000_000, Ordering::Relaxed);
        self.lock().note(|| format!("the database's clock jumps by {seconds} s"));
    }
}

impl State {
    pub(crate) fn note(&mut self, what: impl FnOnce() -> String) {
        if self.is_traced {
            let line = format!("{:>8.3} {}", self.now.as_secs_f64(), what());
            self.trace.push(line);
        }
    }

    pub(crate) fn rows(&self) -> &Rows {
        &self.rows
    }

    /// The rows, and who keeps the books of them.
    pub(crate) fn books(&mut self) -> (&Rows, &mut Ledger) {
        (&self.rows, &mut self.ledger)
    }

    /// Whether nothing goes wrong any more.
    pub(crate) fn is_calm(&self) -> bool {
        self.is_calm
    }

    /// Lets nothing go wrong from now on.
    pub(crate) fn calm_down(&mut self) {
        self.is_calm = true;
        self.faults = Faults::NONE;
        self.cut_off.clear();
        self.note(|| "nothing goes wrong from now on".to_owned());
    }

    /// Whether no job has anything left to do, or waits for a human.
    pub(crate) fn is_settled(&self) -> bool {
        let states = || self.rows.values().map(|row| &row.summary.state);
        states().all(|state| state.status.is_ended() && state.callback != Callback::Due && state.boot == Boot::NOBODY)
    }

    fn millis(&mut self, most: u64) -> Duration {
        Duration::from_millis(1 + self.dice.below(most))
    }

    fn send(&mut self, from: usize, call: Call, sender: Sender) {
        let (faults, drawn) = (self.faults, self.dice.below(1000));
        let way = self.millis(faults.latency);
        let back = self.millis(faults.latency);
        let mut bound = 0;
        let mut is = |share: u64| {
            bound += share;
            drawn < bound
        };
        if self.cut_off.contains(&from) || is(faults.refused) {
            let wait = if self.cut_off.contains(&from) { self.millis(3000) } else { way };
            return self.post(wait, Mail::Answer(sender, Err(cut())));
        }
        if is(faults.lost) {
            self.post(way, Mail::Call { from, call, answer: None });
            return self.post(way + back, Mail::Answer(sender, Err(cut())));
        }
        if is(faults.late) {
            self.post(way, Mail::Answer(sender, Err(cut())));
            if self.dice.below(2) == 0 {
                let late = self.millis(LATEST);
                self.post(way + late, Mail::Call { from, call, answer: None });
            }
            return;
        }
        let wait = if is(faults.slow) { self.millis(LATEST) } else { Duration::ZERO };
        self.post(way + wait, Mail::Call { from, call, answer: Some((back, sender)) });
    }

    fn post(&mut self, wait: Duration, mail: Mail) {
        self.sent += 1;
        self.mail.insert((self.now + wait, self.sent), mail);
    }

    fn deliver(&mut self, mail: Mail) {
        match mail {
            // Whoever called may be dead.
            Mail::Answer(sender, answer) => drop(sender.send(answer)),
            Mail::Call { from, call, answer } => {
                let found = self.carry_out(from, call);
                if let Some((back, sender)) = answer {
                    self.post(back, Mail::Answer(sender, found));
                }
            }
        }
    }

    fn carry_out(&mut self, from: usize, call: Call) -> Reply {
        let (name, present) = (call.name, self.present.clone());
        match name {
            "find" | "summaries" | "row" | "list" => at_once((call.run)(present)),
            // What may be old where there are replicas.
            "due" | "held" | "overview" => {
                let is_stale = self.dice.below(1000) < self.faults.stale;
                let back = if is_stale { self.dice.index(MOST_BACK) } else { 0 };
                at_once((call.run)(self.commits.iter().rev().nth(back).cloned().unwrap_or(present)))
            }
            _ => {
                let answer = at_once((call.run)(present));
                self.committed(from, name);
                answer
            }
        }
    }

    fn committed(&mut self, from: usize, name: &'static str) {
        let rows = rows_of(&self.present);
        let nodes = self.nodes();
        let before = std::mem::replace(&mut self.rows, rows);
        self.ledger.check(from, name, &before, &self.rows, &nodes);
        if self.is_traced {
            let changes = changes(&before, &self.rows);
            self.note(|| format!("{from} {name}: {changes}"));
        }
        self.commits.push_back(self.present.fork());
        if self.commits.len() > MOST_BACK {
            self.commits.pop_front();
        }
    }

    fn nodes(&self) -> Nodes {
        at_once(self.present.due(&[], true)).expect("memory does not fail").nodes.expect("they were asked for")
    }

    /// Loses the last commits, and all that is on its way.
    pub(crate) fn roll_back(&mut self) {
        let keep = self.dice.index(self.commits.len().max(1));
        let Some(kept) = self.commits.get(keep) else { return };
        let (kept, nodes) = (kept.fork(), self.nodes());
        self.present = kept;
        self.commits.truncate(keep + 1);
        let before = std::mem::replace(&mut self.rows, rows_of(&self.present));
        self.ledger.roll_back(&before, &self.rows, &nodes);
        for mail in std::mem::take(&mut self.mail).into_values() {
            let (Mail::Answer(sender, _) | Mail::Call { answer: Some((_, sender)), .. }) = mail else { continue };
            drop(sender.send(Err(cut())));
        }
        self.note(|| "the database goes back to an earlier commit".to_owned());
    }
}

/// What a future that never waits comes to.
pub(crate) fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("a storage in memory answers at once"),
    }
}
