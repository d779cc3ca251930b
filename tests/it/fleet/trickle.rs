//! Many nodes that look for work where there is hardly any: guards that they stand in nobody's way.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use vtask::{Attempt, Client, job};

use super::diary::Diary;
use super::{Part, all_done, process};
use crate::database::on_each_database;
use crate::dice::nonce;
use crate::process::Running;

const NODES: usize = 8;
const CALLERS: usize = 4;
const CALLS: usize = 150;

struct Drips {
    diary: Diary,
}

#[job]
impl Drips {
    #[step]
    async fn only(&self, attempt: &Attempt) -> anyhow::Result<()> {
        self.diary.add(attempt.keyword());
        Ok(())
    }
}

pub(super) async fn work(part: Part) {
    let diary = part.diary.clone();
    part.work(Drips { diary }, |center| center).await;
}

/// Invokes one job after the other, and answers how long the slowest call took.
async fn trickle(client: Client) -> Duration {
    let mut slowest = Duration::ZERO;
    for _ in 0..CALLS {
        sleep(Duration::from_millis(nonce() % 10)).await;
        let begun = Instant::now();
        let run = DripsHandle::new(&client).invoke(()).await.expect("no fault reaches the caller");
        assert!(run.created());
        slowest = slowest.max(begun.elapsed());
    }
    slowest
}

on_each_database! {
    async fn nearly_empty_queue_starves_nobody(database) {
        let (diary, raw) = (Diary::new(), database.raw().await);
        let mut nodes: Vec<Running> = (0..NODES).map(|_| Running::new(process("drips", &database, &diary))).collect();
        nodes.iter_mut().for_each(|node| drop(node.until("ready")));
        let mut callers = JoinSet::new();
        for _ in 0..CALLERS {
            callers.spawn(trickle(database.client().await));
        }
        let slowest = callers.join_all().await.into_iter().max().unwrap_or_default();
        println!("the slowest of {} calls took {slowest:?}", CALLERS * CALLS);
        assert!(slowest < Duration::from_secs(5), "a call took {slowest:?}");
        all_done(&raw).await;
        let mut ran = diary.lines();
        ran.sort();
        ran.dedup();
        assert_eq!((ran.len(), diary.lines().len()), (CALLERS * CALLS, CALLERS * CALLS), "each ran once");
    }
}
