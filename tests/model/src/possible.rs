//! What may happen next.

use crate::action::Action;
use crate::database::{Callback, ROWS, Request, Row, STEPS, Status};
use crate::model::Protocol;
use crate::process::{Holder, Phase, Runner};
use crate::rules::Rule;
use crate::state::{NODES, State};
use crate::statement::{Kind, Statement};
use crate::token::Boot;

/// Everything that may happen next.
pub(crate) fn all(protocol: &Protocol, state: &State, actions: &mut Vec<Action>) {
    if !state.broken.is_empty() {
        return;
    }
    let mut possible = Possible { protocol, state, actions };
    possible.on_the_wire();
    possible.of_clients();
    for node in 0..NODES {
        possible.of_process(node);
        (0..ROWS).for_each(|id| possible.of_holder(node, id));
    }
    for id in 0..ROWS {
        if let Some(row) = &state.database.rows[id] {
            possible.of_row(id, row);
        }
    }
    possible.of_the_dead();
    possible.of_the_database();
}

struct Possible<'a> {
    protocol: &'a Protocol,
    state: &'a State,
    actions: &'a mut Vec<Action>,
}

impl<'a> Possible<'a> {
    fn add_if(&mut self, condition: bool, action: Action) {
        if condition {
            self.actions.push(action);
        }
    }

    fn on_the_wire(&mut self) {
        let state = self.state;
        for (at, statement) in state.wire.iter().enumerate() {
            if at > 0 && state.wire[at - 1] == *statement {
                continue;
            }
            let is_awaited = state.waiter(statement).is_some();
            self.actions.push(Action::Land { at });
            self.add_if(is_awaited, Action::LandMute { at });
            self.actions.push(Action::Lose { at });
            let may_repeat = state.left.repeats > 0 && state.has_room() && (is_awaited || is_of_client(statement));
            self.add_if(may_repeat && !matches!(statement, Statement::Commit(_)), Action::Repeat { at });
        }
    }

    fn of_clients(&mut self) {
        let state = self.state;
        if state.left.inserts == 0 || !state.has_room() {
            return;
        }
        for keyword in 0..state.left.keywords {
            self.actions.push(Action::Invoke { keyword });
            for node in 0..NODES {
                let may = state.nodes[node].is_alive && state.nodes[node].expected.is_none();
                self.add_if(may, Action::Bear { node, keyword });
            }
        }
    }

    fn of_process(&mut self, node: usize) {
        let (state, process) = (self.state, &self.state.nodes[node]);
        let other = 1 - node;
        if !process.is_alive {
            self.actions.push(Action::Start { node });
            return;
        }
        let is_well = state.database.lives(process.boot);
        self.add_if(!is_well, Action::Rise { node });
        self.add_if(state.left.crashes > 0, Action::Crash { node });
        self.add_if(state.left.false_deaths > 0 && is_well && state.is_well(other), Action::FalseDeath { node });
        self.add_if(state.left.twins > 0 && state.is_well(other), Action::Twin { node });
        if let Some(row) = process.expected {
            let is_under_way = state.wire.contains(&Statement::Insert(row));
            self.add_if(!is_under_way && state.has_room(), Action::ResendInsert { node });
            self.add_if(state.left.give_ups > 0, Action::GiveUpInsert { node });
        }
    }

    fn of_holder(&mut self, node: usize, id: usize) {
        let state = self.state;
        let process = &state.nodes[node];
        let Some(holder) = process.holders[id].as_ref().filter(|_| process.is_alive) else {
            return self.of_claimer(node, id);
        };
        self.add_if(state.left.give_ups > 0, Action::GiveUp { node, id });
        if let Some(sent) = holder.sent() {
            let is_commit = matches!(sent, Statement::Commit(_));
            let may_resend = !is_commit && !state.wire.contains(&sent) && state.has_room();
            self.add_if(may_resend, Action::Resend { node, id });
            self.add_if(is_commit && state.has_room(), Action::Settle { node, id });
        }
        match holder {
            Holder::Running(runner) => self.of_runner(node, id, runner),
            Holder::Claiming(_) if !self.protocol.rules.has(Rule::KnownBeforeSent) => self.of_reconciler(node, id),
            Holder::Claiming(_) => {}
        }
    }

    fn of_runner(&mut self, node: usize, id: usize, runner: &Runner) {
        match runner.phase {
            Phase::Idle => self.of_idle(node, id, runner),
            Phase::Body => self.of_body(node, id, runner),
            Phase::Parked => self.actions.push(Action::Wake { node, id }),
            Phase::LookingBack(_) => return self.actions.push(Action::LookBack { node, id }),
            _ => return,
        }
        let own = self.state.database.row(id).filter(|row| row.boot == self.state.nodes[node].boot);
        let hears = own.is_some_and(|row| row.request != Request::None && row.request != runner.heard);
        self.add_if(hears && runner.record.status == Status::Running, Action::Hear { node, id });
    }

    fn of_idle(&mut self, node: usize, id: usize, runner: &Runner) {
        let (left, has_room) = (&self.state.left, self.state.has_room());
        self.add_if(runner.is_asked() && has_room, Action::Serve { node, id });
        self.add_if(!runner.is_asked(), Action::Begin { node, id });
        self.add_if(!runner.is_asked() && left.hand_overs > 0 && has_room, Action::HandOver { node, id });
    }

