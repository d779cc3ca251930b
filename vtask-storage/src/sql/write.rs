//! Guarded writes.

use sea_orm::{DbErr, QueryResult};

use super::batch::{Cell, Column, Kind, Template};
use super::lent::{Lent, On};
use super::statements::{Statements, list};
use crate::error::StorageError;
use crate::mutant::is_mutant;
use crate::value::{
    Change, Due, Guard, Hash, JobId, JobWrite, Lease, Request, RequestGuard, RowError, Written, micros,
};

pub(super) const COLUMNS: &[Column] = &[
    ("id", Kind::Big),
    ("old_lease", Kind::Big),
    ("old_status", Kind::Int),
    ("old_step", Kind::Int),
    ("request_guard", Kind::Int),
    ("request_keep", Kind::Int),
    ("lease", Kind::Big),
    ("status", Kind::Int),
    ("step", Kind::Int),
    ("step_name", Kind::Text),
    ("steps", Kind::Int),
    ("plan", Kind::Big),
    ("callback", Kind::Int),
    ("callback_attempt", Kind::Int),
    ("boot", Kind::Big),
    ("host", Kind::Text),
    ("attempt", Kind::Int),
    ("crashes", Kind::Int),
    ("restarts", Kind::Int),
    ("reason", Kind::Int),
    ("work", Kind::Int),
    ("due_kind", Kind::Int),
    ("due", Kind::Big),
    ("error", Kind::Maybe),
    ("progress", Kind::Maybe),
    ("input", Kind::Maybe),
    ("responses", Kind::Maybe),
    ("history", Kind::Maybe),
    ("generations", Kind::Maybe),
];

pub(super) const TEMPLATE: Template = Template::Update {
    set: "lease = :lease, status = :status, step = :step, step_name = :step_name, steps = :steps, plan = :plan, \
          callback = :callback, callback_attempt = :callback_attempt, boot = :boot, host = :host, attempt = :attempt, \
          crashes = :crashes, restarts = :restarts, reason = :reason, work = :work, wake_at = CASE :due_kind WHEN 0 \
          THEN t.wake_at WHEN 1 THEN {now} + :due ELSE :due END, error = :error, progress = :progress, input = \
          coalesce(:input, t.input), responses = coalesce(:responses, t.responses), history = coalesce(:history, \
          t.history), generations = coalesce(:generations, t.generations), request = t.request * :request_keep, \
          update_time = {now}",
    guard: "t.lease = :old_lease AND t.status + 0 = :old_status AND t.step = :old_step AND (:request_guard < 0 OR \
            t.request = :request_guard)",
    returning: "",
};

/// Those of a [`Change::Step`]: what it leaves as it is does not go to the database and back.
pub(super) const STEP_COLUMNS: &[Column] = &[
    ("id", Kind::Big),
    ("old_lease", Kind::Big),
    ("lease", Kind::Big),
    ("old_step", Kind::Int),
    ("step", Kind::Int),
    ("status", Kind::Int),
    ("callback", Kind::Int),
    ("step_name", Kind::Text),
    ("input", Kind::Maybe),
    ("responses", Kind::Text),
    ("history", Kind::Text),
];

pub(super) const STEP_TEMPLATE: Template = Template::Update {
    set: "lease = :lease, step = :step, step_name = :step_name, status = :status, callback = :callback, boot = CASE WHEN \
          :status = 0 OR :callback = 1 THEN t.boot ELSE 0 END, work = CASE WHEN :status = 0 OR :callback = 1 THEN 1 ELSE 0 \
          END, input = coalesce(:input, t.input), responses = :responses, history = :history, request = 0, update_time = \
          {now}",
    guard: "t.lease = :old_lease AND t.status + 0 = 0 AND t.step = :old_step AND (:status <> 0 OR t.request = 0)",
    returning: "",
};

