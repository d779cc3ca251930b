//! SQLite files that are not as they should be.

use std::time::Duration;

use tokio::time::{sleep, timeout};
use vtask::{Client, ConnectError, Status};

use crate::database::{Kind, TestDatabase, on_each_database, run};
use crate::jobs::{Once, OnceHandle, Thanks, ThanksHandle};
use crate::setup::start;

#[tokio::test]
async fn client_that_may_not_migrate_makes_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("typo.db");
    let connected = Client::builder(format!("sqlite://{}", path.display())).migrate(false).connect().await;
    assert!(matches!(&connected, Err(ConnectError::Missing { path: told }) if *told == path), "{connected:?}");
    assert_eq!(folder.path().read_dir().unwrap().count(), 0, "no file, no journal");
}

on_each_database! {
    async fn outcome_of_an_unreadable_row_stands_and_its_callback_is_given_up(database) {
        let job = Thanks::default();
        let client = database.client().await;
        let run = ThanksHandle::new(&client).invoke(()).keyword("bad").await.unwrap();
        let raw = database.raw().await;
        let ended = r#"status = 2, step = 2, step_name = '', responses = '{"only":1}', callback = 1, reason = 77"#;
        raw.execute(&format!("UPDATE task SET {ended}")).await;
        run.info().await.expect_err("nobody can read the reason");
        let _center = start(&client, job.clone()).await;
        let mended = async {
            loop {
                match run.info().await {
                    Ok(info) => break info,
                    Err(_) => sleep(Duration::from_millis(5)).await,
                }
            }
        };
        let info = timeout(Duration::from_secs(5), mended).await.expect("the engine mends the row");
        assert_eq!((info.status, info.is_held), (Status::Succeeded, false), "{:?}", info.error);
        assert_eq!(run.wait().await.unwrap(), 1);
        assert!(job.log.all().is_empty());
    }
}

#[test]
fn value_that_does_not_decode_keeps_nobody_from_running() {
    async fn test(database: TestDatabase) {
        let client = database.client().await;
        let handle = OnceHandle::new(&client);
        let raw = database.raw().await;
        for bad in ["step_name = CAST(x'ff' AS TEXT)", "request = 3000000000, boot = 7"] {
            handle.invoke(()).keyword(bad).await.unwrap();
            raw.execute(&format!("UPDATE task SET {bad} WHERE id = (SELECT max(id) FROM task)")).await;
        }
        let good = handle.invoke(()).await.unwrap();
        let _center = start(&client, Once::default()).await;
        assert_eq!(timeout(Duration::from_secs(20), good.wait()).await.expect("nobody is in its way").unwrap(), 1);
        let at_work = "SELECT count(*) FROM task WHERE work = 1";
        let paused = async {
            while raw.number(at_work).await > 0 {
                sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(Duration::from_secs(20), paused).await.expect("those that cannot be read are paused");
    }
    run(Kind::Sqlite, test);
}
