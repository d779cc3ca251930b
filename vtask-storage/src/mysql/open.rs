//! Opening a database on a MySQL or MariaDB server, and saying exactly why it does not open.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sea_orm::sqlx::{self, AssertSqlSafe, ConnectOptions, Connection, Executor};
use sea_orm::{DatabaseConnection, SqlxMySqlConnector};

use super::error::{classify, refusal};
use super::settings;
use super::{DIALECT, MARIADB};
use crate::error::ConnectError;
use crate::open::{Database, OpenOptions};
use crate::sql::connections::Connections;
use crate::sql::driver::wrapped;
use crate::sql::migrate::{Failure, migrate};
use crate::sql::pools::{self, Pools};
use crate::sql::server::{Address, LONGEST_LIMIT, SLACK, each_address, first, in_turn, pool, without_password};
use crate::sql::settings::{is, settings as settings_of, warn, warn_of_isolation};
use crate::sql::statements::Statements;
use crate::sql::{Names, SqlStorage};

/// The most that one statement should carry, however large its packets may be.
const MOST_BYTES: usize = 4 << 20;

/// A value that does not fit is an error, and a lock holds what a statement changes and no more. Nobody waits for a lock for
/// longer than a second, be it on rows or on the table. The limits keep the locks of a client that has died from outliving it.
const SESSION: &str = "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', innodb_lock_wait_timeout = 1, \
                       lock_wait_timeout = 1, wait_timeout = 60, autocommit = 1";
const ISOLATION: &str = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";
/// MariaDB's own; in seconds.
const LIMITS: &str = "SET SESSION idle_transaction_timeout = 10, max_statement_time = 15";
/// On a Galera cluster a statement, whether it reads, updates or inserts, waits for what the other servers have acknowledged.
const IN_STEP: &str = "SET SESSION wsrep_sync_wait = 7";

/// A deadlock rolls back the whole transaction. Without `autocommit` what a step does after one that it passed over is in
/// another transaction, which is not committed. The limits are those of the slowest step.
fn session_of_steps(longest: Duration) -> String {
    let longest = longest.min(LONGEST_LIMIT);
    let (longest, idle) = (longest.as_secs().max(1), (longest + SLACK).as_secs());
    format!(
        "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', innodb_lock_wait_timeout = {longest}, \
         lock_wait_timeout = {longest}, wait_timeout = {}, autocommit = 0",
        idle.max(60)
    )
}

/// MariaDB's own.
fn limits_of_steps(longest: Duration) -> String {
    let longest = longest.min(LONGEST_LIMIT);
    let (longest, idle) = (longest.as_secs_f64(), (longest + SLACK).as_secs());
    format!("SET SESSION idle_transaction_timeout = {idle}, max_statement_time = {longest}")
}

pub(crate) async fn open(database: &Database, options: &OpenOptions) -> Result<SqlStorage, ConnectError> {
    let names = Names::new(&options.table_prefix)?;
    let user: Arc<[MySqlConnectOptions]> = users_options(database).await?.into();
    in_turn(user.len(), |at| open_at(names.clone(), Arc::clone(&user), at, options)).await
}

async fn open_at(
    names: Names,
    user: Arc<[MySqlConnectOptions]>,
    at: usize,
    options: &OpenOptions,
) -> Result<SqlStorage, ConnectError> {
    let address = address(&user[at]);
    let explain = |failure: Failure| failure.told(|error| address.explain(error, refusal, classify));
    let server = ask(&user, at, &address).await.map_err(explain)?;
    let sql = Arc::new(Statements::new(if server.is_mariadb { &MARIADB } else { &DIALECT }, names));
    // A statement carries its rows escaped, which at worst doubles them, and something beside them.
    let most_bytes = MOST_BYTES.min(server.max_allowed_packet / 4);
    let connections = Connections::Server(Pools::new(connect(user, &server), at));
    let lender = connections.writer();
    let writer = lender.pool();
    migrate(&sql, writer, options).await.map_err(explain)?;
    check_isolation(writer, &address).await.map_err(explain)?;
    Ok(SqlStorage::new(sql, connections, most_bytes))
}

