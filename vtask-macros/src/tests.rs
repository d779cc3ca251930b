//! Expansions and mistakes, compared with the files in `snapshots`.
//!
//! `UPDATE_SNAPSHOTS=1 cargo test -p vtask-macros` writes them anew.

mod duration;
mod snapshot;

use self::snapshot::{check_context, check_job, check_mistakes};

#[test]
fn expands_the_job_of_the_design() {
    check_job("place_order");
}

#[test]
fn expands_a_generic_job() {
    check_job("generic");
}

#[test]
fn expands_blocking_steps_without_data() {
    check_job("blocking");
}

#[test]
fn expands_a_job_that_mends_what_is_saved() {
    check_job("migrate");
}

#[test]
fn keeps_half_typed_bodies() {
    check_job("half_typed");
}

#[test]
fn reports_mistakes_in_arguments() {
    check_mistakes("arguments");
}

#[test]
fn reports_mistakes_in_names() {
    check_mistakes("names");
}

#[test]
fn reports_mistakes_in_signatures() {
    check_mistakes("signatures");
}

#[test]
fn reports_mistakes_in_parameters() {
    check_mistakes("parameters");
}

#[test]
fn reports_what_is_no_job() {
    check_mistakes("items");
}

#[test]
fn expands_contexts() {
    check_context("context");
}

#[test]
fn reports_mistakes_in_contexts() {
    check_context("context_mistakes");
}
