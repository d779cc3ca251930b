//! A look shows what is there, and only that.

use super::declare_checks;
use super::sample::{claim_of, job, jobs, left_as, loud_write_of, owner, write_of};
use super::subject::Subject;
use crate::value::{Boot, JobId, JobSummary, ListFilter, NewJob, Reason, Status};

declare_checks![
    find_shows_the_job_of_that_keyword,
    unknown_ids_are_left_out,
    summaries_and_find_show_what_row_shows,
    a_list_pages_through_all_newest_first,
    a_list_filters_by_name_and_status,
    a_filtered_list_pages_without_gaps,
    a_list_filters_by_reason,
    empty_calls_do_nothing,
];

async fn find_shows_the_job_of_that_keyword(subject: Subject) {
    let rows = subject.add_all(&jobs(3)).await;
    for row in &rows {
        assert_eq!(subject.find(&row.keyword).await.as_ref(), Some(row), "find shows the job of the keyword");
    }
    assert_eq!(subject.find("job-3").await, None, "no job has this keyword");
    assert_eq!(subject.find("").await, None, "no job has the empty keyword");
}

async fn unknown_ids_are_left_out(subject: Subject) {
    let row = subject.add(job("here")).await;
    let absent = [JobId(i64::MIN), JobId(-1), JobId(0), JobId(row.id.0 + 1), JobId(i64::MAX)];
    for id in absent {
        assert_eq!(subject.row_if_there(id).await, None, "there is no row {id}");
    }
    assert!(subject.summaries(&absent).await.is_empty(), "none of these rows is there");
    let mixed = [absent.as_slice(), &[row.id]].concat();
    assert_eq!(subject.summaries(&mixed).await, [row], "the one row that is there is shown");
}

async fn summaries_and_find_show_what_row_shows(subject: Subject) {
    let rows = subject.add_all(&jobs(600)).await;
    subject.must_write(&loud_write_of(&rows[7])).await;
    let ids: Vec<JobId> = rows.iter().map(|row| row.id).collect();
    let shown = subject.ordered(&ids).await;
    assert_eq!(subject.summaries(&ids).await.len(), 600, "each of 600 rows is shown once");
    for number in [0, 7, 255, 256, 599] {
        let row = subject.row(ids[number]).await.summary;
        assert_eq!(shown[number], row, "summaries shows the columns that row shows");
        assert_eq!(subject.find(&row.keyword).await, Some(row), "so does find");
    }
}

async fn a_list_pages_through_all_newest_first(subject: Subject) {
    let mut expected = Vec::new();
    for number in 0..11 {
        expected.insert(0, subject.add(job(&format!("page-{number}"))).await);
    }
    for limit in [1, 3, 10, 11, 100] {
        let all = all_pages(&subject, &any(limit)).await;
        assert_eq!(all, expected, "pages of {limit} show each job once, newest first");
    }
}

fn any(limit: u32) -> ListFilter {
    ListFilter { name: None, status: None, reason: None, before: None, limit }
}

/// Every page, one after the other; the last one is empty.
async fn all_pages(subject: &Subject, filter: &ListFilter) -> Vec<JobSummary> {
    let (mut all, mut filter) = (Vec::new(), filter.clone());
    loop {
        let page = subject.list(&filter).await;
        assert!(page.len() <= filter.limit as usize, "a page holds at most {} jobs", filter.limit);
        let Some(last) = page.last() else { return all };
        assert!(all.len() < 1000, "the pages come to an end");
        filter.before = Some(last.id);
        all.extend(page);
    }
}

async fn a_list_filters_by_name_and_status(subject: Subject) {
    let rows = mixed_rows(&subject).await;
    for name in [None, Some("name-0"), Some("name-1"), Some("unknown")] {
        for status in [None, Some(Status::Running), Some(Status::Failed), Some(Status::Paused)] {
            let filter = ListFilter { name: name.map(str::to_owned), status, ..any(1000) };
            let shown = subject.list(&filter).await;
            assert_eq!(shown, matching(&rows, &filter), "the list shows exactly what {filter:?} asks for");
        }
    }
}

async fn a_filtered_list_pages_without_gaps(subject: Subject) {
    let rows = mixed_rows(&subject).await;
    let filter = ListFilter { name: Some("name-1".to_owned()), status: Some(Status::Failed), ..any(2) };
    let expected = matching(&rows, &filter);
    assert_eq!(all_pages(&subject, &filter).await, expected, "short pages of a filtered list lack nothing");
}

async fn a_list_filters_by_reason(subject: Subject) {
    let reasons = [Reason::Operator, Reason::UnknownStep, Reason::None];
    let mut rows = Vec::new();
    for (number, row) in subject.add_all(&jobs(12)).await.iter().enumerate() {
        let mut write = left_as(row, if number < 6 { Status::Paused } else { Status::Failed });
        write.state.reason = reasons[number % 3];
        rows.insert(0, subject.must_write(&write).await);
    }
    for status in [None, Some(Status::Paused), Some(Status::Failed), Some(Status::Running)] {
        for reason in reasons.map(Some) {
            let filter = ListFilter { status, reason, ..any(1) };
            let is_shown = |row: &&JobSummary| {
                Some(row.state.reason) == reason && status.is_none_or(|status| row.state.status == status)
            };
            let expected: Vec<JobSummary> = rows.iter().filter(is_shown).cloned().collect();
            assert_eq!(all_pages(&subject, &filter).await, expected, "the pages of {filter:?} show what it asks for");
        }
    }
}

/// Twenty-four jobs of two names in three statuses, newest first.
async fn mixed_rows(subject: &Subject) -> Vec<JobSummary> {
    let mut rows = Vec::new();
    for number in 0..24 {
        let name = format!("name-{}", number % 2);
        let row = subject.add(NewJob { name, ..job(&format!("mixed-{number}")) }).await;
        let status = [Status::Running, Status::Failed, Status::Paused][number / 2 % 3];
        rows.insert(0, subject.must_write(&left_as(&row, status)).await);
    }
    rows
}

fn matching(rows: &[JobSummary], filter: &ListFilter) -> Vec<JobSummary> {
    let asked = |row: &&JobSummary| {
        filter.name.as_ref().is_none_or(|name| row.name == *name)
            && filter.status.is_none_or(|status| row.state.status == status)
    };
    rows.iter().filter(asked).cloned().collect()
}

async fn empty_calls_do_nothing(subject: Subject) {
    let row = subject.add(job("only")).await;
    let before = subject.row(row.id).await;
    assert!(subject.insert(&[]).await.is_empty(), "no job is inserted");
    assert!(subject.claim(&owner("host"), &[]).await.is_empty(), "no row is claimed");
    assert!(subject.write(&[]).await.is_empty(), "no write is answered");
    assert!(subject.summaries(&[]).await.is_empty(), "no row is shown");
    assert_eq!(subject.due(&[]).await, Default::default(), "nothing is due of no name");
    assert!(subject.held_ids(&[]).await.is_empty(), "no boot holds no row");
    assert!(subject.held_page(&[Boot(1)], JobId(0), 0).await.is_empty(), "a page of none is empty");
    subject.forget(&[]).await;
    subject.assert_unchanged(&before, "a call about nothing").await;
    subject.must_write(&write_of(&before.summary)).await;
    let free = subject.summary(row.id).await;
    assert_eq!(subject.claim(&owner("host"), &[claim_of(&free)]).await.len(), 1, "the row can still be claimed");
}
