//! Many rows at a time, as copies of one that vtask wrote.

use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context;
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use vtask::JobId;

use crate::progress::say;
use crate::scratch::Kind;

/// So many rows a statement.
const ROWS: usize = 10_000;
/// Each copy has a number of its own.
static NEXT: AtomicUsize = AtomicUsize::new(0);

/// When the copies are due.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Due {
    /// Since an hour, one microsecond after the other.
    Now,
    /// In a year, just so.
    Later,
    /// As the original.
    Same,
}

/// Copies a job so many times.
pub(crate) async fn copy(
    database: &DatabaseConnection,
    kind: Kind,
    original: JobId,
    count: usize,
    due: Due,
) -> anyhow::Result<()> {
    let columns = columns(database, original).await?;
    let mut told = 0;
    for done in (0..count).step_by(ROWS) {
        let rows = ROWS.min(count - done);
        let number = NEXT.fetch_add(rows, Ordering::Relaxed);
        database.execute_unprepared(&text(kind, &columns, original, (number, rows), due)).await?;
        if 10 * (done + rows) / count > told && count > 10 * ROWS {
            told = 10 * (done + rows) / count;
            say(format_args!("  {} of {count} rows ({due:?})", done + rows));
        }
    }
    Ok(())
}

/// The columns of a row, but for its id, which the database gives.
async fn columns(database: &DatabaseConnection, original: JobId) -> anyhow::Result<Vec<String>> {
    let text = format!("SELECT * FROM task WHERE id = {original}");
    let row = database.query_one_raw(Statement::from_string(database.get_database_backend(), text)).await?;
    let names = row.context("the row that is to be copied")?.column_names();
    Ok(names.into_iter().filter(|name| name != "id").collect())
}

fn text(kind: Kind, columns: &[String], original: JobId, (number, rows): (usize, usize), due: Due) -> String {
    let values: Vec<String> = columns.iter().map(|column| value(kind, column, number, due)).collect();
    let digits: Vec<String> = (0..10).map(|digit| format!("SELECT {digit} AS n")).collect();
    let digits = format!("({})", digits.join(" UNION ALL "));
    format!(
        "INSERT INTO task ({}) SELECT {} FROM (SELECT a.n + 10 * b.n + 100 * c.n + 1000 * d.n AS n FROM {digits} a, \
         {digits} b, {digits} c, {digits} d) AS s, task AS t WHERE t.id = {original} AND s.n < {rows}",
        columns.join(", "),
        values.join(", ")
    )
}

/// What a copy has in a column: what the original has, unless it has to be its own.
fn value(kind: Kind, column: &str, number: usize, due: Due) -> String {
    let number = format!("({number} + s.n)");
    let random = match kind {
        Kind::Sqlite => "random() & 9223372036854775807",
        Kind::Postgres => "(random() * 9007199254740991)::bigint",
        Kind::MySql => "floor(rand() * 9007199254740991)",
    };
    match (column, kind) {
        ("uuid", Kind::Sqlite) => format!("printf('%036d', {number})"),
        ("uuid", Kind::Postgres) => format!("lpad({number}::text, 36, '0')"),
        ("uuid", Kind::MySql) => format!("lpad({number}, 36, '0')"),
        // In order, because in any other one large tables take very long to fill.
        ("key_hash", Kind::Sqlite) => format!("cast(printf('%032d', {number}) AS blob)"),
        ("key_hash", Kind::Postgres) => format!("decode(lpad(to_hex({number}), 64, '0'), 'hex')"),
        ("key_hash", Kind::MySql) => format!("unhex(lpad(hex({number}), 64, '0'))"),
        ("birth" | "lease", _) => random.to_owned(),
        ("wake_at", _) => match due {
            Due::Now => format!("{} - 3600000000 + {number}", kind.now()),
            Due::Later => format!("{} + 31536000000000 + {number}", kind.now()),
            Due::Same => "t.wake_at".to_owned(),
        },
        _ => format!("t.{column}"),
    }
}
