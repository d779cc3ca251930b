//! A disk that is full for a while: guards that nothing is lost by it, and that work goes on when there is room.

use std::fs::{File, remove_file};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use vtask::{Client, JobCenter, JobRun, job};

use crate::database::{Kind, TestDatabase, admin, on_each_database};
use crate::dice::{Dice, nonce};

/// Longer than the disk is full.
const LEASE: Duration = Duration::from_secs(90);
/// Each job is so large; a database that has room for ever so many has it in what it took beforehand.
const LOAD: usize = 200_000;
const MOST: usize = 200;

/// Bears something heavy from one step to the other.
#[derive(Clone)]
struct Bears;

#[job]
impl Bears {
    #[step]
    async fn lift(&self, context: &Load) -> anyhow::Result<String> {
        Ok(context.text.clone())
    }

    #[step]
    async fn lay_down(&self, context: &Load, lift: &String) -> anyhow::Result<bool> {
        Ok(context.text == *lift)
    }
}

#[derive(serde::Serialize, serde::Deserialize, vtask::JobContext)]
struct Load {
    text: String,
}

impl Load {
    /// One that no database can make smaller by much.
    fn new() -> Self {
        let mut dice = Dice::of(nonce());
        Self { text: (0..LOAD / 16).map(|_| format!("{:016x}", dice.below(u64::MAX))).collect() }
    }
}

/// A file system of its own, in memory.
struct Disk {
    folder: TempDir,
}

impl Disk {
    /// `None` where one may not mount anything.
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut mount = Command::new("mount");
        let mounted = mount.args(["-t", "tmpfs", "-o", "size=48m,mode=777", "none"]).arg(folder.path()).output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self { folder })
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A folder on it that belongs to whom this file belongs to.
    fn folder_like(&self, other: &Path) -> PathBuf {
        let (folder, owner) = (self.path().join("database"), other.metadata().expect("it is there"));
        std::fs::create_dir(&folder).unwrap();
        chown(&folder, Some(owner.uid()), Some(owner.gid())).unwrap();
        folder
    }

    fn fill(&self) {
        let mut file = File::create(self.path().join("filling")).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
    }

    fn free(&self) {
        remove_file(self.path().join("filling")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Even if a server has not closed all of its files yet.
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}

/// Moves an empty database to the disk.
async fn move_to(disk: &Disk, database: &TestDatabase) {
    let (name, admin) = (database.name(), admin(database.kind()).await);
    let ask = if database.kind() == Kind::MySql { "SELECT @@datadir" } else { "SHOW data_directory" };
    let data: String = admin.all(ask).await[0].try_get_by_index(0).unwrap();
    let folder = disk.folder_like(Path::new(&data));
    if database.kind() == Kind::MySql {
        let old = Path::new(&data).join(name);
        std::fs::remove_dir_all(&old).unwrap();
        symlink(folder, old).unwrap();
    } else {
        admin.execute(&format!("CREATE TABLESPACE {name} LOCATION '{}'", folder.display())).await;
        admin.execute(&format!("ALTER DATABASE {name} SET TABLESPACE {name}")).await;
    }
}

/// Ends it, and what was made for it, before the disk goes.
async fn drop_all(database: &TestDatabase) {
    let (name, admin) = (database.name(), admin(database.kind()).await);
    if database.kind() == Kind::Postgres {
        admin.execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await;
        admin.execute(&format!("DROP TABLESPACE {name}")).await;
    } else {
        admin.execute(&format!("DROP DATABASE {name}")).await;
    }
}

on_each_database! {
    async fn full_disk_is_waited_for(database) {
        let Some(disk) = Disk::mount() else {
            println!("left out: this machine does not let us mount a small disk");
            return;
        };
        if database.kind() == Kind::Sqlite {
            return work_on(&disk, format!("sqlite://{}/jobs.db", disk.path().display())).await;
        }
        move_to(&disk, &database).await;
        let url = database.url().to_owned();
        let disk = Arc::new(disk);
        let used = Arc::clone(&disk);
        let outcome = tokio::spawn(async move { work_on(&used, url).await }).await;
        drop_all(&database).await;
        drop(disk);
        outcome.unwrap();
    }
}

/// Invokes one after the other until one has to wait.
async fn invoke_until_full(client: &Client, runs: &mut Vec<JobRun<Bears>>) -> JoinHandle<JobRun<Bears>> {
    for _ in 0..MOST {
        let handle = BearsHandle::new(client);
        let mut invoke =
            tokio::spawn(async move { handle.invoke(Load::new()).await.expect("it has to wait, and no more") });
        match timeout(Duration::from_secs(3), &mut invoke).await {
            Ok(run) => runs.push(run.unwrap()),
            Err(_) => return invoke,
        }
    }
    panic!("a full disk has room for {MOST} jobs");
}

async fn work_on(disk: &Disk, url: String) {
    let client = Client::connect(url.as_str()).await.unwrap();
    let center = JobCenter::builder(&client).host("one").lease(LEASE).register(Bears).start().await.unwrap();
    let first = BearsHandle::new(&client).invoke(Load::new()).await.unwrap();
    assert!(first.wait().await.unwrap());
    disk.fill();
    let mut runs = Vec::new();
    let waiting = invoke_until_full(&client, &mut runs).await;
    disk.free();
    let begun = Instant::now();
    let went_in = runs.len();
    runs.push(waiting.await.unwrap());
    println!("{went_in} went in before, and the next one {:?} after there was room", begun.elapsed());
    for run in &runs {
        assert!(timeout(Duration::from_secs(60), run.wait()).await.expect("it ends").unwrap());
        let info = run.info().await.unwrap();
        assert_eq!((info.failed_attempts, info.crashes, info.history.len()), (0, 0, 2), "{info:#?}");
    }
    center.shutdown().await.unwrap();
}
