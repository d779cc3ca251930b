//! A process is killed in the middle of a job; the next one goes on from the step it had reached.
//!
//! `cargo run --example crash` starts itself as a child, kills it with SIGKILL while step 2 runs, and starts it again.
//! The jobs are in a file of its own, or wherever you say: `cargo run --example crash -- postgres://user:password@host/db`.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use vtask::{Client, JobCenter, JobContext, job};

#[derive(Debug, Serialize, Deserialize, JobContext)]
struct Trip {
    to: String,
}

/// Its steps write what they do into a file, which no crash takes back.
struct Travel {
    diary: PathBuf,
}

impl Travel {
    fn write(&self, line: &str) -> std::io::Result<()> {
        writeln!(OpenOptions::new().create(true).append(true).open(&self.diary)?, "{line}")
    }
}

#[job]
impl Travel {
    #[step]
    async fn book(&self, trip: &Trip) -> anyhow::Result<String> {
        self.write("book")?;
        Ok(format!("ticket to {}", trip.to))
    }

    #[step]
    async fn ride(&self, book: &String) -> anyhow::Result<String> {
        self.write(&format!("ride with a {book}"))?;
        tokio::time::sleep(Duration::from_millis(500)).await;
        Ok("arrived".to_owned())
    }

    #[step]
    async fn rest(&self, trip: &Trip, ride: &String) -> anyhow::Result<String> {
        self.write("rest")?;
        Ok(format!("{ride} in {}", trip.to))
    }
}

/// The child: runs the job to its end.
async fn travel(url: &str, folder: &Path) -> anyhow::Result<()> {
    let client = Client::connect(url).await?;
    // Both children have this keyword, and nobody else: the database may hold the trips of former runs.
    let keyword = folder.display().to_string();
    let run = TravelHandle::new(&client).invoke(Trip { to: "Lisbon".to_owned() }).keyword(keyword).await?;
    println!("child: job {} is {}", run.id(), if run.created() { "new" } else { "there already" });

    let job = Travel { diary: folder.join("diary") };
    let center = JobCenter::builder(&client).host("traveller").register(job).start().await?;
    println!("child: {}", run.wait().await?);
    center.shutdown().await?;
    Ok(())
}

fn child(url: &str, folder: &Path) -> std::io::Result<Command> {
    let mut child = Command::new(std::env::current_exe()?);
    child.arg(url).arg(folder);
    Ok(child)
}

fn diary(folder: &Path) -> String {
    fs::read_to_string(folder.join("diary")).unwrap_or_default()
}

/// The parent: kills the first child in step 2 and lets the second one finish.
fn main() -> anyhow::Result<()> {
    if let (Some(url), Some(folder)) = (std::env::args().nth(1), std::env::args().nth(2)) {
        return tokio::runtime::Runtime::new()?.block_on(travel(&url, Path::new(&folder)));
    }
    let now = UNIX_EPOCH.elapsed()?.as_nanos();
    let folder = std::env::temp_dir().join(format!("vtask-crash-{now}"));
    fs::create_dir(&folder)?;
    let file = format!("sqlite://{}", folder.join("travel.db").display());
    let url = std::env::args().nth(1).unwrap_or(file);

    let mut first = child(&url, &folder)?.spawn()?;
    while !diary(&folder).contains("ride") {
        anyhow::ensure!(first.try_wait()?.is_none(), "the first child ended before it could be killed");
        std::thread::sleep(Duration::from_millis(5));
    }
    first.kill()?;
    println!("parent: the child was killed while it rode ({})", first.wait()?);

    let second = child(&url, &folder)?.status()?;
    anyhow::ensure!(second.success(), "the second child failed: {second}");
    println!("the diary, with the step that ran twice and none that was recorded:\n{}", diary(&folder));
    fs::remove_dir_all(&folder)?;
    Ok(())
}
