//! Opening a database on a PostgreSQL server, and saying exactly why it does not open.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::SqlxPostgresConnector;
use sea_orm::sqlx::postgres::{PgConnectOptions, PgConnection};
use sea_orm::sqlx::{self, AssertSqlSafe, ConnectOptions, Connection, Executor};

use super::DIALECT;
use super::error::{classify, refusal};
use super::settings;
use crate::error::ConnectError;
use crate::open::{Database, OpenOptions};
use crate::sql::connections::Connections;
use crate::sql::driver::wrapped;
use crate::sql::migrate::{Failure, migrate};
use crate::sql::pools::{Pools, Server};
use crate::sql::server::{Address, LONGEST_LIMIT, SLACK, each_address, first, in_turn, pool, without_password};
use crate::sql::settings::{settings as settings_of, warn, warn_of_isolation};
use crate::sql::statements::Statements;
use crate::sql::{Names, SqlStorage};

/// What one statement should carry; PostgreSQL itself would take a gigabyte.
const MOST_BYTES: usize = 4 << 20;

/// The planner guesses the size of a batch, and on a table that was never analyzed it would scan the table for it; so
/// only the ways that use an index are left, and no plan that was made while the table was small is kept. What was
/// answered has to be on the disk, so a `synchronous_commit` that is off is put on, and any other left. The limits keep the
/// locks of a client that has died from outliving it.
const SESSION: &str = "SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_seqscan = off; SET jit = off; \
                       SET max_parallel_workers_per_gather = 0; \
                       SELECT set_config('synchronous_commit', 'on', false) WHERE \
                       current_setting('synchronous_commit') = 'off'; \
                       SET lock_timeout = '1s'; SET statement_timeout = '15s'; \
                       SET idle_in_transaction_session_timeout = '10s'; \
                       SET default_transaction_isolation = 'read committed'";

/// Where there are several addresses, one that takes no writes is left for the next.
const MUST_BE_PRIMARY: &str = "; DO $$ BEGIN IF pg_is_in_recovery() THEN RAISE read_only_sql_transaction USING MESSAGE = \
                               'the server is a standby'; END IF; END $$";

/// What steps do in their transactions is planned as the server does it; only no plan is kept that was made while a table
/// was small. The limits are those of the slowest step, in milliseconds. What a step writes after the end of its transaction
/// would be committed by itself: only the transactions that vtask begins may write. A database that is to take no writes has
/// its way.
fn session_of_steps(longest: Duration) -> String {
    let longest = longest.min(LONGEST_LIMIT);
    let (longest, idle) = (longest.as_millis(), (longest + SLACK).as_millis());
    format!(
        "DO $$ BEGIN IF current_setting('default_transaction_read_only')::bool THEN RAISE read_only_sql_transaction USING \
         MESSAGE = 'default_transaction_read_only is on'; END IF; END $$; SET plan_cache_mode = force_custom_plan; SELECT set_config('synchronous_commit', 'on', false) WHERE \
         current_setting('synchronous_commit') = 'off'; SET lock_timeout = {longest}; SET statement_timeout = {longest}; SET \
         idle_in_transaction_session_timeout = {idle}; SET default_transaction_isolation = 'read committed'; SET \
         default_transaction_read_only = on"
    )
}

pub(crate) async fn open(database: &Database, options: &OpenOptions) -> Result<SqlStorage, ConnectError> {
    let sql = Arc::new(Statements::new(&DIALECT, Names::new(&options.table_prefix)?));
    let user = Arc::new(users_options(database).await?);
    in_turn(user.addresses.len(), |at| open_at(Arc::clone(&sql), Arc::clone(&user), at, options)).await
}

async fn open_at(
    sql: Arc<Statements>,
    user: Arc<UsersOptions>,
    at: usize,
    options: &OpenOptions,
) -> Result<SqlStorage, ConnectError> {
    let address = address(&user.addresses[at]);
    let explain = |error| address.explain(error, refusal, classify);
    check(&user, at, &address).await.map_err(|failure| failure.told(explain))?;
    let connections = Connections::Server(Pools::new(server(user), at));
    let lender = connections.writer();
    let writer = lender.pool();
    migrate(&sql, writer, options).await.map_err(|failure| failure.told(explain))?;
    let asked: Result<(String,), sqlx::Error> = sqlx::query_as("SELECT current_setting('transaction_isolation')")
        .fetch_one(writer.get_postgres_connection_pool())
        .await;
    warn_of_isolation(&address, &asked.map_err(|error| explain(wrapped(error)))?.0);
    Ok(SqlStorage::new(sql, connections, MOST_BYTES))
}

