//! Opening a SQLite database, and what is said when it does not open.

use sea_orm::{ConnectionTrait, Database};
use vtask::{Client, ConnectError};

use crate::setup::Sqlite;

async fn refused(url: &str) -> ConnectError {
    Client::connect(url).await.expect_err("the URL has to be refused")
}

#[tokio::test]
async fn url_that_is_no_database_is_refused_with_the_remedy() {
    let error = refused("sqlite::memory:").await;
    assert_eq!(
        error.to_string(),
        "sqlite::memory: lives only as long as one connection: use `Client::in_memory()` or a file"
    );
    assert!(matches!(refused("sqlite://?mode=memory").await, ConnectError::InMemory { .. }));
    assert!(matches!(refused("redis://localhost").await, ConnectError::Scheme { scheme } if scheme == "redis"));
    assert!(matches!(refused("jobs.db").await, ConnectError::Scheme { .. }));
    let builder = format!("{:?}", Client::builder("mysql://user:hush@host/db"));
    assert!(!builder.contains("hush"), "{builder}");
}

#[tokio::test]
async fn path_that_cannot_be_a_database_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| format!("sqlite://{}", folder.path().join(name).display());
    assert!(matches!(refused(&path("no/such/jobs.db")).await, ConnectError::NoFolder { .. }));
    assert!(matches!(refused(&path("")).await, ConnectError::IsFolder { .. }));
    std::fs::write(folder.path().join("letter.txt"), "Dear Sir or Madam, ".repeat(100)).unwrap();
    let error = refused(&path("letter.txt")).await;
    assert!(matches!(error, ConnectError::NotADatabase { .. }), "{error:?}");
    assert!(error.to_string().contains("letter.txt is not a SQLite database"), "{error}");
}

#[tokio::test]
async fn database_that_cannot_be_written_is_refused() {
    let sqlite = Sqlite::new();
    drop(sqlite.client().await);
    let error = refused(&format!("{}?mode=ro", sqlite.url())).await;
    assert!(matches!(error, ConnectError::NotWritable { .. } | ConnectError::Storage { .. }), "{error:?}");
}

#[tokio::test]
async fn foreign_task_table_is_refused_and_left_alone() {
    let sqlite = Sqlite::new();
    let raw = Database::connect(format!("{}?mode=rwc", sqlite.url())).await.unwrap();
    raw.execute_unprepared("CREATE TABLE task (id INTEGER, title TEXT)").await.unwrap();
    raw.execute_unprepared("INSERT INTO task VALUES (1, 'water the plants')").await.unwrap();
    assert!(matches!(refused(&sqlite.url()).await, ConnectError::ForeignTable { table } if table == "task"));
    let left = raw.execute_unprepared("UPDATE task SET title = title WHERE id = 1").await.unwrap();
    assert_eq!(left.rows_affected(), 1);
}

#[tokio::test]
async fn newer_schema_is_refused_only_where_it_cannot_be_read() {
    let sqlite = Sqlite::new();
    drop(sqlite.client().await);
    let raw = Database::connect(sqlite.url()).await.unwrap();
    raw.execute_unprepared("INSERT INTO vtask_migrations VALUES (7, 1, 0)").await.unwrap();
    drop(sqlite.client().await);
    raw.execute_unprepared("INSERT INTO vtask_migrations VALUES (8, 8, 0)").await.unwrap();
    let error = refused(&sqlite.url()).await;
    assert!(matches!(error, ConnectError::NewerSchema { found: 8, readable_from: 8, known: 1 }), "{error:?}");
}

#[tokio::test]
async fn tables_made_by_hand_serve_a_client_that_may_not_migrate() {
    let sqlite = Sqlite::new();
    let builder = Client::builder(sqlite.url()).migrate(false);
    let sql = builder.schema_sql().unwrap();
    let error = builder.connect().await.expect_err("there is no file");
    assert!(matches!(error, ConnectError::Missing { .. }), "{error:?}");
    let raw = Database::connect(format!("{}?mode=rwc", sqlite.url())).await.unwrap();
    let error = Client::builder(sqlite.url()).migrate(false).connect().await.expect_err("there are no tables");
    assert!(matches!(error, ConnectError::OldSchema { found: 0, known: 1 }), "{error:?}");
    raw.execute_unprepared(&sql).await.unwrap();
    let client = Client::builder(sqlite.url()).migrate(false).connect().await.unwrap();
    assert!(client.find("nothing").await.unwrap().is_none());
}

#[tokio::test]
async fn many_that_start_at_once_on_an_empty_file_all_come_up() {
    let sqlite = Sqlite::new();
    let mut starts = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let url = sqlite.url();
        starts.spawn(async move { Client::connect(url).await.map(drop) });
    }
    for started in starts.join_all().await {
        started.unwrap();
    }
}
