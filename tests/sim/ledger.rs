//! What must be true of every change and of every step that begins.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Map, Value};
use vtask::storage::value::{Boot, Callback, JobId, JobRow, ListFilter, Nodes, Reason, Request, Status};
use vtask::storage::{MemoryStorage, ReadJobs};

use crate::chain::{Data, LEASE, SECOND_RETRIES, STEPS};
use crate::database::at_once;

pub(crate) type Rows = BTreeMap<JobId, JobRow>;

/// All rows of a storage.
pub(crate) fn rows_of(storage: &MemoryStorage) -> Rows {
    let all = ListFilter { name: None, status: None, reason: None, before: None, limit: u32::MAX };
    let summaries = at_once(storage.list(&all)).expect("memory does not fail");
    let ids = summaries.into_iter().map(|summary| summary.expect("memory reads").id);
    let row = |id| at_once(storage.row(id)).expect("memory does not fail").expect("it is listed");
    ids.map(|id| (id, row(id))).collect()
}

/// A step that begins.
pub(crate) struct Beginning<'a> {
    pub(crate) node: usize,
    pub(crate) id: JobId,
    pub(crate) keyword: &'a str,
    pub(crate) step: &'a str,
    pub(crate) attempt: u32,
    /// The data that it is given.
    pub(crate) data: &'a Data,
    /// The outputs that it is given.
    pub(crate) outputs: &'a [(&'static str, u64)],
    /// How long its process has shown no life, by its own clock.
    pub(crate) silent_for: Duration,
}

/// The books: what was ever committed, and what is wrong.
#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) violations: Vec<String>,
    /// Each output that was ever recorded.
    recorded: BTreeSet<(String, String, u64)>,
    /// How many attempts of a step have failed, and how many the rows ever counted.
    failed: BTreeMap<(String, String), i32>,
    counted: BTreeMap<(String, String), i32>,
    /// Which process a life is one of.
    pub(crate) boots: BTreeMap<Boot, usize>,
    /// Jobs whose invoke was answered.
    pub(crate) acknowledged: BTreeSet<String>,
    /// Jobs that a roll-back took out.
    lost: BTreeSet<String>,
    /// Jobs that a roll-back put back, until they pass into other hands: their holder does not know it.
    undone: BTreeSet<String>,
    /// Lives that were over when a roll-back gave them back: what was known of them then is acted on.
    buried: BTreeSet<Boot>,
    pub(crate) counts: Counts,
}

/// How much has happened.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) steps: u64,
    /// Steps that began in a process which did not hold the job any more.
    pub(crate) zombies: u64,
    pub(crate) crashes: u64,
    pub(crate) freezes: u64,
    pub(crate) restarts: u64,
    pub(crate) takeovers: u64,
    pub(crate) roll_backs: u64,
    pub(crate) commits: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, other: &Self) {
        self.steps += other.steps;
        self.zombies += other.zombies;
        self.crashes += other.crashes;
        self.freezes += other.freezes;
        self.restarts += other.restarts;
        self.takeovers += other.takeovers;
        self.roll_backs += other.roll_backs;
        self.commits += other.commits;
    }
}

impl Ledger {
    fn wrong(&mut self, what: impl Into<String>) {
        self.violations.push(what.into());
    }

