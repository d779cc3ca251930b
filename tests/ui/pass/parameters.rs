//! The parameters of steps: in any order, unused, or none; and steps as the ordinary methods they are.

use serde::{Deserialize, Serialize};
use vtask::{Attempt, JobContext, JobFailure, job};

/// What is counted.
#[derive(Serialize, Deserialize, JobContext)]
pub struct Count {
    number: u64,
}

/// Counts.
pub struct Counts;

#[job]
impl Counts {
    #[step]
    async fn first(&self) -> anyhow::Result<u64> {
        Ok(1)
    }

    #[step]
    async fn second(&self, attempt: &Attempt, _first: &u64, count: &mut Count) -> anyhow::Result<Vec<u64>> {
        count.number += u64::from(attempt.number());
        Ok(vec![count.number])
    }

    #[step]
    fn third(&self, second: &Vec<u64>, any_name: &Count, first: &u64) -> anyhow::Result<u64> {
        Ok(second.iter().sum::<u64>() + any_name.number + first)
    }

    #[step]
    async fn fourth(&self, _count: &Count, first: &u64, again: &Attempt) -> anyhow::Result<u64> {
        Ok(first + u64::from(again.number()))
    }

    #[step]
    async fn in_transaction(&self, tx: &sea_orm::DatabaseTransaction, third: &u64) -> anyhow::Result<u64> {
        let _ = tx;
        Ok(*third)
    }

    #[on_success]
    async fn succeeded(&self, _third: &u64, second: &Vec<u64>, count: &Count) -> anyhow::Result<()> {
        anyhow::ensure!(second.len() as u64 == count.number, "not counted");
        Ok(())
    }

    #[on_failure]
    async fn failed(
        &self,
        failure: &JobFailure,
        count: &Count,
        _first: Option<&u64>,
        second: Option<&Vec<u64>>,
        attempt: &Attempt,
    ) -> anyhow::Result<()> {
        anyhow::ensure!(second.is_none() && attempt.number() < 3, "{} at {}", failure.message(), count.number);
        Ok(())
    }
}

/// Calls steps without the framework, as a unit test does.
///
/// # Errors
///
/// What the steps say.
pub async fn call() -> anyhow::Result<u64> {
    let mut count = Count { number: 0 };
    let first = Counts.first().await?;
    let second = Counts.second(&Attempt::default(), &first, &mut count).await?;
    Counts.third(&second, &count, &first)
}