fn connect(user: Arc<[MySqlConnectOptions]>, server: &Server) -> pools::Server {
    let engine = Opens { user, is_mariadb: server.is_mariadb, is_in_cluster: server.is_in_cluster };
    let steps = engine.clone();
    pools::Server {
        addresses: engine.user.len(),
        pool: Arc::new(move |at, most| engine.pool(at, most, SESSION.to_owned(), LIMITS.to_owned())),
        for_steps: Arc::new(move |at, longest| steps.pool(at, 1, session_of_steps(longest), limits_of_steps(longest))),
        // It is closed from this call on, whether or not somebody waits for that.
        close: |connection| drop(connection.get_mysql_connection_pool().close()),
    }
}

/// Makes pools.
#[derive(Clone)]
struct Opens {
    /// One for each address.
    user: Arc<[MySqlConnectOptions]>,
    is_mariadb: bool,
    is_in_cluster: bool,
}

impl Opens {
    /// A pool whose sessions have these settings, the second ones where MariaDB knows them.
    fn pool(&self, at: usize, most: u32, session: String, of_mariadb: String) -> DatabaseConnection {
        let optional = [(self.is_mariadb, of_mariadb), (self.is_in_cluster, IN_STEP.to_owned())];
        let optional = optional.into_iter().filter(|(is_wanted, _)| *is_wanted).map(|(_, setting)| setting);
        let settings = [session, ISOLATION.to_owned()].into_iter().chain(optional).collect();
        SqlxMySqlConnector::from_sqlx_mysql_pool(self.lazy_pool(at, most, settings))
    }

    fn lazy_pool(&self, at: usize, most: u32, settings: Vec<String>) -> sqlx::MySqlPool {
        let options = self.user[at]
            .clone()
            .charset("utf8mb4")
            .set_names(true)
            .timezone(Some("+00:00".to_owned()))
            .statement_cache_capacity(256)
            .disable_statement_logging();
        let (addresses, is_in_cluster) = (self.user.len(), self.is_in_cluster);
        let settings: Arc<[String]> = settings.into();
        pool(addresses, most)
            .after_connect(move |connection: &mut MySqlConnection, _| {
                let settings = Arc::clone(&settings);
                Box::pin(async move {
                    for setting in settings.iter() {
                        connection.execute(AssertSqlSafe(setting.clone())).await?;
                    }
                    if addresses > 1 { must_be_primary(connection, is_in_cluster).await } else { Ok(()) }
                })
            })
            .connect_lazy_with(options)
    }
}

/// How to connect, as the user wants it.
async fn users_options(database: &Database) -> Result<Vec<MySqlConnectOptions>, ConnectError> {
    match database {
        Database::Url(url) => {
            let wrong = |error: sqlx::Error| ConnectError::Url { scheme: "mysql".to_owned(), source: error.into() };
            each_address(url).iter().map(|url| MySqlConnectOptions::from_str(url).map_err(wrong)).collect()
        }
        Database::Connection(connection) => Ok(vec![of_pool(connection.get_mysql_connection_pool()).await?]),
    }
}

/// The options of the user's own pool; his connections keep their settings, and vtask's statements in a transaction of his
/// obey them.
async fn of_pool(pool: &sqlx::MySqlPool) -> Result<MySqlConnectOptions, ConnectError> {
    let options = MySqlConnectOptions::clone(&pool.connect_options());
    let ask = "SELECT CAST(@@sql_mode AS CHAR), CAST(database() AS CHAR)";
    let asked: Result<(String, Option<String>), sqlx::Error> = sqlx::query_as(ask).fetch_one(pool).await;
    let (sql_mode, database) = asked.map_err(|error| address(&options).explain(wrapped(error), refusal, classify))?;
    if !sql_mode.contains("STRICT_") {
        return Err(ConnectError::LaxSqlMode { address: address(&options).to_string(), sql_mode });
    }
    Ok(database.iter().fold(options, |options, database| options.database(database)))
}

fn address(options: &MySqlConnectOptions) -> Address {
    let socket = options.get_socket().map(|socket| socket.display().to_string());
    Address {
        scheme: "mysql",
        host: socket.unwrap_or_else(|| options.get_host().to_owned()),
        port: options.get_port(),
        database: options.get_database().map(without_password),
        user: options.get_username().to_owned(),
    }
}

/// What the server says of itself.
struct Server {
    is_mariadb: bool,
    is_in_cluster: bool,
    max_allowed_packet: usize,
}

