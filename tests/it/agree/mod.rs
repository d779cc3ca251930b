//! The same operations on a database and in memory, which have to answer alike: what holds of the one, as the simulation shows
//! it, holds of the other.

mod call;
mod subject;

use std::cell::Cell;
use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use tokio::runtime::Handle;
use vtask::storage::value::JobSummary;
use vtask::storage::{JobStorage, MemoryStorage, OpenOptions, SqlStorage};

use self::call::{Call, Case, Op, any_op};
use self::subject::Subject;
use crate::database::on_each_database;

/// So many lists are tried on each database unless `VTASK_AGREE_CASES` says otherwise.
const CASES: u32 = 48;
/// A list has so many operations, at most.
const LONGEST: usize = 40;

/// The keywords that operations are about.
const KEYS: usize = 6;

/// Tries one list on both storages, after each operation also what the rows hold.
async fn compare(database: &dyn JobStorage, number: i64, ops: &[Op]) -> Result<(), TestCaseError> {
    let (memory, case) = (MemoryStorage::default(), Case::new(number));
    let (mut model, mut subject) = (Subject::new(&memory, &case), Subject::new(database, &case));
    let (mut present, mut former): (BTreeMap<usize, JobSummary>, BTreeMap<usize, JobSummary>) = Default::default();
    let mut last = None;
    for op in ops {
        let Some(call) = Call::of(op, &case, &present, &former, last.as_ref()) else { continue };
        let (expected, answer) = (model.answer(&call).await, subject.answer(&call).await);
        prop_assert_eq!(&answer, &expected, "the answer to {:?}", call);
        let (expected, state) = (model.state().await, subject.state().await);
        prop_assert_eq!(&state, &expected, "what is there after {:?}", call);
        let now = model.summaries().await;
        former.extend(present.into_iter().filter(|(key, row)| now.get(key) != Some(row)));
        present = now;
        last = Some(call);
    }
    Ok(())
}

on_each_database! {
    async fn operations_answer_as_in_memory(database) {
        let storage = SqlStorage::open(database.url(), &OpenOptions::default()).await.unwrap();
        let cases = std::env::var("VTASK_AGREE_CASES").map_or(CASES, |text| text.parse().expect("a number"));
        let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
        let number = Cell::new(0);
        let outcome = runner.run(&prop::collection::vec(any_op(), 1..LONGEST), |ops| {
            number.set(number.get() + 1);
            tokio::task::block_in_place(|| Handle::current().block_on(compare(&storage, number.get(), &ops)))
        });
        if let Err(error) = outcome {
            panic!("{error}");
        }
    }
}
