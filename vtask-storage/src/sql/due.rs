//! One look at what is due and at the nodes.

use std::time::Duration;

use sea_orm::{DbErr, QueryResult, Value};

use super::lent::Lent;
use super::statements::Statements;
use crate::error::StorageError;
use crate::value::{
    Boot, Candidate, DueJobs, FormerNode, JobId, Lease, LivingNode, NodeState, Nodes, Timestamp, Wanted,
};

/// SQLite takes at most 500 terms in a compound select, and each name has two.
const MOST_NAMES: usize = 128;

/// Looks for due rows of nobody, one bounded look into the index a name, and at the nodes if they are wanted.
pub(super) async fn due(
    sql: &Statements,
    connection: &Lent,
    wanted: &[Wanted],
    nodes: bool,
) -> Result<DueJobs, StorageError> {
    let mut due = DueJobs { nodes: nodes.then(Nodes::default), ..DueJobs::default() };
    if wanted.is_empty() && nodes {
        look(sql, connection, &[], true, &mut due).await?;
    }
    for (piece, names) in wanted.chunks(MOST_NAMES).enumerate() {
        look(sql, connection, names, nodes && piece == 0, &mut due).await?;
    }
    if let Some(nodes) = &mut due.nodes {
        // No database promises an order of what it joins and unites.
        nodes.living.sort_by_key(|node| node.boot);
        nodes.orphaning.sort_by_key(|node| node.boot);
    }
    Ok(due)
}

async fn look(
    sql: &Statements,
    connection: &Lent,
    names: &[Wanted],
    nodes: bool,
    due: &mut DueJobs,
) -> Result<(), StorageError> {
    // Filled up with names that match nothing, so that few texts are prepared.
    let size = if names.is_empty() { 0 } else { names.len().next_power_of_two() };
    let padding = std::iter::repeat_n(binds(sql, &Value::String(None), FIRST, 0, 0), size - names.len());
    let values = names.iter().map(|wanted| binds_of(sql, wanted)).chain(padding).flatten();
    let rows = sql.all(connection, sql.statement(&text(sql, size, nodes), values)).await?;
    sql.read(&rows, read)?.into_iter().for_each(|found| add(due, found));
    Ok(())
}

fn binds_of(sql: &Statements, wanted: &Wanted) -> Vec<Value> {
    let limit = i64::try_from(wanted.limit).unwrap_or(i64::MAX);
    binds(sql, &wanted.name.as_str().into(), wanted.after.unwrap_or(FIRST), wanted.most_crashes, limit)
}

/// What every row comes after.
const FIRST: (Timestamp, JobId) = (Timestamp(i64::MIN), JobId(i64::MIN));

fn binds(
    sql: &Statements,
    name: &Value,
    (since, after): (Timestamp, JobId),
    most_crashes: i32,
    limit: i64,
) -> Vec<Value> {
    let name = vec![name.clone(); sql.dialect.name_binds];
    let ripe = [since.0.into(), since.0.into(), after.0.into(), most_crashes.into(), limit.into()];
    [name.as_slice(), &ripe, &name].concat()
}

/// The kinds of rows that a look answers, in the first column.
const RIPE: i32 = 0;
const NEXT: i32 = 1;
const LIVING: i32 = 2;
const ORPHANING: i32 = 3;

pub(super) fn text(sql: &Statements, names: usize, nodes: bool) -> String {
    let mut parts = vec![of_name(sql); names];
    if !nodes {
        return parts.join(" UNION ALL ");
    }
    parts.push(format!(
        "SELECT {LIVING} AS kind, boot, beat, lease_ms, state, NULL, NULL, 0, 0 FROM {{prefix}}task_node WHERE state <> 2"
    ));
    parts.push(format!(
        "SELECT {ORPHANING}, h.boot, coalesce(n.accuses, 0), 0, 0, NULL, NULL, 0, 0 FROM held AS h LEFT JOIN {{prefix}}task_node AS n ON \
         n.boot = h.boot WHERE h.boot IS NOT NULL AND coalesce(n.state, 2) = 2"
    ));
    format!("{} {}", sql.dialect.owners, parts.join(" UNION ALL "))
}

fn of_name(sql: &Statements) -> String {
    let (payload, same_name) = (sql.dialect.payload, sql.dialect.same_name);
    // Without it MariaDB reads all that is due before the place where the look begins.
    let hint = sql.dialect.use_work_index;
    let (task, due) = ("{prefix}task", format!("work = 1 AND boot = 0 AND {same_name}"));
    // The next by the order of the index: a minimum would read every one of them on some databases. By the column of the
    // table, not the one that is answered under its name.
    format!(
        "SELECT * FROM (SELECT {RIPE} AS kind, id, lease, {payload} AS bytes, crashes, name, CASE WHEN status = 0 THEN \
         step_name END AS step, plan, wake_at FROM {task}{hint} WHERE {due} AND wake_at <= {{now}} AND wake_at >= ? AND (wake_at \
         > ? OR id > ?) AND crashes <= ? ORDER BY wake_at, id LIMIT ?) AS ripe UNION ALL SELECT * FROM (SELECT {NEXT} AS \
         kind, wake_at - {{now}} AS wait, 0 AS lease, 0 AS bytes, 0 AS crashes, NULL AS name, NULL AS step, 0 AS plan, 0 \
         AS wake_at FROM {task} AS t WHERE {due} AND wake_at > {{now}} ORDER BY t.wake_at LIMIT 1) AS next"
    )
}

enum Found {
    Ripe(Candidate),
    Next(Duration),
    Living(LivingNode),
    Orphaning(FormerNode),
}

fn read(row: &QueryResult) -> Result<Found, DbErr> {
    let kind: i32 = row.try_get_by_index(0)?;
    if kind == NEXT {
        let micros: i64 = row.try_get_by_index(1)?;
        return Ok(Found::Next(Duration::from_micros(u64::try_from(micros).unwrap_or(0))));
    }
    let (first, second, third): (i64, i64, i64) =
        (row.try_get_by_index(1)?, row.try_get_by_index(2)?, row.try_get_by_index(3)?);
    let last: i32 = row.try_get_by_index(4)?;
    Ok(match kind {
        LIVING => {
            let state = NodeState::from_code(last);
            Found::Living(LivingNode { boot: Boot(first), beat: second, lease_ms: third, state })
        }
        ORPHANING => Found::Orphaning(FormerNode { boot: Boot(first), accuses: second != 0 }),
        _ => {
            let bytes = usize::try_from(third).unwrap_or(0);
            Found::Ripe(Candidate {
                id: JobId(first),
                lease: Lease(second),
                bytes,
                crashes: last,
                name: row.try_get_by_index(5)?,
                // One that no name can be is found by whoever claims the row and reads all of it.
                step: row.try_get_by_index(6).unwrap_or_default(),
                plan: row.try_get_by_index(7)?,
                wake_at: Timestamp(row.try_get_by_index(8)?),
            })
        }
    })
}

fn add(due: &mut DueJobs, found: Found) {
    match found {
        Found::Ripe(candidate) => due.candidates.push(candidate),
        Found::Next(next) => due.next_in = Some(due.next_in.map_or(next, |known| known.min(next))),
        Found::Living(node) => due.nodes.get_or_insert_default().living.push(node),
        Found::Orphaning(node) => due.nodes.get_or_insert_default().orphaning.push(node),
    }
}
