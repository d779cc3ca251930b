//! The statements that claim many rows at a time, in the form that is fastest on each database.

use super::connection::Connection;
use super::random;
use super::sql::{Cell, Form, Sql};
use crate::sample::Sample;
use crate::scratch::Kind;

/// Claims due rows of one name.
pub(super) struct Claimer {
    boot: i64,
    rows: usize,
    statements: Statements,
}

enum Statements {
    /// One that changes and returns them.
    Returning(Sql),
    /// Where an update returns nothing and should not look for its rows: it is told them.
    Apart { candidates: Sql, update: Sql, read: Sql },
}

const READ: &str = "id, uuid, name, step, step_name, plan, lease, input, responses, history";

impl Claimer {
    /// For so many rows at a time; the second number says how many others claim beside this one.
    pub(super) fn new(kind: Kind, sample: &Sample, rows: usize, place: (usize, usize)) -> Self {
        let statements = match kind {
            Kind::MySql => apart(sample, rows, place),
            _ => Statements::Returning(returning(kind, sample, rows)),
        };
        Self { boot: random(), rows, statements }
    }

    /// Leases rows with this token, and answers their ids.
    pub(super) async fn claim(&self, connection: &mut Connection, lease: i64) -> anyhow::Result<Vec<i64>> {
        let owner = vec![Cell::Big(self.boot), Cell::Big(lease)];
        match &self.statements {
            Statements::Returning(sql) => connection.ids(sql, &[owner]).await,
            Statements::Apart { candidates, update, read } => {
                let ids = connection.ids(candidates, &[]).await?;
                if ids.len() < self.rows {
                    return Ok(ids);
                }
                let ids: Vec<Cell> = ids.into_iter().map(Cell::Big).collect();
                connection.touch(update, &[owner, ids.clone()]).await?;
                connection.ids(read, &[ids, vec![Cell::Big(lease)]]).await
            }
        }
    }
}

fn returning(kind: Kind, sample: &Sample, rows: usize) -> Sql {
    let (now, set, due) = (kind.now(), set(kind, sample, ["$1", "$2"]), due(kind, sample));
    let lock = if kind == Kind::Postgres { " FOR UPDATE SKIP LOCKED" } else { "" };
    // Sums are in no index, so that none is chosen for the guard.
    let text = format!(
        "UPDATE bare_task SET {set} WHERE id IN (SELECT id FROM bare_task WHERE {due} ORDER BY wake_at, id LIMIT \
         {rows}{lock}) AND boot + 0 = 0 AND work + 0 = 1 AND wake_at + 0 <= {now} RETURNING {READ}"
    );
    Sql { text: text.into(), form: Form::Cells }
}

fn apart(sample: &Sample, rows: usize, (number, of): (usize, usize)) -> Statements {
    let (kind, form) = (Kind::MySql, Form::Cells);
    let (set, due) = (set(kind, sample, ["?", "?"]), due(kind, sample));
    let ids = vec!["?"; rows].join(", ");
    // Each has rows of its own, so that none looks at what another one is about to claim.
    let candidates =
        format!("SELECT id FROM bare_task WHERE {due} AND id % {of} = {number} ORDER BY wake_at LIMIT {rows}");
    let update = format!("UPDATE bare_task SET {set} WHERE id IN ({ids}) AND boot = 0 AND status = 0");
    let read = format!("SELECT {READ} FROM bare_task WHERE id IN ({ids}) AND lease = ?");
    let [candidates, update, read] = [candidates, update, read].map(|text| Sql { text: text.into(), form });
    Statements::Apart { candidates, update, read }
}

fn set(kind: Kind, sample: &Sample, [boot, lease]: [&str; 2]) -> String {
    format!("boot = {boot}, lease = {lease}, host = '{}', update_time = {}", sample.host, kind.now())
}

fn due(kind: Kind, sample: &Sample) -> String {
    format!("work = 1 AND boot = 0 AND name = '{}' AND wake_at <= {}", sample.name, kind.now())
}
