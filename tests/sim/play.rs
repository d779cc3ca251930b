//! One simulation: all of it follows from its seed.

use std::time::Duration;

use crate::customer::{Customer, Open, resume_all};
use crate::database::{Database, Faults};
use crate::ledger::{Counts, told_all};
use crate::process::{Process, client};

/// Something is done to the fleet about so often.
const BETWEEN_BLOWS: Duration = Duration::from_secs(3);
/// A tick is so long at least and at most.
const TICK: (Duration, Duration) = (Duration::from_millis(4), Duration::from_millis(128));
/// So long after the last blow all jobs have ended.
const PATIENCE: Duration = Duration::from_secs(900);

/// What came of it.
pub(crate) struct Outcome {
    pub(crate) violations: Vec<String>,
    pub(crate) trace: Vec<String>,
    pub(crate) counts: Counts,
    pub(crate) lasted: Duration,
}

struct Play {
    database: Database,
    customers: Process,
    open: Open,
    workers: Vec<Process>,
    /// Those that start again, and when.
    absent: Vec<(Duration, String)>,
    last_node: usize,
    tick: Duration,
    calm_at: Duration,
    may_roll_back: bool,
    may_skew: bool,
}

/// Plays a seed to its end, and writes down what happens if that is wanted.
pub(crate) fn play(seed: u64, is_traced: bool) -> Outcome {
    let mut play = Play::new(seed, is_traced);
    while play.goes_on() {
        play.tick();
    }
    play.end()
}

impl Play {
    fn new(seed: u64, is_traced: bool) -> Self {
        let database = Database::new(seed, is_traced);
        let below = |end| database.lock().dice.below(end);
        let calm_at = Duration::from_secs(10 + below(50));
        let (may_roll_back, may_skew) = (below(4) == 0, below(2) == 0);
        let hosts = 1 + below(3);
        let play = Self {
            customers: Process::new(0, "customers".to_owned(), 1000),
            open: Open::default(),
            workers: Vec::new(),
            absent: (0..hosts).map(|number| (Duration::ZERO, format!("host-{number}"))).collect(),
            last_node: 0,
            tick: TICK.0,
            calm_at,
            may_roll_back,
            may_skew,
            database,
        };
        let operator = client(&play.customers, &play.database, play.next_seed());
        play.customers.spawn(resume_all(play.database.clone(), operator));
        let jobs = 1 + u32::try_from(play.below(5)).expect("few");
        for number in 0..jobs {
            play.open.lock().expect("nothing panics").insert(number);
            let client = client(&play.customers, &play.database, play.next_seed());
            let (database, open) = (play.database.clone(), Open::clone(&play.open));
            play.customers.spawn(Customer { database, client, number, open }.act());
        }
        play
    }

    fn below(&self, end: u64) -> u64 {
        self.database.lock().dice.below(end)
    }

    fn next_seed(&self) -> u64 {
        self.below(u64::MAX)
    }

    fn now(&self) -> Duration {
        self.database.lock().now
    }

    /// Whether there is something left to do, and nothing is wrong yet.
    fn goes_on(&self) -> bool {
        let state = self.database.lock();
        let has_time = state.now < self.calm_at + PATIENCE;
        let is_done = state.is_calm() && self.open.lock().expect("nothing panics").is_empty() && state.is_settled();
        state.ledger.violations.is_empty() && has_time && !is_done
    }

    fn tick(&mut self) {
        let tick = self.tick;
        let has_arrived = self.database.advance(tick);
        self.tick = if has_arrived { TICK.0 } else { (tick * 2).min(TICK.1) };
        let now = self.now();
        self.customers.run(now, tick);
        for place in self.order() {
            self.workers[place].run(now, tick);
        }
        self.workers.retain(|worker| !worker.has_ended());
        self.return_the_absent(now);
        if now < self.calm_at {
            let chance = BETWEEN_BLOWS.as_millis() / tick.as_millis();
            if self.below(u64::try_from(chance).expect("a tick is shorter")) == 0 {
                self.strike(now);
            }
        } else if !self.database.lock().is_calm() {
            self.calm_down(now);
        }
    }

