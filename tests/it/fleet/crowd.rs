//! Nodes that start at the same moment: guards that they neither keep each other from starting nor from working.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;
use vtask::{Client, JobCenter, job};

use super::diary::Diary;
use super::{Part, all_done, process};
use crate::database::on_each_database;
use crate::process::Running;

const PROCESSES: usize = 5;
const NODES: usize = 100;
/// Two nodes share a client: a server of the tests has 400 connections, and a client takes up to five.
const CLIENTS: usize = NODES / 2;

/// Waits until as many of it run as there are nodes.
struct Meets {
    diary: Diary,
}

#[job]
impl Meets {
    #[step]
    async fn only(&self) -> anyhow::Result<()> {
        self.diary.add("here");
        while self.diary.lines().len() < NODES {
            sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }
}

/// Starts its part of the nodes at once, each under a name of its own and with room for one job.
pub(super) async fn work(part: Part) {
    let mut starts = JoinSet::new();
    for _ in 0..CLIENTS / PROCESSES {
        let (url, diary) = (part.url.clone(), part.diary.clone());
        starts.spawn(async move {
            let client = Client::connect(url).await.expect("the database opens");
            tokio::join!(start(&client, &diary), start(&client, &diary))
        });
    }
    let _centers = starts.join_all().await;
    println!("ready");
    std::future::pending::<()>().await;
}

async fn start(client: &Client, diary: &Diary) -> JobCenter {
    let job = Meets { diary: diary.clone() };
    JobCenter::builder(client).concurrency(1).register(job).start().await.expect("it starts")
}

on_each_database! {
    async fn hundred_nodes_that_start_at_once_all_come_up(database) {
        let diary = Diary::new();
        let process = |_| Running::new(process("crowd", &database, &diary));
        let mut processes: Vec<Running> = (0..PROCESSES).map(process).collect();
        processes.iter_mut().for_each(|process| drop(process.until("ready")));
        let (client, raw) = (database.client().await, database.raw().await);
        for run in MeetsHandle::new(&client).invoke_many(vec![(); NODES]).await {
            run.unwrap();
        }
        all_done(&raw).await;
        assert_eq!(diary.lines().len(), NODES, "each ran once");
        let hosts = raw.number("SELECT count(DISTINCT host) FROM task WHERE status = 2").await;
        assert_eq!(hosts, i64::try_from(NODES).unwrap(), "each node ran one");
    }
}
