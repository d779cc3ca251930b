//! A request to cancel: the one write without a lease.

use super::declare_checks;
use super::sample::{claim_of, held, job, lease, left_as, loud_write_of, owner, write_of};
use super::subject::Subject;
use crate::value::{CancelFlag, JobId, JobSummary, JobWrite, Status, Written};

declare_checks![
    a_running_job_can_be_asked_to_cancel,
    a_request_leaves_the_lease,
    a_job_that_does_not_run_cannot_be_asked_to_cancel,
    a_job_that_nobody_holds_is_not_asked_to_cancel,
    a_request_must_name_the_keyword,
    an_unfinished_write_is_refused_after_a_request,
    a_refused_write_leaves_the_lease_good,
    keep_hands_the_request_on,
    clear_takes_the_request_back,
    a_write_that_landed_before_the_request_is_done,
    a_lost_lease_outweighs_a_request,
];

async fn requested(subject: &Subject) -> JobSummary {
    let row = subject.add(held("cancel me")).await;
    subject.must_request_cancel(&row).await;
    subject.summary(row.id).await
}

async fn a_running_job_can_be_asked_to_cancel(subject: Subject) {
    let rows = subject.add_all(&[held("asked"), job("held"), held("neighbour")]).await;
    subject.claim(&owner("host"), &[claim_of(&rows[1])]).await;
    for row in &rows[..2] {
        assert!(!row.cancel_requested, "nobody asked yet");
        subject.must_request_cancel(row).await;
        subject.must_request_cancel(row).await;
        assert!(subject.summary(row.id).await.cancel_requested, "the row shows the request");
    }
    assert_eq!(subject.summary(rows[2].id).await, rows[2], "the neighbour is as it was");
}

async fn a_request_leaves_the_lease(subject: Subject) {
    let before = subject.add(held("asked")).await;
    subject.must_request_cancel(&before).await;
    let after = subject.summary(before.id).await;
    let expected = JobSummary { cancel_requested: true, updated: after.updated, ..before };
    assert_eq!(after, expected, "a request sets its flag, and nothing else");
}

async fn a_job_that_does_not_run_cannot_be_asked_to_cancel(subject: Subject) {
    for status in [Status::Failed, Status::Succeeded, Status::Cancelled, Status::Paused] {
        let row = subject.add(job(&format!("{status:?}"))).await;
        let row = subject.must_write(&left_as(&row, status)).await;
        assert!(!subject.request_cancel(row.id, &row.keyword).await, "a job in status {status:?} is not asked");
        assert_eq!(subject.summary(row.id).await, row, "a job in status {status:?} is as it was");
    }
}

async fn a_job_that_nobody_holds_is_not_asked_to_cancel(subject: Subject) {
    let row = subject.add(job("waits")).await;
    assert!(!subject.request_cancel(row.id, "waits").await, "there is nobody to hear it");
    assert_eq!(subject.summary(row.id).await, row, "the row is as it was");
}

async fn a_request_must_name_the_keyword(subject: Subject) {
    let row = subject.add(held("Order-1")).await;
    subject.add(held("order-2")).await;
    for keyword in ["order-1", "order-2", "Order-1 ", ""] {
        assert!(!subject.request_cancel(row.id, keyword).await, "the row's keyword is not {keyword:?}");
    }
    for id in [JobId(-1), JobId(0), JobId(i64::MAX)] {
        assert!(!subject.request_cancel(id, "Order-1").await, "there is no row {id}");
    }
    assert_eq!(subject.summary(row.id).await, row, "a request for another job leaves the row alone");
}

async fn an_unfinished_write_is_refused_after_a_request(subject: Subject) {
    let row = requested(&subject).await;
    let before = subject.row(row.id).await;
    let write = JobWrite { cancel: CancelFlag::MustBeUnset, ..loud_write_of(&row) };
    for _ in 0..2 {
        let answer = subject.write_one(&write).await;
        assert_eq!(answer, Written::CancelRequested, "a write that needs the flag unset is told of the request");
        subject.assert_unchanged(&before, "a write that the request refused").await;
    }
}

async fn a_refused_write_leaves_the_lease_good(subject: Subject) {
    let row = requested(&subject).await;
    let refused = subject.write_one(&write_of(&row)).await;
    assert_eq!(refused, Written::CancelRequested, "the request refuses the write");
    let end = JobWrite { cancel: CancelFlag::Keep, ..left_as(&row, Status::Cancelled) };
    let row = subject.must_write(&end).await;
    assert_eq!((row.state.status, row.lease), (Status::Cancelled, end.lease), "the same lease ends the job");
}

async fn keep_hands_the_request_on(subject: Subject) {
    let row = requested(&subject).await;
    let write = JobWrite { cancel: CancelFlag::Keep, ..write_of(&row) };
    assert!(subject.must_write(&write).await.cancel_requested, "CancelFlag::Keep keeps a request");
    let plain = subject.add(job("never asked")).await;
    let write = JobWrite { cancel: CancelFlag::Keep, ..write_of(&plain) };
    assert!(!subject.must_write(&write).await.cancel_requested, "and makes none");
}

async fn clear_takes_the_request_back(subject: Subject) {
    let row = requested(&subject).await;
    let write = JobWrite { cancel: CancelFlag::Clear, ..write_of(&row) };
    let row = subject.must_write(&write).await;
    assert!(!row.cancel_requested, "CancelFlag::Clear takes the request back");
    subject.must_write(&write_of(&row)).await;
}

async fn a_write_that_landed_before_the_request_is_done(subject: Subject) {
    let row = subject.add(held("in time")).await;
    let write = write_of(&row);
    let row = subject.must_write(&write).await;
    subject.must_request_cancel(&row).await;
    assert_eq!(subject.write_one(&write).await, Written::Done, "a write that landed says so, whatever came later");
    assert!(subject.summary(row.id).await.cancel_requested, "the request stands");
}

async fn a_lost_lease_outweighs_a_request(subject: Subject) {
    let row = requested(&subject).await;
    let before = subject.row(row.id).await;
    let mut write = loud_write_of(&row);
    write.guard.lease = lease();
    assert_eq!(subject.write_one(&write).await, Written::LeaseLost, "who lost the lease has nothing to cancel");
    subject.assert_unchanged(&before, "a write without the lease").await;
}
