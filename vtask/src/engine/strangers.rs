//! Rows that this program cannot go on with, and the program of another node may.
//!
//! They are left to the nodes that know them. Those of which no living node has known anything for ten minutes are claimed
//! after all, so that they are paused and say why.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use vtask_storage::value::{Bounds, Candidate, JobSummary, Status};

use super::Engine;
use crate::job::plan::Plan;
use crate::job::roster::Roster;

/// A program that knows a row may be away for so long: while it is replaced by another, for instance.
const PATIENCE: Duration = Duration::from_secs(600);
/// The nodes are asked so far apart, and only while there are such rows.
const ASK: Duration = Duration::from_secs(5);
/// A longer gap between two answers proves nothing of the time between.
const LONGEST_GAP: Duration = Duration::from_secs(60);

/// Rows that are alike: they are recorded by one program, and are at one place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Kind {
    name: String,
    /// The step that is to run; `None` for a callback.
    step: Option<String>,
    plan: i64,
}

/// What this program lacks to go on with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lack {
    /// The step.
    Step,
    /// The callback of a success, or of another end.
    Callback { of_success: bool },
    /// An output that it needs, or what it makes of the recorded ones.
    Record,
}

/// What is done with the rows of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// This program runs them.
    Ours,
    /// Others may know them.
    Left,
    /// Nobody knows them.
    Condemned,
}

#[derive(Debug)]
struct Entry {
    lack: Lack,
    /// Since when no living node knows the kind.
    unknown_since: Option<Instant>,
    last_seen: Instant,
}

/// The kinds that this program leaves alone.
#[derive(Debug, Default)]
pub(super) struct Strangers(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    kinds: BTreeMap<Kind, Entry>,
    last_answer: Option<Instant>,
}

impl Kind {
    pub(super) fn of(summary: &JobSummary) -> Self {
        let state = &summary.state;
        let step = (state.status == Status::Running).then(|| state.step_name.to_string());
        Self { name: summary.name.clone(), step, plan: state.plan }
    }

    fn of_candidate(candidate: &Candidate) -> Self {
        Self { name: candidate.name.clone(), step: candidate.step.clone(), plan: candidate.plan }
    }

    fn is_known_to(&self, roster: &Roster, lack: Lack) -> bool {
        match lack {
            Lack::Step => roster.has_step(&self.name, self.step.as_deref().unwrap_or_default()),
            Lack::Callback { of_success } => roster.has_callback(&self.name, of_success),
            Lack::Record => roster.has_plan(&self.name, self.plan),
        }
    }
}

impl Entry {
    fn fate(&self) -> Fate {
        match self.unknown_since {
            Some(since) if since.elapsed() >= PATIENCE => Fate::Condemned,
            _ => Fate::Left,
        }
    }
}

impl Strangers {
    /// What is to be done with a candidate of a job of this plan.
    pub(super) fn fate_of(&self, candidate: &Candidate, plan: &Plan) -> Fate {
        let is_unknown = candidate.step.as_ref().is_some_and(|step| !step.is_empty() && plan.find(step).is_none());
        let mut known = self.lock();
        // Nearly always there is nothing to look up.
        if !is_unknown && known.kinds.is_empty() {
            return Fate::Ours;
        }
        let kind = Kind::of_candidate(candidate);
        match known.kinds.get_mut(&kind) {
            Some(entry) => {
                entry.last_seen = Instant::now();
                match entry.fate() {
                    // What it lacks is seen by the whole row only; another row of the kind may have it.
                    Fate::Condemned if !is_unknown => Fate::Ours,
                    fate => fate,
                }
            }
            None if is_unknown => known.add(kind, Lack::Step),
            None => Fate::Ours,
        }
    }

    /// Remembers a kind that this program turned out not to know, and says what is to be done with it.
    pub(super) fn meet(&self, kind: Kind, lack: Lack) -> Fate {
        self.lock().add(kind, lack)
    }

    fn has_to_ask(&self) -> bool {
        let known = self.lock();
        !known.kinds.is_empty() && known.last_answer.is_none_or(|last| last.elapsed() >= ASK)
    }

    /// Takes in what the living nodes know now.
    fn judge(&self, roster: &Roster) {
        let (mut known, now) = (self.lock(), Instant::now());
        let is_gap = known.last_answer.replace(now).is_none_or(|last| now - last > LONGEST_GAP);
        known.kinds.retain(|_, entry| now - entry.last_seen < PATIENCE);
        for (kind, entry) in &mut known.kinds {
            let since = entry.unknown_since.filter(|_| !is_gap).unwrap_or(now);
            entry.unknown_since = (!kind.is_known_to(roster, entry.lack)).then_some(since);
        }
    }

    // Nothing under this lock can panic half-way.
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn add(&mut self, kind: Kind, lack: Lack) -> Fate {
        let last_seen = Instant::now();
        let entry = self.kinds.entry(kind).or_insert(Entry { lack, unknown_since: None, last_seen });
        entry.last_seen = last_seen;
        entry.fate()
    }
}

impl Engine {
    /// Asks what the living nodes know, if there is something to ask for.
    pub(super) async fn ask_for_strangers(&self) {
        if !self.strangers.has_to_ask() {
            return;
        }
        let nothing_else = Bounds { names: 0, paused: 0 };
        if let Some(overview) = self.repeat(|| self.storage.overview(nothing_else)).await {
            self.strangers.judge(&Roster::read(&overview.plans));
        }
    }
}
