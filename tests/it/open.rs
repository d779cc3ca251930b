//! Opening a SQLite database, and what is said when it does not open.

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
async fn missing_file_is_not_made_without_leave_to_migrate() {
    let sqlite = Sqlite::new();
    let error = Client::builder(sqlite.url()).migrate(false).connect().await.expect_err("there is no file");
    let ConnectError::Missing { path } = error else { panic!("it has to be missing, not {error:?}") };
    assert!(!path.exists(), "it was made");
}
