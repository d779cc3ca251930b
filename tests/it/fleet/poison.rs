//! A job that takes its process down with it: guards that it is found out, and that nobody else fails by it.

use std::time::Duration;

use tokio::time::{sleep, timeout};
use vtask::{Attempt, Client, Reason, Status, WaitError, job};

use super::diary::Diary;
use super::{Part, node};
use crate::database::{TestDatabase, on_each_database};
use crate::process::Running;

const NEIGHBOURS: usize = 30;
const POISON: &str = "poison";

/// Aborts its process, under one keyword.
struct Works {
    diary: Diary,
}

#[job]
impl Works {
    #[step]
    async fn first(&self, attempt: &Attempt) -> anyhow::Result<()> {
        if attempt.keyword() == POISON {
            self.diary.add(POISON);
            // What began with it is running by now.
            sleep(Duration::from_millis(100)).await;
            std::process::abort();
        }
        sleep(Duration::from_millis(200)).await;
        Ok(())
    }

    #[step]
    async fn second(&self) -> anyhow::Result<()> {
        sleep(Duration::from_millis(200)).await;
        Ok(())
    }
}

pub(super) async fn work(part: Part) {
    let job = Works { diary: part.diary.clone() };
    part.work(job, |center| center.concurrency(16).lease(Duration::from_secs(5))).await;
}

/// Starts the node anew whenever it has died, as a supervisor does.
async fn supervise(host: &str, database: &TestDatabase, diary: &Diary) {
    loop {
        let mut running = Running::new(node("poison", host, database, diary));
        while running.ended().is_none() {
            sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn all_end(client: &Client) {
    let handle = WorksHandle::new(client);
    let mut neighbours = Vec::new();
    let invoke = |number: usize| handle.invoke(()).keyword(format!("neighbour {number}"));
    for number in 0..NEIGHBOURS / 2 {
        neighbours.push(invoke(number).await.unwrap());
    }
    let poison = handle.invoke(()).keyword(POISON).await.unwrap();
    for number in NEIGHBOURS / 2..NEIGHBOURS {
        neighbours.push(invoke(number).await.unwrap());
    }
    let found = poison.wait().await.unwrap_err();
    assert!(matches!(found, WaitError::Paused { reason: Reason::Poison, .. }), "{found:?}");
    for run in neighbours {
        run.wait().await.expect("no neighbour fails");
    }
    let info = poison.info().await.unwrap();
    assert_eq!((info.status, info.crashes, info.failed_attempts), (Status::Paused, 8, 0));
}

on_each_database! {
    async fn job_that_aborts_its_process_is_found_out_and_its_neighbours_end(database) {
        let (client, diary) = (database.client().await, Diary::new());
        let all_end = timeout(Duration::from_secs(180), all_end(&client));
        tokio::select! {
            () = supervise("one", &database, &diary) => {}
            () = supervise("two", &database, &diary) => {}
            ended = all_end => ended.expect("it is found out"),
        }
        assert_eq!(diary.lines(), [POISON; 8], "it ran eight times");
    }
}
