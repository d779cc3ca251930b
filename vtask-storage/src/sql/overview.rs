//! How the jobs are getting on: as many look-ups as there are names, and a bounded count.

use sea_orm::{DbErr, QueryResult};

use super::lent::Lent;
use super::statements::Statements;
use crate::error::StorageError;
use crate::value::{Bounds, Overview, Paused, Reason, Status, Timestamp, Waiting};

pub(super) async fn overview(sql: &Statements, connection: &Lent, bounds: Bounds) -> Result<Overview, StorageError> {
    let names = names(sql, connection, bounds.names).await?;
    let paused = paused(sql, connection, bounds.paused).await?;
    Ok(Overview {
        names_are_cut: is_cut(names.len(), bounds.names),
        waiting: names.into_iter().filter_map(Name::waiting).collect(),
        paused_are_cut: is_cut(paused.iter().map(|paused| paused.count as usize).sum(), bounds.paused),
        paused,
        plans: plans(sql, connection).await?,
    })
}

fn is_cut(found: usize, most: u32) -> bool {
    found >= most as usize
}

/// A name of which there is work of nobody.
struct Name {
    name: String,
    /// When the oldest is due.
    wake_at: Timestamp,
    now: Timestamp,
}

impl Name {
    fn read(row: &QueryResult) -> Result<Self, DbErr> {
        let (wake_at, now) = (Timestamp(row.try_get_by_index(1)?), Timestamp(row.try_get_by_index(2)?));
        Ok(Self { name: row.try_get_by_index(0)?, wake_at, now })
    }

    fn waiting(self) -> Option<Waiting> {
        let is_due = self.wake_at <= self.now;
        is_due.then(|| Waiting { due_for: self.now.since(self.wake_at), name: self.name })
    }
}

/// Goes from one name to the next by the index.
///
/// One statement a name: in a recursive one MariaDB would read every row of the names before it at each step.
async fn names(sql: &Statements, connection: &Lent, most: u32) -> Result<Vec<Name>, StorageError> {
    let mut names: Vec<Name> = Vec::new();
    while names.len() < most as usize {
        let Some(next) = next(sql, connection, names.last()).await? else { break };
        names.push(next);
    }
    Ok(names)
}

async fn next(sql: &Statements, connection: &Lent, last: Option<&Name>) -> Result<Option<Name>, StorageError> {
    let (hint, further) = (sql.dialect.use_work_index, last.map_or("", |_| " AND name > ?"));
    let text = format!(
        "SELECT name, wake_at, {{now}} FROM {{prefix}}task{hint} WHERE work = 1 AND boot = 0{further} ORDER BY name, wake_at \
         LIMIT 1"
    );
    let rows = sql.all(connection, sql.statement(&text, last.map(|last| last.name.as_str().into()))).await?;
    Ok(sql.read(&rows, Name::read)?.pop())
}

async fn paused(sql: &Statements, connection: &Lent, most: u32) -> Result<Vec<Paused>, StorageError> {
    // A range: for an equality PostgreSQL could walk all rows by id instead, and MariaDB sorts for a BETWEEN.
    let text = "SELECT reason, count(*) FROM (SELECT reason FROM {prefix}task WHERE status > ? AND status < ? ORDER BY \
                status DESC, id DESC LIMIT ?) AS newest GROUP BY reason ORDER BY reason";
    let status = Status::Paused.code();
    let values = [(status - 1).into(), (status + 1).into(), i64::from(most).into()];
    let rows = sql.all(connection, sql.statement(text, values)).await?;
    Ok(merged(sql.read(&rows, read_paused)?))
}

fn read_paused(row: &QueryResult) -> Result<Paused, DbErr> {
    let count: i64 = row.try_get_by_index(1)?;
    Ok(Paused { reason: Reason::from_code(row.try_get_by_index(0)?), count: u32::try_from(count).unwrap_or(u32::MAX) })
}

/// One entry for all reasons that this version does not know.
fn merged(paused: Vec<Paused>) -> Vec<Paused> {
    let (mut known, unknown): (Vec<_>, Vec<_>) = paused.into_iter().partition(|paused| paused.reason.is_some());
    let count = unknown.iter().map(|paused| paused.count).sum();
    known.extend((count > 0).then_some(Paused { reason: None, count }));
    known
}

async fn plans(sql: &Statements, connection: &Lent) -> Result<Vec<String>, StorageError> {
    let text = "SELECT plans FROM {prefix}task_node WHERE state IN (0, 3) ORDER BY boot";
    let rows = sql.all(connection, sql.statement(text, [])).await?;
    sql.read(&rows, |row| row.try_get_by_index(0))
}
