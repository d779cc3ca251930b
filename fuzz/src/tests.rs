//! The properties on the corpus, and on what proptest makes of it.
//!
//! `VTASK_FUZZ_CASES=100000` tries so many texts of each kind.

mod corpus;
mod splice;

use proptest::test_runner::{Config, TestRunner};

use self::corpus::Corpus;

/// So many texts are tried of each kind, unless the environment says otherwise.
const CASES: u32 = 256;

/// Tries each text of a corpus, and what becomes of them when they are cut to pieces and put together otherwise.
#[track_caller]
fn check(name: &str, property: fn(&str)) {
    let corpus = Corpus::read(name);
    for (file, text) in corpus.files() {
        // Shown where the text is what breaks the property.
        println!("{file}");
        property(text);
    }
    let cases = std::env::var("VTASK_FUZZ_CASES").map_or(CASES, |text| text.parse().expect("a number"));
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&splice::spliced(corpus.texts()), |text| {
        property(&text);
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

#[test]
fn arguments_are_taken_or_each_mistake_is_named() {
    check("arguments", crate::arguments::check);
}

#[test]
fn macros_answer_any_text_with_code_or_a_mistake() {
    check("attributes", crate::attributes::check);
}

#[test]
fn wait_that_is_accepted_can_be_waited() {
    check("durations", crate::durations::check);
}

#[test]
fn whatever_comes_in_is_saved_byte_for_byte_or_refused() {
    check("entry", crate::entry::check);
}

#[test]
fn what_can_be_read_of_a_row_is_shown() {
    check("rows", crate::rows::look_at);
}

#[test]
fn row_of_anybody_ends_or_is_paused() {
    check("rows", crate::rows::check);
}
