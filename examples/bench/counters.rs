//! What a server has counted.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DbErr, QueryResult, Statement};
use tokio::time::sleep;

use crate::scratch::Kind;
use crate::sections::On;

/// What a server has counted since it was started; NaN where it counts nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counters {
    /// Inserted and updated.
    pub(crate) rows: f64,
    pub(crate) commits: f64,
    /// Transactions on PostgreSQL, statements on MySQL.
    pub(crate) queries: f64,
}

const POSTGRES: &str = "SELECT (tup_inserted + tup_updated)::bigint, xact_commit::bigint, (xact_commit + xact_rollback)::bigint \
                        FROM pg_stat_database WHERE datname = current_database()";
/// Each of these statements is a commit. (A server also counts as committed what only reads.)
const COMMITS: [&str; 5] = ["Com_insert", "Com_insert_select", "Com_update", "Com_update_multi", "Com_delete"];
const ROWS: [&str; 2] = ["Handler_write", "Handler_update"];
const QUERIES: &str = "Questions";
/// Sessions of vtask, which tell what they did when they end.
const OTHERS: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() \
                      AND backend_type = 'client backend'";
/// Up to version 14 a collector gathers what sessions tell, at most so late.
const COLLECTED: &str = "SELECT count(*) FROM pg_settings WHERE name = 'server_version_num' AND setting::int < 150000";
const LATE: Duration = Duration::from_millis(1100);

impl Default for Counters {
    fn default() -> Self {
        Self { rows: f64::NAN, commits: f64::NAN, queries: f64::NAN }
    }
}

impl Counters {
    pub(crate) async fn read(on: &On<'_>) -> anyhow::Result<Self> {
        match on.scratch.kind {
            Kind::Sqlite => Ok(Self::default()),
            Kind::Postgres => Ok(rows(on, POSTGRES).await?.first().map(of_postgres).transpose()?.unwrap_or_default()),
            Kind::MySql => of_mysql(&rows(on, "SHOW GLOBAL STATUS").await?),
        }
    }

    /// Reads them when all is counted that sessions did which end now.
    pub(crate) async fn settled(on: &On<'_>) -> anyhow::Result<Self> {
        if on.scratch.kind == Kind::Postgres {
            let mut looks = 0..60;
            while count(on, OTHERS).await? > 0 && looks.next().is_some() {
                sleep(Duration::from_millis(50)).await;
            }
            if count(on, COLLECTED).await? > 0 {
                sleep(LATE).await;
            }
        }
        Self::read(on).await
    }

    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            rows: self.rows - before.rows,
            commits: self.commits - before.commits,
            queries: self.queries - before.queries,
        }
    }
}

fn of_postgres(row: &QueryResult) -> Result<Counters, DbErr> {
    let of = |column| row.try_get_by_index::<i64>(column).map(|count| count as f64);
    Ok(Counters { rows: of(0)?, commits: of(1)?, queries: of(2)? })
}

fn of_mysql(rows: &[QueryResult]) -> anyhow::Result<Counters> {
    let mut counters = Counters { rows: 0.0, commits: 0.0, queries: 0.0 };
    for row in rows {
        let (name, value): (String, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        match name.as_str() {
            QUERIES => counters.queries = value.parse()?,
            name if ROWS.contains(&name) => counters.rows += value.parse::<f64>()?,
            name if COMMITS.contains(&name) => counters.commits += value.parse::<f64>()?,
            _ => {}
        }
    }
    Ok(counters)
}

async fn rows(on: &On<'_>, text: &str) -> Result<Vec<QueryResult>, DbErr> {
    on.database.query_all_raw(Statement::from_string(on.database.get_database_backend(), text)).await
}

async fn count(on: &On<'_>, text: &str) -> Result<i64, DbErr> {
    rows(on, text).await?.first().map_or(Ok(0), |row| row.try_get_by_index(0))
}