    fn demand(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.wrong(what());
        }
    }

    /// Whether a roll-back took the job out.
    pub(crate) fn is_lost(&self, keyword: &str) -> bool {
        self.lost.contains(keyword)
    }

    /// Looks at a commit of a process.
    pub(crate) fn check(&mut self, from: usize, call: &str, before: &Rows, after: &Rows, nodes: &Nodes) {
        self.counts.commits += 1;
        if call == "join" {
            for node in &nodes.living {
                self.boots.entry(node.boot).or_insert(from);
            }
        }
        for (id, row) in after {
            match before.get(id) {
                Some(old) if old == row => {}
                Some(old) => self.change(from, call, old, row, nodes),
                None => self.demand(call == "insert", || format!("{call} makes a row")),
            }
        }
        for (id, row) in before {
            self.demand(after.contains_key(id), || format!("{call} loses {}", told(row)));
        }
    }

    fn change(&mut self, from: usize, call: &str, old: &JobRow, new: &JobRow, nodes: &Nodes) {
        let told = || format!("{from} {call}: {} becomes {}", told(old), told(new));
        let (before, after) = (&old.summary, &new.summary);
        self.demand(before.keyword == after.keyword && before.birth == after.birth, told);
        if call == "request" {
            return;
        }
        self.demand(before.lease != after.lease, || format!("P4: it leaves the same lease: {}", told()));
        self.hand_over(from, old, new, nodes);
        let (then, now) = (&before.state, &after.state);
        if now.restarts != then.restarts {
            self.counts.restarts += 1;
            let is_free = then.boot == Boot::NOBODY && then.callback != Callback::Due;
            self.demand(is_free && now.restarts == then.restarts + 1, || format!("restart of a held job: {}", told()));
            self.counted.retain(|(keyword, _), _| *keyword != after.keyword);
            self.failed.retain(|(keyword, _), _| *keyword != after.keyword);
            return;
        }
        let (had, has) = (outputs(old), outputs(new));
        let keeps = had.iter().all(|(step, output)| has.get(step) == Some(output));
        self.demand(keeps, || format!("P2: a recorded output is gone or another: {}", told()));
        self.demand(now.step >= then.step, || format!("P2: it goes back: {}", told()));
        for (step, output) in &has {
            self.recorded.insert((after.keyword.clone(), step.clone(), output.as_u64().unwrap_or(0)));
        }
        if then.status.is_ended() {
            self.demand(then.status == now.status, || format!("P7: a second outcome: {}", told()));
            let is_over = matches!(then.callback, Callback::Done | Callback::GivenUp | Callback::None);
            self.demand(!is_over || then.callback == now.callback, || format!("P7: a second callback: {}", told()));
        } else if now.status.is_ended() {
            self.demand(now.callback == Callback::Due, || format!("P7: an outcome without its callback: {}", told()));
            let is_whole = now.status != Status::Succeeded || STEPS.iter().all(|step| has.contains_key(*step));
            self.demand(is_whole, || format!("P3: it succeeds without its steps: {}", told()));
        }
        let is_recorded = has.len() > had.len();
        let goes_on = now.status == Status::Running && (is_recorded || now.attempt > then.attempt);
        let is_asked = before.request != Request::None && then.status == Status::Running;
        self.demand(!is_asked || !goes_on, || format!("P7: it goes on whatever is asked: {}", told()));
        self.count_attempts(old, new, is_recorded);
    }

    /// A lease passes through nobody's hands, and nobody takes it from a living node.
    fn hand_over(&mut self, from: usize, old: &JobRow, new: &JobRow, nodes: &Nodes) {
        let (then, now) = (old.summary.state.boot, new.summary.state.boot);
        if then != now {
            self.undone.remove(&new.summary.keyword);
        }
        if then == Boot::NOBODY || then == now {
            return;
        }
        self.demand(now == Boot::NOBODY, || format!("P4: a lease goes from hand to hand: {}", told(new)));
        if self.boots.get(&then) == Some(&from) {
            return;
        }
        self.counts.takeovers += 1;
        let lives = nodes.living.iter().any(|node| node.boot == then);
        let is_taken = lives && !self.buried.contains(&then);
        self.demand(!is_taken, || format!("P10: {from} takes a job from a living node: {}", told(old)));
    }

    fn count_attempts(&mut self, old: &JobRow, new: &JobRow, is_recorded: bool) {
        let told = || format!("{} becomes {}", told(old), told(new));
        let (then, now) = (&old.summary.state, &new.summary.state);
        if is_recorded {
            let is_zero = (now.attempt, now.crashes) == (0, 0);
            self.demand(is_zero, || format!("P6: a recorded step leaves attempts or crashes: {}", told()));
            return;
        }
        let is_resumed = then.status == Status::Paused && now.status == Status::Running;
        if is_resumed {
            let key = (new.summary.keyword.clone(), then.step_name.to_string());
            self.counted.remove(&key);
            self.failed.remove(&key);
            return;
        }
        let is_cleared = now.status.is_ended() && now.crashes == 0;
        let crashes = if is_cleared { 0 } else { now.crashes - then.crashes };
        let spent = now.attempt - then.attempt;
        self.demand(matches!(spent, 0 | 1) && matches!(crashes, 0 | 1), || format!("P6: it miscounts: {}", told()));
        self.demand(spent + crashes <= 1, || format!("P6: a crash spends an attempt: {}", told()));
        if spent == 1 {
            let key = (new.summary.keyword.clone(), then.step_name.to_string());
            *self.counted.entry(key.clone()).or_default() += 1;
            let (counted, failed) = (self.counted[&key], self.failed.get(&key).copied().unwrap_or(0));
            let is_true = self.counts.roll_backs > 0 || counted <= failed;
            self.demand(is_true, || format!("P6: {counted} attempts spent and {failed} failed: {}", told()));
        }
        if now.reason == Reason::Exhausted && then.status == Status::Running && then.step_name == STEPS[1] {
            let has_tried = then.attempt >= i32::try_from(SECOND_RETRIES).expect("few");
            self.demand(has_tried, || format!("P6: it gives up too early: {}", told()));
        }
        let is_known = matches!(now.reason, Reason::Poison | Reason::Operator);
        self.demand(now.status != Status::Paused || is_known, || format!("it is paused: {}", told()));
    }

    /// Looks at a step that begins.
    pub(crate) fn begin(&mut self, rows: &Rows, beginning: &Beginning<'_>) {
        self.counts.steps += 1;
        let Beginning { node, id, keyword, step, attempt, data, outputs: given, silent_for } = *beginning;
        let named = || format!("{node} begins {step} of {keyword}, attempt {attempt}");
        self.demand(silent_for <= LEASE, || format!("{} after {silent_for:?} without a heartbeat", named()));
        for (name, output) in given {
            let entry = (keyword.to_owned(), (*name).to_owned(), *output);
            let is_recorded = self.recorded.contains(&entry);
            self.demand(is_recorded, || format!("P3: {} with {name} = {output}, which was never committed", named()));
        }
        // A roll-back may have given the keyword to another row.
        let row = rows.get(&id).filter(|row| row.summary.keyword == keyword);
        let holds = |row: &&JobRow| {
            self.boots.get(&row.summary.state.boot) == Some(&node) && !self.undone.contains(&row.summary.keyword)
        };
        let Some(row) = row.filter(holds) else {
            self.counts.zombies += 1;
            return;
        };
        let recorded = outputs(row);
        let state = &row.summary.state;
        let told = || format!("{}: {}", named(), told(row));
        if STEPS.contains(&step) {
            self.demand(!recorded.contains_key(step), || format!("P2: it is recorded: {}", told()));
            self.demand(state.status == Status::Running, || format!("P7: it has ended: {}", told()));
        } else {
            self.demand(state.callback == Callback::Due, || format!("P7: no callback is due: {}", told()));
        }
        for (name, output) in given {
            let is_seen = recorded.get(*name).and_then(Value::as_u64) == Some(*output);
            self.demand(is_seen, || format!("P2: it is given another {name} than is recorded: {}", told()));
        }
        let saved: Option<Data> = serde_json::from_str(&row.input).ok();
        self.demand(saved.as_ref() == Some(data), || format!("it begins with {data:?}: {}", told()));
    }

    /// An attempt that costs one.
    pub(crate) fn fail(&mut self, keyword: &str, step: &str) {
        *self.failed.entry((keyword.to_owned(), step.to_owned())).or_default() += 1;
    }

    pub(crate) fn roll_back(&mut self, before: &Rows, after: &Rows, nodes: &Nodes) {
        self.counts.roll_backs += 1;
        let lives = |boot: &Boot| nodes.living.iter().any(|node| node.boot == *boot);
        self.buried.extend(self.boots.keys().filter(|boot| !lives(boot)));
        let keywords = |rows: &Rows| rows.values().map(|row| row.summary.keyword.clone()).collect::<BTreeSet<_>>();
        let kept = keywords(after);
        self.lost.extend(keywords(before).difference(&kept).cloned());
        let is_undone = |row: &&JobRow| before.get(&row.summary.id) != Some(*row);
        self.undone.extend(after.values().filter(is_undone).map(|row| row.summary.keyword.clone()));
    }
}

fn outputs(row: &JobRow) -> Map<String, Value> {
    serde_json::from_str(&row.outputs).unwrap_or_default()
}

/// The rows that are others now, for people.
pub(crate) fn changes(before: &Rows, after: &Rows) -> String {
    let changed = after.iter().filter(|(id, row)| before.get(id) != Some(row));
    changed.map(|(_, row)| told(row)).collect::<Vec<_>>().join("; ")
}

/// All rows, for people.
pub(crate) fn told_all(rows: &Rows) -> String {
    rows.values().map(told).collect::<Vec<_>>().join("\n")
}

fn told(row: &JobRow) -> String {
    let (summary, state) = (&row.summary, &row.summary.state);
    format!(
        "{} {} {:?}/{:?} lease {:x} boot {:x} step {} attempt {} crashes {} callback {:?}/{} restarts {} asked {:?} {} {}",
        summary.id,
        summary.keyword,
        state.status,
        state.reason,
        summary.lease.0 >> 32,
        state.boot.0 >> 32,
        state.step_name,
        state.attempt,
        state.crashes,
        state.callback,
        state.callback_attempt,
        state.restarts,
        summary.request,
        row.input,
        row.outputs,
    )
}
