//! A server of a test's own, which it may kill and start again.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::database::{Kind, TestDatabase, run_on};
use crate::process::Running;

/// A server that nobody else uses.
pub(super) struct OwnServer {
    kind: Kind,
    /// Without a database.
    url: String,
    folder: PathBuf,
}

/// The program that has started it, and ends it.
struct Script(Running);

impl OwnServer {
    fn new(kind: Kind) -> (Self, Script) {
        let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/servers"));
        let variable = if kind == Kind::MySql { "VTASK_TEST_MYSQL" } else { "VTASK_TEST_POSTGRES" };
        let told = format!("echo url=${variable}; echo folder=$VTASK_TEST_SERVERS_FOLDER; exec cat");
        command.args(["--only", name(kind), "sh", "-c", &told]).stdin(Stdio::piped());
        let mut script = Running::new(command);
        let mut read = |start: &str| script.until(start)[start.len()..].to_owned();
        let (url, folder) = (read("url="), read("folder=").into());
        (Self { kind, url, folder }, Script(script))
    }

    pub(super) fn kill(&self) {
        kill(&self.folder, name(self.kind));
    }

    pub(super) async fn start_again(&self) {
        start_again(&self.folder, name(self.kind)).await;
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        self.0.signal("TERM");
        // Else its folder would stay.
        for _ in 0..200 {
            if self.0.ended().is_some() {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// Runs a test on a server of its own, which ends with it.
pub(super) fn on_own_server<F>(kind: Kind, test: fn(TestDatabase, OwnServer) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let (server, _script) = OwnServer::new(kind);
    let url = server.url.clone();
    run_on(kind, &url, |database| test(database, server));
}

/// Ends the server of this name with SIGKILL.
pub(super) fn kill(folder: &Path, name: &str) {
    let process = std::fs::read_to_string(folder.join(format!("{name}.pid"))).expect("it runs");
    assert!(Command::new("kill").args(["-KILL", process.trim()]).status().unwrap().success());
}

/// Starts it again, and returns when it answers.
pub(super) async fn start_again(folder: &Path, name: &str) {
    let status = tokio::process::Command::new(folder.join(format!("{name}.start"))).status().await;
    assert!(status.unwrap().success(), "{name} does not start again");
}

fn name(kind: Kind) -> &'static str {
    if kind == Kind::MySql { "mysql" } else { "postgres" }
}
