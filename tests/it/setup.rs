//! Clients and centers for a test.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, UNIX_EPOCH};

use tempfile::TempDir;
use tokio::time::Instant;
use vtask::storage::MemoryStorage;
use vtask::storage::value::Timestamp;
use vtask::{Client, Job, JobCenter, JobCenterBuilder};

/// A client whose clock is the runtime's, so that a test with a paused clock waits for nothing.
pub(crate) fn paused_client() -> Client {
    Client::with_seed(paused_storage(), 1)
}

/// The storage of such a client.
pub(crate) fn paused_storage() -> MemoryStorage {
    let start = Instant::now();
    MemoryStorage::with_clock(move || {
        let time = UNIX_EPOCH + Duration::from_secs(1_700_000_000) + start.elapsed();
        Timestamp::from(time)
    })
}

/// A center on the test's own runtime, under a name of its own.
pub(crate) fn center(client: &Client) -> JobCenterBuilder {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    JobCenter::builder(client).on_this_runtime().host(format!("test-{number}"))
}

/// Starts such a center with one job.
pub(crate) async fn start<J: Job>(client: &Client, job: J) -> JobCenter {
    center(client).register(job).start().await.expect("the center starts")
}

/// A SQLite file in a folder that lives as long as the test.
pub(crate) struct Sqlite {
    folder: TempDir,
}

impl Sqlite {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    pub(crate) fn url(&self) -> String {
        format!("sqlite://{}/jobs.db", self.folder.path().display())
    }

    pub(crate) async fn client(&self) -> Client {
        Client::connect(self.url()).await.expect("the file opens")
    }
}

/// Runs a test that has threads and a clock of its own, and fails it when it hangs.
#[track_caller]
pub(crate) fn within(limit: Duration, test: impl FnOnce() + Send + 'static) {
    let (done, is_done) = mpsc::channel::<()>();
    let thread = std::thread::spawn(move || {
        test();
        drop(done);
    });
    if is_done.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
        panic!("it has not ended within {limit:?}");
    }
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}
