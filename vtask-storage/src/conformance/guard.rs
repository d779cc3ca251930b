//! A write whose guard does not hold changes nothing, and one that landed says so again.

use super::declare_checks;
use super::sample::{job, lease, loud_write_of, write_of};
use super::subject::Subject;
use crate::value::{JobId, JobWrite, Request, RequestGuard, Status, Written};

declare_checks![
    a_write_leaves_its_own_token,
    a_lost_lease_changes_nothing,
    another_status_changes_nothing,
    another_step_changes_nothing,
    a_write_of_no_row_is_told_so,
    a_write_sent_again_is_done,
    a_write_sent_again_after_another_is_lost,
];

async fn a_write_leaves_its_own_token(subject: Subject) {
    let first = subject.add(job("chain")).await;
    let mut row = first.clone();
    for _ in 0..5 {
        let write = write_of(&row);
        row = subject.must_write(&write).await;
        assert_eq!(row.lease, write.lease, "the row carries the token of its last write");
    }
    assert_eq!(subject.write_one(&write_of(&first)).await, Written::LeaseLost, "the first token is spent");
}

/// Asserts that a write is refused as one whose lease is lost, and that it changed nothing.
async fn assert_lost(subject: &Subject, write: &JobWrite, why: &str) {
    let before = subject.row(write.id).await;
    assert_eq!(subject.write_one(write).await, Written::LeaseLost, "{why} refuses the write");
    subject.assert_unchanged(&before, why).await;
}

async fn a_lost_lease_changes_nothing(subject: Subject) {
    let row = subject.add(job("lease")).await;
    for request in [RequestGuard::MustBe(Request::None), RequestGuard::Keep, RequestGuard::Clear] {
        let mut write = JobWrite { request, ..loud_write_of(&row) };
        write.guard.lease = lease();
        assert_lost(&subject, &write, "another lease").await;
    }
    subject.must_write(&loud_write_of(&row)).await;
    assert_lost(&subject, &write_of(&row), "a lease of the past").await;
}

async fn another_status_changes_nothing(subject: Subject) {
    let row = subject.add(job("status")).await;
    for status in [Status::Failed, Status::Succeeded, Status::Cancelled, Status::Paused] {
        let mut write = loud_write_of(&row);
        write.guard.status = status;
        assert_lost(&subject, &write, "another status").await;
    }
}

async fn another_step_changes_nothing(subject: Subject) {
    let row = subject.add(job("step")).await;
    for step in [0, 2, -1] {
        let mut write = loud_write_of(&row);
        write.guard.step = step;
        assert_lost(&subject, &write, "another step").await;
    }
}

async fn a_write_of_no_row_is_told_so(subject: Subject) {
    let row = subject.add(job("here")).await;
    for id in [JobId(-1), JobId(0), JobId(row.id.0 + 1), JobId(i64::MAX)] {
        let write = JobWrite { id, ..loud_write_of(&row) };
        assert_eq!(subject.write_one(&write).await, Written::LeaseLost, "there is no row {id}");
    }
    assert_eq!(subject.summary(row.id).await, row, "the row that is there is as it was");
}

async fn a_write_sent_again_is_done(subject: Subject) {
    let row = subject.add(job("again")).await;
    let write = loud_write_of(&row);
    subject.must_write(&write).await;
    let before = subject.row(row.id).await;
    assert_eq!(subject.write_one(&write).await, Written::Done, "a write that landed says so when it is sent again");
    subject.assert_unchanged(&before, "a write sent again").await;
}

async fn a_write_sent_again_after_another_is_lost(subject: Subject) {
    let row = subject.add(job("late")).await;
    let write = loud_write_of(&row);
    let next = subject.must_write(&write).await;
    subject.must_write(&write_of(&next)).await;
    assert_lost(&subject, &write, "a token that another write replaced").await;
}
