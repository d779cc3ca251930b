//! Whether what happens keeps the promises. A judge sees everything at once, which nobody in the model does.

use crate::database::{Callback, MOST_CRASHES, Request, Row, STEPS, Status};
use crate::former::Former;
use crate::process::{Holder, Phase, Process, Runner};
use crate::promise::{Promise, Promises};
use crate::state::State;
use crate::statement::{Kind, Write};
use crate::token::{Lease, Output};

/// The bit of an outcome among what was ever committed.
const OUTCOME: u8 = 1 << STEPS;

/// What a row shows to be committed: a bit for each step, and one for an outcome.
pub(crate) fn committed(row: &Row) -> u8 {
    let bits = row.outputs.iter().enumerate().map(|(step, output)| u8::from(output.is_some()) << step);
    bits.sum::<u8>() | if row.status.is_ended() { OUTCOME } else { 0 }
}

/// Judges a body that begins, by what its holder knows, by the row if he holds it, and by what was ever committed.
pub(crate) fn begin(record: &Row, row: Option<&Row>, once: u8, broken: &mut Promises) {
    if record.status != Status::Running {
        let is_due = row.is_none_or(|row| row.callback == Callback::Due);
        if once & OUTCOME == 0 || !is_due {
            broken.add(Promise::OneOutcome);
        }
        return;
    }
    let step = usize::from(record.step);
    let is_recorded = |row: &Row| row.outputs[step].is_some();
    if is_recorded(record) || row.is_some_and(is_recorded) {
        broken.add(Promise::RecordedStays);
    }
    let earlier = (1_u8 << step) - 1;
    let lacks = |committed: u8| committed & earlier != earlier;
    if lacks(once) || row.is_some_and(|row| lacks(committed(row))) {
        broken.add(Promise::StepsInOrder);
    }
}

/// Judges a write that has changed a row.
pub(crate) fn write(write: &Write, before: &Row, after: &Row, broken: &mut Promises) {
    let checks = [
        (Promise::OneLease, before.lease == write.seen.lease),
        (Promise::RecordedStays, write.kind == Kind::Restart || keeps_outputs(before, after)),
        (Promise::AttemptsCount, counts(write, before, after)),
        (Promise::OneOutcome, write.kind == Kind::Restart || keeps_outcome(before, after)),
        (Promise::OneOutcome, keeps_callback(before, after)),
        (Promise::CancelStands, keeps_cancel(write, before, after)),
    ];
    checks.iter().filter(|(_, is_kept)| !is_kept).for_each(|(promise, _)| broken.add(*promise));
}

fn keeps_outputs(before: &Row, after: &Row) -> bool {
    before.outputs.iter().zip(&after.outputs).all(|(before, after)| *before == Output::NONE || before == after)
}

fn counts(write: &Write, before: &Row, after: &Row) -> bool {
    let is_death = write.kind == Kind::Free && after.crashes == (before.crashes + 1).min(MOST_CRASHES);
    let is_new = matches!(write.kind, Kind::Record | Kind::Restart | Kind::Resume);
    let crashes = after.crashes == before.crashes || is_death || after.crashes == 0 && write.kind != Kind::Free;
    let attempts = match write.is_failure() {
        true => after.attempt == before.attempt + 1,
        false => after.attempt == before.attempt || is_new && after.attempt == 0,
    };
    crashes && attempts
}

fn keeps_outcome(before: &Row, after: &Row) -> bool {
    match (before.status.is_ended(), after.status.is_ended()) {
        (true, _) => before.status == after.status,
        (false, true) => after.callback == Callback::Due,
        (false, false) => after.callback == Callback::None,
    }
}

/// A callback that is due comes to an end, and only then another run may begin.
fn keeps_callback(before: &Row, after: &Row) -> bool {
    match before.callback {
        Callback::None => true,
        Callback::Due => after.callback != Callback::None,
        Callback::Done | Callback::GivenUp => after.callback != Callback::Due,
    }
}

