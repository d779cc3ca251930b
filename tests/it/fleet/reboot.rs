//! Servers that are killed and started again: guards that nothing which was acknowledged is lost, and that work goes on.
//!
//! `tests/recovery` kills one many times and shows how the times spread.

use std::time::Duration;

use tokio::time::sleep;

use super::recovery::{report, trials};
use super::server::{OwnServer, on_own_server};
use super::work::{PlodsHandle, SOON, Work};
use crate::database::{Kind, TestDatabase};

async fn killed_server_that_starts_again(database: TestDatabase, server: OwnServer) {
    let mut work = Work::begun(&database, database.url()).await;
    let (rounds, mut times) = (trials(3), Vec::new());
    for round in 0..rounds {
        if round > 0 {
            work.add_jobs().await;
        }
        server.kill();
        // Who invokes meanwhile has to wait, and no more.
        let invoke = tokio::spawn(PlodsHandle::new(&work.client).invoke(()).into_future());
        sleep(Duration::from_millis(500 * (round as u64 % 3))).await;
        server.start_again().await;
        times.push(work.resumed(work.recorded().await).await);
        work.runs.push(invoke.await.unwrap().expect("it is there again"));
    }
    report("ServerKilled", &mut times, SOON);
    work.check().await;
}

async fn server_that_takes_no_writes(database: TestDatabase, _server: OwnServer) {
    // A user who may do everything may also write there.
    let url = database.user().await;
    let (name, admin) = (database.name().to_owned(), database.raw().await);
    admin.execute(&format!("GRANT ALL ON {name}.* TO {name}")).await;
    let work = Work::begun(&database, &url).await;
    admin.execute("SET GLOBAL read_only = ON").await;
    sleep(Duration::from_secs(3)).await;
    let before = work.recorded().await;
    admin.execute("SET GLOBAL read_only = OFF").await;
    let took = work.resumed(before).await;
    println!("the first step was recorded {took:?} after writes were allowed");
    assert!(took < SOON, "{took:?}");
    work.check().await;
}

#[test]
#[ignore = "needs a server: run tests/run"]
fn work_goes_on_after_postgres_was_killed() {
    on_own_server(Kind::Postgres, killed_server_that_starts_again);
}

#[test]
#[ignore = "needs a server: run tests/run"]
fn work_goes_on_after_mysql_was_killed() {
    on_own_server(Kind::MySql, killed_server_that_starts_again);
}

#[test]
#[ignore = "needs a server: run tests/run"]
fn mysql_that_takes_no_writes_for_a_while_is_waited_for() {
    on_own_server(Kind::MySql, server_that_takes_no_writes);
}
