//! Connections that are kept at hand between calls.
//!
//! A pool pings each connection that comes back to it, which is a round trip, and here there is a call a step. So
//! connections are taken out of the pool for good, as many as it may have, and lent to one call after the other; the pool
//! only makes them.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, Weak};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use sea_orm::sqlx::error::DatabaseError;
use sea_orm::sqlx::{self, AssertSqlSafe, Connection, Executor};
use sea_orm::{
    ConnAcquireErr, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult,
    QueryResult, RuntimeErr, Statement,
};
use tokio::sync::{Mutex, MutexGuard, OwnedSemaphorePermit, Semaphore};

use super::params::{self, Param};

/// A connection that nobody has used for so long is closed, before a server does it.
const IDLE: Duration = Duration::from_secs(30);
/// One that was idle for so long may have been cut off: it is asked before it is used.
const UNCERTAIN: Duration = Duration::from_secs(10);
/// No connection is used for longer, as no load balancer keeps one for ever; where there are several addresses, as a server
/// that has become a replica goes on answering.
pub(crate) const LIFETIME: Duration = Duration::from_secs(1800);
#[cfg(any(feature = "postgres", feature = "mysql"))]
pub(crate) const LIFETIME_OF_SEVERAL: Duration = Duration::from_secs(60);

/// Lends connections, at most so many at a time.
#[derive(Debug, Clone)]
pub(crate) struct Lender(Arc<Home>);

#[derive(Debug)]
struct Home {
    /// Makes them.
    pool: DatabaseConnection,
    room: Arc<Semaphore>,
    most: u32,
    lifetime: Duration,
    /// How long a call waits until one is free.
    patience: Duration,
    /// Those that nobody has, the one that was used last at the end.
    kept: std::sync::Mutex<Vec<Kept>>,
    /// How many there are, lent or not.
    count: AtomicUsize,
    /// How many there have been.
    made: AtomicU32,
    is_closed: AtomicBool,
    /// Whether somebody sees to it that those which are not used are closed.
    is_watched: AtomicBool,
}

#[derive(Debug)]
struct Kept {
    live: Live,
    since: Instant,
    /// Whether its last use ended in an error.
    is_doubtful: bool,
}

#[derive(Debug)]
struct Live {
    driver: Driver,
    /// When another takes its place.
    until: Instant,
    _counted: Counted,
}

/// Counts a connection as long as it is there.
#[derive(Debug)]
struct Counted(Weak<Home>);

#[derive(Debug)]
enum Driver {
    #[cfg(feature = "sqlite")]
    Sqlite(sqlx::SqliteConnection),
    #[cfg(feature = "postgres")]
    Postgres(sqlx::PgConnection),
    #[cfg(feature = "mysql")]
    MySql(sqlx::MySqlConnection),
}

/// Does the same with whichever connection it is.
macro_rules! each {
    ($driver:expr, $connection:ident => $what:expr) => {
        match $driver {
            #[cfg(feature = "sqlite")]
            Driver::Sqlite($connection) => $what,
            #[cfg(feature = "postgres")]
            Driver::Postgres($connection) => $what,
            #[cfg(feature = "mysql")]
            Driver::MySql($connection) => $what,
        }
    };
}

/// Makes a query of a text and its parameters, for whichever connection it is.
macro_rules! query {
    ($driver:expr, $text:expr, $params:expr, |$connection:ident, $query:ident| $what:expr) => {
        match $driver {
            #[cfg(feature = "sqlite")]
            Driver::Sqlite($connection) => {
                let $query = sqlx::query_with(AssertSqlSafe($text), params::of_sqlite($params).map_err(encoding)?);
                $what
            }
            #[cfg(feature = "postgres")]
            Driver::Postgres($connection) => {
                let $query = sqlx::query_with(AssertSqlSafe($text), params::of_postgres($params).map_err(encoding)?);
                $what
            }
            #[cfg(feature = "mysql")]
            Driver::MySql($connection) => {
                let $query = sqlx::query_with(AssertSqlSafe($text), params::of_mysql($params).map_err(encoding)?);
                $what
            }
        }
    };
}

impl Lender {
    /// Takes over the connections of a pool of at most so many; nobody else may use it from now on.
    pub(crate) fn new(pool: DatabaseConnection, most: u32, patience: Duration, lifetime: Duration) -> Self {
        Self(Arc::new(Home {
            pool,
            lifetime,
            room: Arc::new(Semaphore::new(most as usize)),
            most,
            patience,
            kept: std::sync::Mutex::default(),
            count: AtomicUsize::new(0),
            made: AtomicU32::new(0),
            is_closed: AtomicBool::new(false),
            is_watched: AtomicBool::new(false),
        }))
    }

