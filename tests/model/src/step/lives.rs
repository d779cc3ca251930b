//! Lives that begin and end, and what becomes of their rows.

use super::Next;
use crate::database::{Database, Life, MOST_CRASHES, ROWS, Row, STEPS};
use crate::event::Event;
use crate::process::Process;
use crate::promise::Promise;
use crate::rules::Rule;
use crate::statement::{Kind, Statement, Write};
use crate::token::{Boot, Host, Output};

impl Next {
    /// Sends what makes a row nobody's, as it was seen.
    pub(super) fn free(&mut self, id: usize, accuses: bool) {
        let write = self.freed(id, accuses);
        self.state.wire.extend(write.map(Statement::Write));
    }

    fn freed(&mut self, id: usize, accuses: bool) -> Option<Write> {
        let row = self.state.database.rows[id]?;
        let lease = self.lease_after(row.lease);
        let mut write = Write::unchanged(Kind::Free, id, &row, lease);
        write.request = self.keeps_request();
        write.after.boot = Boot::NOBODY;
        write.after.crashes = (row.crashes + u8::from(accuses && !row.is_waiting)).min(MOST_CRASHES);
        Some(write)
    }

    pub(super) fn crash(&mut self, node: usize) {
        self.state.left.crashes -= 1;
        self.end_process(node);
    }

    fn end_process(&mut self, node: usize) {
        let process = &mut self.state.nodes[node];
        let ended = Process::new(process.boot, process.host);
        *process = Process { is_alive: false, ..ended };
    }

    pub(super) fn bury(&mut self, boot: Boot) {
        self.state.database.bury(|life| life.boot == boot);
        self.sweep_once();
    }

    pub(super) fn call_dead(&mut self, node: usize) {
        self.state.left.false_deaths -= 1;
        self.bury(self.state.nodes[node].boot);
    }

    /// Begins another life; under another name, if a process has taken its own.
    pub(super) fn rise(&mut self, node: usize) {
        self.events.add(Event::RoseAgain);
        let mut host = self.state.nodes[node].host;
        if self.state.database.has_host(host) && self.rules.has(Rule::TwinTakesOtherName) {
            self.events.add(Event::Renamed);
            host = self.state.fresh.host();
        }
        self.begin_life(node, host);
    }

    pub(super) fn start(&mut self, node: usize) {
        self.begin_life(node, self.state.nodes[node].host);
    }

    pub(super) fn twin(&mut self, node: usize) {
        self.state.left.twins -= 1;
        self.end_process(node);
        self.begin_life(node, self.state.nodes[1 - node].host);
    }

    fn begin_life(&mut self, node: usize, host: Host) {
        let boot = self.state.fresh.boot();
        self.state.nodes[node] = Process::new(boot, host);
        self.count_replaced(node, host);
        self.state.database.join(Life { boot, host });
        self.sweep_once();
    }

    /// One life may end for each twin that was started.
    fn count_replaced(&mut self, node: usize, host: Host) {
        let other = &self.state.nodes[1 - node];
        let is_replaced = other.is_alive && other.host == host && self.state.database.lives(other.boot);
        self.state.replaced += u8::from(is_replaced);
        let twins = self.twins_so_far();
        if self.state.replaced > twins && !self.state.has_rolled_back {
            self.state.replaced = twins;
            self.state.broken.add(Promise::TwinsPart);
        }
    }

    fn twins_so_far(&self) -> u8 {
        self.twins - self.state.left.twins
    }

    /// Frees at once what a life that has just ended holds, where that is done only once.
    fn sweep_once(&mut self) {
        if self.rules.has(Rule::RepeatedSweep) {
            return;
        }
        for id in 0..ROWS {
            let boot = self.state.database.row(id).map_or(Boot::NOBODY, |row| row.boot);
            if boot != Boot::NOBODY && !self.state.database.lives(boot) {
                self.free_now(id);
            }
        }
    }

    fn free_now(&mut self, id: usize) {
        if let Some(write) = self.freed(id, true) {
            self.state.database.write(&write, self.rules);
        }
    }

    pub(super) fn save(&mut self) {
        self.state.backup = Some(Box::new(self.state.database));
    }

    pub(super) fn roll_back(&mut self) {
        let Some(backup) = self.state.backup.take() else { return };
        self.tell_forgotten(&backup);
        self.state.left.roll_backs -= 1;
        self.state.has_rolled_back = true;
        self.state.database = *backup;
    }

    fn tell_forgotten(&mut self, backup: &Database) {
        for (now, then) in self.state.database.rows.iter().zip(&backup.rows) {
            self.events.add_if(now.is_some() && then.is_none(), Event::RowForgotten);
            let outputs = |row: &Option<Row>| row.map_or([Output::NONE; STEPS], |row| row.outputs);
            self.events.add_if(then.is_some() && outputs(now) != outputs(then), Event::StepForgotten);
        }
    }
}
