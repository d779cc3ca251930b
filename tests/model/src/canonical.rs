//! One form for all states that differ only in the names of tokens and in which of the two processes is the first.

use crate::database::{Database, Row};
use crate::former::Former;
use crate::process::{Holder, Phase, Process, Runner};
use crate::state::State;
use crate::statement::{Statement, Write};
use crate::token::{Boot, Fresh, Host, Lease, Output};

impl State {
    /// The one form. Leases keep their numbers where these mean something.
    pub(crate) fn canonical(self, leases_are_random: bool) -> Self {
        let mut swapped = self.clone();
        swapped.nodes.swap(0, 1);
        let (first, second) = (renamed(self, leases_are_random), renamed(swapped, leases_are_random));
        first.min(second)
    }
}

fn renamed(mut state: State, leases_are_random: bool) -> State {
    forget_former(&mut state);
    forget_births(&mut state);
    state.wire.sort_unstable();
    let mut names = Names { leases_are_random, ..Names::default() };
    names.of_database(&mut state.database);
    state.nodes.iter_mut().for_each(|node| names.of_process(node));
    state.database.living.iter_mut().flatten().for_each(|life| {
        names.boot(&mut life.boot);
        names.host(&mut life.host);
    });
    state.database.living.sort_unstable_by_key(|life| (life.is_none(), *life));
    if let Some(backup) = &mut state.backup {
        names.of_database(backup);
        names.of_living(backup);
    }
    state.wire.iter_mut().for_each(|statement| names.of_statement(statement));
    state.wire.sort_unstable();
    state.fresh = names.fresh;
    state
}

/// A refused form counts only while a copy of it is under way, or has landed.
fn forget_former(state: &mut State) {
    let State { database, backup, wire, nodes, .. } = state;
    let has_landed = |database: &Database, lease| database.rows.iter().flatten().any(|row| row.lease == lease);
    let is_under_way = |lease| {
        wire.iter().any(|statement| match statement {
            Statement::Write(write) | Statement::Commit(write) => write.after.lease == lease,
            _ => false,
        })
    };
    let may_count = |form: &Write| {
        let lease = form.after.lease;
        is_under_way(lease)
            || has_landed(database, lease)
            || backup.as_ref().is_some_and(|backup| has_landed(backup, lease))
    };
    for former in nodes.iter_mut().flat_map(|node| node.holders.iter_mut().flatten()).filter_map(Holder::former_mut) {
        former.retain(may_count);
    }
}

/// Who made a row matters only while that insert may still be answered.
fn forget_births(state: &mut State) {
    let expected = state.nodes.iter().filter_map(|node| node.expected.map(|row| row.birth));
    let sent = state.wire.iter().filter_map(|statement| match statement {
        Statement::Insert(row) => Some(row.birth),
        _ => None,
    });
    let births: u32 = expected.chain(sent).fold(0, |births, birth| births | 1 << birth);
    let forget = |row: &mut Row| row.birth = if births & (1 << row.birth) == 0 { 0 } else { row.birth };
    let is_insert = |statement: &&mut Statement| matches!(statement, Statement::Insert(_));
    state.database.rows.iter_mut().flatten().for_each(forget);
    state.backup.iter_mut().flat_map(|backup| backup.rows.iter_mut().flatten()).for_each(forget);
    let holders = state.nodes.iter_mut().flat_map(|node| node.holders.iter_mut().flatten());
    holders.for_each(|holder| each_row(holder, forget));
    state.wire.iter_mut().filter(|statement| !is_insert(statement)).for_each(|statement| match statement {
        Statement::Write(write) | Statement::Commit(write) => forget(&mut write.after),
        _ => {}
    });
}

fn each_row(holder: &mut Holder, forget: impl Fn(&mut Row)) {
    let Holder::Running(runner) = holder else { return };
    forget(&mut runner.record);
    runner.phase.former_mut().into_iter().flat_map(Former::iter_mut).for_each(|form| forget(&mut form.after));
    match &mut runner.phase {
        Phase::Idle | Phase::Body | Phase::Parked | Phase::LookingBack(_) => {}
        Phase::Reporting(write) => forget(&mut write.after),
        Phase::Writing(sending) | Phase::Committing(sending) => {
            forget(&mut sending.write.after);
            forget(&mut sending.plain.after);
        }
        Phase::Settling { fence, commit } => {
            forget(&mut fence.after);
            forget(&mut commit.after);
        }
    }
}

