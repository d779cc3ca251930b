//! Deleting what ended long ago: only that, slice by slice, and the keyword with it.

use super::declare_checks;
use super::sample::{NAME, SIZES, alike, claim_of, held, job, left_as, owner, write_of};
use super::subject::Subject;
use crate::value::{Callback, JobId, JobSummary, JobWrite, NewJob, Purge, Purged, Status, Timestamp};

declare_checks![
    purge_deletes_only_the_asked_status,
    purge_deletes_only_what_ended_before,
    purge_keeps_a_job_whose_callback_is_outstanding,
    purge_looks_only_behind_the_last_one,
    purge_goes_through_any_number_without_a_gap,
    purge_goes_past_what_it_keeps,
    a_slice_is_as_long_as_asked_at_most,
    a_purged_keyword_is_free,
    a_purged_job_is_nowhere,
];

const ENDED: [Status; 3] = [Status::Failed, Status::Succeeded, Status::Cancelled];

/// An instant that no clock has reached.
const NEVER: Timestamp = Timestamp(i64::MAX);

/// A look from the first row on, with room for all.
fn all(status: Status, ended_before: Timestamp) -> Purge {
    Purge { status, ended_before, after: JobId(0), limit: 10_000 }
}

/// Inserts a job and leaves it in this status.
async fn left(subject: &Subject, keyword: &str, status: Status) -> JobSummary {
    let row = subject.add(job(keyword)).await;
    subject.must_write(&left_as(&row, status)).await
}

/// So many jobs in this status, by id.
async fn many_left(subject: &Subject, count: usize, status: Status) -> Vec<JobSummary> {
    let rows = subject.add_all(&alike(count)).await;
    let writes: Vec<JobWrite> = rows.iter().map(|row| left_as(row, status)).collect();
    subject.write(&writes).await;
    let mut ids: Vec<JobId> = rows.iter().map(|row| row.id).collect();
    ids.sort();
    subject.ordered(&ids).await
}

/// Looks slice after slice, to the end, and answers how many jobs went.
async fn purge_all(subject: &Subject, slice: Purge) -> u64 {
    let (mut deleted, mut after) = (0, slice.after);
    loop {
        let purged = subject.purge(&Purge { after, ..slice }).await;
        deleted += purged.deleted;
        let Some(last) = purged.last else { return deleted };
        assert!(last > after, "the next slice begins at {last}, behind the one that began at {after}");
        after = last;
    }
}

async fn is_there(subject: &Subject, row: &JobSummary) -> bool {
    subject.row_if_there(row.id).await.is_some()
}

async fn purge_deletes_only_the_asked_status(subject: Subject) {
    let mut rows = vec![subject.add(job("waits")).await, subject.add(held("runs")).await];
    for status in [Status::Paused, Status::Failed, Status::Succeeded, Status::Cancelled] {
        rows.push(left(&subject, &format!("{status:?}"), status).await);
    }
    for status in ENDED {
        let deleted = subject.purge(&all(status, NEVER)).await.deleted;
        assert_eq!(deleted, 1, "one job is {status:?}");
        rows.retain(|row| row.state.status != status);
        for row in &rows {
            assert_eq!(subject.summary(row.id).await, *row, "{} stays as it was", row.keyword);
        }
    }
    assert_eq!(rows.len(), 3, "what has not ended stays");
}

async fn purge_deletes_only_what_ended_before(subject: Subject) {
    for status in ENDED {
        let row = left(&subject, &format!("{status:?}"), status).await;
        for early in [Timestamp(i64::MIN), Timestamp(0), Timestamp(row.updated.0 - 1), row.updated] {
            let deleted = subject.purge(&all(status, early)).await.deleted;
            assert_eq!(deleted, 0, "what ended at {:?} did not end before {early:?}", row.updated);
            assert_eq!(subject.summary(row.id).await, row, "the job stays as it was");
        }
        let later = Timestamp(row.updated.0 + 1);
        assert_eq!(subject.purge(&all(status, later)).await.deleted, 1, "the job ended before {later:?}");
    }
}

async fn purge_keeps_a_job_whose_callback_is_outstanding(subject: Subject) {
    for status in ENDED {
        let row = subject.add(held(&format!("{status:?}"))).await;
        let mut end = write_of(&row);
        (end.state.status, end.state.callback) = (status, Callback::Due);
        let held = subject.must_write(&end).await;
        assert_eq!(subject.purge(&all(status, NEVER)).await.deleted, 0, "the callback of {status:?} runs");
        let waits = subject.must_write(&left_as(&held, status)).await;
        assert_eq!(subject.purge(&all(status, NEVER)).await.deleted, 0, "the callback of {status:?} is due");
        assert_eq!(subject.summary(row.id).await, waits, "the job stays as it was");
        let mut done = write_of(&waits);
        done.state.callback = Callback::Done;
        subject.must_write(&done).await;
        assert_eq!(subject.purge(&all(status, NEVER)).await.deleted, 1, "the callback of {status:?} is done");
    }
}

