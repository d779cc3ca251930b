//! User code that blocks every thread of its runtime: guards that no job loses its lease by what another does.

use std::time::Duration;

use tokio::time::timeout;
use vtask::job;

use super::diary::Diary;
use super::{Part, eventually, node};
use crate::database::on_each_database;
use crate::process::Running;

const LEASE: Duration = Duration::from_secs(5);
/// As many as the runtime of the process has threads.
const JOBS: usize = super::THREADS;

/// Blocks its thread for three leases, which an async step should not.
struct Blocks {
    host: String,
    diary: Diary,
}

#[job]
impl Blocks {
    #[step]
    async fn only(&self) -> anyhow::Result<String> {
        self.diary.add(&self.host);
        std::thread::sleep(3 * LEASE);
        Ok(self.host.clone())
    }
}

pub(super) async fn work(part: Part) {
    let job = Blocks { host: std::env::var("VTASK_HOST").unwrap(), diary: part.diary.clone() };
    part.work(job, |center| center.lease(LEASE)).await;
}

on_each_database! {
    async fn node_whose_user_code_blocks_every_thread_loses_no_lease(database) {
        let (client, diary) = (database.client().await, Diary::new());
        let start = |host| {
            let mut running = Running::new(node("blocks", host, &database, &diary));
            running.until("ready");
            running
        };
        let _blocked = start("one");
        let runs = BlocksHandle::new(&client).invoke_many(vec![(); JOBS]).await;
        eventually("all its threads are blocked", || async { diary.lines().len() == JOBS }).await;
        let _watches = start("two");
        for run in runs {
            let run = run.unwrap();
            let output = timeout(Duration::from_secs(60), run.wait()).await.expect("it ends").unwrap();
            let info = run.info().await.unwrap();
            assert_eq!((output.as_str(), info.host.as_str(), info.crashes), ("one", "one", 0), "{info:#?}");
        }
        assert_eq!(diary.lines(), ["one"; JOBS], "each ran once");
        let nodes = database.raw().await.number("SELECT count(*) FROM task_node").await;
        assert_eq!(nodes, 2, "nobody was called dead and began a new life");
    }
}