fn server(user: Arc<UsersOptions>) -> Server {
    let for_engine = Arc::clone(&user);
    let open = |user: &UsersOptions, at, most, session: &str| {
        SqlxPostgresConnector::from_sqlx_postgres_pool(lazy_pool(user, at, most, session))
    };
    Server {
        addresses: user.addresses.len(),
        pool: Arc::new(move |at, most| open(&for_engine, at, most, SESSION)),
        for_steps: Arc::new(move |at, longest| open(&user, at, 1, &session_of_steps(longest))),
        // It is closed from this call on, whether or not somebody waits for that.
        close: |connection| drop(connection.get_postgres_connection_pool().close()),
    }
}

/// How to connect, as the user wants it.
struct UsersOptions {
    /// One for each address.
    addresses: Vec<PgConnectOptions>,
    /// Where his own connections look for tables, if he gave one.
    search_path: Option<Arc<str>>,
}

async fn users_options(database: &Database) -> Result<UsersOptions, ConnectError> {
    let connection = match database {
        Database::Url(url) => {
            let wrong = |error: sqlx::Error| ConnectError::Url { scheme: "postgres".to_owned(), source: error.into() };
            let addresses = each_address(url).iter().map(|url| PgConnectOptions::from_str(url)).collect();
            return Ok(UsersOptions { addresses: Result::map_err(addresses, wrong)?, search_path: None });
        }
        Database::Connection(connection) => connection,
    };
    let pool = connection.get_postgres_connection_pool();
    let options = PgConnectOptions::clone(&pool.connect_options());
    let ask = "SELECT current_setting('search_path'), current_setting('synchronous_commit')";
    let asked: Result<(String, String), sqlx::Error> = sqlx::query_as(ask).fetch_one(pool).await;
    let (search_path, synchronous_commit) =
        asked.map_err(|error| address(&options).explain(wrapped(error), refusal, classify))?;
    if synchronous_commit == "off" {
        tracing::warn!(
            "the given connection has `synchronous_commit` off: what is written through it may be lost when the power fails"
        );
    }
    Ok(UsersOptions { addresses: vec![options], search_path: Some(search_path.into()) })
}

fn address(options: &PgConnectOptions) -> Address {
    let socket = options.get_socket().map(|socket| socket.display().to_string());
    Address {
        scheme: "postgres",
        host: socket.unwrap_or_else(|| options.get_host().to_owned()),
        port: options.get_port(),
        database: Some(without_password(options.get_database().unwrap_or(options.get_username()))),
        user: options.get_username().to_owned(),
    }
}

async fn check(user: &UsersOptions, at: usize, address: &Address) -> Result<(), Failure> {
    let options = user.addresses[at].clone().disable_statement_logging();
    let mut connection: PgConnection = first(user.addresses.len(), options.connect()).await?;
    let ask = "SELECT current_setting('server_version_num')::int, current_setting('server_version'), \
               current_setting('server_encoding')";
    let asked: Result<(i32, String, String), sqlx::Error> = sqlx::query_as(ask).fetch_one(&mut connection).await;
    let (number, version, encoding) = asked.map_err(wrapped)?;
    let asked: Result<Vec<(String, String)>, sqlx::Error> =
        sqlx::query_as(settings::ASK).fetch_all(&mut connection).await;
    warn(address, settings::CHECKS, &settings_of(asked.map_err(wrapped)?));
    // It answered; what it says at parting does not matter.
    let _ = connection.close().await;
    let address = address.to_string();
    if number < 120_000 {
        let version = format!("PostgreSQL {version}");
        return Err(ConnectError::TooOld { address, version, needed: "PostgreSQL 12" }.into());
    }
    if encoding != "UTF8" {
        return Err(ConnectError::Encoding { address, encoding }.into());
    }
    Ok(())
}

fn lazy_pool(user: &UsersOptions, at: usize, most: u32, session: &str) -> sqlx::PgPool {
    let primary = if user.addresses.len() > 1 { MUST_BE_PRIMARY } else { "" };
    let (path, session): (_, Arc<str>) = (user.search_path.clone(), format!("{session}{primary}").into());
    let options = user.addresses[at].clone().statement_cache_capacity(256).disable_statement_logging();
    pool(user.addresses.len(), most)
        .after_connect(move |connection: &mut PgConnection, _| {
            let (path, session) = (path.clone(), Arc::clone(&session));
            Box::pin(async move {
                connection.execute(AssertSqlSafe(session)).await?;
                if let Some(path) = path {
                    let set = sqlx::query("SELECT set_config('search_path', $1, false)").bind(path.to_string());
                    connection.execute(set).await?;
                }
                Ok(())
            })
        })
        .connect_lazy_with(options)
}
