//! What a new row holds.

use std::time::Duration;

use super::declare_checks;
use super::insert::answer_for;
use super::sample::{HOUR, NAME, claim_of, job, owner, past, write_of};
use super::subject::Subject;
use crate::value::{
    Boot, Callback, Due, Hash, JobRow, JobState, JobSummary, NewJob, Reason, Request, Status, Timestamp,
};

declare_checks![
    a_new_job_reads_back_as_it_was_given,
    a_delay_counts_from_the_insert,
    a_delay_without_end_never_comes_due,
    an_instant_is_stored_as_it_was_given,
    a_job_born_owned_is_its_owners,
    numbers_at_the_edge_come_back,
];

async fn a_new_job_reads_back_as_it_was_given(subject: Subject) {
    let job = NewJob { due: past(5), ..job("new") };
    let answers = subject.insert(std::slice::from_ref(&job)).await;
    let row = subject.row(answers[0].id).await;
    assert_eq!(answers, [answer_for(&job, &row.summary, true)], "the answer describes the new row");
    assert_eq!(row, row_of(&job, &row.summary), "each column holds what was given, or its default");
    assert!(row.summary.created <= row.summary.updated, "a row is not written before it is inserted");
}

/// The row that a job due at an instant becomes; id and times are the storage's to choose.
fn row_of(job: &NewJob, chosen: &JobSummary) -> JobRow {
    let Due::At(wake_at) = job.due else { panic!("the job is due at an instant") };
    let summary = JobSummary {
        id: chosen.id,
        keyword: job.keyword.clone(),
        name: job.name.clone(),
        lease: job.lease,
        birth: job.birth,
        input_hash: Hash::of(&job.input),
        created: chosen.created,
        updated: chosen.updated,
        wake_at,
        state: first_state(job),
        request: Request::None,
        error: None,
        progress: None,
        history: "[]".to_owned(),
        generations: "{}".to_owned(),
    };
    JobRow { summary, input: job.input.clone(), outputs: "{}".to_owned() }
}

fn first_state(job: &NewJob) -> JobState {
    JobState {
        status: Status::Running,
        step: 1,
        step_name: job.step_name.clone(),
        steps: job.steps,
        plan: job.plan,
        callback: Callback::None,
        callback_attempt: 0,
        boot: Boot::NOBODY,
        host: "".into(),
        attempt: 0,
        crashes: 0,
        restarts: 0,
        reason: Reason::None,
    }
}

async fn a_delay_counts_from_the_insert(subject: Subject) {
    let row = subject.add(NewJob { due: Due::In(HOUR), ..job("later") }).await;
    let wait = row.wake_at.since(row.created).abs_diff(HOUR);
    assert!(wait < Duration::from_secs(60), "a job delayed by an hour is due an hour after its insert, not {row:?}");
    assert!(subject.due_ids(NAME).await.is_empty(), "a delayed job is not due");
}

async fn a_delay_without_end_never_comes_due(subject: Subject) {
    let endless = NewJob { due: Due::In(Duration::MAX), ..job("endless") };
    let rows = subject.add_all(&[job("before"), endless, job("after")]).await;
    let century = Duration::from_secs(100 * 365 * 24 * 3600);
    assert!(rows[1].wake_at > rows[1].created.after(century), "the longest delay ends in no lifetime: {:?}", rows[1]);
    let mut due = subject.due_ids(NAME).await;
    due.sort();
    assert_eq!(due, [rows[0].id, rows[2].id], "its neighbours are due");
}

async fn an_instant_is_stored_as_it_was_given(subject: Subject) {
    for micros in [-1_500_001, -1, 0, 1, 1_700_000_000_123_457, i64::MAX] {
        let due = Due::At(Timestamp(micros));
        let row = subject.add(NewJob { due, ..job(&format!("at {micros}")) }).await;
        assert_eq!(row.wake_at, Timestamp(micros), "an instant is kept to the microsecond");
    }
}

async fn a_job_born_owned_is_its_owners(subject: Subject) {
    let owner = owner("10.0.0.1:80");
    let row = subject.add(NewJob { owner: Some(owner.clone()), ..job("mine") }).await;
    assert_eq!((row.state.boot, &row.state.host), (owner.boot, &owner.host), "the row names its owner");
    assert!(subject.due_ids(NAME).await.is_empty(), "an owned row is due to nobody else");
    assert_eq!(subject.held_ids(&[owner.boot]).await, [row.id], "its owner holds it");
    assert!(subject.claim(&owner, &[claim_of(&row)]).await.is_empty(), "an owned row is not claimed");
    subject.must_write(&write_of(&row)).await;
}

async fn numbers_at_the_edge_come_back(subject: Subject) {
    for number in [i64::MIN, -1, 0, (1 << 53) + 1, i64::MAX] {
        let job = NewJob { plan: number, birth: number, steps: i32::MAX, ..job(&number.to_string()) };
        let row = subject.add(job).await;
        let shown = (row.state.plan, row.birth, row.state.steps);
        assert_eq!(shown, (number, number, i32::MAX), "plan, birth and steps come back as they went");
    }
}
