//! A Galera cluster of which a node is killed while jobs run: guards that each of them ends, and once.
//!
//! `tests/run --cluster` starts one; without it this is left out.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::diary::Diary;
use super::server::{kill, start_again};
use super::{eventually, storm};
use crate::conformance::conform_through;
use crate::database::{Kind, Raw, TestDatabase, run_on};
use crate::process::Running;

const JOBS: u32 = 300;
/// Who invokes while the cluster votes the dead node out waits so long at most.
const VOTE: Duration = Duration::from_secs(30);

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
fn jobs_end_once_though_a_node_of_the_cluster_is_killed() {
    let Some((urls, folder)) = cluster() else { return };
    // The second node is there all the time, and the eyes of the test.
    run_on(Kind::MySql, &urls[1].clone(), move |database| survive(database, urls, folder));
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
    let mut slowest = Duration::ZERO;
    for number in 0..JOBS {
        if number == JOBS / 3 {
            kill(&folder, "node1");
        }
        if number == 2 * JOBS / 3 {
            start_again(&folder, "node1").await;
        }
        let asked = Instant::now();
        storm::invoke(&client, number).await;
        slowest = slowest.max(asked.elapsed());
        sleep(Duration::from_millis(50)).await;
    }
    println!("the slowest invoke took {slowest:?}");
    assert!(slowest < VOTE, "{slowest:?}");
    // It waits for what the others have acknowledged.
    let raw = Raw::single(database.url()).await;
    raw.execute("SET SESSION wsrep_sync_wait = 7").await;
    let left = "SELECT count(*) FROM task WHERE work = 1";
    eventually("all have ended", || async { raw.number(left).await == 0 }).await;
    storm::check(&client, &diary, JOBS, &BTreeSet::new()).await;
    println!("{JOBS} jobs in {:?}", begun.elapsed());
    drop(nodes);
}
