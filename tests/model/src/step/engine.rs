//! What a claimer and a runner do.

use super::Next;
use crate::database::{Callback, Request, Row, STEPS, Status};
use crate::event::Event;
use crate::judge;
use crate::process::{Holder, Phase, Runner, Sending};
use crate::rules::Rule;
use crate::statement::{Claim, Due, Kind, RequestGuard, Statement, Write};
use crate::token::Boot;

impl Next {
    pub(super) fn look(&mut self, node: usize, id: usize) {
        let Some(row) = self.state.database.rows[id] else { return };
        let lease = self.lease();
        let claim = Claim { id, seen: row.lease, lease, boot: self.state.nodes[node].boot };
        self.state.nodes[node].holders[id] = Some(Holder::Claiming(claim));
        self.state.wire.push(Statement::Claim(claim));
    }

    pub(super) fn begin(&mut self, node: usize, id: usize) {
        let Some(record) = self.set_phase(node, id, Phase::Body) else { return };
        let row = self.state.database.row(id);
        let is_valid = row.is_some_and(|row| row.lease == record.lease);
        self.events.add_if(!is_valid, Event::StrangerBegan);
        let once = self.state.once[usize::from(record.keyword)];
        judge::begin(&record, row.filter(|_| is_valid), once, &mut self.state.broken);
    }

    pub(super) fn succeed(&mut self, node: usize, id: usize) {
        let Some(record) = self.record(node, id) else { return };
        if record.status != Status::Running {
            let write = self.over(&record, id, Callback::Done);
            return self.send(node, id, write);
        }
        let write = self.recorded(&record, id);
        if self.state.is_transactional(&record) {
            return self.send_effect(node, id, write);
        }
        self.send(node, id, write);
    }

    /// The record of a step, and the outcome if it was the last.
    fn recorded(&mut self, record: &Row, id: usize) -> Write {
        let mut write = self.unchanged(Kind::Record, record, id);
        let after = &mut write.after;
        after.outputs[usize::from(after.step)] = self.state.fresh.output();
        (after.attempt, after.crashes) = (0, 0);
        after.step += 1;
        if usize::from(after.step) == STEPS {
            self.end(&mut write, Status::Succeeded, record.boot);
        }
        write
    }

    /// Commits what a transactional step has done, together with its record.
    fn send_effect(&mut self, node: usize, id: usize, write: Write) {
        if self.rules.has(Rule::EffectWithRecord) {
            self.set_phase(node, id, Phase::Committing(Sending::new(write)));
            return self.state.wire.push(Statement::Commit(write));
        }
        self.state.database.effects[usize::from(write.after.keyword)] += 1;
        self.send(node, id, write);
    }

    pub(super) fn fail(&mut self, node: usize, id: usize, parks: bool) {
        self.state.left.failures -= 1;
        let Some(record) = self.record(node, id) else { return };
        let mut write = self.unchanged(Kind::Fail, &record, id);
        let is_callback = record.status != Status::Running;
        let failed = if is_callback { &mut write.after.callback_attempt } else { &mut write.after.attempt };
        *failed += 1;
        let is_last = *failed > self.state.left.retries;
        if is_callback {
            write.request = RequestGuard::Keep;
        }
        match (is_last, is_callback) {
            (false, _) => {
                write.due = Due::Later;
                write.after.boot = if parks { record.boot } else { Boot::NOBODY };
            }
            (true, true) => (write.after.callback, write.after.boot) = (Callback::GivenUp, Boot::NOBODY),
            (true, false) => {
                self.end(&mut write, Status::Failed, record.boot);
                // Who gives up because he is told to cancel makes a cancelled job.
                write.request = RequestGuard::MustBe(Request::None);
            }
        }
        self.send(node, id, write);
    }

    pub(super) fn report(&mut self, node: usize, id: usize) {
        self.state.left.reports -= 1;
        let Some(record) = self.record(node, id) else { return };
        // A request is not served by this write, so it must not be in its way.
        let write = Write { request: RequestGuard::Keep, ..self.unchanged(Kind::Report, &record, id) };
        self.set_phase(node, id, Phase::Reporting(write));
        self.state.wire.push(Statement::Write(write));
    }

    /// Asks the row what is asked, by a write that changes nothing.
    pub(super) fn serve(&mut self, node: usize, id: usize) {
        let Some(runner) = self.state.nodes[node].runner_mut(id) else { return };
        (runner.record.request, runner.heard) = (Request::None, Request::None);
        let record = runner.record;
        let write = self.unchanged(Kind::Serve, &record, id);
        self.send(node, id, write);
    }

    pub(super) fn hand_over(&mut self, node: usize, id: usize) {
        self.state.left.hand_overs -= 1;
        let Some(record) = self.record(node, id) else { return };
        let mut write = self.unchanged(Kind::Release, &record, id);
        write.after.boot = Boot::NOBODY;
        if record.status != Status::Running {
            write.request = RequestGuard::Keep;
        }
        self.send(node, id, write);
    }

