//! A held connection, with the settings that vtask gives its own.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use sea_orm::sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sea_orm::sqlx::postgres::{PgConnectOptions, PgConnection};
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sea_orm::sqlx::{self, AssertSqlSafe, ConnectOptions, Executor, Row};

use super::sql::{Cell, Form, Sql};
use crate::scratch::Kind;

const POSTGRES: &str = "SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_seqscan = off; SET jit = off; \
                        SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";
const MYSQL: &str = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";

/// A query with a parameter for each cell; a macro, because each driver has its own type of query.
macro_rules! cells {
    ($sql:expr, $rows:expr) => {{
        let query = sqlx::query(AssertSqlSafe(Arc::clone(&$sql.text)));
        $rows.iter().flatten().fold(query, |query, cell| match cell {
            Cell::Big(number) => query.bind(*number),
            Cell::Text(text) => query.bind(text.as_ref()),
            Cell::Hash(bytes) => query.bind(bytes.as_slice()),
        })
    }};
}

/// The first column of rows, which each driver has a type of its own for.
macro_rules! firsts {
    ($rows:expr) => {
        $rows.iter().map(|row| row.try_get::<i64, _>(0)).collect::<Result<Vec<i64>, sqlx::Error>>()?
    };
}

pub(super) enum Connection {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
    MySql(MySqlConnection),
}

impl Connection {
    pub(super) async fn open(url: &str, kind: Kind) -> anyhow::Result<Self> {
        Ok(match kind {
            Kind::Sqlite => {
                let options = SqliteConnectOptions::from_str(url)?.disable_statement_logging();
                let options = options.journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full);
                Self::Sqlite(options.busy_timeout(Duration::from_secs(10)).connect().await?)
            }
            Kind::Postgres => {
                let mut connection = PgConnectOptions::from_str(url)?.disable_statement_logging().connect().await?;
                connection.execute(POSTGRES).await?;
                Self::Postgres(connection)
            }
            Kind::MySql => {
                let mut connection = MySqlConnectOptions::from_str(url)?.disable_statement_logging().connect().await?;
                connection.execute(MYSQL).await?;
                Self::MySql(connection)
            }
        })
    }

    /// Carries out a statement, which is a commit of its own, and which has to touch every row.
    pub(super) async fn execute(&mut self, sql: &Sql, rows: &[Vec<Cell>]) -> anyhow::Result<()> {
        let touched = self.touch(sql, rows).await?;
        let sent = u64::try_from(rows.len()).context("rows in memory can be counted")?;
        anyhow::ensure!(touched == sent, "the bare statement touched {touched} of {sent} rows: {}", sql.text);
        Ok(())
    }

    /// Carries out a statement, and answers how many rows it touched.
    pub(super) async fn touch(&mut self, sql: &Sql, rows: &[Vec<Cell>]) -> anyhow::Result<u64> {
        Ok(match self {
            Self::Sqlite(connection) => cells!(sql, rows).execute(connection).await?.rows_affected(),
            Self::Postgres(connection) if sql.form == Form::Arrays => {
                let query = sqlx::query(AssertSqlSafe(Arc::clone(&sql.text)));
                arrays(query, rows).execute(connection).await?.rows_affected()
            }
            Self::Postgres(connection) => cells!(sql, rows).execute(connection).await?.rows_affected(),
            Self::MySql(connection) if sql.form == Form::Json => {
                let query = sqlx::query(AssertSqlSafe(Arc::clone(&sql.text))).bind(serde_json::to_string(rows)?);
                query.execute(connection).await?.rows_affected()
            }
            Self::MySql(connection) => cells!(sql, rows).execute(connection).await?.rows_affected(),
        })
    }

    /// Carries out a statement, and answers the first column of the rows that it returns.
    pub(super) async fn ids(&mut self, sql: &Sql, rows: &[Vec<Cell>]) -> anyhow::Result<Vec<i64>> {
        Ok(match self {
            Self::Sqlite(connection) => firsts!(cells!(sql, rows).fetch_all(connection).await?),
            Self::Postgres(connection) => firsts!(cells!(sql, rows).fetch_all(connection).await?),
            Self::MySql(connection) => firsts!(cells!(sql, rows).fetch_all(connection).await?),
        })
    }
}

type PgQuery<'q> = sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>;

/// A query with an array for each column.
fn arrays<'q>(query: PgQuery<'q>, rows: &'q [Vec<Cell>]) -> PgQuery<'q> {
    let columns = rows.first().map_or(0, Vec::len);
    (0..columns).fold(query, |query, column| {
        let cells = rows.iter().map(|row| &row[column]);
        match rows[0][column] {
            Cell::Big(_) => query.bind(cells.filter_map(Cell::big).collect::<Vec<i64>>()),
            Cell::Text(_) => query.bind(cells.filter_map(Cell::text).collect::<Vec<&str>>()),
            Cell::Hash(_) => query.bind(cells.filter_map(Cell::hash).collect::<Vec<&[u8]>>()),
        }
    })
}
