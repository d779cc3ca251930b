//! What follows from an action.

mod answer;
mod clients;
mod engine;
mod lives;
mod wire;

use crate::action::Action;
use crate::event::Events;
use crate::rules::{Rule, Rules};
use crate::state::State;
use crate::token::Lease;

/// A state that is being made.
pub(crate) struct Next {
    pub(crate) rules: Rules,
    /// How many twins may start in the whole history.
    pub(crate) twins: u8,
    pub(crate) state: State,
    pub(crate) events: Events,
}

impl Next {
    pub(crate) fn take(&mut self, action: &Action) {
        match *action {
            Action::Invoke { keyword } => self.invoke(keyword),
            Action::Bear { node, keyword } => self.bear(node, keyword),
            Action::Cancel { id } => self.cancel(id),
            Action::Pause { id } => self.pause(id),
            Action::Resume { id } => self.resume(id),
            Action::Restart { id, step } => self.restart(id, step),
            Action::Look { node, id } => self.look(node, id),
            Action::Begin { node, id } => self.begin(node, id),
            Action::Succeed { node, id } => self.succeed(node, id),
            Action::Fail { node, id, parks } => self.fail(node, id, parks),
            Action::Report { node, id } => self.report(node, id),
            Action::Serve { node, id } => self.serve(node, id),
            Action::HandOver { node, id } => self.hand_over(node, id),
            Action::Hear { node, id } => self.hear(node, id),
            Action::Wake { node, id } => self.wake(node, id),
            Action::Settle { node, id } => self.settle(node, id),
            Action::LookBack { node, id } => self.look_back(node, id),
            Action::GiveUp { node, id } => self.give_up(node, id),
            Action::GiveUpInsert { node } => self.give_up_insert(node),
            Action::Resend { node, id } => self.resend(node, id),
            Action::ResendInsert { node } => self.resend_insert(node),
            Action::Sweep { id, .. } => self.free(id, true),
            Action::Reconcile { id, .. } => self.free(id, false),
            Action::Land { at } => self.land(at, true),
            Action::LandMute { at } => self.land(at, false),
            Action::Lose { at } => drop(self.state.wire.remove(at)),
            Action::Repeat { at } => self.repeat(at),
            Action::Ripen { id } => self.ripen(id),
            Action::Bury { boot } => self.bury(boot),
            Action::Rise { node } => self.rise(node),
            Action::Start { node } => self.start(node),
            Action::Crash { node } => self.crash(node),
            Action::FalseDeath { node } => self.call_dead(node),
            Action::Twin { node } => self.twin(node),
            Action::Save => self.save(),
            Action::RollBack => self.roll_back(),
        }
    }

    /// The token that a write leaves.
    fn lease_after(&mut self, seen: Lease) -> Lease {
        if self.rules.has(Rule::NewLease) { self.lease() } else { seen }
    }

    /// A token that is not in use, or the next one by the database's count.
    fn lease(&mut self) -> Lease {
        if self.rules.has(Rule::RandomLease) {
            return self.state.fresh.lease();
        }
        self.state.database.last_lease.0 += 1;
        self.state.database.last_lease
    }
}
