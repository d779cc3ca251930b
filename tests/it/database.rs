//! A database of its own for each test.

use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};

use sea_orm::{ConnectionTrait, Database, DatabaseConnection, QueryResult, Statement};
use tempfile::TempDir;
use tracing::instrument::WithSubscriber;
use tracing::subscriber::NoSubscriber;
use vtask::{Client, ClientBuilder};

use crate::said::watch;

/// The password of every user that a test makes. No error may show it.
pub(crate) const PASSWORD: &str = "hush-hush";

/// The kinds of databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
    MySql,
}

/// A database that lives as long as the test.
pub(crate) struct TestDatabase {
    kind: Kind,
    url: String,
    _folder: Option<TempDir>,
}

/// The tests of a module's `test` that need a server.
macro_rules! test_on_servers {
    () => {
        #[test]
        #[ignore = "needs a server: run tests/run"]
        fn postgres() {
            run(Kind::Postgres, test);
        }

        #[test]
        #[ignore = "needs a server: run tests/run"]
        fn mysql() {
            run(Kind::MySql, test);
        }
    };
}
pub(crate) use test_on_servers;

/// Declares tests that run on SQLite, and, where `tests/run` has started them, on both servers.
macro_rules! on_each_database {
    ($($(#[$meta:meta])* async fn $name:ident($database:ident) $body:block)*) => {$(
        $(#[$meta])*
        mod $name {
            #[allow(unused_imports, reason = "each test uses what it needs of its file")]
            use super::*;
            use crate::database::{Kind, TestDatabase, run};

            async fn test($database: TestDatabase) $body

            #[test]
            fn sqlite() {
                run(Kind::Sqlite, test);
            }

            crate::database::test_on_servers!();
        }
    )*};
}
pub(crate) use on_each_database;

/// Declares tests that run on both servers, where `tests/run` has started them.
macro_rules! on_each_server {
    ($($(#[$meta:meta])* async fn $name:ident($database:ident) $body:block)*) => {$(
        $(#[$meta])*
        mod $name {
            #[allow(unused_imports, reason = "each test uses what it needs of its file")]
            use super::*;
            use crate::database::{Kind, TestDatabase, run};

            async fn test($database: TestDatabase) $body

            crate::database::test_on_servers!();
        }
    )*};
}
pub(crate) use on_each_server;

/// Declares tests that run on one server only, where `tests/run` has started it.
macro_rules! on_server {
    ($kind:ident: $($(#[$meta:meta])* async fn $name:ident($database:ident) $body:block)*) => {$(
        $(#[$meta])*
        #[test]
        #[ignore = "needs a server: run tests/run"]
        fn $name() {
            async fn test($database: crate::database::TestDatabase) $body
            crate::database::run(crate::database::Kind::$kind, test);
        }
    )*};
}
pub(crate) use on_server;

/// Runs a test on a new database, and drops that afterwards, also when the test fails.
pub(crate) fn run<F>(kind: Kind, test: fn(TestDatabase) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let server = if kind == Kind::Sqlite { String::new() } else { kind.server() };
    run_on(kind, &server, test);
}

/// Runs it on a server of which this is the URL, without a database.
pub(crate) fn run_on<F>(kind: Kind, server: &str, test: impl FnOnce(TestDatabase) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let said = watch();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let outcome = runtime.block_on(async {
        let database = TestDatabase::new(kind, server).await;
        let url = database.url.clone();
        let outcome = tokio::spawn(test(database)).await;
        drop_database(kind, server, &url).await;
        outcome
    });
    // What the test left running does not matter any more.
    runtime.shutdown_background();
    if let Err(error) = outcome {
        std::panic::resume_unwind(error.into_panic());
    }
    said.has_betrayed_nothing();
}

impl Kind {
    /// The URL of the server, without a database.
    pub(crate) fn server(self) -> String {
        let variable = if self == Self::MySql { "VTASK_TEST_MYSQL" } else { "VTASK_TEST_POSTGRES" };
        std::env::var(variable).unwrap_or_else(|_| panic!("{variable} is not set: run tests/run"))
    }
}

impl TestDatabase {
    async fn new(kind: Kind, server: &str) -> Self {
        if kind == Kind::Sqlite {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let url = format!("sqlite://{}/jobs.db", folder.path().display());
            return Self { kind, url, _folder: Some(folder) };
        }
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("vtask_test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        admin_of(kind, server).await.execute(&format!("CREATE DATABASE {name}")).await;
        Self { kind, url: format!("{server}/{name}"), _folder: None }
    }

    /// One more than the test's own, which lives until [`drop`](Self::drop).
    pub(crate) async fn scratch(kind: Kind) -> Self {
        let server = if kind == Kind::Sqlite { String::new() } else { kind.server() };
        Self::new(kind, &server).await
    }

    pub(crate) async fn drop(self) {
        drop_database(self.kind, self.server(), &self.url).await;
    }

    /// The URL of its server, without a database.
    fn server(&self) -> &str {
        self.url.strip_suffix(self.name()).expect("it ends in its name").trim_end_matches('/')
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether it is one of several servers that write together.
    pub(crate) fn is_in_cluster(&self) -> bool {
        std::env::var_os("VTASK_TEST_GALERA").is_some()
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The name of the database on its server.
    pub(crate) fn name(&self) -> &str {
        self.url.rsplit('/').next().expect("a URL has slashes")
    }

    /// The URL with another user and password.
    pub(crate) fn url_of(&self, user: &str, password: &str) -> String {
        let (scheme, place) = (self.url.split("://").next(), self.url.rsplit('@').next());
        format!("{}://{user}:{password}@{}", scheme.expect("a scheme"), place.expect("a place"))
    }

    /// What vtask calls the database: its URL without user and password.
    pub(crate) fn address(&self) -> String {
        let (scheme, place) = (self.url.split("://").next(), self.url.rsplit('@').next());
        format!("{}://{}", scheme.expect("a scheme"), place.expect("a place"))
    }

    /// Makes a user named like the database, who may log in and nothing more, and answers the URL with him in it.
    pub(crate) async fn user(&self) -> String {
        let name = self.name();
        let sql = match self.kind {
            Kind::MySql => format!("CREATE USER {name} IDENTIFIED BY '{PASSWORD}'"),
            _ => format!("CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'"),
        };
        admin_of(self.kind, self.server()).await.execute(&sql).await;
        self.url_of(name, PASSWORD)
    }

    pub(crate) fn builder(&self) -> ClientBuilder {
        Client::builder(self.url.as_str())
    }

    pub(crate) async fn client(&self) -> Client {
        self.builder().connect().await.expect("the database opens")
    }

    /// A connection past vtask.
    pub(crate) async fn raw(&self) -> Raw {
        Raw::connect(&self.raw_url()).await
    }

    /// The URL for those who do not make a missing SQLite file by themselves.
    pub(crate) fn raw_url(&self) -> String {
        if self.kind == Kind::Sqlite { format!("{}?mode=rwc", self.url) } else { self.url.clone() }
    }
}

/// A connection past vtask.
pub(crate) struct Raw(pub(crate) DatabaseConnection);

impl Raw {
    pub(crate) async fn connect(url: &str) -> Self {
        Self::pool(url, 2).await
    }

    /// One connection and no other, for what belongs to a session.
    pub(crate) async fn single(url: &str) -> Self {
        Self::pool(url, 1).await
    }

    async fn pool(url: &str, connections: u32) -> Self {
        let mut options = sea_orm::ConnectOptions::new(url);
        options.max_connections(connections).sqlx_logging(false);
        // A span of sea-orm's shows the URL with its password.
        let connect = Database::connect(options).with_subscriber(NoSubscriber::default());
        Self(connect.await.expect("the database can be reached"))
    }

    pub(crate) async fn execute(&self, sql: &str) -> u64 {
        let result = self.0.execute_unprepared(sql).await;
        result.unwrap_or_else(|error| panic!("{sql}: {error}")).rows_affected()
    }

    pub(crate) async fn all(&self, sql: &str) -> Vec<QueryResult> {
        let statement = Statement::from_string(self.0.get_database_backend(), sql);
        self.0.query_all_raw(statement).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// The first column of the only row, as a number.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        self.all(sql).await[0].try_get_by_index(0).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }
}

/// A connection to a server's own database.
pub(crate) async fn admin(kind: Kind) -> Raw {
    admin_of(kind, &kind.server()).await
}

async fn admin_of(kind: Kind, server: &str) -> Raw {
    let database = if kind == Kind::MySql { "mysql" } else { "postgres" };
    Raw::connect(&format!("{server}/{database}")).await
}

/// Drops the database, and the user of its name if a test made one.
async fn drop_database(kind: Kind, server: &str, url: &str) {
    let name = url.rsplit('/').next().expect("a URL has slashes");
    let (force, user) = match kind {
        Kind::Sqlite => return,
        Kind::Postgres => (" WITH (FORCE)", "ROLE"),
        Kind::MySql => ("", "USER"),
    };
    let admin = admin_of(kind, server).await;
    admin.execute(&format!("DROP DATABASE IF EXISTS {name}{force}")).await;
    admin.execute(&format!("DROP {user} IF EXISTS {name}")).await;
}
