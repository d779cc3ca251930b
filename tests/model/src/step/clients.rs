//! Those who invoke jobs, and those who operate them.

use super::Next;
use crate::database::{Callback, Request, Row, Status};
use crate::rules::Rule;
use crate::statement::{Ask, Due, Kind, RequestGuard, Statement, Write};
use crate::token::{Boot, Output};

impl Next {
    pub(super) fn invoke(&mut self, keyword: u8) {
        let row = self.new_row(keyword, Boot::NOBODY);
        self.state.wire.push(Statement::Insert(row));
    }

    pub(super) fn bear(&mut self, node: usize, keyword: u8) {
        let row = self.new_row(keyword, self.state.nodes[node].boot);
        self.state.nodes[node].expected = Some(row);
        self.state.wire.push(Statement::Insert(row));
    }

    fn new_row(&mut self, keyword: u8, boot: Boot) -> Row {
        let birth = self.state.left.inserts;
        self.state.left.inserts -= 1;
        let lease = self.lease();
        Row { keyword, birth, lease, boot, ..Row::default() }
    }

    pub(super) fn cancel(&mut self, id: usize) {
        self.state.left.cancels -= 1;
        let Some(row) = self.state.database.rows[id] else { return };
        if row.boot != Boot::NOBODY && self.rules.has(Rule::AskTheHolder) {
            return self.ask(id, &row, Request::Cancel);
        }
        let mut write = self.operated(Kind::Cancel, id, &row);
        let after = &mut write.after;
        (after.status, after.callback, after.callback_attempt) = (Status::Cancelled, Callback::Due, 0);
        write.due = Due::Now;
        self.state.wire.push(Statement::Write(write));
    }

    pub(super) fn pause(&mut self, id: usize) {
        self.state.left.pauses -= 1;
        let Some(row) = self.state.database.rows[id] else { return };
        if row.boot != Boot::NOBODY {
            return self.ask(id, &row, Request::Pause);
        }
        let mut write = self.operated(Kind::Pause, id, &row);
        write.after.status = Status::Paused;
        self.state.wire.push(Statement::Write(write));
    }

    pub(super) fn resume(&mut self, id: usize) {
        self.state.left.resumes -= 1;
        let Some(row) = self.state.database.rows[id] else { return };
        if row.status == Status::Running && row.boot != Boot::NOBODY {
            return self.ask(id, &row, Request::None);
        }
        let mut write = self.operated(Kind::Resume, id, &row);
        if row.status == Status::Paused {
            let after = &mut write.after;
            (after.status, after.attempt, after.crashes) = (Status::Running, 0, 0);
            write.due = Due::Now;
        }
        self.state.wire.push(Statement::Write(write));
    }

    pub(super) fn restart(&mut self, id: usize, step: u8) {
        self.state.left.restarts -= 1;
        let Some(row) = self.state.database.rows[id] else { return };
        let mut write = self.operated(Kind::Restart, id, &row);
        let after = &mut write.after;
        (after.status, after.callback, after.callback_attempt) = (Status::Running, Callback::None, 0);
        (after.attempt, after.crashes, after.step) = (0, 0, step);
        after.restarts += 1;
        after.outputs.iter_mut().skip(usize::from(step)).for_each(|output| *output = Output::NONE);
        write.due = Due::Now;
        self.state.wire.push(Statement::Write(write));
    }

    fn operated(&mut self, kind: Kind, id: usize, row: &Row) -> Write {
        let lease = self.lease_after(row.lease);
        Write { request: RequestGuard::Clear, ..Write::unchanged(kind, id, row, lease) }
    }

    fn ask(&mut self, id: usize, row: &Row, request: Request) {
        let ask = Ask { id, keyword: row.keyword, run: row.restarts, request };
        self.state.wire.push(Statement::Ask(ask));
    }
}
