//! Finding what is due, and leasing it.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, QueryResult, Value};

use super::batch::{Column, Kind, MOST_ROWS, Template};
use super::read::unless_broken;
use super::row::{ROW, whole};
use super::statements::{Statements, list};
use crate::error::StorageError;
use crate::value::{Boot, Candidate, Claim, Claimed, DueJobs, Held, JobId, Lease, Owner, Wanted};

/// SQLite takes at most 500 terms in a compound select, and each name has two.
const MOST_NAMES: usize = 128;

pub(super) const COLUMNS: &[Column] =
    &[("id", Kind::Big), ("seen", Kind::Big), ("lease", Kind::Big), ("boot", Kind::Big), ("host", Kind::Text)];

pub(super) const TEMPLATE: Template = Template::Update {
    set: "boot = :boot, host = :host, lease = :lease, update_time = {now}",
    // The sums keep a planner from looking for all that is due, and then for the claims among it.
    guard: "t.lease = :seen AND t.boot + 0 = 0 AND t.work + 0 = 1 AND t.wake_at + 0 <= {now}",
    returning: ROW,
};

/// Looks for due rows of nobody, one bounded look into the index a name.
pub(super) async fn due(
    sql: &Statements,
    connection: &DatabaseConnection,
    wanted: &[Wanted],
) -> Result<DueJobs, StorageError> {
    let mut due = DueJobs::default();
    for names in wanted.chunks(MOST_NAMES) {
        // Filled up with names that match nothing, so that few texts are prepared.
        let size = names.len().next_power_of_two();
        let padding = std::iter::repeat_n((Value::String(None), 0), size - names.len());
        let limit = |wanted: &Wanted| i64::try_from(wanted.limit).unwrap_or(i64::MAX);
        let names = names.iter().map(|wanted| (Value::from(wanted.name.as_str()), limit(wanted))).chain(padding);
        let values = names.flat_map(|(name, limit)| binds(sql, &name, limit));
        let rows = sql.all(connection, sql.statement(&due_text(sql, size), values)).await?;
        sql.read(&rows, read_due)?.into_iter().for_each(|found| add(&mut due, found));
    }
    Ok(due)
}

fn binds(sql: &Statements, name: &Value, limit: i64) -> Vec<Value> {
    let name = vec![name.clone(); sql.dialect.name_binds];
    [name.as_slice(), &[limit.into()], &name].concat()
}

fn due_text(sql: &Statements, names: usize) -> String {
    let (payload, same_name) = (sql.dialect.payload, sql.dialect.same_name);
    let (task, due) = ("{prefix}task", format!("work = 1 AND boot = 0 AND {same_name}"));
    let ripe = format!(
        "SELECT * FROM (SELECT 0 AS kind, id, lease, {payload} AS bytes FROM {task} WHERE {due} AND wake_at <= {{now}} \
         ORDER BY wake_at LIMIT ?) AS ripe"
    );
    // The smallest by the order of the index: a minimum would read every one of them on some databases.
    let next = format!(
        "SELECT * FROM (SELECT 1 AS kind, wake_at - {{now}} AS wait, 0 AS lease, 0 AS bytes FROM {task} WHERE {due} AND \
         wake_at > {{now}} ORDER BY wake_at LIMIT 1) AS next"
    );
    vec![format!("{ripe} UNION ALL {next}"); names].join(" UNION ALL ")
}

#[derive(Clone, Copy)]
enum FoundDue {
    Ripe(Candidate),
    Next(Option<Duration>),
}

fn read_due(row: &QueryResult) -> Result<FoundDue, DbErr> {
    if row.try_get_by_index::<i32>(0)? == 1 {
        let next: Option<i64> = row.try_get_by_index(1)?;
        return Ok(FoundDue::Next(next.map(|micros| Duration::from_micros(u64::try_from(micros).unwrap_or(0)))));
    }
    let bytes = usize::try_from(row.try_get_by_index::<i64>(3)?).unwrap_or(0);
    let (id, lease) = (row.try_get_by_index(1)?, row.try_get_by_index(2)?);
    Ok(FoundDue::Ripe(Candidate { id: JobId(id), lease: Lease(lease), bytes }))
}

fn add(due: &mut DueJobs, found: FoundDue) {
    match found {
        FoundDue::Ripe(candidate) => due.candidates.push(candidate),
        FoundDue::Next(next) => due.next_in = [due.next_in, next].into_iter().flatten().min(),
    }
}

