//! Carrying out statements.

use super::Next;
use super::answer::Answer;
use crate::database::Row;
use crate::event::Event;
use crate::judge;
use crate::process::Phase;
use crate::promise::Promise;
use crate::statement::{Ask, Claim, Kind, Statement, Write, Written};
use crate::token::Output;

impl Next {
    pub(super) fn repeat(&mut self, at: usize) {
        self.state.left.repeats -= 1;
        self.state.wire.push(self.state.wire[at]);
    }

    pub(super) fn resend(&mut self, node: usize, id: usize) {
        let sent = self.state.nodes[node].holders[id].and_then(|holder| holder.sent());
        self.state.wire.extend(sent);
    }

    pub(super) fn resend_insert(&mut self, node: usize) {
        self.state.wire.extend(self.state.nodes[node].expected.map(Statement::Insert));
    }

    /// Carries out a statement, and tells whoever waits for it.
    pub(super) fn land(&mut self, at: usize, is_heard: bool) {
        let statement = self.state.wire.remove(at);
        let waiter = self.state.waiter(&statement);
        let answer = match &statement {
            Statement::Insert(row) => self.insert(row),
            Statement::Claim(claim) => self.claim(claim),
            Statement::Write(write) | Statement::Commit(write) => self.write(write, &statement, waiter),
            Statement::Ask(ask) => self.request(ask),
        };
        self.events.add_if(waiter.is_some() && !is_heard, Event::AnswerLost);
        if let Some(node) = waiter.filter(|_| is_heard) {
            self.tell(node, &statement, &answer);
        }
    }

    fn insert(&mut self, row: &Row) -> Answer {
        let before = self.state.database.rows;
        let inserted = self.state.database.insert(row, self.rules);
        let is_new = self.state.database.rows != before;
        let created = inserted.is_some_and(|inserted| inserted.created);
        self.events.add_if(!is_new && !created, Event::KeywordTaken);
        self.events.add_if(!is_new && created, Event::InsertedTwice);
        Answer::Inserted(inserted)
    }

    fn claim(&mut self, claim: &Claim) -> Answer {
        let before = self.state.database.rows[claim.id];
        let claimed = self.state.database.claim(claim, self.rules);
        let is_new = self.state.database.rows[claim.id] != before;
        self.events.add_if(is_new && !self.state.database.lives(claim.boot), Event::LateClaim);
        Answer::Claimed(claimed)
    }

    fn write(&mut self, write: &Write, statement: &Statement, waiter: Option<usize>) -> Answer {
        let Some(before) = self.state.database.rows[write.id] else { return Answer::Written(Written::LeaseLost) };
        let keeper = judge::keeper(&self.state, write.id, &before);
        let written = self.state.database.write(write, self.rules);
        let after = self.state.database.rows[write.id].unwrap_or_default();
        if after == before {
            self.events.add_if(waiter.is_none() && written == Written::LeaseLost, Event::LateRefused);
            self.events.add_if(written == Written::Done, Event::FoundLanded);
            return Answer::Written(written);
        }
        if matches!(statement, Statement::Commit(_)) {
            self.state.database.effects[usize::from(after.keyword)] += 1;
        }
        self.note(write, &before, &after);
        let is_own = keeper.is_none_or(|node| self.state.nodes[node].awaits(statement) || self.is_known(node, write));
        if !is_own && !self.state.has_rolled_back {
            self.state.broken.add(Promise::LivingKeeps);
        }
        Answer::Written(written)
    }

    /// Judges what a write has done, and remembers it for later.
    fn note(&mut self, write: &Write, before: &Row, after: &Row) {
        judge::write(write, before, after, &mut self.state.broken);
        let keyword = usize::from(after.keyword);
        self.state.once[keyword] |= judge::committed(after);
        if write.kind == Kind::Restart && after.outputs[0] == Output::NONE {
            self.state.database.effects[keyword] = 0;
        }
        self.tell_events(before, write);
        if write.kind == Kind::Free {
            self.tell_freed(before);
        } else {
            let is_over = before.boot.0 != 0 && !self.state.is_run(before.boot);
            self.events.add_if(is_over, Event::LandedAfterDeath);
            let is_unawaited = self.state.waiter(&Statement::Write(*write)).is_none();
            self.events.add_if(self.state.has_rolled_back && is_unawaited, Event::LandedAgain);
        }
    }

    /// Whether it is the commit that this process is about to settle, or a former form of what it has sent.
    fn is_known(&self, node: usize, write: &Write) -> bool {
        self.state.nodes[node].runner(write.id).is_some_and(|runner| match &runner.phase {
            Phase::Settling { commit, .. } => commit == write,
            phase => phase.former().is_some_and(|former| former.iter().any(|form| form == write)),
        })
    }

    fn request(&mut self, ask: &Ask) -> Answer {
        let before = self.state.database.rows[ask.id];
        if self.state.database.request(ask.id, ask.keyword, ask.request, self.rules) {
            let is_meant = before.is_some_and(|row| row.keyword == ask.keyword);
            if !is_meant {
                self.state.broken.add(Promise::CancelStands);
            }
            self.events.add_if(before.is_some_and(|row| row.restarts != ask.run), Event::RequestOutlivedRun);
        }
        Answer::Asked
    }

    pub(super) fn ripen(&mut self, id: usize) {
        self.state.database.rows[id].iter_mut().for_each(|row| row.is_waiting = false);
    }
}
