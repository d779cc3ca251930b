//! The list of nodes.

use sea_orm::{DbErr, QueryResult};

use super::batch::MOST_ROWS;
use super::lent::Lent;
use super::statements::{Statements, list};
use crate::error::StorageError;
use crate::mutant::is_mutant;
use crate::value::{Beat, Boot, FormerNode, LivingNode, NewNode, NodeState, Pulse};

pub(super) async fn join(
    sql: &Statements,
    transaction: &Lent,
    node: &NewNode,
) -> Result<Vec<FormerNode>, StorageError> {
    if let Some(lock) = sql.dialect.lock_host {
        sql.all(transaction, sql.statement(lock, [node.host.as_bytes().to_vec().into()])).await?;
    }
    add(sql, transaction, node).await?;
    replace(sql, transaction, node).await?;
    clean(sql, transaction).await?;
    dead(sql, transaction, &node.host).await
}

/// Before the others are declared dead: then two that join at once meet in each other's rows.
async fn add(sql: &Statements, transaction: &Lent, node: &NewNode) -> Result<(), StorageError> {
    let text = format!(
        "INSERT INTO {{prefix}}task_node (boot, host, beat, lease_ms, state, accuses, version, plans, running, \
         create_time, update_time) VALUES (?, ?, 0, ?, 0, 0, ?, ?, 0, {{now}}, {{now}}) {}",
        sql.dialect.or_keep("{prefix}task_node", "boot")
    );
    let values = [
        node.boot.0.into(),
        node.host.as_bytes().to_vec().into(),
        node.lease_ms.into(),
        node.version.as_str().into(),
        node.plans.as_str().into(),
    ];
    sql.execute(transaction, sql.statement(&text, values)).await.map(drop)
}

/// Declares living nodes dead. MySQL reads a column that it has just set as set: `accuses` first, which looks at the state.
const DIE: &str = "UPDATE {prefix}task_node SET accuses = CASE WHEN state IN (0, 3) THEN 1 ELSE 0 END, state = 2, update_time \
                   = {now} WHERE state <> 2";

async fn replace(sql: &Statements, transaction: &Lent, node: &NewNode) -> Result<(), StorageError> {
    let text = format!("{DIE} AND host = ? AND boot <> ?");
    let values = [node.host.as_bytes().to_vec().into(), node.boot.0.into()];
    sql.execute(transaction, sql.statement(&text, values)).await.map(drop)
}

async fn clean(sql: &Statements, transaction: &Lent) -> Result<(), StorageError> {
    // A day is long enough for the last statement of a dead process to land and be found.
    let text = "DELETE FROM {prefix}task_node WHERE state = 2 AND update_time < {now} - 86400000000 AND NOT EXISTS \
                (SELECT 1 FROM {prefix}task AS t WHERE t.work = 1 AND t.boot = {prefix}task_node.boot)";
    sql.execute(transaction, sql.statement(text, [])).await.map(drop)
}

async fn dead(sql: &Statements, transaction: &Lent, host: &str) -> Result<Vec<FormerNode>, StorageError> {
    let text = "SELECT boot, accuses FROM {prefix}task_node WHERE host = ? AND state = 2 ORDER BY boot";
    let rows = sql.all(transaction, sql.statement(text, [host.as_bytes().to_vec().into()])).await?;
    sql.read(&rows, read_dead)
}

fn read_dead(row: &QueryResult) -> Result<FormerNode, DbErr> {
    Ok(FormerNode { boot: Boot(row.try_get_by_index(0)?), accuses: row.try_get_by_index::<i32>(1)? != 0 })
}

pub(super) async fn beat(sql: &Statements, connection: &Lent, beat: &Beat) -> Result<Pulse, StorageError> {
    let text = "UPDATE {prefix}task_node SET beat = ?, running = ?, update_time = {now} WHERE boot = ? AND state <> 2";
    let values = [beat.number.into(), beat.running.into(), beat.boot.0.into()];
    if sql.execute(connection, sql.statement(text, values)).await? > 0 || is_mutant("beat of any boot") {
        return Ok(Pulse::Alive);
    }
    let text = "SELECT 1 FROM {prefix}task_node AS mine JOIN {prefix}task_node AS other ON other.host = mine.host WHERE \
                mine.boot = ? AND other.state <> 2";
    let other = sql.all(connection, sql.statement(text, [beat.boot.0.into()])).await?;
    Ok(if other.is_empty() { Pulse::Dead } else { Pulse::Replaced })
}

pub(super) async fn declare_dead(sql: &Statements, connection: &Lent, seen: &[LivingNode]) -> Result<(), StorageError> {
    let text = format!("{DIE} AND boot = ? AND beat = ?");
    for node in seen {
        sql.execute(connection, sql.statement(&text, [node.boot.0.into(), node.beat.into()])).await?;
    }
    Ok(())
}

pub(super) async fn enter(
    sql: &Statements,
    connection: &Lent,
    boot: Boot,
    state: NodeState,
) -> Result<(), StorageError> {
    let text = "UPDATE {prefix}task_node SET state = ?, update_time = {now} WHERE boot = ? AND state IN (0, 3)";
    let values = [state.code().into(), boot.0.into()];
    sql.execute(connection, sql.statement(text, values)).await.map(drop)
}

pub(super) async fn forget(sql: &Statements, connection: &Lent, boots: &[Boot]) -> Result<(), StorageError> {
    for boots in boots.chunks(MOST_ROWS) {
        let (list, values) = list(boots.iter().map(|boot| boot.0));
        let text = format!("DELETE FROM {{prefix}}task_node WHERE boot IN ({list})");
        sql.execute(connection, sql.statement(&text, values)).await?;
    }
    Ok(())
}
