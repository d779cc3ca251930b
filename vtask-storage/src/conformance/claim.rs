//! A claim leases a free row to one claimer.

use std::collections::BTreeMap;

use super::declare_checks;
use super::sample::{HOUR, NAME, SIZES, alike, claim_of, held, job, lease, left_as, owner, write_of};
use super::subject::Subject;
use crate::value::{Boot, Callback, Claim, Due, JobId, JobRow, NewJob, Request, RequestGuard, Status};

declare_checks![
    a_claim_leases_the_row_and_names_its_owner,
    a_candidate_can_be_claimed,
    a_claim_with_another_token_gets_nothing,
    a_held_row_is_not_claimed,
    a_row_before_its_time_is_not_claimed,
    a_row_without_work_is_not_claimed,
    a_row_that_is_not_there_is_not_claimed,
    an_outstanding_callback_is_claimed,
    a_claim_carries_the_request,
    refused_claims_do_not_touch_their_neighbours,
    claims_of_any_size_get_every_row,
];

async fn a_claim_leases_the_row_and_names_its_owner(subject: Subject) {
    let owner = owner("10.0.0.1:80");
    let seen = subject.add(job("claimed")).await;
    let before = subject.row(seen.id).await;
    let claim = claim_of(&seen);
    let rows = subject.claim(&owner, &[claim]).await;
    let mut expected = before.clone();
    expected.summary.lease = claim.lease;
    expected.summary.state.boot = owner.boot;
    expected.summary.state.host.clone_from(&owner.host);
    expected.summary.updated = rows.first().expect("the row is claimed").summary.updated;
    assert_eq!(rows, [expected.clone()], "a claim changes token and owner, nothing else");
    assert!(expected.summary.updated >= before.summary.updated, "a claim is a write");
    subject.assert_unchanged(&expected, "a claim answers what it left").await;
}

async fn a_candidate_can_be_claimed(subject: Subject) {
    subject.add_all(&alike(5)).await;
    let candidates = subject.due(&[(NAME, 9)]).await.candidates;
    let claims: Vec<Claim> =
        candidates.iter().map(|candidate| Claim { id: candidate.id, seen: candidate.lease, lease: lease() }).collect();
    assert_eq!(subject.claim(&owner("host"), &claims).await.len(), 5, "what due offers can be claimed");
}

/// Asserts that a claim of the row is refused and leaves it alone.
async fn assert_refused(subject: &Subject, claim: Claim, why: &str) {
    let before = subject.row(claim.id).await;
    assert!(subject.claim(&owner("other"), &[claim]).await.is_empty(), "{why} is not claimed");
    subject.assert_unchanged(&before, why).await;
}

async fn a_claim_with_another_token_gets_nothing(subject: Subject) {
    let row = subject.add(job("token")).await;
    assert_refused(&subject, Claim { seen: lease(), ..claim_of(&row) }, "a row seen with another token").await;
    subject.must_write(&write_of(&row)).await;
    assert_refused(&subject, claim_of(&row), "a row written since it was seen").await;
}

async fn a_held_row_is_not_claimed(subject: Subject) {
    let born = subject.add(NewJob { owner: Some(owner("host")), ..job("born owned") }).await;
    assert_refused(&subject, claim_of(&born), "a row that was born owned").await;
    let free = subject.add(job("free")).await;
    let claimed = subject.claim(&owner("host"), &[claim_of(&free)]).await.remove(0);
    assert_refused(&subject, claim_of(&claimed.summary), "a row that another claimed").await;
}

async fn a_row_before_its_time_is_not_claimed(subject: Subject) {
    let later = subject.add(NewJob { due: Due::In(HOUR), ..job("later") }).await;
    assert_refused(&subject, claim_of(&later), "a delayed row").await;
    let now = subject.add(job("now")).await;
    let mut write = write_of(&now);
    write.due = Due::In(HOUR);
    let row = subject.must_write(&write).await;
    assert_refused(&subject, claim_of(&row), "a row that waits for a retry").await;
}

async fn a_row_without_work_is_not_claimed(subject: Subject) {
    for status in [Status::Failed, Status::Succeeded, Status::Cancelled, Status::Paused] {
        let row = subject.add(job(&format!("{status:?}"))).await;
        let row = subject.must_write(&left_as(&row, status)).await;
        assert_refused(&subject, claim_of(&row), &format!("a row in status {status:?}")).await;
    }
}

async fn a_row_that_is_not_there_is_not_claimed(subject: Subject) {
    let row = subject.add(job("here")).await;
    for id in [JobId(-1), JobId(0), JobId(row.id.0 + 1), JobId(i64::MAX)] {
        let claim = Claim { id, ..claim_of(&row) };
        assert!(subject.claim(&owner("host"), &[claim]).await.is_empty(), "there is no row {id} to claim");
    }
    assert_eq!(subject.summary(row.id).await, row, "the row that is there is as it was");
}

async fn an_outstanding_callback_is_claimed(subject: Subject) {
    let row = subject.add(job("callback")).await;
    let mut end = left_as(&row, Status::Succeeded);
    end.state.callback = Callback::Due;
    let row = subject.must_write(&end).await;
    let owner = owner("host");
    let claimed = subject.claim(&owner, &[claim_of(&row)]).await;
    assert_eq!(claimed.len(), 1, "an ended job is claimed for its callback");
    assert_eq!(subject.held_ids(&[owner.boot]).await, [row.id], "and is held while the callback runs");
}

async fn a_claim_carries_the_request(subject: Subject) {
    for request in [Request::Cancel, Request::Pause] {
        let row = subject.add(held(&format!("{request:?}"))).await;
        subject.must_request(&row, request).await;
        let mut release = write_of(&row);
        release.state.boot = Boot::NOBODY;
        release.request = RequestGuard::Keep;
        let row = subject.must_write(&release).await;
        let claimed = subject.claim(&owner("host"), &[claim_of(&row)]).await;
        assert_eq!(claimed[0].summary.request, request, "the claimer learns what somebody asked");
    }
}

async fn refused_claims_do_not_touch_their_neighbours(subject: Subject) {
    let rows = subject.add_all(&alike(6)).await;
    subject.must_write(&left_as(&rows[1], Status::Paused)).await;
    let mut claims: Vec<Claim> = rows.iter().map(claim_of).collect();
    claims[3].seen = lease();
    claims[4].id = JobId(i64::MAX);
    let got = subject.claim(&owner("host"), &claims).await;
    let got: Vec<JobId> = got.iter().map(|row| row.summary.id).collect();
    let mut free = [rows[0].id, rows[2].id, rows[5].id];
    free.sort();
    assert_eq!(got, free, "exactly the rows that are free and as they were seen are claimed");
}

async fn claims_of_any_size_get_every_row(subject: Subject) {
    for size in SIZES {
        let jobs: Vec<NewJob> = (0..size)
            .map(|number| NewJob { input: format!("[{number}]"), ..job(&format!("{size}/{number}")) })
            .collect();
        let rows = subject.add_all(&jobs).await;
        let claims: Vec<Claim> = rows.iter().map(claim_of).collect();
        let got: BTreeMap<JobId, JobRow> =
            subject.claim(&owner("host"), &claims).await.into_iter().map(|row| (row.summary.id, row)).collect();
        assert_eq!(got.len(), size, "each of {size} rows is claimed and answered once");
        for (claim, job) in claims.iter().zip(&jobs) {
            let row = &got[&claim.id];
            assert_eq!((row.summary.lease, &row.input), (claim.lease, &job.input), "each row gets its own token");
        }
    }
}
