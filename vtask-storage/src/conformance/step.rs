//! A record of a step is the write that says so and every other write: the same row comes of it.

use super::declare_checks;
use super::sample::{held, job, lease, owner, write_of};
use super::subject::Subject;
use crate::value::{
    Boot, Callback, Change, JobRow, JobState, JobSummary, JobWrite, NewJob, Request, RequestGuard, Status, Timestamp,
    Written,
};

declare_checks![
    a_record_of_a_step_leaves_the_row_that_any_write_would,
    a_record_that_ends_a_job_leaves_the_row_that_any_write_would,
    a_record_that_makes_a_callback_due_keeps_the_owner,
    a_record_of_a_step_lands_once,
    a_record_of_a_step_under_another_lease_or_step_changes_nothing,
    a_record_of_a_step_says_what_is_asked,
    a_record_that_ends_a_job_lands_whatever_is_asked,
    records_of_steps_and_other_writes_land_together,
];

/// The record of the step that a row is at: the next one, or an end with this callback.
fn record(row: &JobSummary, end: Option<Callback>) -> JobWrite {
    let mut write = write_of(row);
    write.change = Change::Step;
    write.state.step += 1;
    write.state.step_name = "ship".into();
    write.outputs = Some(r#"{"charge":"é"}"#.to_owned());
    write.history = Some(r#"[{"event":"recorded","at":1}]"#.to_owned());
    if let Some(callback) = end {
        (write.state.status, write.state.callback) = (Status::Succeeded, callback);
        write.request = RequestGuard::Clear;
        if callback != Callback::Due {
            write.state.boot = Boot::NOBODY;
        }
    }
    write
}

/// A row, but for what differs between two that were made and written alike.
fn compared(row: JobRow, like: &JobRow) -> JobRow {
    let JobSummary { id, keyword, lease, birth, created, wake_at, state, .. } = like.summary.clone();
    let state = JobState { plan: state.plan, ..row.summary.state };
    let updated = Timestamp(0);
    let summary = JobSummary { id, keyword, lease, birth, created, wake_at, state, updated, ..row.summary };
    JobRow { summary, ..row }
}

/// Writes the same to two rows, as a record of a step and as any write.
async fn check(subject: &Subject, input: Option<&str>, end: Option<Callback>) {
    let owner = owner("both");
    let jobs = ["as a step", "as any"].map(|keyword| NewJob { owner: Some(owner.clone()), ..job(keyword) });
    let rows = subject.add_all(&jobs).await;
    let mut after = Vec::new();
    for (row, change) in rows.iter().zip([Change::Step, Change::Any]) {
        let write = JobWrite { change, input: input.map(str::to_owned), ..record(row, end) };
        subject.must_write(&write).await;
        after.push(subject.row(row.id).await);
    }
    let (any, step) = (after.remove(1), after.remove(0));
    assert!(step.summary.updated >= rows[0].updated, "a record is a write");
    assert_eq!(compared(step, &any), compared(any.clone(), &any), "the two rows hold the same");
}

async fn a_record_of_a_step_leaves_the_row_that_any_write_would(subject: Subject) {
    check(&subject, Some(r#"{"cents":1}"#), None).await;
}

async fn a_record_that_ends_a_job_leaves_the_row_that_any_write_would(subject: Subject) {
    check(&subject, None, Some(Callback::None)).await;
}

async fn a_record_that_makes_a_callback_due_keeps_the_owner(subject: Subject) {
    check(&subject, None, Some(Callback::Due)).await;
}

async fn a_record_of_a_step_lands_once(subject: Subject) {
    let row = subject.add(held("once")).await;
    let write = record(&row, None);
    subject.must_write(&write).await;
    let after = subject.row(row.id).await;
    assert_eq!(subject.write_one(&write).await, Written::Done, "what has landed is told so again");
    subject.assert_unchanged(&after, "a record that is sent again").await;
}

async fn a_record_of_a_step_under_another_lease_or_step_changes_nothing(subject: Subject) {
    let row = subject.add(held("guarded")).await;
    let before = subject.row(row.id).await;
    for end in [None, Some(Callback::None)] {
        let mut write = record(&row, end);
        write.guard.lease = lease();
        assert_eq!(subject.write_one(&write).await, Written::LeaseLost, "the lease is another");
        let mut write = record(&row, end);
        write.guard.step += 1;
        assert_eq!(subject.write_one(&write).await, Written::LeaseLost, "the step is another");
    }
    subject.assert_unchanged(&before, "a record under another lease or step").await;
}

async fn a_record_of_a_step_says_what_is_asked(subject: Subject) {
    let row = subject.add(held("asked")).await;
    subject.must_request(&row, Request::Cancel).await;
    let before = subject.row(row.id).await;
    let written = subject.write_one(&record(&row, None)).await;
    assert_eq!(written, Written::Requested(Request::Cancel), "the job is not to go on");
    subject.assert_unchanged(&before, "a record that would leave the job unfinished").await;
}

async fn a_record_that_ends_a_job_lands_whatever_is_asked(subject: Subject) {
    let row = subject.add(held("asked and done")).await;
    subject.must_request(&row, Request::Cancel).await;
    let after = subject.must_write(&record(&row, Some(Callback::None))).await;
    assert_eq!((after.state.status, after.request), (Status::Succeeded, Request::None), "there is nothing left to ask");
}

async fn records_of_steps_and_other_writes_land_together(subject: Subject) {
    let owner = owner("mixed");
    let jobs = (0..300).map(|number| NewJob { owner: Some(owner.clone()), ..held(&format!("mixed-{number}")) });
    let rows = subject.add_all(&jobs.collect::<Vec<_>>()).await;
    let kinds = [Change::Step, Change::Any, Change::Step];
    let mut writes: Vec<JobWrite> = rows
        .iter()
        .zip(kinds.into_iter().cycle())
        .map(|(row, change)| JobWrite { change, ..record(row, None) })
        .collect();
    writes[7].guard.lease = lease();
    writes[100].guard.lease = lease();
    let written = subject.write(&writes).await;
    for (at, written) in written.iter().enumerate() {
        let expected = if [7, 100].contains(&at) { Written::LeaseLost } else { Written::Done };
        assert_eq!(*written, expected, "write {at} has its own answer");
    }
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    for (at, row) in subject.ordered(&ids).await.iter().enumerate() {
        let expected = if [7, 100].contains(&at) { 1 } else { 2 };
        assert_eq!(row.state.step, expected, "row {at} holds what was written to it");
    }
}
