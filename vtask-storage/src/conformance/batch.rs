//! Many writes in one call: each by its own guard, answered in order.

use super::declare_checks;
use super::sample::{NAME, SIZES, alike, job, lease, loud_write_of, owner, past, write_of};
use super::subject::Subject;
use crate::value::{JobId, JobRow, JobSummary, JobWrite, NewJob, Request, RequestGuard, Status, Written};

declare_checks![
    batches_of_any_size_land_whole,
    batches_of_any_size_are_answered_in_order,
    refused_neighbours_do_not_touch_others,
    each_row_of_a_batch_gets_its_own_values,
    a_batch_sent_again_is_done,
];

/// So many rows of one check that makes several batches.
async fn rows(subject: &Subject, size: usize) -> Vec<JobSummary> {
    let jobs: Vec<NewJob> = (0..size).map(|number| job(&format!("{size}/{number}"))).collect();
    subject.add_all(&jobs).await
}

fn ids(rows: &[JobSummary]) -> Vec<JobId> {
    rows.iter().map(|row| row.id).collect()
}

async fn batches_of_any_size_land_whole(subject: Subject) {
    for size in SIZES {
        let rows = rows(&subject, size).await;
        let writes: Vec<JobWrite> = rows.iter().map(loud_write_of).collect();
        let answers = subject.write(&writes).await;
        assert_eq!(answers, vec![Written::Done; size], "each of {size} writes lands");
        for (row, write) in subject.ordered(&ids(&rows)).await.iter().zip(&writes) {
            let shown = (row.lease, &row.state, &row.error);
            assert_eq!(shown, (write.lease, &write.state, &write.error), "each of {size} rows holds its own write");
        }
    }
}

async fn batches_of_any_size_are_answered_in_order(subject: Subject) {
    for size in SIZES {
        let rows = rows(&subject, size).await;
        let mut writes: Vec<JobWrite> = rows.iter().map(write_of).collect();
        let is_lost = |number: usize| number % 3 == 1;
        for number in (0..size).filter(|number| is_lost(*number)) {
            writes[number].guard.lease = lease();
        }
        let answers = subject.write(&writes).await;
        for (number, row) in subject.ordered(&ids(&rows)).await.iter().enumerate() {
            let expected = if is_lost(number) { Written::LeaseLost } else { Written::Done };
            assert_eq!(answers[number], expected, "answer {number} of {size} belongs to write {number}");
            let expected = if is_lost(number) { rows[number].lease } else { writes[number].lease };
            assert_eq!(row.lease, expected, "row {number} of {size} is as its answer says");
        }
    }
}

async fn refused_neighbours_do_not_touch_others(subject: Subject) {
    let mut jobs = alike(8);
    jobs[4].owner = Some(owner("holder"));
    let rows = subject.add_all(&jobs).await;
    let mut writes: Vec<JobWrite> = rows.iter().map(loud_write_of).collect();
    writes[1].guard.lease = lease();
    writes[2].guard.status = Status::Paused;
    writes[3].guard.step = 2;
    subject.must_request(&rows[4], Request::Pause).await;
    writes[5].id = JobId(i64::MAX);
    subject.must_write(&writes[6]).await;
    let before = whole(&subject, &rows).await;
    let answers = subject.write(&writes).await;
    use Written::{Done, LeaseLost};
    let requested = Written::Requested(Request::Pause);
    let expected = [Done, LeaseLost, LeaseLost, LeaseLost, requested, LeaseLost, Done, Done];
    assert_eq!(answers, expected, "each write is judged by its own guard");
    for (number, before) in before.iter().enumerate().take(7).skip(1) {
        subject.assert_unchanged(before, &format!("write {number} of the batch")).await;
    }
    for landed in [0, 7] {
        assert_eq!(subject.summary(rows[landed].id).await.lease, writes[landed].lease, "write {landed} landed");
    }
}

async fn whole(subject: &Subject, rows: &[JobSummary]) -> Vec<JobRow> {
    let mut whole = Vec::new();
    for row in rows {
        whole.push(subject.row(row.id).await);
    }
    whole
}

async fn each_row_of_a_batch_gets_its_own_values(subject: Subject) {
    let rows = subject.add_all(&alike(40)).await;
    let writes: Vec<JobWrite> = rows.iter().enumerate().map(|(number, row)| patchy_write(row, number)).collect();
    assert_eq!(subject.write(&writes).await, vec![Written::Done; 40], "each write lands");
    for (write, after) in writes.iter().zip(whole(&subject, &rows).await) {
        let or = |text: &Option<String>, before: &str| text.clone().unwrap_or_else(|| before.to_owned());
        assert_eq!(after.input, or(&write.input, r#"{"cents":1}"#), "a row's input is its own or kept");
        assert_eq!(after.outputs, or(&write.outputs, "{}"), "a row's outputs are its own or kept");
        assert_eq!(after.summary.history, or(&write.history, "[]"), "a row's history is its own or kept");
        assert_eq!(after.summary.generations, or(&write.generations, "{}"), "a row's generations are its own or kept");
        assert_eq!(after.summary.error, write.error, "a row's error is its own or none");
        assert_eq!(after.summary.progress, write.progress, "a row's progress is its own or none");
    }
    let order: Vec<JobId> = rows.iter().rev().map(|row| row.id).collect();
    assert_eq!(subject.due_ids(NAME).await, order, "each row is due at its own time");
}

/// A write that brings some texts and not others, by the bits of its number.
fn patchy_write(row: &JobSummary, number: usize) -> JobWrite {
    let text = |bit: usize| (number >> bit & 1 == 1).then(|| format!("[{number},{bit}]"));
    let micros = u32::try_from(1000 - number).expect("the number is small");
    JobWrite {
        request: RequestGuard::Keep,
        due: past(micros),
        error: text(0),
        progress: text(1),
        input: text(2),
        outputs: text(3),
        history: text(4),
        generations: text(5),
        ..write_of(row)
    }
}

async fn a_batch_sent_again_is_done(subject: Subject) {
    let rows = rows(&subject, 300).await;
    let writes: Vec<JobWrite> = rows.iter().map(loud_write_of).collect();
    subject.write(&writes).await;
    let before = subject.ordered(&ids(&rows)).await;
    assert_eq!(subject.write(&writes).await, vec![Written::Done; 300], "a batch that landed says so when sent again");
    assert_eq!(subject.ordered(&ids(&rows)).await, before, "a batch sent again changes nothing");
}
