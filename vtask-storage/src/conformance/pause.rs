//! A row that cannot be read is put aside unread.

use super::declare_checks;
use super::sample::{NAME, claim_of, job, lease, left_as, loud_write_of, owner, write_of};
use super::subject::Subject;
use crate::value::{Boot, Callback, JobId, JobRow, NewJob, Reason, Request, Status, Written};

declare_checks![
    an_unreadable_row_is_paused_and_freed,
    an_unreadable_row_is_nobodys_work,
    an_unreadable_ended_row_keeps_its_outcome,
    a_pause_with_another_token_changes_nothing,
    a_pause_of_no_row_is_told_so,
    a_pause_sent_again_answers_as_before,
];

async fn an_unreadable_row_is_paused_and_freed(subject: Subject) {
    let row = subject.add(NewJob { owner: Some(owner("host")), ..job("bad") }).await;
    let row = subject.must_write(&loud_write_of(&row)).await;
    subject.must_request(&row, Request::Pause).await;
    let before = subject.row(row.id).await;
    let token = lease();
    assert!(subject.pause_unreadable(row.id, row.lease, token, "column x").await, "the row had the token");
    let after = subject.row(row.id).await;
    let mut expected = JobRow { ..before };
    let summary = &mut expected.summary;
    (summary.lease, summary.updated, summary.error) = (token, after.summary.updated, Some("column x".to_owned()));
    (summary.state.status, summary.state.reason) = (Status::Paused, Reason::Undecodable);
    (summary.state.boot, summary.request) = (Boot::NOBODY, Request::None);
    assert_eq!(after, expected, "the row is paused with the error, and its payload is untouched");
}

async fn an_unreadable_row_is_nobodys_work(subject: Subject) {
    let (row, owner) = (subject.add(job("bad")).await, owner("host"));
    let claimed = subject.claim(&owner, &[claim_of(&row)]).await.remove(0).summary;
    assert!(subject.pause_unreadable(row.id, claimed.lease, lease(), "bad").await, "the row had the token");
    assert!(subject.held_ids(&[owner.boot]).await.is_empty(), "nobody holds it afterwards");
    assert_eq!(subject.due(&[(NAME, 9)]).await, Default::default(), "and it is not due");
    let late = subject.write_one(&write_of(&claimed)).await;
    assert_eq!(late, Written::LeaseLost, "its former owner has lost it");
}

async fn an_unreadable_ended_row_keeps_its_outcome(subject: Subject) {
    let row = subject.add(job("bad end")).await;
    let mut end = left_as(&row, Status::Failed);
    end.state.callback = Callback::Due;
    let row = subject.must_write(&end).await;
    assert!(subject.pause_unreadable(row.id, row.lease, lease(), "bad").await, "the row had the token");
    let state = subject.summary(row.id).await.state;
    let expected = (Status::Failed, Callback::GivenUp);
    assert_eq!((state.status, state.callback), expected, "the outcome stands, and its callback is given up");
    assert!(subject.due_ids(NAME).await.is_empty(), "nothing of it is left to do");
}

async fn a_pause_with_another_token_changes_nothing(subject: Subject) {
    let row = subject.add(job("fine")).await;
    let before = subject.row(row.id).await;
    assert!(!subject.pause_unreadable(row.id, lease(), lease(), "bad").await, "the row has another token");
    subject.assert_unchanged(&before, "a pause with another token").await;
}

async fn a_pause_of_no_row_is_told_so(subject: Subject) {
    let row = subject.add(job("here")).await;
    for id in [JobId(-1), JobId(0), JobId(row.id.0 + 1), JobId(i64::MAX)] {
        assert!(!subject.pause_unreadable(id, row.lease, lease(), "bad").await, "there is no row {id}");
    }
    assert_eq!(subject.summary(row.id).await, row, "the row that is there is as it was");
}

async fn a_pause_sent_again_answers_as_before(subject: Subject) {
    let (row, token) = (subject.add(job("again")).await, lease());
    for _ in 0..2 {
        assert!(subject.pause_unreadable(row.id, row.lease, token, "bad").await, "a pause that landed says so");
    }
    let paused = subject.summary(row.id).await;
    assert_eq!((paused.state.status, paused.lease), (Status::Paused, token), "the row is paused");
    subject.must_write(&left_as(&paused, Status::Running)).await;
    assert!(!subject.pause_unreadable(row.id, row.lease, token, "bad").await, "the row has moved on since");
}
