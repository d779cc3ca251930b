//! Many processes that invoke one keyword at once: guards that a keyword is one job, and that one caller made it.

use std::collections::BTreeSet;

use tokio::task::JoinSet;
use vtask::{Attempt, Client, JobCenter, job};

use super::diary::Diary;
use super::{Part, all_done, process};
use crate::database::on_each_database;
use crate::process::Running;

const PROCESSES: usize = 4;
const CALLS: usize = 250;
const ROUNDS: usize = 5;
/// Calls of one client share an insert.
const CLIENTS: usize = 5;

struct Shared {
    diary: Diary,
}

#[job]
impl Shared {
    #[step]
    async fn only(&self, attempt: &Attempt) -> anyhow::Result<()> {
        self.diary.add(attempt.keyword());
        Ok(())
    }
}

/// Runs jobs, and invokes each keyword that it is told.
pub(super) async fn work(mut part: Part) {
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(part.client().await);
    }
    let job = Shared { diary: part.diary.clone() };
    let _center = JobCenter::builder(&clients[0]).register(job).start().await.unwrap();
    println!("ready");
    while let Some(keyword) = part.orders.recv().await {
        let answers = invoke(&clients, &keyword).await;
        let ids: BTreeSet<&str> = answers.iter().map(|(id, _)| id.as_str()).collect();
        let created = answers.iter().filter(|(_, created)| *created).count();
        println!("{keyword}: {created} {}", ids.into_iter().collect::<Vec<_>>().join(" "));
    }
}

async fn invoke(clients: &[Client], keyword: &str) -> Vec<(String, bool)> {
    let mut calls = JoinSet::new();
    for client in clients.iter().cycle().take(CALLS) {
        let (handle, keyword) = (SharedHandle::new(client), keyword.to_owned());
        calls.spawn(async move {
            let run = handle.invoke(()).keyword(keyword).await.expect("it is saved, by whomever");
            (run.id().to_string(), run.created())
        });
    }
    calls.join_all().await
}

on_each_database! {
    async fn one_keyword_from_several_processes_is_one_job(database) {
        let diary = Diary::new();
        let start = |_| Running::new(process("twin", &database, &diary));
        let mut processes: Vec<Running> = (0..PROCESSES).map(start).collect();
        processes.iter_mut().for_each(|process| drop(process.until("ready")));
        let raw = database.raw().await;
        for round in 0..ROUNDS {
            let keyword = format!("k{round}");
            processes.iter_mut().for_each(|process| process.tell(&keyword));
            let answers: Vec<String> = processes.iter_mut().map(|process| process.until(&keyword)).collect();
            let words = |answer: &String| answer.split(' ').skip(1).map(str::to_owned).collect::<Vec<_>>();
            let created: usize = answers.iter().map(|answer| words(answer)[0].parse::<usize>().unwrap()).sum();
            let ids: BTreeSet<String> = answers.iter().flat_map(|answer| words(answer).split_off(1)).collect();
            assert_eq!((created, ids.len()), (1, 1), "{answers:?}");
        }
        assert_eq!(raw.number("SELECT count(*) FROM task").await, i64::try_from(ROUNDS).unwrap());
        all_done(&raw).await;
        let expected: Vec<String> = (0..ROUNDS).map(|round| format!("k{round}")).collect();
        assert_eq!(sorted(diary.lines()), expected, "each ran once");
    }
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}
