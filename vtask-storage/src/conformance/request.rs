//! Requests to cancel and to pause: the one write without a lease.

use futures_util::future::join;

use super::declare_checks;
use super::sample::{claim_of, held, job, lease, left_as, loud_write_of, owner, write_of};
use super::subject::Subject;
use crate::value::{JobId, JobSummary, JobWrite, Request, RequestGuard, Status, Written};

declare_checks![
    the_holder_of_a_running_job_can_be_asked,
    a_request_leaves_the_lease,
    a_job_that_does_not_run_cannot_be_asked,
    a_job_that_nobody_holds_is_not_asked,
    a_request_must_name_the_keyword,
    a_request_to_cancel_stands,
    a_request_to_pause_gives_way,
    an_unfinished_write_is_refused_after_a_request,
    a_refused_write_leaves_the_lease_good,
    a_write_that_serves_a_request_takes_it_out,
    a_write_that_serves_another_request_is_refused,
    keep_hands_the_request_on,
    clear_takes_the_request_out,
    a_write_that_landed_before_the_request_is_done,
    a_lost_lease_outweighs_a_request,
    a_request_that_comes_and_goes_costs_no_lease,
];

const ASKED: [Request; 2] = [Request::Cancel, Request::Pause];

/// A job that is held, and whose holder is asked this.
async fn asked(subject: &Subject, request: Request) -> JobSummary {
    let row = subject.add(held(&format!("{request:?}"))).await;
    subject.must_request(&row, request).await;
    subject.summary(row.id).await
}

async fn the_holder_of_a_running_job_can_be_asked(subject: Subject) {
    let rows = subject.add_all(&[held("asked"), job("held"), held("neighbour")]).await;
    subject.claim(&owner("host"), &[claim_of(&rows[1])]).await;
    for (row, request) in rows.iter().zip(ASKED) {
        assert_eq!(row.request, Request::None, "nobody asked yet");
        subject.must_request(row, request).await;
        subject.must_request(row, request).await;
        assert_eq!(subject.summary(row.id).await.request, request, "the row shows the request");
    }
    assert_eq!(subject.summary(rows[2].id).await, rows[2], "the neighbour is as it was");
}

async fn a_request_leaves_the_lease(subject: Subject) {
    for request in ASKED {
        let before = subject.add(held(&format!("{request:?}"))).await;
        subject.must_request(&before, request).await;
        let after = subject.summary(before.id).await;
        let expected = JobSummary { request, updated: after.updated, ..before };
        assert_eq!(after, expected, "a request sets its column, and nothing else");
    }
}

/// Asks in vain, whatever is asked.
async fn assert_not_asked(subject: &Subject, row: &JobSummary, why: &str) {
    for request in [Request::Cancel, Request::Pause, Request::None] {
        assert!(!subject.request(row.id, &row.keyword, request).await, "{why} ({request:?})");
        assert_eq!(subject.summary(row.id).await, *row, "{why}, so the row is as it was");
    }
}

async fn a_job_that_does_not_run_cannot_be_asked(subject: Subject) {
    for status in [Status::Failed, Status::Succeeded, Status::Cancelled, Status::Paused] {
        let row = subject.add(held(&format!("{status:?}"))).await;
        let mut write = write_of(&row);
        write.state.status = status;
        let row = subject.must_write(&write).await;
        assert_not_asked(&subject, &row, "a job that does not run is not asked").await;
    }
}

async fn a_job_that_nobody_holds_is_not_asked(subject: Subject) {
    let row = subject.add(job("waits")).await;
    assert_not_asked(&subject, &row, "there is nobody to hear it").await;
}

async fn a_request_must_name_the_keyword(subject: Subject) {
    let row = subject.add(held("Order-1")).await;
    subject.add(held("order-2")).await;
    for request in ASKED {
        for keyword in ["order-1", "order-2", "Order-1 ", ""] {
            assert!(!subject.request(row.id, keyword, request).await, "the row's keyword is not {keyword:?}");
        }
        for id in [JobId(-1), JobId(0), JobId(i64::MAX)] {
            assert!(!subject.request(id, "Order-1", request).await, "there is no row {id}");
        }
    }
    assert_eq!(subject.summary(row.id).await, row, "a request for another job leaves the row alone");
}

async fn a_request_to_cancel_stands(subject: Subject) {
    let row = asked(&subject, Request::Cancel).await;
    for request in [Request::Pause, Request::None] {
        assert!(!subject.request(row.id, &row.keyword, request).await, "{request:?} does not replace it, and says so");
        assert_eq!(subject.summary(row.id).await, row, "{request:?} leaves the row alone");
    }
}

async fn a_request_to_pause_gives_way(subject: Subject) {
    let row = asked(&subject, Request::Pause).await;
    for request in [Request::None, Request::None, Request::Pause, Request::Cancel] {
        subject.must_request(&row, request).await;
        assert_eq!(subject.summary(row.id).await.request, request, "{request:?} replaces what was asked before");
    }
}