fn keeps_cancel(write: &Write, before: &Row, after: &Row) -> bool {
    let is_heeded = after.status.is_ended() || write.kind == Kind::Restart;
    before.request != Request::Cancel
        || is_heeded
        || matches!(write.kind, Kind::Free | Kind::Fence | Kind::Report) && after.request == Request::Cancel
}

/// The process that holds a row, lives by the list of nodes, and knows of it.
pub(crate) fn keeper(state: &State, id: usize, row: &Row) -> Option<usize> {
    let holds = |node: &usize| {
        let process = &state.nodes[*node];
        process.boot == row.boot && state.is_well(*node) && knows(process, id, row.lease)
    };
    (0..state.nodes.len()).find(holds)
}

fn knows(process: &Process, id: usize, lease: Lease) -> bool {
    process.expected.is_some_and(|row| row.lease == lease)
        || match &process.holders[id] {
            None => false,
            Some(Holder::Claiming(claim)) => claim.lease == lease,
            Some(Holder::Running(runner)) => takes_for_own(runner, lease),
        }
}

/// Whether a runner knows this token for that of the row which it holds.
pub(crate) fn takes_for_own(runner: &Runner, lease: Lease) -> bool {
    views(runner).any(|view| view.lease == lease)
}

/// What a runner takes the row to be: as last recorded, or as the write leaves it whose answer it waits for, or a former
/// form of it.
fn views(runner: &Runner) -> impl Iterator<Item = &Row> {
    let sent = match &runner.phase {
        Phase::Idle | Phase::Body | Phase::Parked | Phase::LookingBack(_) => None,
        Phase::Writing(sending) | Phase::Committing(sending) => Some(&sending.write.after),
        Phase::Settling { commit: write, .. } | Phase::Reporting(write) => Some(&write.after),
    };
    let former = runner.phase.former().into_iter().flat_map(Former::iter).map(|form| &form.after);
    [Some(&runner.record), sent].into_iter().flatten().chain(former)
}

/// The promises that were broken on the way to a state, or are in it.
pub(crate) fn state(state: &State) -> Promises {
    let mut broken = state.broken;
    let checks = [
        (Promise::OneLease, has_one_lease(state)),
        (Promise::OneKeyword, has_one_row_a_keyword(state)),
        (Promise::EffectOnce, has_one_effect(state)),
    ];
    checks.iter().filter(|(_, is_kept)| !is_kept).for_each(|(promise, _)| broken.add(*promise));
    broken
}

/// Whether at most one process has the valid lease of each row, and takes the row for what it is.
fn has_one_lease(state: &State) -> bool {
    let rows = state.database.rows.iter().enumerate();
    rows.filter_map(|(id, row)| Some((id, row.as_ref()?))).all(|(id, row)| {
        let runners = state.nodes.iter().filter_map(|node| node.runner(id));
        let mut valid = runners.filter(|runner| views(runner).any(|view| view.lease == row.lease));
        let is_known = |runner: &Runner| views(runner).any(|view| is_same(view, row));
        valid.next().is_none_or(is_known) && valid.next().is_none()
    })
}

/// Whether two are the same, but for what is written without a lease.
fn is_same(view: &Row, row: &Row) -> bool {
    let plain = |row: &Row| Row { request: Request::None, is_waiting: false, birth: 0, ..*row };
    plain(view) == plain(row)
}

/// Whether no keyword has two rows.
fn has_one_row_a_keyword(state: &State) -> bool {
    let keywords = || state.database.rows.iter().flatten().map(|row| row.keyword);
    keywords().enumerate().all(|(place, keyword)| keywords().skip(place + 1).all(|other| other != keyword))
}

/// Whether what the transactional step has done is there exactly if the step is recorded.
fn has_one_effect(state: &State) -> bool {
    let is_told = |row: &Row| state.database.effects[usize::from(row.keyword)] == u8::from(row.outputs[0].is_some());
    !state.left.transactional || state.database.rows.iter().flatten().all(is_told)
}
