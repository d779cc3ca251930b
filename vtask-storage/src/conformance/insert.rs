//! A keyword is one job, and the call that made it is told so.

use super::declare_checks;
use super::sample::{SIZES, job, jobs, lease, loud_write_of};
use super::subject::Subject;
use crate::value::{Hash, Inserted, JobSummary, NewJob};

declare_checks![
    an_existing_keyword_answers_with_its_job,
    the_same_insert_twice_is_created_again,
    a_created_job_that_moved_on_is_still_created,
    a_keyword_twice_in_one_call_is_one_job,
    a_keyword_is_one_job_across_a_long_call,
    inserts_are_answered_in_order,
    old_and_new_keywords_in_one_call_are_told_apart,
    drawn_keywords_are_inserted_once,
    a_keyword_that_is_wrongly_said_to_be_drawn_is_one_job,
];

pub(super) fn answer_for(job: &NewJob, row: &JobSummary, created: bool) -> Inserted {
    Inserted { id: row.id, created, name: job.name.clone(), input_hash: Hash::of(&job.input) }
}

/// So many jobs, whose keywords are not those of another number of jobs.
fn sized(size: usize) -> Vec<NewJob> {
    jobs(size).into_iter().map(|job| NewJob { keyword: format!("{size}/{}", job.keyword), ..job }).collect()
}

async fn an_existing_keyword_answers_with_its_job(subject: Subject) {
    let first = job("order/7");
    let before = subject.add(first.clone()).await;
    let before = subject.row(before.id).await;
    let other = NewJob { name: "other".to_owned(), input: "[2]".to_owned(), ..job("order/7") };
    let answers = subject.insert(&[other]).await;
    let expected = answer_for(&first, &before.summary, false);
    assert_eq!(answers, [expected], "the answer describes the job that has the keyword");
    subject.assert_unchanged(&before, "an insert of an existing keyword").await;
}

async fn the_same_insert_twice_is_created_again(subject: Subject) {
    for size in [1, 3, 300] {
        let jobs = sized(size);
        let first = subject.insert(&jobs).await;
        let again = subject.insert(&jobs).await;
        assert!(first.iter().all(|answer| answer.created), "new keywords are created");
        assert_eq!(again, first, "an insert sent again answers as it did before");
    }
}

async fn a_created_job_that_moved_on_is_still_created(subject: Subject) {
    let job = job("moved");
    let row = subject.add(job.clone()).await;
    subject.must_write(&loud_write_of(&row)).await;
    let before = subject.row(row.id).await;
    let answers = subject.insert(std::slice::from_ref(&job)).await;
    assert_eq!(answers, [answer_for(&job, &row, true)], "the birth tells whose insert it was, not the present token");
    subject.assert_unchanged(&before, "an insert sent again").await;
}

async fn a_keyword_twice_in_one_call_is_one_job(subject: Subject) {
    let (a, b, c) = (job("a"), job("b"), job("c"));
    let second_a = NewJob { input: "[1]".to_owned(), name: "other".to_owned(), ..job("a") };
    let answers = subject.insert(&[a.clone(), b, second_a, c, a.clone()]).await;
    let created: Vec<bool> = answers.iter().map(|answer| answer.created).collect();
    assert_eq!(created, [true, true, false, true, true], "the first of a keyword creates it, and its birth says so");
    assert_eq!(answers[2], Inserted { created: false, ..answers[0].clone() }, "the second is told of the first");
    assert_eq!(answers[4], answers[0], "the same job twice is answered alike");
    assert_eq!(subject.row(answers[0].id).await.input, a.input, "the first one's input is stored");
}

async fn a_keyword_is_one_job_across_a_long_call(subject: Subject) {
    let mut jobs = jobs(600);
    for copy in [300, 599] {
        jobs[copy] = NewJob { name: "copy".to_owned(), ..job("job-0") };
    }
    let answers = subject.insert(&jobs).await;
    for copy in [300, 599] {
        let expected = Inserted { created: false, ..answers[0].clone() };
        assert_eq!(answers[copy], expected, "job {copy} is told of job 0, which has its keyword");
    }
    assert_eq!(answers.iter().filter(|answer| answer.created).count(), 598, "all others are created");
}

async fn inserts_are_answered_in_order(subject: Subject) {
    for size in SIZES {
        let mut jobs = sized(size);
        // Neither the order of the keywords nor that of their hashes.
        jobs.rotate_left(size / 3);
        let rows = subject.add_all(&jobs).await;
        let shown = rows.iter().map(|row| (&row.keyword, &row.name, row.birth, row.input_hash));
        let given = jobs.iter().map(|job| (&job.keyword, &job.name, job.birth, Hash::of(&job.input)));
        assert!(shown.eq(given), "each of {size} answers belongs to the job in its place");
    }
}

async fn old_and_new_keywords_in_one_call_are_told_apart(subject: Subject) {
    let jobs = jobs(600);
    let is_old = |number: &usize| number.is_multiple_of(3);
    let old: Vec<NewJob> =
        (0..600).filter(is_old).map(|number| NewJob { birth: lease().0, ..jobs[number].clone() }).collect();
    subject.add_all(&old).await;
    let answers = subject.insert(&jobs).await;
    for (number, answer) in answers.iter().enumerate() {
        assert_eq!(answer.created, !is_old(&number), "job {number} is created only where its keyword is new");
        assert_eq!(answer.name, jobs[number].name, "answer {number} belongs to job {number}");
    }
}

fn drawn(size: usize) -> Vec<NewJob> {
    sized(size).into_iter().map(|job| NewJob { is_keyword_drawn: true, ..job }).collect()
}

async fn drawn_keywords_are_inserted_once(subject: Subject) {
    for size in SIZES {
        let jobs = drawn(size);
        let rows = subject.add_all(&jobs).await;
        let shown = rows.iter().map(|row| (&row.keyword, row.birth, row.lease));
        assert!(
            shown.eq(jobs.iter().map(|job| (&job.keyword, job.birth, job.lease))),
            "each of {size} is in its place"
        );
        assert!(rows.is_sorted_by_key(|row| row.id), "ids follow the order in which they were given");
        let again = subject.insert(&jobs).await;
        let expected: Vec<Inserted> = jobs.iter().zip(&rows).map(|(job, row)| answer_for(job, row, true)).collect();
        assert_eq!(again, expected, "{size} sent again are answered as they were before");
    }
}

async fn a_keyword_that_is_wrongly_said_to_be_drawn_is_one_job(subject: Subject) {
    for size in [2, 5, 300] {
        let jobs = drawn(size);
        let taken = size / 2;
        let before = subject.add(NewJob { birth: lease().0, ..jobs[taken].clone() }).await;
        let answers = subject.insert(&jobs).await;
        assert_eq!(
            answers[taken],
            answer_for(&jobs[taken], &before, false),
            "the job that was there keeps its keyword"
        );
        assert_eq!(answers.iter().filter(|answer| answer.created).count(), size - 1, "all others are created");
        let twice = [NewJob { keyword: format!("twice/{size}"), ..jobs[0].clone() }, jobs[0].clone(), jobs[0].clone()];
        let answers = subject.insert(&twice).await;
        assert_eq!(answers[1], answers[2], "the same job twice in one call is one job");
    }
}
