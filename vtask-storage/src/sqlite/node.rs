//! The list of nodes.

use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction};

use super::classify;
use super::read::{all, json_list};
use super::text::{NOW, statement};
use crate::error::StorageError;
use crate::value::{Boot, FormerNode, NewNode, NodeState};

pub(super) async fn join(transaction: &DatabaseTransaction, node: &NewNode) -> Result<Vec<FormerNode>, StorageError> {
    let host = || node.host.as_bytes().to_vec().into();
    let replace = format!(
        "UPDATE task_node SET state = 2, accuses = (state = 0), update_time = {NOW} WHERE host = ? AND boot <> ? AND \
         state <> 2"
    );
    transaction.execute_raw(statement(&replace, [host(), node.boot.0.into()])).await.map_err(classify)?;
    // A day is long enough for the last statement of a dead process to land and be found.
    let clean = format!(
        "DELETE FROM task_node WHERE state = 2 AND update_time < {NOW} - 86400000000 AND NOT EXISTS (SELECT 1 FROM task \
         WHERE task.work = 1 AND task.boot = task_node.boot)"
    );
    transaction.execute_raw(statement(&clean, [])).await.map_err(classify)?;
    let add = format!(
        "INSERT INTO task_node (boot, host, beat, lease_ms, state, accuses, version, plans, running, create_time, \
         update_time) VALUES (?, ?, 0, ?, 0, 0, ?, ?, 0, {NOW}, {NOW}) ON CONFLICT (boot) DO NOTHING"
    );
    let values =
        [node.boot.0.into(), host(), node.lease_ms.into(), node.version.as_str().into(), node.plans.as_str().into()];
    transaction.execute_raw(statement(&add, values)).await.map_err(classify)?;
    let dead = "SELECT boot, accuses FROM task_node WHERE host = ? AND state = 2 ORDER BY boot";
    let rows = all(transaction, statement(dead, [host()])).await?;
    let read = |row: &sea_orm::QueryResult| {
        Ok(FormerNode { boot: Boot(row.try_get_by_index(0)?), accuses: row.try_get_by_index::<i32>(1)? != 0 })
    };
    rows.iter().map(|row| read(row).map_err(classify)).collect()
}

pub(super) async fn is_alive(connection: &DatabaseConnection, boot: Boot) -> Result<bool, StorageError> {
    let sql = "SELECT 1 FROM task_node WHERE boot = ? AND state <> 2";
    Ok(!all(connection, statement(sql, [boot.0.into()])).await?.is_empty())
}

pub(super) async fn stopping(connection: &DatabaseConnection, boot: Boot) -> Result<(), StorageError> {
    let sql = format!("UPDATE task_node SET state = ?, update_time = {NOW} WHERE boot = ? AND state = 0");
    let values = [NodeState::Stopping.code().into(), boot.0.into()];
    connection.execute_raw(statement(&sql, values)).await.map_err(classify)?;
    Ok(())
}

pub(super) async fn forget(connection: &DatabaseConnection, boots: &[Boot]) -> Result<(), StorageError> {
    let sql = "DELETE FROM task_node WHERE boot IN (SELECT value FROM json_each(?))";
    let boots = json_list(boots.iter().map(|boot| boot.0));
    connection.execute_raw(statement(sql, [boots.into()])).await.map_err(classify)?;
    Ok(())
}
