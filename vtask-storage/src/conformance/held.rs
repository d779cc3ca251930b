//! What the lives of nodes hold.

use super::declare_checks;
use super::sample::{HOUR, boot, claim_of, job, left_as, owner, write_of};
use super::subject::Subject;
use crate::value::{Boot, Callback, Due, Held, JobId, JobSummary, JobWrite, NewJob, Owner, Request, Status};

declare_checks![
    held_shows_the_rows_of_the_asked_boots,
    held_pages_by_id,
    held_looks_at_hundreds_of_boots,
    held_tells_which_rows_are_due,
    held_shows_token_and_request,
    held_hides_rows_without_work,
    held_shows_a_callback_until_it_is_done,
    a_released_row_is_held_by_nobody,
];

async fn owned(subject: &Subject, owner: &Owner, keywords: &[&str]) -> Vec<JobSummary> {
    let jobs: Vec<NewJob> =
        keywords.iter().map(|keyword| NewJob { owner: Some(owner.clone()), ..job(keyword) }).collect();
    let mut rows = subject.add_all(&jobs).await;
    rows.sort_by_key(|row| row.id);
    rows
}

fn ids<'a>(rows: impl IntoIterator<Item = &'a JobSummary>) -> Vec<JobId> {
    let mut ids: Vec<JobId> = rows.into_iter().map(|row| row.id).collect();
    ids.sort();
    ids
}

async fn held_shows_the_rows_of_the_asked_boots(subject: Subject) {
    let (first, second) = (owner("same host"), owner("same host"));
    let of_first = owned(&subject, &first, &["1", "2"]).await;
    let of_second = owned(&subject, &second, &["3"]).await;
    subject.add(job("nobody's")).await;
    assert_eq!(subject.held_ids(&[first.boot]).await, ids(&of_first), "only the asked life's rows are shown");
    assert_eq!(subject.held_ids(&[second.boot]).await, ids(&of_second), "lives of one host are told apart");
    let both = ids(of_first.iter().chain(&of_second));
    assert_eq!(subject.held_ids(&[second.boot, first.boot]).await, both, "rows of several lives come by id");
    let twice = subject.held_ids(&[first.boot, first.boot]).await;
    assert_eq!(twice, ids(&of_first), "a life asked for twice shows its rows once");
    assert!(subject.held_ids(&[boot()]).await.is_empty(), "an unknown life holds nothing");
}

async fn held_pages_by_id(subject: Subject) {
    let (first, second) = (owner("a"), owner("b"));
    let mut rows = Vec::new();
    for number in 0..9 {
        let owner = if number % 3 == 0 { &first } else { &second };
        rows.extend(owned(&subject, owner, &[&format!("row-{number}")]).await);
    }
    for limit in [1, 2, 4, 9, 100] {
        let mut shown: Vec<JobId> = Vec::new();
        loop {
            let after = shown.last().copied().unwrap_or(JobId(0));
            let page = subject.held_page(&[first.boot, second.boot], after, limit).await;
            assert!(page.len() <= limit as usize, "a page holds at most {limit} rows");
            assert!(page.iter().all(|held| held.id > after), "a page begins after the last row of the one before");
            if page.is_empty() {
                break;
            }
            shown.extend(page.iter().map(|held| held.id));
        }
        assert_eq!(shown, ids(&rows), "pages of {limit} show each row once, by id");
    }
    let last = subject.held_page(&[first.boot], JobId(i64::MAX), 9).await;
    assert!(last.is_empty(), "no row has an id above the last");
}

async fn held_looks_at_hundreds_of_boots(subject: Subject) {
    let jobs: Vec<NewJob> =
        (0..400).map(|number| NewJob { owner: Some(owner("host")), ..job(&format!("boot-{number}")) }).collect();
    let rows = subject.add_all(&jobs).await;
    let boots: Vec<Boot> = rows.iter().map(|row| row.state.boot).collect();
    assert_eq!(subject.held_ids(&boots).await, ids(&rows), "each of 400 lives shows its row");
}

async fn held_tells_which_rows_are_due(subject: Subject) {
    let owner = owner("host");
    let rows = owned(&subject, &owner, &["executing", "waiting"]).await;
    let wait = JobWrite { due: Due::In(HOUR), ..write_of(&rows[1]) };
    subject.must_write(&wait).await;
    let due: Vec<bool> = subject.held_page(&[owner.boot], JobId(0), 9).await.iter().map(|held| held.is_due).collect();
    assert_eq!(due, [true, false], "a row that waits for a retry was not executing");
}

async fn held_shows_token_and_request(subject: Subject) {
    let owner = owner("host");
    let rows = owned(&subject, &owner, &["to cancel", "to pause", "not asked"]).await;
    let mut expected = Vec::new();
    for (row, request) in rows.iter().zip([Request::Cancel, Request::Pause, Request::None]) {
        let row = subject.must_write(&write_of(row)).await;
        subject.must_request(&row, request).await;
        expected.push(Held { id: row.id, lease: row.lease, is_due: true, request });
    }
    let shown = subject.held_page(&[owner.boot], JobId(0), 9).await;
    assert_eq!(shown, expected, "held shows the present token and request");
}

async fn held_hides_rows_without_work(subject: Subject) {
    for status in [Status::Failed, Status::Succeeded, Status::Cancelled, Status::Paused] {
        let owner = owner("host");
        let row = owned(&subject, &owner, &[&format!("{status:?}")]).await.remove(0);
        let mut write = left_as(&row, status);
        write.state.boot = owner.boot;
        subject.must_write(&write).await;
        assert!(subject.held_ids(&[owner.boot]).await.is_empty(), "a row in status {status:?} is no work of its owner");
    }
}

async fn held_shows_a_callback_until_it_is_done(subject: Subject) {
    let owner = owner("host");
    let row = owned(&subject, &owner, &["callback"]).await.remove(0);
    let mut end = write_of(&row);
    (end.state.status, end.state.callback) = (Status::Succeeded, Callback::Due);
    let row = subject.must_write(&end).await;
    assert_eq!(subject.held_ids(&[owner.boot]).await, [row.id], "an ended job is held while its callback is due");
    let mut done = write_of(&row);
    done.state.callback = Callback::GivenUp;
    subject.must_write(&done).await;
    assert!(subject.held_ids(&[owner.boot]).await.is_empty(), "a job whose callback is over is not held");
}

async fn a_released_row_is_held_by_nobody(subject: Subject) {
    let (first, second) = (owner("a"), owner("b"));
    let row = owned(&subject, &first, &["handed over"]).await.remove(0);
    let row = subject.must_write(&left_as(&row, Status::Running)).await;
    assert!(subject.held_ids(&[first.boot]).await.is_empty(), "a row that was given back is not held");
    subject.claim(&second, &[claim_of(&row)]).await;
    assert!(subject.held_ids(&[first.boot]).await.is_empty(), "nor when another claimed it");
    assert_eq!(subject.held_ids(&[second.boot]).await, [row.id], "who then holds it");
}