/// Gives names in the order in which they are met.
#[derive(Default)]
struct Names {
    leases_are_random: bool,
    leases: Map,
    boots: Map,
    hosts: Map,
    outputs: Map,
    fresh: Fresh,
}

/// The new number of each number; 0 where it has none.
struct Map([u8; 64]);

impl Default for Map {
    fn default() -> Self {
        Self([0; 64])
    }
}

impl Map {
    fn rename(&mut self, number: &mut u8, last: &mut u8) {
        // Nothing is nothing under all names.
        if *number == 0 {
            return;
        }
        let name = &mut self.0[usize::from(*number)];
        if *name == 0 {
            *last += 1;
            *name = *last;
        }
        *number = *name;
    }
}

impl Names {
    fn lease(&mut self, lease: &mut Lease) {
        if self.leases_are_random {
            self.leases.rename(&mut lease.0, &mut self.fresh.lease);
        }
    }

    fn boot(&mut self, boot: &mut Boot) {
        self.boots.rename(&mut boot.0, &mut self.fresh.boot);
    }

    fn host(&mut self, host: &mut Host) {
        self.hosts.rename(&mut host.0, &mut self.fresh.host);
    }

    fn output(&mut self, output: &mut Output) {
        self.outputs.rename(&mut output.0, &mut self.fresh.output);
    }

    fn of_row(&mut self, row: &mut Row) {
        self.lease(&mut row.lease);
        self.boot(&mut row.boot);
        row.outputs.iter_mut().for_each(|output| self.output(output));
    }

    fn of_database(&mut self, database: &mut Database) {
        database.rows.iter_mut().flatten().for_each(|row| self.of_row(row));
    }

    fn of_living(&mut self, database: &mut Database) {
        database.living.iter_mut().flatten().for_each(|life| {
            self.boot(&mut life.boot);
            self.host(&mut life.host);
        });
        database.living.sort_unstable_by_key(|life| (life.is_none(), *life));
    }

    fn of_process(&mut self, process: &mut Process) {
        self.boot(&mut process.boot);
        self.host(&mut process.host);
        process.expected.iter_mut().for_each(|row| self.of_row(row));
        process.holders.iter_mut().flatten().for_each(|holder| match holder {
            Holder::Claiming(claim) => {
                self.lease(&mut claim.seen);
                self.lease(&mut claim.lease);
                self.boot(&mut claim.boot);
            }
            Holder::Running(runner) => self.of_runner(runner),
        });
    }

    fn of_runner(&mut self, runner: &mut Runner) {
        self.of_row(&mut runner.record);
        match &mut runner.phase {
            Phase::Idle | Phase::Body | Phase::Parked | Phase::LookingBack(_) => {}
            Phase::Reporting(write) => self.of_write(write),
            Phase::Writing(sending) | Phase::Committing(sending) => {
                self.of_write(&mut sending.write);
                self.of_write(&mut sending.plain);
            }
            Phase::Settling { fence, commit } => {
                self.of_write(fence);
                self.of_write(commit);
            }
        }
        runner.phase.former_mut().into_iter().flat_map(Former::iter_mut).for_each(|form| self.of_write(form));
    }

    fn of_write(&mut self, write: &mut Write) {
        self.lease(&mut write.seen.lease);
        self.of_row(&mut write.after);
    }

    fn of_statement(&mut self, statement: &mut Statement) {
        match statement {
            Statement::Insert(row) => self.of_row(row),
            Statement::Claim(claim) => {
                self.lease(&mut claim.seen);
                self.lease(&mut claim.lease);
                self.boot(&mut claim.boot);
            }
            Statement::Write(write) | Statement::Commit(write) => self.of_write(write),
            Statement::Ask(_) => {}
        }
    }
}
