//! What a process makes of an answer.

use super::Next;
use crate::database::{Callback, Inserted, Request, Row, Status};
use crate::event::Event;
use crate::judge;
use crate::process::{Holder, Phase, Runner};
use crate::promise::Promise;
use crate::rules::Rule;
use crate::statement::{Kind, RequestGuard, Statement, Write, Written};
use crate::token::{Boot, Lease};

/// What a statement came to.
pub(super) enum Answer {
    Inserted(Option<Inserted>),
    Claimed(Option<Row>),
    Written(Written),
    Asked,
}

impl Next {
    pub(super) fn tell(&mut self, node: usize, statement: &Statement, answer: &Answer) {
        match (statement, answer) {
            (Statement::Insert(row), Answer::Inserted(inserted)) => self.tell_inserted(node, row, *inserted),
            (Statement::Claim(claim), Answer::Claimed(row)) => {
                self.state.nodes[node].holders[claim.id] = row.map(|row| Holder::Running(Runner::new(row)));
            }
            (Statement::Write(write), Answer::Written(written)) => self.tell_written(node, write, *written),
            (Statement::Commit(write), Answer::Written(written)) => self.tell_written(node, write, *written),
            _ => {}
        }
    }

    fn tell_inserted(&mut self, node: usize, row: &Row, inserted: Option<Inserted>) {
        self.state.nodes[node].expected = None;
        if let Some(Inserted { id, created: true }) = inserted {
            self.events.add(Event::BornLeased);
            self.state.nodes[node].holders[id] = Some(Holder::Running(Runner::new(*row)));
        }
    }

    fn tell_written(&mut self, node: usize, write: &Write, written: Written) {
        match written {
            Written::Done => self.tell_done(node, write),
            Written::Requested(request) => self.send_serving(node, write.id, request),
            Written::LeaseLost => self.tell_lost(node, write),
        }
    }

    fn tell_done(&mut self, node: usize, write: &Write) {
        let phase = match write.kind {
            // The commit cannot land any more, so the step runs again.
            Kind::Fence => Phase::Idle,
            Kind::Report => Phase::Body,
            _ => return self.landed(node, write.id, write),
        };
        self.events.add(if phase == Phase::Idle { Event::DoubtFenced } else { Event::Reported });
        if let Some(runner) = self.state.nodes[node].runner_mut(write.id) {
            (runner.record.lease, runner.phase) = (write.after.lease, phase);
        }
    }

    fn tell_lost(&mut self, node: usize, write: &Write) {
        let id = write.id;
        let present = self.state.database.row(id).map(|row| row.lease);
        let settling = match self.state.nodes[node].runner(id) {
            Some(Runner { phase: Phase::Settling { commit, .. }, .. }) => Some(*commit),
            _ => None,
        };
        if let Some(commit) = settling.filter(|commit| Some(commit.after.lease) == present) {
            self.events.add(Event::DoubtLanded);
            return self.landed(node, id, &commit);
        }
        if present == Some(write.seen.lease) || present == Some(write.after.lease) {
            self.state.broken.add(Promise::LostMeansLost);
        }
        let phase = self.state.nodes[node].runner(id).map(|runner| runner.phase);
        let former = phase.as_ref().and_then(Phase::former).filter(|former| !former.is_empty());
        if let Some(former) = former.copied() {
            self.set_phase(node, id, Phase::LookingBack(former));
            return;
        }
        self.events.add(Event::LeaseLost);
        if write.kind == Kind::Report {
            // Whatever comes of it is found by the record of the step.
            self.set_phase(node, id, Phase::Body);
            return;
        }
        self.state.nodes[node].holders[id] = None;
    }

    /// Looks whether a form has landed that was refused: its request may have been taken back, and a copy have been under way.
    pub(super) fn look_back(&mut self, node: usize, id: usize) {
        let Some(runner) = self.state.nodes[node].runner(id).copied() else { return };
        let Phase::LookingBack(former) = &runner.phase else { return };
        let present = self.state.database.row(id).map(|row| row.lease);
        if let Some(form) = present.and_then(|lease| former.that_leaves(lease)) {
            self.events.add(Event::FormerLanded);
            return self.landed(node, id, form);
        }
        self.events.add(Event::LeaseLost);
        if present.is_some_and(|lease| judge::takes_for_own(&runner, lease)) {
            self.state.broken.add(Promise::LostMeansLost);
        }
        self.state.nodes[node].holders[id] = None;
    }

    /// Sends what a request makes of a write that it has refused.
    fn send_serving(&mut self, node: usize, id: usize, request: Request) {
        let Some(mut runner) = self.state.nodes[node].runner(id).copied() else { return };
        let owner = runner.record.boot;
        let (Phase::Writing(sending) | Phase::Committing(sending)) = &mut runner.phase else { return };
        if self.rules.has(Rule::LooksForFormerForm) {
            sending.former.add(sending.write);
        }
        sending.write = self.serving(request, sending.plain, owner);
        // It is not sent again as it is.
        sending.plain.after.lease = Lease::default();
        let again = runner.sent();
        self.state.nodes[node].holders[id] = Some(Holder::Running(runner));
        self.state.wire.extend(again);
    }

    fn serving(&mut self, request: Request, plain: Write, owner: Boot) -> Write {
        let mut write = plain;
        write.after.lease = self.lease_after(plain.seen.lease);
        match request {
            Request::Cancel => self.end(&mut write, Status::Cancelled, owner),
            Request::Pause if write.after.status == Status::Running => {
                (write.after.status, write.after.boot) = (Status::Paused, Boot::NOBODY);
            }
            Request::Pause | Request::None => {}
        }
        write.request = RequestGuard::MustBe(request);
        write
    }

    /// Says what a landed write has meant.
    pub(super) fn tell_events(&mut self, before: &Row, write: &Write) {
        let after = &write.after;
        let is_served = matches!(write.request, RequestGuard::MustBe(request) if request != Request::None);
        let events = &mut self.events;
        match write.kind {
            Kind::Record => {
                events.add(Event::Recorded);
                events.add_if(after.status == Status::Succeeded, Event::Succeeded);
                events.add_if(after.status == Status::Cancelled, Event::RecordedAndCancelled);
            }
            Kind::Fail => {
                events.add_if(after.status == before.status && after.callback == before.callback, Event::Retried);
                events.add_if(after.status == Status::Failed && before.status == Status::Running, Event::Failed);
                events.add_if(after.callback == Callback::GivenUp, Event::CallbackGivenUp);
            }
            Kind::CallBack => events.add(Event::CalledBack),
            Kind::Free => events.add_if(before.request != Request::None, Event::FreedWithRequest),
            Kind::Cancel => events.add(Event::CancelledDirectly),
            Kind::Resume => events.add(Event::Resumed),
            Kind::Restart => events.add(Event::Restarted),
            Kind::Serve | Kind::Release | Kind::Report | Kind::Fence | Kind::Pause | Kind::MakeDue => {}
        }
        events.add_if(is_served && after.status == Status::Cancelled, Event::CancelServed);
        events.add_if(is_served && after.status == Status::Paused, Event::PauseServed);
    }

    /// What a free row of a dead life or of this one was.
    pub(super) fn tell_freed(&mut self, before: &Row) {
        let is_dead = !self.state.database.lives(before.boot);
        self.events.add(if is_dead { Event::TakenOver } else { Event::Reconciled });
    }

    pub(super) fn keeps_request(&self) -> RequestGuard {
        if self.rules.has(Rule::FreeKeepsRequest) { RequestGuard::Keep } else { RequestGuard::Clear }
    }
}
