//! Leasing what is due, and looking at what is leased.

use sea_orm::{DbErr, QueryResult};

use super::batch::{Cell, Column, Kind, MOST_ROWS, Template};
use super::lent::{Lent, On};
use super::read::unless_broken;
use super::row::{ROW, whole};
use super::statements::{Statements, list};
use crate::error::StorageError;
use crate::value::{Boot, Claim, Claimed, Held, JobId, Lease, Owner, Request};

pub(super) const COLUMNS: &[Column] =
    &[("id", Kind::Big), ("seen", Kind::Big), ("lease", Kind::Big), ("boot", Kind::Big), ("host", Kind::Text)];

pub(super) const TEMPLATE: Template = Template::Update {
    set: "boot = :boot, host = :host, lease = :lease, update_time = {now}",
    // The sums keep a planner from looking for all that is due, and then for the claims among it.
    guard: "t.lease = :seen AND t.boot + 0 = 0 AND t.work + 0 = 1 AND t.wake_at + 0 <= {now}",
    returning: ROW,
};

/// Leases at most [`MOST_ROWS`] rows.
pub(super) async fn claim(
    sql: &Statements,
    on: &On<'_>,
    owner: &Owner,
    claims: &[Claim],
) -> Result<Vec<Claimed>, StorageError> {
    if claims.is_empty() {
        return Ok(Vec::new());
    }
    let mut sorted: Vec<&Claim> = claims.iter().collect();
    sorted.sort_by_key(|claim| claim.id);
    let cells: Vec<Cell<'_>> = sorted.into_iter().flat_map(|claim| cells(owner, claim)).collect();
    let mut claimed = Vec::new();
    if sql.dialect.returns_rows() {
        claimed = read_claimed(sql, &sql.rows_of_batch(on, &sql.claim, &cells).await?)?;
    } else {
        sql.run_batch(on, &sql.claim, &cells).await?;
    }
    if claimed.len() < claims.len() {
        claimed.extend(claimed_before(sql, on, owner, claims, &claimed).await?);
    }
    Ok(claimed)
}

fn cells<'a>(owner: &'a Owner, claim: &Claim) -> [Cell<'a>; COLUMNS.len()] {
    let (boot, host) = (Cell::Big(owner.boot.0), Cell::Text(&owner.host));
    [Cell::Big(claim.id.0), Cell::Big(claim.seen.0), Cell::Big(claim.lease.0), boot, host]
}

/// Rows of this owner that already carry the token of their claim: those of a call whose end was not seen, or of a
/// database that does not answer what it has changed.
async fn claimed_before(
    sql: &Statements,
    on: &On<'_>,
    owner: &Owner,
    claims: &[Claim],
    claimed: &[Claimed],
) -> Result<Vec<Claimed>, StorageError> {
    let missing = |id: JobId| claimed.iter().all(|row| row.id != id);
    let asked: Vec<&Claim> = claims.iter().filter(|claim| missing(claim.id)).collect();
    let (ids, mut values) = list(asked.iter().map(|claim| claim.id.0));
    values.push(owner.boot.0.into());
    let text = format!("SELECT {ROW} FROM {{prefix}}task WHERE id IN ({ids}) AND boot = ? ORDER BY id{{lock}}");
    let mut rows = sql.all_on(on, sql.statement(&text, values)).await?;
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
    connection: &Lent,
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
            "SELECT id, lease, CASE WHEN wake_at <= {{now}} THEN 1 ELSE 0 END, request FROM {{prefix}}task{hint} \
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
        // One that no number of ours can be asks for nothing.
        request: Request::from_code(row.try_get_by_index(3).unwrap_or_default()).unwrap_or_default(),
    })
}