    fn of_body(&mut self, node: usize, id: usize, runner: &Runner) {
        let (state, left) = (self.state, &self.state.left);
        if !state.has_room() {
            return;
        }
        self.actions.push(Action::Succeed { node, id });
        self.add_if(runner.heard == Request::Cancel, Action::Serve { node, id });
        self.add_if(left.failures > 0, Action::Fail { node, id, parks: true });
        self.add_if(left.failures > 0, Action::Fail { node, id, parks: false });
        self.add_if(left.hand_overs > 0, Action::HandOver { node, id });
        // What a transaction has locked may be what a report waits for.
        self.add_if(left.reports > 0 && !state.is_transactional(&runner.record), Action::Report { node, id });
    }

    fn of_claimer(&mut self, node: usize, id: usize) {
        let (state, process) = (self.state, &self.state.nodes[node]);
        let Some(row) = self.work(id).filter(|_| process.is_alive && state.has_room()) else { return };
        self.add_if(row.boot == Boot::NOBODY && !row.is_waiting, Action::Look { node, id });
        let is_expected = process.expected.is_some_and(|expected| expected.lease == row.lease);
        if !is_expected || !self.protocol.rules.has(Rule::KnownBeforeSent) {
            self.of_reconciler(node, id);
        }
    }

    /// A row of this process that it knows nothing of.
    fn of_reconciler(&mut self, node: usize, id: usize) {
        let (state, rules) = (self.state, self.protocol.rules);
        let Some(row) = self.work(id).filter(|row| row.boot == state.nodes[node].boot && state.has_room()) else {
            return;
        };
        let may = rules.has(Rule::Reconcile) && !self.is_being_freed(id, row);
        self.add_if(may, Action::Reconcile { node, id });
    }

    fn work(&self, id: usize) -> Option<&'a Row> {
        self.state.database.row(id).filter(|row| row.has_work(self.protocol.rules))
    }

    fn of_row(&mut self, id: usize, row: &Row) {
        self.add_if(row.is_waiting, Action::Ripen { id });
        if self.state.has_room() {
            self.of_sweepers(id, row);
            self.of_operators(id, row);
        }
    }

    fn of_sweepers(&mut self, id: usize, row: &Row) {
        let (state, rules) = (self.state, self.protocol.rules);
        let is_orphan = row.boot != Boot::NOBODY && row.has_work(rules) && !state.database.lives(row.boot);
        if !is_orphan || !rules.has(Rule::RepeatedSweep) || self.is_being_freed(id, row) {
            return;
        }
        let may = |node: &usize| state.nodes[*node].is_alive && state.nodes[*node].boot != row.boot;
        // Whoever sends it, it is the same statement.
        if let Some(node) = (0..NODES).find(may) {
            self.actions.push(Action::Sweep { node, id });
        }
    }

    fn of_operators(&mut self, id: usize, row: &Row) {
        let (left, rules) = (&self.state.left, self.protocol.rules);
        let is_free = row.boot == Boot::NOBODY;
        self.add_if(left.cancels > 0 && !row.status.is_ended(), Action::Cancel { id });
        let may_pause = row.status == Status::Running && row.request != Request::Cancel;
        self.add_if(left.pauses > 0 && may_pause, Action::Pause { id });
        let is_to_pause = row.status == Status::Running && row.request == Request::Pause;
        self.add_if(left.resumes > 0 && (row.status == Status::Paused || is_to_pause), Action::Resume { id });
        let is_over = row.callback != Callback::Due || !rules.has(Rule::RestartWaitsForCallback);
        if left.restarts > 0 && is_free && is_over {
            let is_reached = |step: &u8| row.outputs[..usize::from(*step)].iter().all(|output| output.is_some());
            let steps = (0..).take(STEPS).filter(is_reached);
            self.actions.extend(steps.map(|step| Action::Restart { id, step }));
        }
    }

    fn of_the_dead(&mut self) {
        let state = self.state;
        if !(0..NODES).any(|node| state.is_well(node)) {
            return;
        }
        for life in state.database.living.iter().flatten() {
            self.add_if(!state.is_run(life.boot), Action::Bury { boot: life.boot });
        }
    }

    fn of_the_database(&mut self) {
        let state = self.state;
        let may = state.left.roll_backs > 0;
        self.add_if(may && state.backup.is_none(), Action::Save);
        let is_other = state.backup.as_ref().is_some_and(|backup| **backup != state.database);
        self.add_if(may && is_other, Action::RollBack);
    }

    /// Whether what frees a row as it is is under way; to look once more would send the same.
    fn is_being_freed(&self, id: usize, row: &Row) -> bool {
        self.state.wire.iter().any(|statement| match statement {
            Statement::Write(write) => (write.kind, write.id, write.seen.lease) == (Kind::Free, id, row.lease),
            _ => false,
        })
    }
}

/// Whether somebody outside has sent it, who tries again as an engine does.
fn is_of_client(statement: &Statement) -> bool {
    match statement {
        Statement::Insert(row) => row.boot == Boot::NOBODY,
        Statement::Ask(_) => true,
        Statement::Write(write) => matches!(write.kind, Kind::Cancel | Kind::Pause | Kind::Resume | Kind::Restart),
        Statement::Claim(_) | Statement::Commit(_) => false,
    }
}
