//! A crate that knows vtask by another name, or through another crate.

mod facade {
    pub(super) use vtask as jobs;
}

use self::facade::jobs::{JobContext, job};
use serde::{Deserialize, Serialize};

/// What is kept.
#[derive(Serialize, Deserialize, JobContext)]
#[context(crate = self::facade::jobs)]
pub struct Data {
    #[context(keyword)]
    number: u64,
}

/// A job.
pub struct Renamed;

#[job(crate = self::facade::jobs)]
impl Renamed {
    #[step]
    async fn first(&self, data: &Data) -> anyhow::Result<u64> {
        Ok(data.number)
    }

    #[facade::jobs::step(retry = 1)]
    fn second(&self, first: &u64) -> anyhow::Result<u64> {
        Ok(*first)
    }

    #[on_failure]
    async fn failed(&self, first: Option<&u64>, _failure: &facade::jobs::JobFailure) -> anyhow::Result<()> {
        anyhow::ensure!(first.is_none(), "something");
        Ok(())
    }
}
