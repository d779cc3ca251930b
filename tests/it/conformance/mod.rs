//! Every storage passes the suite that vtask offers for others.

mod handles;

use std::sync::Arc;

use vtask::JobStorage;
use vtask::storage::value::Timestamp;
use vtask::storage::{MemoryStorage, OpenOptions, SqlStorage, conformance};

use self::handles::Handles;
use crate::database::{Raw, TestDatabase, on_each_database};

#[tokio::test]
async fn memory_storage_conforms() {
    conformance::run_all(|| async { Arc::new(MemoryStorage::default()) as Arc<dyn JobStorage> }).await;
}

#[tokio::test]
async fn memory_storage_conforms_while_its_clock_stands_still() {
    let still = || MemoryStorage::with_clock(|| Timestamp(1_000_000));
    conformance::run_all(|| async { Arc::new(still()) as Arc<dyn JobStorage> }).await;
}

on_each_database! {
    async fn storage_conforms(database) {
        conform_through(&database, &[database.url()]).await;
    }

    async fn storages_of_one_database_conform_together(database) {
        conform_through(&database, &[database.url(); 3]).await;
    }
}

/// Each check gets the tables empty, through the same handles: to connect is slow in a debug build.
pub(crate) async fn conform_through(database: &TestDatabase, urls: &[&str]) {
    let mut handles = Vec::new();
    for url in urls {
        let storage = SqlStorage::open(*url, &OpenOptions::default()).await;
        handles.push(storage.expect("the database opens"));
    }
    let raw = Raw::single(&database.raw_url()).await;
    if database.is_in_cluster() {
        // Else it would not see all that it has to delete.
        raw.execute("SET SESSION wsrep_sync_wait = 7").await;
    }
    conformance::run_all(async || {
        for table in ["task", "task_node"] {
            raw.execute(&format!("DELETE FROM {table}")).await;
        }
        Arc::new(Handles::new(handles.clone())) as Arc<dyn JobStorage>
    })
    .await;
}
