//! Texts come back byte for byte, and those that look alike stay apart.

use super::declare_checks;
use super::keyword::{NEAR_EQUAL, SQL_SIGNS};
use super::sample::{NAME, alike, claim_of, job, lease, owner, write_of};
use super::subject::Subject;
use crate::value::{JobRow, JobWrite, NewJob, Owner};

declare_checks![
    json_comes_back_byte_for_byte,
    an_escaped_nul_stays_an_escape,
    every_text_column_takes_any_text,
    the_largest_values_come_back,
    the_largest_values_go_in_one_batch,
];

/// Inserts `input`, writes `outputs`, and asserts that every way to the row shows them unchanged.
async fn assert_payload_kept(subject: &Subject, keyword: &str, input: &str, outputs: &str) {
    let row = subject.add(NewJob { input: input.to_owned(), ..job(keyword) }).await;
    let row = subject.must_write(&JobWrite { outputs: Some(outputs.to_owned()), ..write_of(&row) }).await;
    assert_payload(&subject.row(row.id).await, input, outputs);
    let claimed = subject.claim(&owner("host"), &[claim_of(&row)]).await.remove(0);
    assert_payload(&claimed, input, outputs);
    let write =
        JobWrite { input: Some(outputs.to_owned()), outputs: Some(input.to_owned()), ..write_of(&claimed.summary) };
    subject.must_write(&write).await;
    assert_payload(&subject.row(row.id).await, outputs, input);
}

/// Compares without printing: the texts may be large.
fn assert_payload(row: &JobRow, input: &str, outputs: &str) {
    let keyword = &row.summary.keyword;
    assert!(row.input == input, "the input of {keyword} comes back byte for byte");
    assert!(row.outputs == outputs, "the outputs of {keyword} come back byte for byte");
}

async fn json_comes_back_byte_for_byte(subject: Subject) {
    let spaced = "{ \"b\" : 1.0e+2,\r\n\t\"a\":1, \"a\" : 2 , \"z\":[ ] }\n";
    let numbers = r#"{"big":12345678901234567890123,"zero":-0.0,"small":1e-400,"exact":0.10000000000000001}"#;
    let escapes = r#"{"s":"\/\u00e9\ud83e\udd80\b\f\\\"","raw":"é🦀\u2028"}"#;
    assert_payload_kept(&subject, "spaced and numbers", spaced, numbers).await;
    assert_payload_kept(&subject, "escapes and spaced", escapes, spaced).await;
    assert_payload_kept(&subject, "scalars", "null", "\"\"").await;
}

async fn an_escaped_nul_stays_an_escape(subject: Subject) {
    let input = r#"{"a":"\u0000","\u0000":"x\u0000y"}"#;
    assert_payload_kept(&subject, "nul", input, r#"{"charge":"\u0000"}"#).await;
}

async fn every_text_column_takes_any_text(subject: Subject) {
    let texts = NEAR_EQUAL.iter().chain(&SQL_SIGNS).copied().chain(["🦀\u{10ffff}\u{1}\u{7f}", "\u{fffd}", "a\nb"]);
    for (number, text) in texts.enumerate() {
        let owner = Owner { host: text.into(), ..owner("") };
        let new = NewJob { owner: Some(owner), step_name: text.to_owned().into(), ..job(&format!("text {number}")) };
        let row = subject.add(new).await;
        assert_eq!((&*row.state.step_name, &*row.state.host), (text, text), "an insert keeps {text:?}");
        let write = everywhere(text, write_of(&row));
        subject.must_write(&write).await;
        let after = subject.row(row.id).await;
        assert_eq!(after.summary.state, write.state, "step name and host keep {text:?}");
        assert_eq!(
            (&after.summary.error, &after.summary.progress),
            (&write.error, &write.progress),
            "{text:?} is kept"
        );
        assert_eq!([&after.summary.history, &after.summary.generations], [text; 2], "{text:?} is kept");
        let paused = subject.pause_unreadable(row.id, write.lease, lease(), text).await;
        assert!(paused, "the row had the token");
        assert_eq!(subject.summary(row.id).await.error.as_deref(), Some(text), "the error of a pause keeps {text:?}");
    }
}

/// The write with one text in every column that takes one.
fn everywhere(text: &str, mut write: JobWrite) -> JobWrite {
    let some = || Some(text.to_owned());
    (write.state.step_name, write.state.host) = (text.to_owned().into(), text.into());
    JobWrite { error: some(), progress: some(), history: some(), generations: some(), ..write }
}

async fn the_largest_values_come_back(subject: Subject) {
    let (input, outputs) = (large(&subject, 'i'), large(&subject, '🦀'));
    assert_payload_kept(&subject, "large", &input, &outputs).await;
    let row = subject.add(job("long error")).await;
    let error = "e".repeat(subject.limits().error.min(1 << 16));
    let row = subject.must_write(&JobWrite { error: Some(error.clone()), ..write_of(&row) }).await;
    assert!(row.error == Some(error), "the longest error comes back whole");
}

/// A JSON string as large as an input or output may be, at most 1 MiB and a third of a row.
fn large(subject: &Subject, fill: char) -> String {
    let limits = subject.limits();
    let size = limits.input.min(limits.output).min(limits.row / 3).min(1 << 20);
    let fills = (size - 2) / fill.len_utf8();
    let pad = size - 2 - fills * fill.len_utf8();
    format!("\"{}{}\"", fill.to_string().repeat(fills), "x".repeat(pad))
}

async fn the_largest_values_go_in_one_batch(subject: Subject) {
    let (input, outputs) = (large(&subject, 'i'), large(&subject, '€'));
    let jobs: Vec<NewJob> = alike(4).into_iter().map(|job| NewJob { input: input.clone(), ..job }).collect();
    let rows = subject.add_all(&jobs).await;
    let candidates = subject.due(&[(NAME, 9)]).await.candidates;
    assert!(candidates.iter().all(|candidate| candidate.bytes == input.len() + 2), "due tells how large the rows are");
    let claims: Vec<_> = rows.iter().map(claim_of).collect();
    let claimed = subject.claim(&owner("host"), &claims).await;
    assert_eq!(claimed.len(), 4, "every large row is claimed");
    let writes: Vec<JobWrite> =
        claimed.iter().map(|row| JobWrite { outputs: Some(outputs.clone()), ..write_of(&row.summary) }).collect();
    subject.write(&writes).await;
    for row in &rows {
        assert_payload(&subject.row(row.id).await, &input, &outputs);
    }
}