    /// Lends a connection, which is opened when it is first needed.
    pub(crate) async fn lend(&self) -> Result<Lent, DbErr> {
        let room = Arc::clone(&self.0.room);
        let permit = match Arc::clone(&room).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => {
                let waited = tokio::time::timeout(self.0.patience, room.acquire_owned()).await;
                let permit = waited.map_err(|_| DbErr::ConnectionAcquire(ConnAcquireErr::Timeout))?;
                permit.map_err(|_| closed())?
            }
        };
        Ok(Lent::new(self.0.lock().pop(), Arc::clone(&self.0), permit))
    }

    /// How many connections there are.
    #[cfg(any(feature = "postgres", feature = "mysql"))]
    pub(crate) fn count(&self) -> usize {
        self.0.count.load(Ordering::Relaxed)
    }

    /// As if it had so many.
    #[cfg(all(test, any(feature = "postgres", feature = "mysql")))]
    pub(crate) fn count_as(&self, count: usize) {
        self.0.count.store(count, Ordering::Relaxed);
    }

    /// What makes the connections.
    #[cfg(any(feature = "postgres", feature = "mysql"))]
    pub(crate) fn pool(&self) -> &DatabaseConnection {
        &self.0.pool
    }

    /// Keeps no connection from now on.
    #[cfg(any(feature = "postgres", feature = "mysql"))]
    pub(crate) fn forget(&self) {
        self.0.is_closed.store(true, Ordering::Relaxed);
        drop(std::mem::take(&mut *self.0.lock()));
    }

    /// Closes the connections once the calls under way are done.
    pub(crate) async fn close(&self) -> Result<(), DbErr> {
        self.0.is_closed.store(true, Ordering::Relaxed);
        // Whoever has one gives it back, or drops it.
        let _all = self.0.room.acquire_many(self.0.most).await.map_err(|_| closed())?;
        let kept = std::mem::take(&mut *self.0.lock());
        for Kept { live, .. } in kept {
            live.close().await;
        }
        self.0.pool.close_by_ref().await
    }
}

impl Home {
    /// Opens one, or asks one that may have been cut off whether it is still there.
    async fn ready(self: &Arc<Self>, kept: Option<Kept>) -> Result<Live, DbErr> {
        if self.is_closed.load(Ordering::Relaxed) {
            return Err(closed());
        }
        let Some(Kept { mut live, since, is_doubtful }) = kept else { return self.open().await };
        if live.until <= Instant::now() {
            live.close().await;
            return self.open().await;
        }
        let is_uncertain = is_doubtful || since.elapsed() > UNCERTAIN;
        if is_uncertain && each!(&mut live.driver, connection => connection.ping().await).is_err() {
            return self.open().await;
        }
        Ok(live)
    }

    async fn open(self: &Arc<Self>) -> Result<Live, DbErr> {
        let pool = &self.pool;
        let acquired = match pool.get_database_backend() {
            #[cfg(feature = "sqlite")]
            DbBackend::Sqlite => pool.get_sqlite_connection_pool().acquire().await.map(|c| Driver::Sqlite(c.detach())),
            #[cfg(feature = "postgres")]
            DbBackend::Postgres => {
                pool.get_postgres_connection_pool().acquire().await.map(|c| Driver::Postgres(c.detach()))
            }
            #[cfg(feature = "mysql")]
            DbBackend::MySql => pool.get_mysql_connection_pool().acquire().await.map(|c| Driver::MySql(c.detach())),
            other => return Err(DbErr::Type(format!("there is no driver for {other:?}"))),
        };
        let driver = acquired.map_err(not_acquired)?;
        self.count.fetch_add(1, Ordering::Relaxed);
        // So that no two which were made together end together.
        let number = self.made.fetch_add(1, Ordering::Relaxed) % 4;
        let until = Instant::now() + self.lifetime - self.lifetime / 8 * number;
        Ok(Live { driver, until, _counted: Counted(Arc::downgrade(self)) })
    }

