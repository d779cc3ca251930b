//! Rows that somebody else has written: what can be read of them is read, and the rest does no harm.
//!
//! The lines of a text are the columns of a row, in the order of the fields of [`Columns`].

mod columns;
mod look;
mod operate;
mod run;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use vtask::storage::MemoryStorage;
use vtask::{Client, JobContext, JobHandle, JobRun, SavedContext, Secret, job};

use self::columns::Columns;
use crate::runtime;

/// The data of the job whose row it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JobContext)]
struct Data {
    count: u64,
    note: Secret<Value>,
    more: Value,
}

struct Fuzzed;

#[job(name = "fuzzed", migrate = mend)]
impl Fuzzed {
    #[step(was = "eins")]
    async fn one(&self, data: &mut Data) -> anyhow::Result<Value> {
        data.count = data.count.wrapping_add(1);
        Ok(data.more.clone())
    }

    #[step]
    async fn two(&self, one: &Value) -> anyhow::Result<usize> {
        Ok(one.to_string().len())
    }
}

/// Another version of the job had its count under another name.
fn mend(saved: &mut SavedContext) -> Result<(), &'static str> {
    let Some(data) = saved.data.as_object_mut() else { return Err("the data is no object") };
    if let Some(number) = data.remove("number") {
        data.insert("count".to_owned(), number);
    }
    Ok(())
}

/// Looks at a row, operates on it, and runs it.
///
/// # Panics
///
/// If the property is broken.
pub fn check(text: &str) {
    let columns = Columns::of(text);
    runtime().block_on(async {
        let storage = columns.store().await;
        look::check(&columns, &storage).await;
        operate::check(&columns, &storage).await;
        run::check(&columns, &storage).await;
    });
}

/// Looks at a row, and no more: what reads its columns is tried so many times as often.
///
/// # Panics
///
/// If the property is broken.
pub fn look_at(text: &str) {
    let columns = Columns::of(text);
    runtime().block_on(async { look::check(&columns, &columns.store().await).await });
}

/// A client of a storage that holds the row, and the row as its own type has it.
async fn found(storage: &MemoryStorage) -> (Client, JobRun<Fuzzed>) {
    let client = Client::with_seed(storage.clone(), 1);
    let run = JobHandle::new(&client).find(columns::KEYWORD).await.unwrap().expect("the row is there");
    (client, run)
}
