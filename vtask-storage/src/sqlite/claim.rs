//! Finding what is due, and leasing it.

use std::sync::LazyLock;
use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseConnection, QueryResult, Value};

use super::classify;
use super::insert::nulls;
use super::read::{all, json_list, unless_broken};
use super::row::{ROW, whole};
use super::text::{NOW, Texts, fitting, statement, texts};
use crate::error::StorageError;
use crate::value::{Boot, Candidate, Claim, Claimed, DueJobs, Held, JobId, Lease, Owner, Wanted};

/// SQLite takes at most 500 terms in a compound select, and each name has two.
const MOST_NAMES: usize = 200;

static CLAIM: Texts = LazyLock::new(|| {
    texts(3, |rows| {
        let columns = ROW.split(", ").map(|column| format!("task.{column}")).collect::<Vec<_>>().join(", ");
        format!(
            "WITH v(id, seen, lease) AS (VALUES {rows}) UPDATE task SET boot = ?, host = ?, lease = v.lease, \
             update_time = {NOW} FROM v WHERE task.id = v.id AND task.lease = v.seen AND task.boot = 0 AND task.work = 1 \
             AND task.wake_at <= {NOW} RETURNING {columns}"
        )
    })
});

/// Looks for due rows of nobody, one bounded look into the index a name.
pub(super) async fn due(connection: &DatabaseConnection, wanted: &[Wanted]) -> Result<DueJobs, StorageError> {
    let mut due = DueJobs::default();
    for names in wanted.chunks(MOST_NAMES) {
        let values = names.iter().flat_map(|wanted| {
            let name = Value::from(wanted.name.as_str());
            [name.clone(), Value::from(i64::try_from(wanted.limit).unwrap_or(i64::MAX)), name]
        });
        for row in all(connection, statement(&due_text(names.len()), values)).await? {
            add(&mut due, &row).map_err(classify)?;
        }
    }
    Ok(due)
}

fn due_text(names: usize) -> String {
    let ripe = format!(
        "SELECT * FROM (SELECT id, lease, octet_length(input) + octet_length(responses), NULL FROM task WHERE work = 1 \
         AND boot = 0 AND name = ? AND wake_at <= {NOW} ORDER BY wake_at LIMIT ?)"
    );
    let next = format!(
        "SELECT NULL, NULL, NULL, min(wake_at) - {NOW} FROM task WHERE work = 1 AND boot = 0 AND name = ? AND wake_at > \
         {NOW}"
    );
    vec![format!("{ripe} UNION ALL {next}"); names].join(" UNION ALL ")
}

fn add(due: &mut DueJobs, row: &QueryResult) -> Result<(), sea_orm::DbErr> {
    if let Some(id) = row.try_get_by_index::<Option<i64>>(0)? {
        let (lease, bytes) = (row.try_get_by_index(1)?, row.try_get_by_index::<i64>(2)?);
        let bytes = usize::try_from(bytes).unwrap_or(0);
        due.candidates.push(Candidate { id: JobId(id), lease: Lease(lease), bytes });
    }
    let next: Option<i64> = row.try_get_by_index(3)?;
    let next = next.map(|micros| Duration::from_micros(u64::try_from(micros).unwrap_or(0)));
    due.next_in = [due.next_in, next].into_iter().flatten().min();
    Ok(())
}

/// Leases at most [`MOST_ROWS`](super::text::MOST_ROWS) rows.
pub(super) async fn claim<C: ConnectionTrait>(
    connection: &C,
    owner: &Owner,
    claims: &[Claim],
) -> Result<Vec<Claimed>, StorageError> {
    if claims.is_empty() {
        return Ok(Vec::new());
    }
    let (sql, empty) = fitting(&CLAIM, claims.len());
    let values = claims.iter().flat_map(|claim| [claim.id.0.into(), claim.seen.0.into(), claim.lease.0.into()]);
    let owner_columns = [owner.boot.0.into(), owner.host.as_str().into()];
    let values = values.chain(nulls(empty * 3)).chain(owner_columns);
    let rows = all(connection, statement(sql, values)).await?;
    let mut claimed = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    if claimed.len() < claims.len() {
        claimed.extend(claimed_before(connection, owner, claims, &claimed).await?);
    }
    Ok(claimed)
}

/// Rows of this owner that already carry the token of their claim: those of a call whose end was not seen.
async fn claimed_before<C: ConnectionTrait>(
    connection: &C,
    owner: &Owner,
    claims: &[Claim],
    claimed: &[Claimed],
) -> Result<Vec<Claimed>, StorageError> {
    // CROSS JOIN keeps the order of the tables: each pair is one look at the primary key.
    let sql = format!(
        "WITH v(claim, token) AS (SELECT value ->> 0, value ->> 1 FROM json_each(?1)) SELECT {ROW} FROM v CROSS JOIN \
         task ON id = claim AND lease = token WHERE boot = ?2"
    );
    let missing = claims.iter().filter(|claim| claimed.iter().all(|row| row.id != claim.id));
    let pairs: Vec<String> = missing.map(|claim| json_list([claim.id.0, claim.lease.0].into_iter())).collect();
    let pairs = format!("[{}]", pairs.join(","));
    let rows = all(connection, statement(&sql, [pairs.into(), owner.boot.0.into()])).await?;
    rows.iter().map(read).collect()
}

fn read(row: &QueryResult) -> Result<Claimed, StorageError> {
    let id = JobId(row.try_get_by_index(0).map_err(classify)?);
    Ok(Claimed { id, row: unless_broken(whole(row))? })
}

/// Rows with work that these boots hold.
pub(super) async fn held(
    connection: &DatabaseConnection,
    boots: &[Boot],
    after: JobId,
    limit: u32,
) -> Result<Vec<Held>, StorageError> {
    let sql = format!(
        "SELECT id, lease, wake_at <= {NOW}, cancel_requested FROM task WHERE work = 1 AND boot IN (SELECT value FROM \
         json_each(?)) AND +id > ? ORDER BY +id LIMIT ?"
    );
    let boots = json_list(boots.iter().map(|boot| boot.0));
    let rows = all(connection, statement(&sql, [boots.into(), after.0.into(), limit.into()])).await?;
    rows.iter().map(|row| held_row(row).map_err(classify)).collect()
}

fn held_row(row: &QueryResult) -> Result<Held, sea_orm::DbErr> {
    Ok(Held {
        id: JobId(row.try_get_by_index(0)?),
        lease: Lease(row.try_get_by_index(1)?),
        is_due: row.try_get_by_index::<i32>(2)? != 0,
        cancel_requested: row.try_get_by_index::<i32>(3)? != 0,
    })
}
