//! A database that the benchmark may fill, and leaves as it was.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::Context;
use sea_orm::sqlx::sqlite::SqliteConnectOptions;
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, Statement};
use tempfile::TempDir;
use url::Url;

/// Every table that is made here: those of vtask, and the same once more for the bare limit.
const TABLES: [&str; 6] =
    ["task", "task_node", "vtask_migrations", "bare_task", "bare_task_node", "bare_vtask_migrations"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
    MySql,
}

pub(crate) struct Scratch {
    pub(crate) kind: Kind,
    pub(crate) url: String,
    made: Made,
}

/// What has to be removed in the end.
enum Made {
    Folder(TempDir),
    File {
        path: PathBuf,
        was_there: bool,
    },
    /// A database on the server of this URL.
    Database {
        server: String,
        name: String,
    },
    Tables,
}

impl Scratch {
    /// A file in a folder of its own.
    pub(crate) fn in_folder() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("a temporary folder cannot be made")?;
        let url = format!("sqlite://{}", folder.path().join("bench.db").display());
        Ok(Self { kind: Kind::Sqlite, url, made: Made::Folder(folder) })
    }

    /// A scratch database on the server of this URL, or the file of this URL, which has to be new or empty.
    pub(crate) async fn at(url: &str) -> anyhow::Result<Self> {
        match url.split(':').next().unwrap_or_default() {
            "sqlite" => Self::file(url),
            "postgres" | "postgresql" => Self::on_server(url, Kind::Postgres).await,
            "mysql" | "mariadb" => Self::on_server(url, Kind::MySql).await,
            other => anyhow::bail!("{other:?} is no database: give a URL of sqlite, postgres or mysql"),
        }
    }

    fn file(url: &str) -> anyhow::Result<Self> {
        let path = SqliteConnectOptions::from_str(url)?.get_filename().to_owned();
        let was_there = path.exists();
        if was_there && fs::metadata(&path)?.len() > 0 {
            anyhow::bail!("{} is there and not empty: name a file that is not there yet", path.display());
        }
        Ok(Self { kind: Kind::Sqlite, url: url.to_owned(), made: Made::File { path, was_there } })
    }

    async fn on_server(url: &str, kind: Kind) -> anyhow::Result<Self> {
        let server = connect(url).await.with_context(|| format!("no connection to {}", shown(url)))?;
        let name = format!("vtask_bench_{:08x}", rand::random::<u32>());
        // Before it is there: whoever kills this process then knows what to drop.
        eprintln!("scratch database {name} on {}", shown(url));
        let made = match server.execute_unprepared(&format!("CREATE DATABASE {name}")).await {
            Ok(_) => Made::Database { server: url.to_owned(), name: name.clone() },
            Err(refused) => {
                check_empty(&server, kind).await.with_context(|| format!("{refused}; {} will not do", shown(url)))?;
                eprintln!("it cannot be made ({refused}); the given database is empty, and is used");
                return Ok(Self { kind, url: url.to_owned(), made: Made::Tables });
            }
        };
        let mut scratch = Url::parse(url)?;
        scratch.set_path(&name);
        Ok(Self { kind, url: scratch.into(), made })
    }

    /// What to call it, without a password.
    pub(crate) fn name(&self) -> String {
        shown(&self.url)
    }

    /// Removes what was made here.
    pub(crate) async fn remove(self) -> anyhow::Result<()> {
        match self.made {
            Made::Folder(folder) => Ok(folder.close()?),
            Made::File { path, was_there } => remove_file(&path, was_there),
            Made::Tables => drop_tables(&connect(&self.url).await?).await,
            Made::Database { server, name } => {
                let dropped = drop_database(&connect(&server).await?, self.kind, &name).await;
                dropped.with_context(|| format!("the scratch database {name} on {} is left: drop it", shown(&server)))
            }
        }
    }
}

/// A connection that is not measured.
pub(crate) async fn connect(url: &str) -> anyhow::Result<DatabaseConnection> {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    Ok(Database::connect(options).await?)
}

async fn check_empty(database: &DatabaseConnection, kind: Kind) -> anyhow::Result<()> {
    let tables = match kind {
        Kind::MySql => "information_schema.tables WHERE table_schema = database()",
        _ => {
            "pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname NOT IN ('pg_catalog', \
             'information_schema') AND n.nspname NOT LIKE 'pg\\_%'"
        }
    };
    let text = format!("SELECT count(*) FROM {tables}");
    let row = database.query_one_raw(Statement::from_string(database.get_database_backend(), text)).await?;
    let count: i64 = row.context("a count is a row")?.try_get_by_index(0)?;
    anyhow::ensure!(count == 0, "it holds {count} tables: give an empty database, or a user who may create one");
    Ok(())
}

async fn drop_tables(database: &DatabaseConnection) -> anyhow::Result<()> {
    for table in TABLES {
        database.execute_unprepared(&format!("DROP TABLE IF EXISTS {table}")).await?;
    }
    Ok(())
}

async fn drop_database(server: &DatabaseConnection, kind: Kind, name: &str) -> anyhow::Result<()> {
    if kind == Kind::Postgres {
        // It refuses while anybody is connected, and an interrupted measurement leaves connections.
        let others = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
        server.execute_unprepared(&others).await?;
    }
    server.execute_unprepared(&format!("DROP DATABASE IF EXISTS {name}")).await?;
    Ok(())
}

fn remove_file(path: &Path, was_there: bool) -> anyhow::Result<()> {
    for suffix in ["-wal", "-shm", ""] {
        let mut name = OsString::from(path);
        name.push(suffix);
        if Path::new(&name).exists() {
            fs::remove_file(&name)?;
        }
    }
    if was_there {
        File::create(path)?;
    }
    Ok(())
}

/// A URL without its user and password.
fn shown(url: &str) -> String {
    let Ok(url) = Url::parse(url) else { return "the given URL".to_owned() };
    let port = url.port().map_or(String::new(), |port| format!(":{port}"));
    format!("{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
}