async fn an_unfinished_write_is_refused_after_a_request(subject: Subject) {
    for request in ASKED {
        let row = asked(&subject, request).await;
        let before = subject.row(row.id).await;
        let write = JobWrite { request: RequestGuard::MustBe(Request::None), ..loud_write_of(&row) };
        for _ in 0..2 {
            let answer = subject.write_one(&write).await;
            assert_eq!(answer, Written::Requested(request), "it is told what is asked");
            subject.assert_unchanged(&before, "a write that the request refused").await;
        }
    }
}

async fn a_refused_write_leaves_the_lease_good(subject: Subject) {
    for request in ASKED {
        let row = asked(&subject, request).await;
        let refused = subject.write_one(&write_of(&row)).await;
        assert_eq!(refused, Written::Requested(request), "the request refuses the write");
        let end = JobWrite { request: RequestGuard::Keep, ..left_as(&row, Status::Cancelled) };
        let row = subject.must_write(&end).await;
        assert_eq!((row.state.status, row.lease), (Status::Cancelled, end.lease), "the same lease ends the job");
    }
}

async fn a_write_that_serves_a_request_takes_it_out(subject: Subject) {
    for request in ASKED {
        let row = asked(&subject, request).await;
        let serves = JobWrite { request: RequestGuard::MustBe(request), ..left_as(&row, Status::Paused) };
        let paused = subject.must_write(&serves).await;
        assert_eq!((paused.request, paused.state.status), (Request::None, Status::Paused), "both in one write");
        assert_eq!(subject.write_one(&serves).await, Written::Done, "sent again it is answered like the first time");
    }
}

async fn a_write_that_serves_another_request_is_refused(subject: Subject) {
    let all = [Request::None, Request::Cancel, Request::Pause];
    for (asked, served) in all.into_iter().flat_map(|asked| all.map(|served| (asked, served))) {
        let row = subject.add(held(&format!("{asked:?} {served:?}"))).await;
        subject.must_request(&row, asked).await;
        let write = JobWrite { request: RequestGuard::MustBe(served), ..loud_write_of(&row) };
        let before = subject.row(row.id).await;
        let answer = subject.write_one(&write).await;
        if asked == served {
            assert_eq!(answer, Written::Done, "{served:?} is what is asked");
        } else {
            assert_eq!(answer, Written::Requested(asked), "{asked:?} is asked, and not {served:?}");
            subject.assert_unchanged(&before, "a write that serves another request").await;
        }
    }
}

async fn keep_hands_the_request_on(subject: Subject) {
    for request in ASKED {
        let row = asked(&subject, request).await;
        let write = JobWrite { request: RequestGuard::Keep, ..write_of(&row) };
        assert_eq!(subject.must_write(&write).await.request, request, "RequestGuard::Keep keeps a request");
    }
    let plain = subject.add(job("never asked")).await;
    let write = JobWrite { request: RequestGuard::Keep, ..write_of(&plain) };
    assert_eq!(subject.must_write(&write).await.request, Request::None, "and makes none");
}

async fn clear_takes_the_request_out(subject: Subject) {
    for request in ASKED {
        let row = asked(&subject, request).await;
        let write = JobWrite { request: RequestGuard::Clear, ..write_of(&row) };
        let row = subject.must_write(&write).await;
        assert_eq!(row.request, Request::None, "RequestGuard::Clear takes the request out");
        subject.must_write(&write_of(&row)).await;
    }
}

async fn a_write_that_landed_before_the_request_is_done(subject: Subject) {
    for request in ASKED {
        let row = subject.add(held(&format!("{request:?}"))).await;
        let write = write_of(&row);
        let row = subject.must_write(&write).await;
        subject.must_request(&row, request).await;
        assert_eq!(subject.write_one(&write).await, Written::Done, "a write that landed says so, whatever came later");
        assert_eq!(subject.summary(row.id).await.request, request, "the request stands");
    }
}

async fn a_lost_lease_outweighs_a_request(subject: Subject) {
    for request in ASKED {
        let row = asked(&subject, request).await;
        let before = subject.row(row.id).await;
        let mut write = loud_write_of(&row);
        write.guard.lease = lease();
        assert_eq!(subject.write_one(&write).await, Written::LeaseLost, "who lost the lease has nothing to serve");
        subject.assert_unchanged(&before, "a write without the lease").await;
    }
}

async fn a_request_that_comes_and_goes_costs_no_lease(subject: Subject) {
    let mut row = subject.add(held("now and then")).await;
    for _ in 0..50 {
        let write = write_of(&row);
        let asking = async {
            subject.must_request(&row, Request::Pause).await;
            subject.must_request(&row, Request::None).await;
        };
        let (written, ()) = join(subject.write_one(&write), asking).await;
        assert!(matches!(written, Written::Done | Written::Requested(_)), "nobody took the job over: {written:?}");
        row = subject.summary(row.id).await;
    }
}