    pub(super) fn hear(&mut self, node: usize, id: usize) {
        let request = self.state.database.row(id).map_or(Request::None, |row| row.request);
        let Some(runner) = self.state.nodes[node].runner_mut(id) else { return };
        runner.heard = request;
        if runner.phase == Phase::Parked {
            runner.phase = Phase::Idle;
        }
    }

    pub(super) fn wake(&mut self, node: usize, id: usize) {
        self.set_phase(node, id, Phase::Idle);
    }

    /// Finds out what became of a commit that was not answered.
    pub(super) fn settle(&mut self, node: usize, id: usize) {
        let Some(Runner { record, phase: Phase::Committing(Sending { write: commit, .. }), .. }) =
            self.state.nodes[node].runner(id).copied()
        else {
            return;
        };
        if !self.rules.has(Rule::UndecidedRunsAgain) {
            return self.landed(node, id, &commit);
        }
        if !self.rules.has(Rule::FenceSettles) {
            return self.settle_by_look(node, id, &record, &commit);
        }
        let lease = self.lease_after(record.lease);
        let fence = Write::unchanged(Kind::Fence, id, &record, lease);
        let fence = Write { request: RequestGuard::Keep, ..fence };
        self.set_phase(node, id, Phase::Settling { fence, commit });
        self.state.wire.push(Statement::Write(fence));
    }

    fn settle_by_look(&mut self, node: usize, id: usize, record: &Row, commit: &Write) {
        match self.state.database.row(id).map(|row| row.lease) {
            Some(lease) if lease == commit.after.lease => self.landed(node, id, commit),
            Some(lease) if lease == record.lease => drop(self.set_phase(node, id, Phase::Idle)),
            _ => self.state.nodes[node].holders[id] = None,
        }
    }

    pub(super) fn give_up(&mut self, node: usize, id: usize) {
        self.state.left.give_ups -= 1;
        self.state.nodes[node].holders[id] = None;
    }

    pub(super) fn give_up_insert(&mut self, node: usize) {
        self.state.left.give_ups -= 1;
        self.state.nodes[node].expected = None;
    }

    /// Sends a write, and waits for its answer.
    pub(super) fn send(&mut self, node: usize, id: usize, write: Write) {
        self.state.wire.push(Statement::Write(write));
        self.set_phase(node, id, Phase::Writing(Sending::new(write)));
        if !self.rules.has(Rule::AnswerAfterCommit) {
            self.landed(node, id, &write);
        }
    }

    /// Takes over what a write has left in the row.
    pub(super) fn landed(&mut self, node: usize, id: usize, write: &Write) {
        let Some(runner) = self.state.nodes[node].runner_mut(id) else { return };
        let request = if write.request == RequestGuard::Keep { runner.record.request } else { Request::None };
        let is_retry = write.due == Due::Later && write.after.status == runner.record.status;
        runner.record = Row { request, ..write.after };
        runner.phase = if is_retry { Phase::Parked } else { Phase::Idle };
        let record = runner.record;
        if record.boot == Boot::NOBODY {
            self.state.nodes[node].holders[id] = None;
        } else if record.status.is_ended() && record.callback == Callback::None {
            let mut write = self.unchanged(Kind::MakeDue, &record, id);
            write.after.callback = Callback::Due;
            self.send(node, id, write);
        }
    }

    fn over(&mut self, record: &Row, id: usize, callback: Callback) -> Write {
        let mut write = self.unchanged(Kind::CallBack, record, id);
        (write.after.callback, write.after.boot) = (callback, Boot::NOBODY);
        write.request = RequestGuard::Keep;
        write
    }

    /// Makes an outcome of a write, and the callback due in it.
    pub(super) fn end(&self, write: &mut Write, status: Status, owner: Boot) {
        let after = &mut write.after;
        (after.status, after.callback_attempt, after.crashes, after.boot) = (status, 0, 0, owner);
        after.callback = if self.rules.has(Rule::CallbackWithOutcome) { Callback::Due } else { Callback::None };
        (write.request, write.due) = (RequestGuard::Clear, Due::Now);
    }

    fn unchanged(&mut self, kind: Kind, record: &Row, id: usize) -> Write {
        let lease = self.lease_after(record.lease);
        Write::unchanged(kind, id, record, lease)
    }

    fn record(&self, node: usize, id: usize) -> Option<Row> {
        self.state.nodes[node].runner(id).map(|runner| runner.record)
    }

    pub(super) fn set_phase(&mut self, node: usize, id: usize, phase: Phase) -> Option<Row> {
        let runner = self.state.nodes[node].runner_mut(id)?;
        runner.phase = phase;
        Some(runner.record)
    }
}