async fn purge_looks_only_behind_the_last_one(subject: Subject) {
    let rows = many_left(&subject, 4, Status::Failed).await;
    let behind = |after| Purge { after, ..all(Status::Failed, NEVER) };
    assert_eq!(subject.purge(&behind(rows[3].id)).await.deleted, 0, "nothing is behind the last");
    assert_eq!(subject.purge(&behind(rows[1].id)).await.deleted, 2, "two are behind the second");
    assert!(is_there(&subject, &rows[0]).await && is_there(&subject, &rows[1]).await, "the others stay");
}

async fn purge_goes_through_any_number_without_a_gap(subject: Subject) {
    for count in SIZES {
        for limit in [100, 256, 1000] {
            many_left(&subject, count, Status::Succeeded).await;
            let slice = Purge { limit, ..all(Status::Succeeded, NEVER) };
            assert_eq!(purge_all(&subject, slice).await, count as u64, "{count} jobs go in slices of {limit}");
        }
    }
}

async fn purge_goes_past_what_it_keeps(subject: Subject) {
    let rows = many_left(&subject, 9, Status::Failed).await;
    let (kept, gone): (Vec<_>, Vec<_>) = rows.into_iter().enumerate().partition(|(number, _)| number % 3 != 2);
    for (_, row) in &kept {
        let mut due = write_of(row);
        due.state.callback = Callback::Due;
        subject.must_write(&due).await;
    }
    let slice = Purge { limit: 2, ..all(Status::Failed, NEVER) };
    assert_eq!(purge_all(&subject, slice).await, gone.len() as u64, "every third job goes, also from among kept ones");
    for (_, row) in &kept {
        assert!(is_there(&subject, row).await, "job {} stays", row.id);
    }
    assert_eq!(purge_all(&subject, slice).await, 0, "there is nothing more to delete");
}

async fn a_slice_is_as_long_as_asked_at_most(subject: Subject) {
    let rows = many_left(&subject, 5, Status::Cancelled).await;
    let slice = Purge { limit: 2, ..all(Status::Cancelled, NEVER) };
    let first = subject.purge(&slice).await;
    assert!((1..=2).contains(&first.deleted), "a slice of two deletes {}", first.deleted);
    let last = rows[usize::try_from(first.deleted).expect("one or two") - 1].id;
    assert_eq!(first.last, Some(last), "the slice tells the last job that it looked at");
    assert!(is_there(&subject, &rows[2]).await, "the third job is of the next slice");
    let early = Purge { ended_before: rows[0].updated, ..slice };
    let looked: Purged = subject.purge(&early).await;
    assert_eq!(looked.deleted, 0, "nothing ended before the first of them");
    assert!(looked.last.is_some(), "what is kept is looked at, too, and there is more behind it");
}

async fn a_purged_keyword_is_free(subject: Subject) {
    let first = left(&subject, "again", Status::Succeeded).await;
    assert!(!subject.insert(&[job("again")]).await[0].created, "the keyword is taken");
    subject.purge(&all(Status::Succeeded, NEVER)).await;
    let second = subject.add(NewJob { input: "2".to_owned(), ..job("again") }).await;
    assert_ne!(second.id, first.id, "the new job is another one");
    assert_eq!(subject.row(second.id).await.input, "2", "and has its own input");
}

async fn a_purged_job_is_nowhere(subject: Subject) {
    let row = left(&subject, "gone", Status::Failed).await;
    let neighbour = left(&subject, "neighbour", Status::Succeeded).await;
    subject.purge(&all(Status::Failed, NEVER)).await;
    assert_eq!(subject.find("gone").await, None, "no keyword finds it");
    assert!(subject.summaries(&[row.id]).await.is_empty() && !is_there(&subject, &row).await, "no id finds it");
    assert!(subject.due_ids(NAME).await.is_empty(), "it is not due");
    assert!(subject.claim(&owner("host"), &[claim_of(&row)]).await.is_empty(), "it cannot be claimed");
    let write = subject.write_one(&write_of(&row)).await;
    assert_eq!(write, crate::value::Written::LeaseLost, "a late write of it finds nothing");
    assert_eq!(subject.find("neighbour").await, Some(neighbour), "the neighbour is as it was");
}
