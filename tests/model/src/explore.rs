//! Visits every state, and finds out from which of them the end can be reached.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};

use stateright::Model;

use crate::action::Action;
use crate::event::Events;
use crate::fingerprint::fingerprint;
use crate::model::Protocol;
use crate::promise::{Promise, Promises};
use crate::state::State;

/// What came of a search.
#[derive(Debug)]
pub struct Search {
    /// How many different states were visited.
    pub states: usize,
    /// Everything that happened on the way.
    pub events: Events,
    flaw: Option<Flaw>,
}

impl Search {
    /// Whether no promise is broken in any state, and each can come to an end.
    ///
    /// # Errors
    ///
    /// The shortest history that shows a flaw.
    pub fn verdict(&self) -> Result<(), &Flaw> {
        self.flaw.as_ref().map_or(Ok(()), Err)
    }
}

/// A history that should not be.
#[derive(Debug)]
pub struct Flaw {
    /// The promises that it breaks; none where it only leads to where there is no end.
    pub broken: Promises,
    /// What happened.
    pub history: Vec<Action>,
    /// What it led to.
    pub state: Box<State>,
}

impl Flaw {
    /// Whether the promises hold, and only no end can be reached.
    #[must_use]
    pub fn is_stuck(&self) -> bool {
        self.broken.is_empty()
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let broken: Vec<Promise> = Promise::ALL.into_iter().filter(|promise| self.broken.has(*promise)).collect();
        match self.is_stuck() {
            true => writeln!(f, "no end can be reached after")?,
            false => writeln!(f, "{broken:?} after")?,
        }
        // Which process is the first may change from state to state.
        self.history.iter().try_for_each(|action| writeln!(f, "  {action:?}"))?;
        write!(f, "in {:#?}", self.state)
    }
}

/// Visits every state of a protocol, in the order of how much has happened, up to the first that breaks a promise.
#[must_use]
pub fn explore(protocol: &Protocol) -> Search {
    let mut graph = Graph::default();
    let flaw = graph.grow(protocol).or_else(|| graph.stuck().map(|stuck| graph.flaw(protocol, stuck)));
    Search { states: graph.parents.len(), events: graph.events, flaw }
}

/// The parent of a state with which all begins.
const NONE: u32 = u32::MAX;

/// All states, by the number in which they were met. The states themselves are forgotten once they have been visited.
#[derive(Default)]
struct Graph {
    numbers: HashMap<u64, u32, BuildHasherDefault<Identity>>,
    /// The state from which one was met first, and by which of its actions.
    parents: Vec<(u32, u16)>,
    /// Where the steps of the protocol alone lead, and where those of each state begin.
    edges: Vec<u32>,
    begins: Vec<usize>,
    /// Whether nothing is outstanding.
    ended: Vec<bool>,
    events: Events,
}

impl Graph {
    /// Visits all, and stops where a promise is broken.
    fn grow(&mut self, protocol: &Protocol) -> Option<Flaw> {
        let mut waiting = VecDeque::new();
        for state in protocol.init_states() {
            self.number(&state, (NONE, 0));
            waiting.push_back(state);
        }
        let mut actions = Vec::new();
        while let Some(state) = waiting.pop_front() {
            let present = self.begins.len();
            self.begins.push(self.edges.len());
            self.ended.push(state.is_quiet());
            if !protocol.broken(&state).is_empty() {
                return Some(self.flaw(protocol, present));
            }
            protocol.actions(&state, &mut actions);
            for (choice, action) in (0..).zip(actions.drain(..)) {
                let (next, events) = protocol.step(&state, &action);
                self.events.join(events);
                let (number, is_new) = self.number(&next, (short(present), choice));
                if !action.is_outside() {
                    self.edges.push(number);
                }
                if is_new {
                    waiting.push_back(next);
                }
            }
        }
        None
    }

    /// The number of a state, and whether it was met now.
    fn number(&mut self, state: &State, parent: (u32, u16)) -> (u32, bool) {
        let next = short(self.parents.len());
        let number = *self.numbers.entry(fingerprint(state)).or_insert(next);
        let is_new = number == next;
        if is_new {
            self.parents.push(parent);
        }
        (number, is_new)
    }

    /// The first state from which the protocol cannot come to an end.
    fn stuck(&self) -> Option<usize> {
        let mut can_end = self.ended.clone();
        let mut is_changed = true;
        // Most steps lead to a state that was met later, so that one look from behind finds nearly all.
        while is_changed {
            is_changed = false;
            for state in (0..can_end.len()).rev() {
                if !can_end[state] && self.steps(state).iter().any(|next| can_end[*next as usize]) {
                    can_end[state] = true;
                    is_changed = true;
                }
            }
        }
        can_end.iter().position(|can_end| !can_end)
    }

    fn steps(&self, state: usize) -> &[u32] {
        let end = self.begins.get(state + 1).copied().unwrap_or(self.edges.len());
        &self.edges[self.begins[state]..end]
    }

    /// The history that has led to a state.
    fn flaw(&self, protocol: &Protocol, state: usize) -> Flaw {
        let mut choices = Vec::new();
        let mut at = state;
        while self.parents[at].0 != NONE {
            let (parent, choice) = self.parents[at];
            choices.push(usize::from(choice));
            at = parent as usize;
        }
        let mut state = protocol.init_states().swap_remove(at);
        let mut history = Vec::new();
        for choice in choices.into_iter().rev() {
            let mut actions = Vec::new();
            protocol.actions(&state, &mut actions);
            state = protocol.step(&state, &actions[choice]).0;
            history.push(actions[choice]);
        }
        Flaw { broken: protocol.broken(&state), history, state: Box::new(state) }
    }
}

fn short(number: usize) -> u32 {
    u32::try_from(number).expect("memory ends before there are so many states")
}

/// Hashes what is a hash already.
#[derive(Default)]
struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0 << 8 | u64::from(*byte));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}