/// Leases at most [`MOST_ROWS`] rows.
pub(super) async fn claim<C: ConnectionTrait>(
    sql: &Statements,
    connection: &C,
    owner: &Owner,
    claims: &[Claim],
) -> Result<Vec<Claimed>, StorageError> {
    if claims.is_empty() {
        return Ok(Vec::new());
    }
    let mut sorted: Vec<&Claim> = claims.iter().collect();
    sorted.sort_by_key(|claim| claim.id);
    let statement = sql.claim.statement(sorted.into_iter().map(|claim| columns(owner, claim)).collect());
    let mut claimed = Vec::new();
    if sql.dialect.returns_rows() {
        claimed = read_claimed(sql, &sql.all(connection, statement).await?)?;
    } else {
        sql.execute(connection, statement).await?;
    }
    if claimed.len() < claims.len() {
        claimed.extend(claimed_before(sql, connection, owner, claims, &claimed).await?);
    }
    Ok(claimed)
}

fn columns(owner: &Owner, claim: &Claim) -> Vec<Value> {
    let (boot, host) = (owner.boot.0.into(), owner.host.as_str().into());
    vec![claim.id.0.into(), claim.seen.0.into(), claim.lease.0.into(), boot, host]
}

/// Rows of this owner that already carry the token of their claim: those of a call whose end was not seen, or of a
/// database that does not answer what it has changed.
async fn claimed_before<C: ConnectionTrait>(
    sql: &Statements,
    connection: &C,
    owner: &Owner,
    claims: &[Claim],
    claimed: &[Claimed],
) -> Result<Vec<Claimed>, StorageError> {
    let missing = |id: JobId| claimed.iter().all(|row| row.id != id);
    let asked: Vec<&Claim> = claims.iter().filter(|claim| missing(claim.id)).collect();
    let (ids, mut values) = list(asked.iter().map(|claim| claim.id.0));
    values.push(owner.boot.0.into());
    let text = format!("SELECT {ROW} FROM {{prefix}}task WHERE id IN ({ids}) AND boot = ? ORDER BY id{{lock}}");
    let mut rows = sql.all(connection, sql.statement(&text, values)).await?;
    rows.retain(|row| token(row).is_ok_and(|token| asked.iter().any(|claim| (claim.id, claim.lease) == token)));
    read_claimed(sql, &rows)
}

fn token(row: &QueryResult) -> Result<(JobId, Lease), DbErr> {
    Ok((JobId(row.try_get_by_index(0)?), Lease(row.try_get_by("lease")?)))
}

fn read_claimed(sql: &Statements, rows: &[QueryResult]) -> Result<Vec<Claimed>, StorageError> {
    let read = |row: &QueryResult| {
        let id = row.try_get_by_index(0).map_err(sql.dialect.classify)?;
        Ok(Claimed { id: JobId(id), row: unless_broken(whole(sql, row))? })
    };
    rows.iter().map(read).collect()
}

/// Rows with work that these boots hold.
pub(super) async fn held(
    sql: &Statements,
    connection: &DatabaseConnection,
    boots: &[Boot],
    after: JobId,
    limit: u32,
) -> Result<Vec<Held>, StorageError> {
    let (hint, id) = (sql.dialect.use_work_index, sql.dialect.unindexed_id);
    let mut held = Vec::new();
    for boots in boots.chunks(MOST_ROWS) {
        let (list, mut values) = list(boots.iter().map(|boot| boot.0));
        values.extend([after.0.into(), i64::from(limit).into()]);
        let text = format!(
            "SELECT id, lease, CASE WHEN wake_at <= {{now}} THEN 1 ELSE 0 END, cancel_requested FROM {{prefix}}task{hint} \
             WHERE work = 1 AND boot IN ({list}) AND {id} > ? ORDER BY {id} LIMIT ?"
        );
        let rows = sql.all(connection, sql.statement(&text, values)).await?;
        held.extend(sql.read(&rows, read_held)?);
    }
    held.sort_by_key(|row| row.id);
    held.truncate(limit as usize);
    Ok(held)
}

fn read_held(row: &QueryResult) -> Result<Held, DbErr> {
    Ok(Held {
        id: JobId(row.try_get_by_index(0)?),
        lease: Lease(row.try_get_by_index(1)?),
        is_due: row.try_get_by_index::<i32>(2)? != 0,
        cancel_requested: row.try_get_by_index::<i32>(3)? != 0,
    })
}