/// Carries out at most [`MOST_ROWS`](super::batch::MOST_ROWS) writes, in the order of their ids, so that two batches cannot
/// wait for each other.
pub(super) async fn write(sql: &Statements, on: &On<'_>, writes: &[&JobWrite]) -> Result<Vec<Written>, StorageError> {
    if writes.is_empty() {
        return Ok(Vec::new());
    }
    if is_mutant("read, check, write") {
        return read_check_write(sql, on, writes).await;
    }
    if send(sql, on, writes).await? == writes.len() as u64 {
        return Ok(vec![Written::Done; writes.len()]);
    }
    let present = present(sql, on, writes.iter().map(|write| write.id.0).collect()).await?;
    writes.iter().map(|write| outcome(write, &present).map_err(StorageError::Row)).collect()
}

/// A bug: what is read may have changed before the write.
async fn read_check_write(sql: &Statements, on: &On<'_>, writes: &[&JobWrite]) -> Result<Vec<Written>, StorageError> {
    let seen = present(sql, on, writes.iter().map(|write| write.id.0).collect()).await?;
    let fits = |write: &&JobWrite| seen.iter().any(|row| row.id == write.id && row.fits(&write.guard));
    let (fitting, refused): (Vec<&JobWrite>, Vec<&JobWrite>) = writes.iter().copied().partition(fits);
    if !fitting.is_empty() {
        send(sql, on, &fitting).await?;
    }
    let is_refused = |write: &&JobWrite| refused.iter().any(|refused| refused.id == write.id);
    writes
        .iter()
        .map(|write| if is_refused(write) { outcome(write, &seen) } else { Ok(Written::Done) })
        .collect::<Result<_, _>>()
        .map_err(StorageError::Row)
}

/// Answers how many landed.
async fn send(sql: &Statements, on: &On<'_>, writes: &[&JobWrite]) -> Result<u64, StorageError> {
    let (batch, cells): (_, Vec<Cell<'_>>) = match writes.iter().all(|write| write.change == Change::Step) {
        true => (&sql.step, writes.iter().flat_map(|write| step_cells(write)).collect()),
        false => (&sql.write, writes.iter().flat_map(|write| cells(write)).collect()),
    };
    sql.run_batch(on, batch, &cells).await
}

fn cells(write: &JobWrite) -> [Cell<'_>; COLUMNS.len()] {
    let (state, (due_kind, due)) = (&write.state, due_columns(write.due));
    [
        Cell::Big(write.id.0),
        Cell::Big(write.guard.lease.0),
        Cell::Int(write.guard.status.code()),
        Cell::Int(write.guard.step),
        Cell::Int(demanded(write).map_or(-1, Request::code)),
        Cell::Int(i32::from(write.request == RequestGuard::Keep)),
        Cell::Big(write.lease.0),
        Cell::Int(state.status.code()),
        Cell::Int(state.step),
        Cell::Text(&state.step_name),
        Cell::Int(state.steps),
        Cell::Big(state.plan),
        Cell::Int(state.callback.code()),
        Cell::Int(state.callback_attempt),
        Cell::Big(state.boot.0),
        Cell::Text(&state.host),
        Cell::Int(state.attempt),
        Cell::Int(state.crashes),
        Cell::Int(state.restarts),
        Cell::Int(state.reason.code()),
        Cell::Int(i32::from(state.has_work())),
        Cell::Int(due_kind),
        Cell::Big(due),
        Cell::Maybe(write.error.as_deref()),
        Cell::Maybe(write.progress.as_deref()),
        Cell::Maybe(write.input.as_deref()),
        Cell::Maybe(write.outputs.as_deref()),
        Cell::Maybe(write.history.as_deref()),
        Cell::Maybe(write.generations.as_deref()),
    ]
}

fn step_cells(write: &JobWrite) -> [Cell<'_>; STEP_COLUMNS.len()] {
    let state = &write.state;
    [
        Cell::Big(write.id.0),
        Cell::Big(write.guard.lease.0),
        Cell::Big(write.lease.0),
        Cell::Int(write.guard.step),
        Cell::Int(state.step),
        Cell::Int(state.status.code()),
        Cell::Int(state.callback.code()),
        Cell::Text(&state.step_name),
        Cell::Maybe(write.input.as_deref()),
        Cell::Text(write.outputs.as_deref().unwrap_or("{}")),
        Cell::Text(write.history.as_deref().unwrap_or("[]")),
    ]
}