async fn ask(user: &[MySqlConnectOptions], at: usize, address: &Address) -> Result<Server, Failure> {
    let options = &user[at];
    if options.get_database().is_none_or(str::is_empty) {
        return Err(ConnectError::UnnamedDatabase { address: address.to_string() }.into());
    }
    let mut connection: MySqlConnection =
        first(user.len(), options.clone().disable_statement_logging().connect()).await?;
    let ask = "SELECT CAST(version() AS CHAR), CAST(@@max_allowed_packet AS SIGNED)";
    let asked: Result<(String, i64), sqlx::Error> = sqlx::query_as(ask).fetch_one(&mut connection).await;
    let (version, max_allowed_packet) = asked.map_err(wrapped)?;
    let asked: Result<Vec<(String, String)>, sqlx::Error> =
        sqlx::query_as(settings::ASK).fetch_all(&mut connection).await;
    let present = settings_of(asked.map_err(wrapped)?);
    warn(address, settings::CHECKS, &present);
    let is_in_cluster = is(&present, "wsrep_on", "ON");
    // It answered; what it says at parting does not matter.
    let _ = connection.close().await;
    let is_mariadb = version.contains("MariaDB");
    if !is_new_enough(&version, is_mariadb) {
        let (address, needed) = (address.to_string(), if is_mariadb { "MariaDB 10.6" } else { "MySQL 8.0.16" });
        return Err(ConnectError::TooOld { address, version, needed }.into());
    }
    let max_allowed_packet = usize::try_from(max_allowed_packet).unwrap_or(0);
    Ok(Server { is_mariadb, is_in_cluster, max_allowed_packet })
}

/// Where there are several addresses, one that takes no writes is left for the next.
async fn must_be_primary(connection: &mut MySqlConnection, is_in_cluster: bool) -> Result<(), sqlx::Error> {
    let (read_only,): (i64,) =
        sqlx::query_as("SELECT CAST(@@global.read_only AS SIGNED)").fetch_one(&mut *connection).await?;
    if read_only != 0 {
        return Err(sqlx::Error::Protocol("the server is read-only".to_owned()));
    }
    if is_in_cluster { must_be_ready(connection).await } else { Ok(()) }
}

/// A server of a cluster that has lost the others takes nothing. One of no cluster says that it is not ready, too.
async fn must_be_ready(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    let ask = "SHOW GLOBAL STATUS LIKE 'wsrep_ready'";
    let (_, ready): (String, String) = sqlx::query_as(ask).fetch_one(connection).await?;
    if ready == "ON" { Ok(()) } else { Err(sqlx::Error::Protocol("the server is not in its cluster".to_owned())) }
}

async fn check_isolation(writer: &DatabaseConnection, address: &Address) -> Result<(), Failure> {
    let asked: Result<Vec<(String, String)>, sqlx::Error> =
        sqlx::query_as(settings::ASK_ISOLATION).fetch_all(writer.get_mysql_connection_pool()).await;
    let present = settings_of(asked.map_err(wrapped)?);
    if let Some(isolation) = settings::ISOLATION.iter().find_map(|name| present.get(*name)) {
        warn_of_isolation(address, isolation);
    }
    Ok(())
}

/// `JSON_TABLE`, and an alias in every statement that changes rows.
fn is_new_enough(version: &str, is_mariadb: bool) -> bool {
    // A proxy may put a version that old clients understand in front.
    let version = version.strip_prefix("5.5.5-").unwrap_or(version);
    let digits = version.split(|c: char| !c.is_ascii_digit());
    let numbers: Vec<u32> = digits.map_while(|part| part.parse().ok()).take(3).collect();
    numbers.as_slice() >= if is_mariadb { &[10, 6, 0] } else { &[8, 0, 16] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(version: &str, expected: bool) {
        assert_eq!(is_new_enough(version, version.contains("MariaDB")), expected, "{version}");
    }

    #[test]
    fn versions_are_told_apart() {
        check("10.11.6-MariaDB-0+deb12u1", true);
        check("5.5.5-10.6.0-MariaDB", true);
        check("10.5.23-MariaDB", false);
        check("11.4.2-MariaDB", true);
        check("8.0.36", true);
        check("8.4", true);
        check("8.0.15", false);
        check("5.7.44-log", false);
    }
}
