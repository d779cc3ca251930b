//! The end of a process that is told to end.

use std::process::Command;
use std::time::Duration;

use vtask::{Client, Status, job};

use crate::setup::center;

struct Slow;

#[job]
impl Slow {
    #[step]
    async fn only(&self) -> anyhow::Result<u32> {
        tokio::time::sleep(Duration::from_millis(300)).await;
        Ok(1)
    }
}

fn terminate_this_process() {
    let pid = std::process::id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
}

#[cfg(unix)]
#[tokio::test]
async fn sigterm_ends_in_a_shutdown_that_saves_the_running_step() {
    // From here on the signal ends nothing by itself.
    let _own = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).unwrap();
    let client = Client::in_memory();
    let center = center(&client).register(Slow).start().await.unwrap();
    let run = SlowHandle::new(&client).invoke(()).await.unwrap();
    while !run.info().await.unwrap().is_held {
        tokio::task::yield_now().await;
    }
    let working = tokio::spawn(center.run_until_signal());
    // On this one thread the center listens once its task has had a turn.
    tokio::task::yield_now().await;
    terminate_this_process();
    let shutdown = working.await.unwrap().unwrap();
    assert_eq!((shutdown.finished, shutdown.dropped), (1, 0));
    assert_eq!(run.info().await.unwrap().status, Status::Succeeded);
}
