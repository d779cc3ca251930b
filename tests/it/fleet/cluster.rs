//! A Galera cluster of which one node after the other is killed while jobs run: guards that each job ends, and once.
//!
//! `tests/run --cluster` starts one; without it this is left out. `tests/storm galera` goes on for longer.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::diary::Diary;
use super::server::{kill, start_again};
use super::{eventually, number, storm};
use crate::conformance::conform_through;
use crate::database::{Kind, Raw, TestDatabase, run_on};
use crate::jobs::{Once, OnceHandle};
use crate::process::Running;

/// Who invokes while the cluster votes the dead node out waits so long at most.
const VOTE: Duration = Duration::from_secs(30);
/// What is killed, one after the other: the node that everybody is connected to at first, and another one.
const VICTIMS: [&str; 2] = ["node1", "node3"];
/// A node is away for so long before it is started again, and the cluster is left alone for so long after that.
const AWAY: Duration = Duration::from_secs(5);
/// The time from one invocation to the next.
const BETWEEN_JOBS: Duration = Duration::from_millis(50);

/// The URLs of its nodes without a database, and the folder with what ends and starts them.
fn cluster() -> Option<(Vec<String>, PathBuf)> {
    let Ok(urls) = std::env::var("VTASK_TEST_GALERA") else {
        println!("left out: there is no cluster beside which tests/run --cluster runs it");
        return None;
    };
    let folder = std::env::var("VTASK_TEST_GALERA_FOLDER").expect("it is set with the URLs");
    Some((urls.split(',').map(str::to_owned).collect(), folder.into()))
}

/// The database's URL with the addresses of all of them, the first one first.
fn with_all(database: &TestDatabase, urls: &[String]) -> String {
    let place = |url: &str| url.rsplit('@').next().expect("a place").to_owned();
    let places: Vec<String> = urls.iter().map(|url| place(url)).collect();
    database.url().replace(&places[1], &places.join(","))
}

#[test]
#[ignore = "needs a cluster: run tests/run --cluster"]
fn storages_of_all_its_nodes_conform_together() {
    let Some((urls, _)) = cluster() else { return };
    run_on(Kind::MySql, &urls[0].clone(), |database| async move {
        let urls: Vec<String> = urls.iter().map(|url| format!("{url}/{}", database.name())).collect();
        conform_through(&database, &urls.iter().map(String::as_str).collect::<Vec<_>>()).await;
    });
}

#[test]
#[ignore = "needs a cluster: run tests/run --cluster"]
fn jobs_end_once_though_nodes_of_the_cluster_are_killed() {
    let Some((urls, folder)) = cluster() else { return };
    // The second node is there all the time, and the eyes of the test.
    run_on(Kind::MySql, &urls[1].clone(), move |database| survive(database, urls, folder));
}

#[test]
#[ignore = "needs a cluster: run tests/run --cluster"]
fn node_that_has_lost_its_cluster_is_left_for_the_next_address() {
    let Some((urls, _)) = cluster() else { return };
    run_on(Kind::MySql, &urls[1].clone(), |database| async move {
        let first = format!("{}/{}", urls[0], database.name());
        let client = vtask::Client::connect(with_all(&database, &urls)).await.unwrap();
        let center = vtask::JobCenter::builder(&client).host("one").register(Once::default()).start().await.unwrap();
        let handle = OnceHandle::new(&client);
        assert_eq!(handle.invoke(()).await.unwrap().wait().await.unwrap(), 1);
        // It answers all the time, and takes nothing: who is connected to it stays so.
        let apart = Raw::single(&first).await;
        let isolate = |how: u8| format!("SET GLOBAL wsrep_provider_options = 'gmcast.isolate={how}'");
        apart.execute(&isolate(1)).await;
        let begun = Instant::now();
        while is_ready(&apart).await {
            sleep(Duration::from_millis(100)).await;
        }
        let run = handle.invoke(()).await;
        let waited = begun.elapsed();
        apart.execute(&isolate(0)).await;
        eventually("it has found the others again", || async { is_ready(&apart).await }).await;
        assert_eq!(run.expect("the others are there").wait().await.unwrap(), 1);
        println!("the invocation took {waited:?}");
        center.shutdown().await.unwrap();
    });
}

/// Whether a node takes statements.
async fn is_ready(node: &Raw) -> bool {
    let status = node.all("SHOW GLOBAL STATUS LIKE 'wsrep_ready'").await;
    status[0].try_get_by_index::<String>(1).unwrap() == "ON"
}

async fn strike(folder: PathBuf, kills: u32) {
    for (number, victim) in (1..=kills).zip(VICTIMS.into_iter().cycle()) {
        sleep(AWAY).await;
        kill(&folder, victim);
        sleep(AWAY).await;
        start_again(&folder, victim).await;
        println!("{number} kills");
    }
    sleep(AWAY).await;
}

async fn survive(database: TestDatabase, urls: Vec<String>, folder: PathBuf) {
    let (url, diary, begun) = (with_all(&database, &urls), Diary::new(), Instant::now());
    let client = vtask::Client::connect(url.as_str()).await.unwrap();
    let nodes = ["one", "two"].map(|host| {
        let mut command = super::node("storm", host, &database, &diary);
        command.env(super::URL, &url);
        let mut running = Running::new(command);
        running.until("ready");
        running
    });
    let kills = number("VTASK_CLUSTER_KILLS").unwrap_or(1);
    let striking = tokio::spawn(strike(folder, kills));
    let (mut jobs, mut slowest) = (0, Duration::ZERO);
    while !striking.is_finished() {
        let asked = Instant::now();
        storm::invoke(&client, jobs).await;
        slowest = slowest.max(asked.elapsed());
        jobs += 1;
        sleep(BETWEEN_JOBS).await;
    }
    striking.await.unwrap();
    println!("{kills} kills; the slowest of {jobs} invocations took {slowest:?}");
    assert!(slowest < VOTE, "{slowest:?}");
    assert!(jobs > 100, "only {jobs} jobs were on their way");
    // It waits for what the others have acknowledged.
    let raw = Raw::single(database.url()).await;
    raw.execute("SET SESSION wsrep_sync_wait = 7").await;
    let left = "SELECT count(*) FROM task WHERE work = 1";
    eventually("all have ended", || async { raw.number(left).await == 0 }).await;
    storm::check(&client, &diary, jobs, &BTreeSet::new()).await;
    println!("{jobs} jobs in {:?}", begun.elapsed());
    drop(nodes);
}