    fn keep(self: &Arc<Self>, kept: Kept) {
        let is_first = {
            let mut state = self.lock();
            if self.is_closed.load(Ordering::Relaxed) {
                return;
            }
            state.push(kept);
            !self.is_watched.swap(true, Ordering::Relaxed)
        };
        // Where no runtime is left, nobody needs the connection for long.
        if is_first && let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(close_idle(Arc::downgrade(self)));
        }
    }

    /// Takes out those that nobody has used for long; `None` once nothing is kept.
    fn idle(&self) -> Option<Vec<Kept>> {
        let mut kept = self.lock();
        if kept.is_empty() {
            self.is_watched.store(false, Ordering::Relaxed);
            return None;
        }
        let (idle, used) = std::mem::take(&mut *kept).into_iter().partition(|kept| kept.since.elapsed() >= IDLE);
        *kept = used;
        Some(idle)
    }

    // Nothing under this lock can panic half-way.
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes what is not used, until nothing is kept.
async fn close_idle(home: Weak<Home>) {
    loop {
        tokio::time::sleep(IDLE / 2).await;
        let Some(idle) = home.upgrade().and_then(|home| home.idle()) else { return };
        for Kept { live, .. } in idle {
            live.close().await;
        }
    }
}

impl Live {
    /// Ends it in order; what it says at parting does not matter.
    async fn close(self) {
        let _ = each!(self.driver, connection => connection.close().await);
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if let Some(home) = self.0.upgrade() {
            home.count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// A connection for the statements of one call.
///
/// # Cancel safety
///
/// A statement whose future is dropped takes its connection with it.
#[derive(Debug)]
pub(crate) struct Lent {
    state: Mutex<State>,
    home: Arc<Home>,
    _permit: OwnedSemaphorePermit,
}

#[derive(Debug)]
struct State {
    /// `None` from the beginning of a statement to its end; for good, if it lost the connection.
    seat: Option<Seat>,
    /// Whether the server refused something, as it also does before it ends a session.
    is_doubtful: bool,
    /// Whether a transaction has begun and not ended.
    is_in_transaction: bool,
}

#[derive(Debug)]
enum Seat {
    /// Nothing was sent yet.
    Unused(Option<Kept>),
    Used(Live),
}

impl Lent {
    fn new(kept: Option<Kept>, home: Arc<Home>, permit: OwnedSemaphorePermit) -> Self {
        let state = State { seat: Some(Seat::Unused(kept)), is_doubtful: false, is_in_transaction: false };
        Self { state: Mutex::new(state), home, _permit: permit }
    }

    /// Carries out a statement that answers no rows.
    pub(crate) async fn run(&self, text: Arc<str>, params: Vec<Param<'_>>) -> Result<ExecResult, DbErr> {
        let (state, mut live) = self.take().await?;
        let done = query!(&mut live.driver, text, params, |connection, query| {
            query.execute(connection).await.map(ExecResult::from)
        });
        give_back(state, live, done).map_err(DbErr::Exec)
    }

    /// Answers the rows of the statement.
    pub(crate) async fn rows(&self, text: Arc<str>, params: Vec<Param<'_>>) -> Result<Vec<QueryResult>, DbErr> {
        let (state, mut live) = self.take().await?;
        let rows = query!(&mut live.driver, text, params, |connection, query| {
            let rows = query.fetch_all(connection).await;
            rows.map(|rows| rows.into_iter().map(QueryResult::from).collect())
        });
        give_back(state, live, rows).map_err(DbErr::Query)
    }

    /// Begins a transaction. Whoever drops it before its end takes it back, and its connection with it.
    pub(crate) async fn begin(&self, text: &str) -> Result<(), DbErr> {
        self.state.lock().await.is_in_transaction = true;
        self.execute_unprepared(text).await.map(drop)
    }

    /// Ends it, by COMMIT or ROLLBACK.
    pub(crate) async fn end(&self, text: &str) -> Result<(), DbErr> {
        self.execute_unprepared(text).await?;
        self.state.lock().await.is_in_transaction = false;
        Ok(())
    }

    async fn is_in_transaction(&self) -> bool {
        self.state.lock().await.is_in_transaction
    }

    async fn take(&self) -> Result<(MutexGuard<'_, State>, Live), DbErr> {
        let mut state = self.state.lock().await;
        let live = match state.seat.take() {
            Some(Seat::Used(live)) => live,
            Some(Seat::Unused(kept)) => self.home.ready(kept).await?,
            None => return Err(lost()),
        };
        Ok((state, live))
    }
}

/// Puts a connection back in its place, unless the statement lost it or it has prepared that for tables as they were: another
/// one prepares it anew.
fn give_back<T>(mut state: MutexGuard<'_, State>, live: Live, done: Result<T, sqlx::Error>) -> Result<T, RuntimeErr> {
    state.is_doubtful |= done.is_err();
    if done.as_ref().err().is_none_or(|error| error.as_database_error().is_some_and(|error| !is_stale(error))) {
        state.seat = Some(Seat::Used(live));
    }
    done.map_err(|error| RuntimeErr::SqlxError(error.into()))
}

/// Whether what the connection has prepared is gone, or no longer fits its tables.
fn is_stale(error: &dyn DatabaseError) -> bool {
    #[cfg(feature = "mysql")]
    if let Some(error) = error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
        return error.number() == 1243;
    }
    matches!(error.code().as_deref(), Some("0A000" | "26000" | "42P05"))
}

impl Drop for Lent {
    fn drop(&mut self) {
        let state = self.state.get_mut();
        let is_doubtful = state.is_doubtful;
        match state.seat.take() {
            Some(Seat::Unused(Some(kept))) => self.home.keep(kept),
            Some(Seat::Used(live)) if !state.is_in_transaction => {
                self.home.keep(Kept { live, since: Instant::now(), is_doubtful });
            }
            _ => {}
        }
    }
}

#[async_trait]
impl ConnectionTrait for Lent {
    fn get_database_backend(&self) -> DbBackend {
        self.home.pool.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let params = Param::all_of(statement.values)?;
        self.run(statement.sql.into(), params).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let (state, mut live) = self.take().await?;
        let text = AssertSqlSafe(sql.to_owned());
        let done = each!(&mut live.driver, connection => connection.execute(text).await.map(ExecResult::from));
        give_back(state, live, done).map_err(DbErr::Exec)
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        Ok(self.query_all_raw(statement).await?.into_iter().next())
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let params = Param::all_of(statement.values)?;
        self.rows(statement.sql.into(), params).await
    }
}

/// What a storage's statements are carried out on.
#[derive(Debug)]
pub(crate) enum On<'a> {
    /// A connection of its own.
    Lent(&'a Lent),
    /// A transaction that the user's code sees.
    Users(&'a DatabaseTransaction),
}

impl On<'_> {
    /// Whether a statement that fails takes nothing else with it.
    pub(crate) async fn is_by_itself(&self) -> bool {
        match self {
            Self::Lent(lent) => !lent.is_in_transaction().await,
            Self::Users(_) => false,
        }
    }

    /// Carries out a statement that answers no rows.
    pub(crate) async fn run(&self, text: &Arc<str>, params: Vec<Param<'_>>) -> Result<ExecResult, DbErr> {
        match self {
            Self::Lent(lent) => lent.run(Arc::clone(text), params).await,
            Self::Users(transaction) => transaction.execute_raw(statement(transaction, text, params)).await,
        }
    }

    /// Answers the rows of the statement.
    pub(crate) async fn rows(&self, text: &Arc<str>, params: Vec<Param<'_>>) -> Result<Vec<QueryResult>, DbErr> {
        match self {
            Self::Lent(lent) => lent.rows(Arc::clone(text), params).await,
            Self::Users(transaction) => transaction.query_all_raw(statement(transaction, text, params)).await,
        }
    }

    /// Answers the rows of a statement whose text is not kept.
    pub(crate) async fn all(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        match self {
            Self::Lent(lent) => lent.query_all_raw(statement).await,
            Self::Users(transaction) => transaction.query_all_raw(statement).await,
        }
    }
}

fn statement(transaction: &DatabaseTransaction, text: &str, params: Vec<Param<'_>>) -> Statement {
    let values = params.into_iter().map(Param::into_value);
    Statement::from_sql_and_values(transaction.get_database_backend(), text, values)
}

fn not_acquired(error: sqlx::Error) -> DbErr {
    match error {
        sqlx::Error::PoolTimedOut => DbErr::ConnectionAcquire(ConnAcquireErr::Timeout),
        sqlx::Error::PoolClosed => closed(),
        error => super::driver::wrapped(error),
    }
}

fn closed() -> DbErr {
    DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed)
}

fn lost() -> DbErr {
    let error = std::io::Error::new(std::io::ErrorKind::NotConnected, "an earlier statement lost the connection");
    super::driver::wrapped(sqlx::Error::Io(error))
}

fn encoding(error: sqlx::error::BoxDynError) -> DbErr {
    super::driver::wrapped(sqlx::Error::Encode(error))
}
