//! The storages of this crate pass the suite that it offers for others.

use std::sync::Arc;

use vtask_storage::value::Timestamp;
use vtask_storage::{JobStorage, MemoryStorage, conformance};

#[tokio::test]
async fn memory_storage_conforms() {
    conformance::run_all(|| async { Arc::new(MemoryStorage::default()) as Arc<dyn JobStorage> }).await;
}

#[tokio::test]
async fn memory_storage_conforms_while_its_clock_stands_still() {
    let still = || MemoryStorage::with_clock(|| Timestamp(1_000_000));
    conformance::run_all(|| async { Arc::new(still()) as Arc<dyn JobStorage> }).await;
}

#[cfg(feature = "sqlite")]
mod handles;

#[cfg(feature = "sqlite")]
mod sqlite {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use vtask_storage::{JobStorage, SqliteStorage, conformance};

    use super::handles::Handles;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sqlite_storage_conforms() {
        conform_with_handles(1).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sqlite_storages_of_one_file_conform_together() {
        conform_with_handles(3).await;
    }

    async fn conform_with_handles(count: usize) {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let files = AtomicUsize::new(0);
        conformance::run_all(|| async {
            let file = folder.path().join(format!("{}.db", files.fetch_add(1, Ordering::Relaxed)));
            let url = format!("sqlite://{}", file.display());
            let mut handles = Vec::new();
            for _ in 0..count {
                let storage = SqliteStorage::open(&url, true).await;
                handles.push(storage.expect("the file can be opened"));
            }
            Arc::new(Handles::new(handles)) as Arc<dyn JobStorage>
        })
        .await;
    }
}