    /// The workers, in another order each time.
    fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.workers.len()).collect();
        for last in (1..order.len()).rev() {
            order.swap(last, self.database.lock().dice.index(last + 1));
        }
        order
    }

    fn return_the_absent(&mut self, now: Duration) {
        let (back, absent) = std::mem::take(&mut self.absent).into_iter().partition(|(at, _)| *at <= now);
        self.absent = absent;
        let back: Vec<(Duration, String)> = back;
        for (_, host) in back {
            self.start(host);
        }
    }

    fn start(&mut self, host: String) {
        self.last_node += 1;
        let node = self.last_node;
        let rate = if self.may_skew { 700 + u32::try_from(self.below(600)).expect("few") } else { 1000 };
        let seed = self.next_seed();
        self.database.lock().note(|| format!("{node} starts as {host}"));
        self.workers.push(Process::worker(&self.database, node, host, rate, seed));
    }

    /// Does some harm.
    fn strike(&mut self, now: Duration) {
        let what = self.below(100);
        if what >= 92 {
            return self.database.jump(i64::try_from(self.below(120)).expect("small") - 60);
        }
        if what >= 84 {
            let mut state = self.database.lock();
            let may = self.may_roll_back && state.ledger.counts.roll_backs == 0;
            return if may { state.roll_back() } else { state.faults = Faults::drawn(&mut state.dice) };
        }
        if self.workers.is_empty() {
            return;
        }
        let place = self.database.lock().dice.index(self.workers.len());
        let wait = Duration::from_millis(self.below(12_000));
        match what {
            0..=39 => self.kill(place, now + wait),
            40..=59 => {
                let clock_runs = self.below(4) > 0;
                let node = self.workers[place].node;
                let mut state = self.database.lock();
                state.ledger.counts.freezes += 1;
                state.note(|| format!("{node} freezes until {:.3}", (now + wait).as_secs_f64()));
                drop(state);
                self.workers[place].freeze(now + wait, clock_runs);
            }
            60..=69 => {
                let node = self.workers[place].node;
                self.database.lock().note(|| format!("{node} is told to stop"));
                self.workers[place].stop();
                self.absent.push((now + wait, self.workers[place].host.clone()));
            }
            70..=73 => self.start(self.workers[place].host.clone()),
            _ => {
                let node = self.workers[place].node;
                let mut state = self.database.lock();
                state.note(|| format!("{node} is cut off, or joined again"));
                let was_cut = state.cut_off.len();
                state.cut_off.retain(|cut| *cut != node);
                if state.cut_off.len() == was_cut {
                    state.cut_off.push(node);
                }
            }
        }
    }

    fn kill(&mut self, place: usize, back_at: Duration) {
        let worker = self.workers.swap_remove(place);
        let other = format!("host-{}", 3 + self.below(3));
        let host = if self.below(3) == 0 { other } else { worker.host.clone() };
        let mut state = self.database.lock();
        state.ledger.counts.crashes += 1;
        state.note(|| format!("{} is killed", worker.node));
        self.absent.push((back_at, host));
        drop(state);
        drop(worker);
    }

    /// From now on nothing goes wrong any more.
    fn calm_down(&mut self, now: Duration) {
        self.database.lock().calm_down();
        for worker in self.workers.iter_mut().filter(|worker| worker.is_frozen()) {
            worker.freeze(now, true);
        }
        if self.workers.is_empty() && self.absent.is_empty() {
            self.start("host-0".to_owned());
        }
    }

    fn end(self) -> Outcome {
        let lasted = self.now();
        let mut state = self.database.lock();
        let open = self.open.lock().expect("nothing panics").clone();
        if state.ledger.violations.is_empty() && (!open.is_empty() || !state.is_settled()) {
            let left = told_all(state.rows());
            let wrong = format!("P1: {PATIENCE:?} after the last fault {open:?} have not ended:\n{left}");
            state.ledger.violations.push(wrong);
        }
        let (violations, trace) = (std::mem::take(&mut state.ledger.violations), std::mem::take(&mut state.trace));
        Outcome { violations, trace, counts: state.ledger.counts, lasted }
    }
}
