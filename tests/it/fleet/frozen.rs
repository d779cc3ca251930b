//! A node that stands still for longer than its lease, as in a long pause of its machine: guards that a writer without
//! the lease changes nothing.

use std::time::Duration;

use tokio::time::{sleep, timeout};
use vtask::{Attempt, JobRun, job};

use super::diary::Diary;
use super::{Part, eventually, freeze, node};
use crate::database::{Raw, TestDatabase, on_each_database};
use crate::process::Running;

const JOBS: usize = 12;

/// Says who it is. On the first node the second step takes its time; on others that of some jobs waits for the test.
struct Passes {
    host: String,
    pause: Duration,
    diary: Diary,
}

/// The keywords of jobs that wait begin like this.
const WAITS: &str = "waits";
/// What the test writes down to let them go on.
const GO: &str = "go";

#[job]
impl Passes {
    #[step]
    async fn first(&self) -> anyhow::Result<String> {
        Ok(self.host.clone())
    }

    #[step]
    async fn second(&self, attempt: &Attempt) -> anyhow::Result<String> {
        self.diary.add(&format!("{} second {}", self.host, attempt.keyword()));
        sleep(self.pause).await;
        while self.pause.is_zero() && attempt.keyword().starts_with(WAITS) && !self.diary.has(GO) {
            sleep(Duration::from_millis(50)).await;
        }
        Ok(self.host.clone())
    }

    #[step]
    async fn third(&self, first: &String, second: &String, attempt: &Attempt) -> anyhow::Result<String> {
        self.diary.add(&format!("{} third {}", self.host, attempt.keyword()));
        Ok(format!("{first} {second} {}", self.host))
    }
}

pub(super) async fn work(part: Part, pause: Duration) {
    let host = std::env::var("VTASK_HOST").unwrap();
    let job = Passes { host, pause, diary: part.diary.clone() };
    part.work(job, |center| center.lease(Duration::from_secs(5))).await;
}

fn start(role: &str, host: &str, database: &TestDatabase, diary: &Diary) -> Running {
    let mut running = Running::new(node(role, host, database, diary));
    running.until("ready");
    running
}

/// Everything that a stale writer could have changed.
async fn rows(raw: &Raw) -> Vec<(i64, i64, i64, String, String, String)> {
    let rows = raw.all("SELECT id, lease, update_time, responses, history, input FROM task ORDER BY id").await;
    let read = |row: &sea_orm::QueryResult| {
        let number = |index| row.try_get_by_index(index).unwrap();
        let text = |index| row.try_get_by_index(index).unwrap();
        (number(0), number(1), number(2), text(3), text(4), text(5))
    };
    rows.iter().map(read).collect()
}

/// Waits for the end of jobs that were taken over in their second step.
async fn check_outputs(runs: &[JobRun<Passes>]) {
    for run in runs {
        let output = timeout(Duration::from_secs(60), run.wait()).await.expect("it is taken over").unwrap();
        assert_eq!(output, "one two two");
    }
}

on_each_database! {
    async fn frozen_node_that_thaws_changes_no_job_that_was_taken(database) {
        let (client, diary, raw) = (database.client().await, Diary::new(), database.raw().await);
        let begun = |what: &str| diary.lines().iter().filter(|line| line.starts_with(what)).count();
        let mut frozen = start("slow", "one", &database, &diary);
        let handle = PassesHandle::new(&client);
        let mut runs = Vec::new();
        for number in 0..JOBS {
            let keyword = format!("{} {number}", if number < JOBS / 2 { "ends" } else { WAITS });
            runs.push(handle.invoke(()).keyword(keyword).await.unwrap());
        }
        eventually("all are in their second step", || async { begun("one second") == JOBS }).await;
        freeze(&mut frozen, &raw).await;
        let other = start("quick", "two", &database, &diary);
        check_outputs(&runs[..JOBS / 2]).await;
        // The rest is where it was when the first node had it, and is the other one's.
        eventually("all are taken over", || async { begun("two second") == JOBS }).await;
        let (before, lives) = (rows(&raw).await, raw.number("SELECT count(*) FROM task_node").await);
        frozen.signal("CONT");
        eventually("it begins a new life", || async { raw.number("SELECT count(*) FROM task_node").await > lives }).await;
        assert_eq!(rows(&raw).await, before, "it has changed what was no longer its own");
        diary.add(GO);
        check_outputs(&runs).await;
        other.kill();
        let next = handle.invoke(()).keyword("new").await.unwrap();
        let output = timeout(Duration::from_secs(60), next.wait()).await.expect("it works again").unwrap();
        assert_eq!(output, "one one one");
        assert_eq!((begun("one second"), begun("two second")), (JOBS + 1, JOBS));
        assert_eq!((begun("one third"), begun("two third")), (1, JOBS), "it went on with a job that was taken");
    }
}
