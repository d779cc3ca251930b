//! A guarded write lands whole, or changes nothing and says so.

use std::time::Duration;

use super::declare_checks;
use super::sample::{HOUR, boot, job, loud_write_of, past, write_of};
use super::subject::Subject;
use crate::value::{Callback, Due, JobRow, JobState, JobSummary, JobWrite, NewJob, Reason, Status, Timestamp, Written};

declare_checks![
    a_write_sets_every_column,
    a_write_stores_every_code,
    a_write_keeps_the_texts_that_it_does_not_bring,
    a_write_clears_error_and_progress_that_it_does_not_bring,
    keep_leaves_the_due_time,
    a_wait_counts_from_the_write,
    a_wait_without_end_never_ends,
    a_written_instant_is_stored_as_it_was_given,
];

async fn a_write_sets_every_column(subject: Subject) {
    let row = subject.add(job("every column")).await;
    let before = subject.row(row.id).await;
    let write = JobWrite { state: strange_state(), due: past(77), ..loud_write_of(&row) };
    assert_eq!(subject.write_one(&write).await, Written::Done, "a write whose guard holds lands");
    let after = subject.row(row.id).await;
    assert_eq!(after, written(&write, &before, &after), "each column holds what was written, the others what they did");
    assert!(after.summary.updated >= before.summary.updated, "the time of the last write does not go back");
}

/// A state of which no two numbers are alike, so that none can stand in another's column.
fn strange_state() -> JobState {
    JobState {
        status: Status::Paused,
        step: 11,
        step_name: "ship".into(),
        steps: 12,
        plan: -13,
        callback: Callback::Due,
        callback_attempt: 14,
        boot: boot(),
        host: "10.0.0.2:80".into(),
        attempt: i32::MAX,
        crashes: 15,
        restarts: 16,
        reason: Reason::TooLarge,
    }
}

/// What a row holds after a write that brings every text and an instant.
fn written(write: &JobWrite, before: &JobRow, after: &JobRow) -> JobRow {
    let Due::At(wake_at) = write.due else { panic!("the write is due at an instant") };
    let text = |text: &Option<String>| text.clone().expect("the write brings every text");
    let summary = JobSummary {
        lease: write.lease,
        updated: after.summary.updated,
        wake_at,
        state: write.state.clone(),
        error: write.error.clone(),
        progress: write.progress.clone(),
        history: text(&write.history),
        generations: text(&write.generations),
        ..before.summary.clone()
    };
    JobRow { summary, input: text(&write.input), outputs: text(&write.outputs) }
}

async fn a_write_stores_every_code(subject: Subject) {
    let mut row = subject.add(job("codes")).await;
    for code in 0..=8 {
        let mut write = write_of(&row);
        let state = &mut write.state;
        state.status = Status::from_code(code).unwrap_or(Status::Running);
        state.callback = Callback::from_code(code).unwrap_or(Callback::None);
        state.reason = Reason::from_code(code).unwrap_or(Reason::None);
        row = subject.must_write(&write).await;
        assert_eq!(row.state, write.state, "status, callback and reason come back as they went");
    }
}

async fn a_write_keeps_the_texts_that_it_does_not_bring(subject: Subject) {
    let row = subject.add(job("keep")).await;
    let row = subject.must_write(&loud_write_of(&row)).await;
    let before = subject.row(row.id).await;
    subject.must_write(&write_of(&row)).await;
    let after = subject.row(row.id).await;
    let texts =
        |row: &JobRow| [&row.input, &row.outputs, &row.summary.history, &row.summary.generations].map(String::clone);
    assert_eq!(texts(&after), texts(&before), "input, outputs, history and generations are kept");
}

async fn a_write_clears_error_and_progress_that_it_does_not_bring(subject: Subject) {
    let row = subject.add(job("clear")).await;
    let row = subject.must_write(&loud_write_of(&row)).await;
    assert!(row.error.is_some() && row.progress.is_some(), "error and progress are stored");
    let row = subject.must_write(&JobWrite { error: None, progress: None, ..write_of(&row) }).await;
    assert_eq!((row.error, row.progress), (None, None), "error and progress are absolute");
}

async fn keep_leaves_the_due_time(subject: Subject) {
    let row = subject.add(job("keep")).await;
    let write = JobWrite { due: past(123), ..write_of(&row) };
    let row = subject.must_write(&write).await;
    let row = subject.must_write(&JobWrite { due: Due::Keep, ..write_of(&row) }).await;
    assert_eq!(row.wake_at, Timestamp(123), "Due::Keep leaves the time as it was");
}

async fn a_wait_counts_from_the_write(subject: Subject) {
    let row = subject.add(NewJob { due: past(1), ..job("wait") }).await;
    let row = subject.must_write(&JobWrite { due: Due::In(HOUR), ..write_of(&row) }).await;
    let off = row.wake_at.since(row.updated).abs_diff(HOUR);
    assert!(off < Duration::from_secs(60), "a wait of an hour ends an hour after the write, not {row:?}");
}

async fn a_wait_without_end_never_ends(subject: Subject) {
    let rows = subject.add_all(&[job("endless"), job("neighbour")]).await;
    let writes = [JobWrite { due: Due::In(Duration::MAX), ..write_of(&rows[0]) }, write_of(&rows[1])];
    assert_eq!(subject.write(&writes).await, [Written::Done; 2], "neither is refused");
    let row = subject.summary(rows[0].id).await;
    let century = Duration::from_secs(100 * 365 * 24 * 3600);
    assert!(row.wake_at > row.updated.after(century), "the longest wait ends in no lifetime: {row:?}");
}

async fn a_written_instant_is_stored_as_it_was_given(subject: Subject) {
    let mut row = subject.add(job("instant")).await;
    for micros in [-1_500_001, -1, 0, 1, 1_700_000_000_123_457, i64::MAX] {
        let due = Due::At(Timestamp(micros));
        row = subject.must_write(&JobWrite { due, ..write_of(&row) }).await;
        assert_eq!(row.wake_at, Timestamp(micros), "an instant is kept to the microsecond");
    }
}
