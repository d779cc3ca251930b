//! A new program takes over what the old one has left, wherever that is.

use super::{Program, Shared, old, program};
use crate::database::on_each_database;
use crate::setup::paused_client;

program!(inserted, (name = "parcel"): [] a() [] x() [] b() [] c());
program!(in_front, (name = "parcel"): [] x() [] a() [] b() [] c());
program!(behind, (name = "parcel"): [] a() [] b() [] c() [] x());
program!(removed, (name = "parcel"): [] a() [] c());
program!(renamed, (name = "parcel"): [] a() [was = "b"] pay() [] c(a, pay));
program!(swapped, (name = "parcel"): [] a() [] c() [] b());
program!(patient, (name = "parcel"): [retry = always, period = "2m"] a() [] b() [] c());
program!(renamed_patient, (name = "parcel"): [] a() [was = "b", retry = always, period = "2m"] pay() [] c());
program!(reversed, (name = "parcel"): [] c() [] b() [] a());
program!(renamed_job, (name = "box", was = "parcel"): [] a() [] b() [] c());
program!(all_at_once, (name = "box", was = "parcel"): [] x() [was = "c"] ship() [] a() [was = "b"] pay(a));

/// What the new program runs of a job that the old one has left in each of its steps.
const CHANGES: &[(&str, Program, [&[&str]; 3])] = &[
    ("none", old::PROGRAM, [&["a", "b", "c"], &["b", "c"], &["c"]]),
    ("inserted", inserted::PROGRAM, [&["a", "x", "b", "c"], &["b", "c"], &["c"]]),
    ("in front", in_front::PROGRAM, [&["x", "a", "b", "c"], &["b", "c"], &["c"]]),
    ("behind", behind::PROGRAM, [&["a", "b", "c", "x"], &["b", "c", "x"], &["c", "x"]]),
    ("renamed", renamed::PROGRAM, [&["a", "pay", "c"], &["pay", "c"], &["c"]]),
    ("swapped", swapped::PROGRAM, [&["a", "c", "b"], &["b", "c"], &["c"]]),
    ("reversed", reversed::PROGRAM, [&["c", "b", "a"], &["b", "c"], &["c"]]),
    ("renamed job", renamed_job::PROGRAM, [&["a", "b", "c"], &["b", "c"], &["c"]]),
    ("all at once", all_at_once::PROGRAM, [&["x", "ship", "a", "pay"], &["pay", "ship"], &["ship"]]),
];

const STEPS: [&str; 3] = ["a", "b", "c"];

async fn check(client: vtask::Client, change: &str, new: Program, step: &'static str, expected: &[&str]) {
    let shared = Shared::default();
    let run = old::PROGRAM.run_until(&client, &shared, step).await;
    let center = new.start(&client, &shared).await;
    run.wait().await.unwrap_or_else(|error| panic!("{change}, left in {step}: {error}"));
    assert_eq!(shared.log.all(), expected, "{change}, left in {step}");
    assert_eq!(run.info().await.unwrap().step_count, new_steps(change), "{change}, left in {step}");
    center.shutdown().await.unwrap();
    client.purge(std::time::SystemTime::now() + std::time::Duration::from_secs(3600)).await.unwrap();
}

fn new_steps(change: &str) -> u32 {
    if ["inserted", "in front", "behind", "all at once"].contains(&change) { 4 } else { 3 }
}

#[tokio::test(start_paused = true)]
async fn each_change_finds_its_next_step() {
    for (change, new, runs) in CHANGES {
        for (step, expected) in STEPS.into_iter().zip(runs) {
            check(paused_client(), change, *new, step, expected).await;
        }
    }
}

on_each_database! {
    async fn each_change_goes_on(database) {
        for (change, new, runs) in CHANGES {
            for (step, expected) in STEPS.into_iter().zip(runs) {
                check(database.client().await, change, *new, step, expected).await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn removed_step_is_left_out_of_jobs_that_are_not_at_it() {
    for (step, expected) in [("a", ["a", "c"].as_slice()), ("c", &["c"])] {
        let (client, shared) = (paused_client(), Shared::default());
        let run = old::PROGRAM.run_until(&client, &shared, step).await;
        let _center = removed::PROGRAM.start(&client, &shared).await;
        run.wait().await.unwrap();
        assert_eq!(shared.log.all(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn steps_that_change_places_all_run_after_a_failed_attempt_of_the_first() {
    let (client, shared) = (paused_client(), Shared::default());
    *shared.fails_at.lock().unwrap() = Some("a");
    let center = patient::PROGRAM.start(&client, &shared).await;
    let run = patient::PROGRAM.invoke(&client, "k").await;
    while run.info().await.unwrap().failed_attempts == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    center.shutdown().await.unwrap();
    *shared.fails_at.lock().unwrap() = None;
    let _center = reversed::PROGRAM.start(&client, &shared).await;
    run.wait().await.unwrap();
    assert_eq!(shared.log.all(), ["a", "c", "b"], "it goes on at the step that failed");
}

#[tokio::test(start_paused = true)]
async fn rows_under_the_new_name_of_a_job_wait_and_an_old_program_says_so() {
    let (client, shared) = (paused_client(), Shared::default());
    let center = old::PROGRAM.start(&client, &shared).await;
    old::PROGRAM.invoke(&client, "before").await.wait().await.unwrap();
    let run = renamed_job::PROGRAM.invoke(&client, "k").await;
    tokio::time::sleep(std::time::Duration::from_secs(3600)).await;
    let health = center.health().await.unwrap().to_string();
    assert!(health.contains("no living node runs \"box\": jobs have been due for 60 min"), "{health}");
    let _new = renamed_job::PROGRAM.start(&client, &shared).await;
    run.wait().await.unwrap();
    assert!(center.health().await.unwrap().is_well());
    let found = renamed_job::ParcelHandle::new(&client).find("before").await.unwrap();
    assert_eq!(found.expect("a job of the former name is one of this").wait().await.unwrap(), "c");
}

#[tokio::test(start_paused = true)]
async fn failed_attempt_of_a_renamed_step_leaves_the_job_to_the_old_program_too() {
    let (client, shared) = (paused_client(), Shared::default());
    let run = old::PROGRAM.run_until(&client, &shared, "b").await;
    *shared.fails_at.lock().unwrap() = Some("pay");
    let center = renamed_patient::PROGRAM.start(&client, &shared).await;
    while run.info().await.unwrap().failed_attempts == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    center.shutdown().await.unwrap();
    let _center = old::PROGRAM.start(&client, &shared).await;
    run.wait().await.unwrap();
    assert_eq!(shared.log.all(), ["b", "c"]);
}

program!(b_first, (name = "parcel"): [] b() [] a());
program!(a_first, (name = "parcel"): [] a() [] b());

#[tokio::test(start_paused = true)]
async fn restart_by_name_drops_what_comes_later_and_not_what_was_recorded_later() {
    let (client, shared) = (paused_client(), Shared::default());
    let run = b_first::PROGRAM.run_until(&client, &shared, "a").await;
    let _center = a_first::PROGRAM.start(&client, &shared).await;
    run.wait().await.unwrap();
    run.restart("b").await.unwrap();
    run.wait().await.unwrap();
    assert_eq!(shared.log.all(), ["a", "b"], "b is the last step now");
    for step in ["a", "b"] {
        assert!(run.output(step).await.unwrap().is_some(), "{step} is recorded");
    }
}
