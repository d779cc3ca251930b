//! The protocol as a model that can be searched.

use stateright::{Model, Property};

use crate::action::Action;
use crate::bounds::Bounds;
use crate::database::Row;
use crate::event::Events;
use crate::judge;
use crate::possible;
use crate::promise::{Promise, Promises};
use crate::rules::{Rule, Rules};
use crate::state::State;
use crate::step::Next;

/// The protocol with some of its rules, in a world of these bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Protocol {
    pub(crate) bounds: Bounds,
    pub(crate) rules: Rules,
    /// The promises that are looked at.
    pub(crate) watched: Promises,
}

impl Protocol {
    /// The whole protocol.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, rules: Rules::default(), watched: Promises::of(&Promise::ALL) }
    }

    /// Looks at these promises only, to see what becomes of them after others were broken.
    #[must_use]
    pub fn watching(self, promises: &[Promise]) -> Self {
        Self { watched: Promises::of(promises), ..self }
    }

    /// The promises that were broken on the way to a state, or are in it.
    #[must_use]
    pub fn broken(&self, state: &State) -> Promises {
        judge::state(state).among(self.watched)
    }

    /// Leaves a rule out.
    #[must_use]
    pub fn without(self, rule: Rule) -> Self {
        Self { rules: self.rules.without(rule), ..self }
    }

    fn keeps(&self, state: &State, promise: Promise) -> bool {
        !self.broken(state).has(promise)
    }

    /// What comes of an action, and what that has meant.
    #[must_use]
    pub fn step(&self, state: &State, action: &Action) -> (State, Events) {
        let (rules, twins) = (self.rules, self.bounds.twins);
        let mut next = Next { rules, twins, state: state.clone(), events: Events::default() };
        next.take(action);
        next.state.broken = next.state.broken.among(self.watched);
        (next.state.canonical(rules.has(Rule::RandomLease)), next.events)
    }
}

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::new(self.bounds).canonical(true)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        possible::all(self, state, actions);
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        Some(self.step(state, &action).0)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("P2 a recorded step stays", |model, state| model.keeps(state, Promise::RecordedStays)),
            Property::always("P3 steps go in order", |model, state| model.keeps(state, Promise::StepsInOrder)),
            Property::always("P4 one lease is valid", |model, state| model.keeps(state, Promise::OneLease)),
            Property::always("P4 lost means lost", |model, state| model.keeps(state, Promise::LostMeansLost)),
            Property::always("P5 one keyword is one row", |model, state| model.keeps(state, Promise::OneKeyword)),
            Property::always("P6 failures cost attempts", |model, state| model.keeps(state, Promise::AttemptsCount)),
            Property::always("P7 one outcome, one callback", |model, state| model.keeps(state, Promise::OneOutcome)),
            Property::always("P9 an effect happens once", |model, state| model.keeps(state, Promise::EffectOnce)),
            Property::always("P10 who lives keeps his lease", |model, state| model.keeps(state, Promise::LivingKeeps)),
            Property::always("a cancel stands", |model, state| model.keeps(state, Promise::CancelStands)),
            Property::always("twins part", |model, state| model.keeps(state, Promise::TwinsPart)),
            Property::sometimes("a job ends", |_, state: &State| state.is_quiet() && has(state, Row::is_settled)),
            Property::sometimes("a dead process had begun a step", |_, state| has(state, |row| row.crashes > 0)),
        ]
    }
}

fn has(state: &State, what: impl Fn(&Row) -> bool) -> bool {
    state.database.rows.iter().flatten().any(what)
}
