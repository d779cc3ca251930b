//! Processes that are killed, frozen and crowded, and connections that are cut: what tries to break the promises.

mod blocked;
mod cluster;
mod commit;
mod crowd;
mod diary;
mod disk;
mod frozen;
mod history;
mod keyword;
mod outage;
mod poison;
mod proxy;
mod reboot;
mod recovery;
mod server;
mod slow;
mod soak;
mod storm;
mod swallowed;
mod trickle;
mod wire;
mod work;

use std::process::{Command, Stdio};
use std::time::Duration;

use sea_orm::ConnectionTrait;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::Instant;
use vtask::{Client, Job, JobCenter, JobCenterBuilder};

use self::diary::Diary;
use crate::database::{Raw, TestDatabase};
use crate::process::Running;

const ROLE: &str = "VTASK_TEST_ROLE";
const URL: &str = "VTASK_TEST_URL";
const DIARY: &str = "VTASK_TEST_DIARY";

/// So many threads has the runtime on which the steps of such a process run.
const THREADS: usize = 2;

/// This very binary as a process of its own, in which [`worker`] plays a role and no other test runs.
fn process(role: &str, database: &TestDatabase, diary: &Diary) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("a test is a file"));
    command.args(["--exact", "fleet::worker", "--ignored", "--nocapture"]);
    command.env(ROLE, role).env(URL, database.url()).env(DIARY, diary.path()).env_remove("RUST_BACKTRACE");
    command.stdin(Stdio::piped());
    command
}

/// A process that runs a center under this name.
fn node(role: &str, host: &str, database: &TestDatabase, diary: &Diary) -> Command {
    let mut command = process(role, database, diary);
    command.env("VTASK_HOST", host);
    command
}

#[test]
#[ignore = "is a process that the other tests start; by itself it does nothing"]
fn worker() {
    let Ok(role) = std::env::var(ROLE) else { return };
    // The harness may have begun this line.
    println!();
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_max_level(tracing::Level::WARN).init();
    let part =
        Part { url: std::env::var(URL).unwrap(), diary: Diary::of(std::env::var(DIARY).unwrap()), orders: orders() };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(THREADS).enable_all().build().unwrap();
    runtime.block_on(async {
        match role.as_str() {
            "blocks" => blocked::work(part).await,
            "storm" => storm::work(part).await,
            "poison" => poison::work(part).await,
            "slow" => frozen::work(part, Duration::from_secs(3)).await,
            "quick" => frozen::work(part, Duration::ZERO).await,
            "twin" => keyword::work(part).await,
            "drips" => trickle::work(part).await,
            "crowd" => crowd::work(part).await,
            _ => panic!("no process is a {role:?}"),
        }
    });
}

/// What a process was told.
struct Part {
    url: String,
    diary: Diary,
    /// The lines that the test writes to it.
    orders: UnboundedReceiver<String>,
}

impl Part {
    async fn client(&self) -> Client {
        Client::connect(self.url.as_str()).await.expect("the database opens")
    }

    /// Works until the process is killed, or the test has ended.
    async fn work(self, job: impl Job, setup: fn(JobCenterBuilder) -> JobCenterBuilder) {
        let _center = setup(JobCenter::builder(&self.client().await)).register(job).start().await.expect("it starts");
        println!("ready");
        std::future::pending::<()>().await;
    }
}

/// Reads what the test says. It holds the other end until it has ended, however that happens, and this process too then.
fn orders() -> UnboundedReceiver<String> {
    let (sender, orders) = unbounded_channel();
    std::thread::spawn(move || {
        std::io::stdin().lines().map_while(Result::ok).for_each(|line| drop(sender.send(line)));
        std::process::exit(0);
    });
    orders
}

/// Asks again until it is so, and fails after a minute.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < Duration::from_secs(60), "it has not come so far after a minute: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until nobody has anything left to do.
pub(crate) async fn all_done(raw: &Raw) {
    eventually("all jobs have ended", || async { raw.number("SELECT count(*) FROM task WHERE work = 1").await == 0 })
        .await;
}

/// Stops the process, and sees to it that it does not hold the lock of a SQLite file, which nobody else could take then.
async fn freeze(running: &mut Running, raw: &Raw) {
    loop {
        running.signal("STOP");
        while !stands_still(running.id()) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        if raw.0.execute_unprepared("UPDATE task SET boot = boot WHERE id = 0").await.is_ok() {
            return;
        }
        running.signal("CONT");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What a script has a test take, if one has.
fn number(variable: &str) -> Option<u32> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{variable}={text} is no number")))
}

/// Whether all threads of a process have stopped: one that has to hear of the signal first may run on for a while. Where there
/// is no `/proc` nobody can tell.
fn stands_still(process: u32) -> bool {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{process}/task")) else { return true };
    threads.flatten().all(|thread| {
        let told = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        // The state comes after the name, which is in parentheses.
        told.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('T'))
    })
}
