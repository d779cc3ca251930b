//! An old and a new program at work on one database.

use std::time::Duration;

use tokio::time::sleep;
use vtask::{Client, HistoryEvent, JobRun, Untyped};

use super::upgrade::{in_front, inserted, removed, renamed, renamed_job, swapped};
use super::{Program, Shared, old};
use crate::database::{TestDatabase, on_each_database};
use crate::setup::center;

const JOBS: usize = 24;

/// Runs jobs of both programs by both, hands them over in the middle a few times, and answers what each job did.
async fn side_by_side(database: &TestDatabase, new: Program) -> Vec<Vec<String>> {
    let (one, other, shared) = (database.client().await, database.client().await, Shared::default());
    let mut runs = Vec::new();
    for number in 0..JOBS {
        let (program, client) = if number % 2 == 0 { (old::PROGRAM, &one) } else { (new, &other) };
        runs.push(program.invoke(client, &format!("k{number}")).await);
    }
    for _ in 0..4 {
        let (first, second) = (at_work(old::PROGRAM, &one, &shared).await, at_work(new, &other, &shared).await);
        sleep(Duration::from_millis(60)).await;
        tokio::try_join!(first.shutdown(), second.shutdown()).unwrap();
    }
    let centers = [at_work(old::PROGRAM, &one, &shared).await, at_work(new, &other, &shared).await];
    for run in &runs {
        run.wait().await.unwrap_or_else(|error| panic!("{}: {error}", run.keyword()));
        assert!(!was_paused(run).await, "{}", run.keyword());
    }
    for center in centers {
        center.shutdown().await.unwrap();
    }
    let all = shared.of_jobs.all();
    let of = |run: &JobRun<Untyped>| {
        let prefix = format!("{} ", run.keyword());
        let mut steps: Vec<String> =
            all.iter().filter_map(|line| line.strip_prefix(&prefix)).map(str::to_owned).collect();
        steps.sort();
        steps
    };
    runs.iter().map(of).collect()
}

async fn at_work(program: Program, client: &Client, shared: &Shared) -> vtask::JobCenter {
    let builder = (program.register)(center(client).concurrency(3), shared.clone());
    builder.start().await.unwrap()
}

async fn was_paused(run: &JobRun<Untyped>) -> bool {
    run.info().await.unwrap().history.iter().any(|entry| entry.event == HistoryEvent::Paused)
}

#[track_caller]
fn check(jobs: &[Vec<String>], expected: &[&[&str]]) {
    for steps in jobs {
        assert!(expected.iter().any(|expected| steps == expected), "{steps:?} is none of {expected:?}");
    }
}

on_each_database! {
    async fn step_that_only_one_of_them_has_runs_at_most_once(database) {
        check(&side_by_side(&database, inserted::PROGRAM).await, &[&["a", "b", "c"], &["a", "b", "c", "x"]]);
    }

    async fn step_in_front_runs_where_the_new_program_begins_a_job(database) {
        check(&side_by_side(&database, in_front::PROGRAM).await, &[&["a", "b", "c"], &["a", "b", "c", "x"]]);
    }

    async fn step_that_is_gone_from_one_of_them_is_left_to_the_other(database) {
        check(&side_by_side(&database, removed::PROGRAM).await, &[&["a", "c"], &["a", "b", "c"]]);
    }

    async fn renamed_step_runs_once_under_either_name(database) {
        check(&side_by_side(&database, renamed::PROGRAM).await, &[&["a", "b", "c"], &["a", "c", "pay"]]);
    }

    async fn steps_in_another_order_run_once_each(database) {
        check(&side_by_side(&database, swapped::PROGRAM).await, &[&["a", "b", "c"]]);
    }

    async fn renamed_job_is_run_under_both_names(database) {
        check(&side_by_side(&database, renamed_job::PROGRAM).await, &[&["a", "b", "c"]]);
    }
}