/// What has to be asked of the holder for the write to land; `None` if that does not matter.
fn demanded(write: &JobWrite) -> Option<Request> {
    match write.request {
        RequestGuard::MustBe(request) => Some(request),
        RequestGuard::Keep | RequestGuard::Clear => None,
    }
}

/// The kind of a due time and its number: 0 keeps, 1 counts from now, 2 is absolute.
pub(super) fn due_columns(due: Due) -> (i32, i64) {
    // A sum past the last integer is an error, or a REAL in SQLite, and would refuse all its neighbours with it.
    const LONGEST: i64 = i64::MAX / 2;
    match due {
        Due::Keep => (0, 0),
        Due::In(wait) => (1, micros(wait).min(LONGEST)),
        Due::At(time) => (2, time.0),
    }
}

/// What a refused row holds now.
struct Present {
    id: JobId,
    lease: Lease,
    status: i32,
    step: i32,
    request: i32,
}

impl Present {
    fn fits(&self, guard: &Guard) -> bool {
        (self.lease, self.status, self.step) == (guard.lease, guard.status.code(), guard.step)
    }

    fn request(&self) -> Result<Request, RowError> {
        let value = || format!("{}, which this version does not know", self.request);
        Request::from_code(self.request).ok_or_else(|| RowError { id: self.id, column: "request", value: value() })
    }
}

async fn present(sql: &Statements, on: &On<'_>, refused: Vec<i64>) -> Result<Vec<Present>, StorageError> {
    let (ids, values) = list(refused.into_iter());
    let text =
        format!("SELECT id, lease, status, step, request FROM {{prefix}}task WHERE id IN ({ids}) ORDER BY id{{lock}}");
    let rows = sql.all_on(on, sql.statement(&text, values)).await?;
    sql.read(&rows, read_present)
}

fn read_present(row: &QueryResult) -> Result<Present, DbErr> {
    Ok(Present {
        id: JobId(row.try_get_by_index(0)?),
        lease: Lease(row.try_get_by_index(1)?),
        status: row.try_get_by_index(2)?,
        step: row.try_get_by_index(3)?,
        request: row.try_get_by_index(4)?,
    })
}

fn outcome(write: &JobWrite, present: &[Present]) -> Result<Written, RowError> {
    let Some(present) = present.iter().find(|row| row.id == write.id) else { return Ok(Written::LeaseLost) };
    if present.lease == write.lease && !is_mutant("unmatched is lost") {
        return Ok(Written::Done);
    }
    // Whatever is asked by now: under the lease that the write shows, nothing but a request can have refused it.
    if demanded(write).is_some() && present.fits(&write.guard) {
        return Ok(Written::Requested(present.request()?));
    }
    Ok(Written::LeaseLost)
}

pub(super) async fn pause_unreadable(
    sql: &Statements,
    connection: &Lent,
    id: JobId,
    seen: Lease,
    lease: Lease,
    error: &str,
) -> Result<bool, StorageError> {
    // MySQL reads a column that it has just set as set: the callback first, which looks at the status.
    let text = "UPDATE {prefix}task SET lease = ?, callback = CASE WHEN status IN (1, 2, 3) THEN 3 ELSE 0 END, status = \
                CASE WHEN status IN (1, 2, 3) THEN status ELSE 4 END, reason = 4, work = 0, boot = 0, request = 0, \
                error = ?, update_time = {now} WHERE id = ? AND lease IN (?, ?)";
    let values = [lease.0.into(), error.into(), id.0.into(), seen.0.into(), lease.0.into()];
    Ok(sql.execute(connection, sql.statement(text, values)).await? > 0)
}

pub(super) async fn request(
    sql: &Statements,
    connection: &Lent,
    id: JobId,
    keyword: &Hash,
    request: Request,
) -> Result<bool, StorageError> {
    let text = "UPDATE {prefix}task SET request = ? WHERE id = ? AND key_hash = ? AND status = 0 AND boot <> 0 AND \
                (request <> 1 OR ? = 1)";
    let code = request.code();
    let values = [code.into(), id.0.into(), keyword.0.to_vec().into(), code.into()];
    Ok(sql.execute(connection, sql.statement(text, values)).await? > 0)
}
