//! A database that the benchmark may fill, and leaves as it was.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::Context;
use sea_orm::sqlx::sqlite::SqliteConnectOptions;
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection};
use tempfile::TempDir;
use url::Url;

use crate::progress::say;
use crate::tables;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
    MySql,
}

impl Kind {
    /// The database's clock.
    pub(crate) fn now(self) -> &'static str {
        match self {
            Self::Sqlite => "cast(unixepoch('subsec') * 1000000 as integer)",
            Self::Postgres => "(extract(epoch from statement_timestamp()) * 1000000)::bigint",
            Self::MySql => "timestampdiff(microsecond, '1970-01-01', utc_timestamp(6))",
        }
    }
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

    /// The file or the empty database of this URL; or a database that is made on its server.
    pub(crate) async fn at(url: &str, create: bool) -> anyhow::Result<Self> {
        let kind = match url.split(':').next().unwrap_or_default() {
            "sqlite" => return Self::file(url),
            "postgres" | "postgresql" => Kind::Postgres,
            "mysql" | "mariadb" => Kind::MySql,
            other => anyhow::bail!("{other:?} is no database: give a URL that begins with sqlite, postgres or mysql"),
        };
        let made = if create { Self::create(url, kind).await } else { Self::empty(url, kind).await };
        made.with_context(|| format!("{} will not do", shown(url)))
    }

    fn file(url: &str) -> anyhow::Result<Self> {
        let path = SqliteConnectOptions::from_str(url)?.get_filename().to_owned();
        let was_there = path.exists();
        if was_there && fs::metadata(&path)?.len() > 0 {
            anyhow::bail!("{} is there and not empty: name a file that is not there yet", path.display());
        }
        Ok(Self { kind: Kind::Sqlite, url: url.to_owned(), made: Made::File { path, was_there } })
    }

    async fn empty(url: &str, kind: Kind) -> anyhow::Result<Self> {
        let path = Url::parse(url)?.path().trim_matches('/').to_owned();
        anyhow::ensure!(!path.is_empty(), "it names no database: name an empty one, or give --create");
        let count = tables::names(&connect(url).await?, kind).await?.len();
        anyhow::ensure!(count == 0, "it holds {count} tables: name an empty database, or give --create");
        Ok(Self { kind, url: url.to_owned(), made: Made::Tables })
    }

    async fn create(url: &str, kind: Kind) -> anyhow::Result<Self> {
        let (server, mut scratch) = (connect(url).await?, Url::parse(url)?);
        let name = format!("vtask_bench_{:08x}", rand::random::<u32>());
        // Before it is there: whoever kills this process then knows what to drop.
        say(format_args!("makes the scratch database {name} on {}", shown(url)));
        let created = server.execute_unprepared(&format!("CREATE DATABASE {name}")).await;
        created.context("it makes no database: name an empty one without --create, or a user who may create them")?;
        scratch.set_path(&name);
        Ok(Self { kind, url: scratch.into(), made: Made::Database { server: url.to_owned(), name } })
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
            Made::Tables => tables::drop_all(&connect(&self.url).await?, self.kind).await,
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
