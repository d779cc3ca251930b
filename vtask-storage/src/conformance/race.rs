//! Callers that meet: one of them wins, and all are told who.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::{join, join_all};

use super::declare_checks;
use super::node::accusing;
use super::sample::{alike, claim_of, job, left_as, node, owner, write_of};
use super::subject::Subject;
use crate::value::{
    Boot, Claim, Hash, Inserted, JobId, JobSummary, JobWrite, NewJob, NewNode, Owner, Purge, Status, Timestamp, Written,
};

declare_checks![
    many_callers_of_one_keyword_make_one_job,
    batches_that_cross_create_each_job_once,
    two_claimers_never_both_get_a_row,
    one_of_many_writers_with_the_same_lease_wins,
    a_claim_and_a_write_never_both_win,
    what_is_written_is_not_purged_as_it_was,
    lives_that_join_together_are_all_told,
];

async fn many_callers_of_one_keyword_make_one_job(subject: Subject) {
    let rivals: Vec<[NewJob; 1]> =
        (0..100).map(|rival| [NewJob { input: format!("[{rival}]"), ..job("one") }]).collect();
    let answers: Vec<Inserted> =
        join_all(rivals.iter().map(|rival| subject.insert(rival))).await.into_iter().flatten().collect();
    let created: Vec<usize> = (0..100).filter(|rival| answers[*rival].created).collect();
    assert_eq!(created.len(), 1, "exactly one of 100 callers created the job");
    let row = subject.find("one").await.expect("the keyword has a job");
    let winner = &rivals[created[0]][0];
    assert_eq!((row.birth, row.lease), (winner.birth, winner.lease), "the row is the one that was created");
    let told = |answer: &Inserted| (answer.id, answer.input_hash) == (row.id, Hash::of(&winner.input));
    assert!(answers.iter().all(told), "all 100 are told of the same row and the input that it has");
}

async fn batches_that_cross_create_each_job_once(subject: Subject) {
    let batches: Vec<Vec<NewJob>> = (0..8)
        .map(|batch| {
            let mut jobs: Vec<NewJob> = (0..50).map(|number| job(&format!("cross-{number}"))).collect();
            jobs.rotate_left(batch * 6);
            if batch % 2 == 1 {
                jobs.reverse();
            }
            jobs
        })
        .collect();
    let answers = join_all(batches.iter().map(|batch| subject.insert(batch))).await;
    let created = answers.iter().flatten().filter(|answer| answer.created);
    let ids: BTreeSet<_> = created.clone().map(|answer| answer.id).collect();
    assert_eq!((created.count(), ids.len()), (50, 50), "each of 50 keywords was created by one batch");
}

async fn two_claimers_never_both_get_a_row(subject: Subject) {
    let rows = subject.add_all(&alike(300)).await;
    let claimers: Vec<(Owner, Vec<Claim>)> = (0..4).map(|number| claimer(number, &rows)).collect();
    let got = join_all(claimers.iter().map(|(owner, claims)| subject.claim(owner, claims))).await;
    let mut owners: BTreeMap<JobId, Boot> = BTreeMap::new();
    for (row, (owner, _)) in
        got.iter().zip(&claimers).flat_map(|(rows, claimer)| rows.iter().map(move |row| (row, claimer)))
    {
        assert_eq!(row.summary.state.boot, owner.boot, "who is answered a row owns it");
        assert_eq!(owners.insert(row.summary.id, owner.boot), None, "row {} has one claimer", row.summary.id);
    }
    assert_eq!(owners.len(), 300, "every row has a claimer");
    for row in subject.ordered(&rows.iter().map(|row| row.id).collect::<Vec<_>>()).await {
        assert_eq!(owners[&row.id], row.state.boot, "the row names the one claimer");
    }
}

/// Somebody who wants all rows, and begins at a place of their own.
fn claimer(number: usize, rows: &[JobSummary]) -> (Owner, Vec<Claim>) {
    let mut claims: Vec<Claim> = rows.iter().map(claim_of).collect();
    claims.rotate_left(number * 70);
    (owner(&format!("host-{number}")), claims)
}

async fn one_of_many_writers_with_the_same_lease_wins(subject: Subject) {
    let row = subject.add(job("race")).await;
    let writes: Vec<JobWrite> =
        (0..20).map(|rival| JobWrite { error: Some(rival.to_string()), ..write_of(&row) }).collect();
    let answers = join_all(writes.iter().map(|write| subject.write_one(write))).await;
    let won: Vec<usize> = (0..20).filter(|rival| answers[*rival] == Written::Done).collect();
    assert_eq!(won.len(), 1, "exactly one of 20 writers with the same lease lands: {answers:?}");
    let after = subject.summary(row.id).await;
    assert_eq!(
        (after.lease, after.error),
        (writes[won[0]].lease, writes[won[0]].error.clone()),
        "and the row is its own"
    );
    let lost = answers.iter().filter(|answer| **answer == Written::LeaseLost).count();
    assert_eq!(lost, 19, "all others are told that their lease is lost");
}

async fn a_claim_and_a_write_never_both_win(subject: Subject) {
    let rows = subject.add_all(&alike(300)).await;
    let (owner, claims) = claimer(0, &rows);
    let ends: Vec<JobWrite> = rows.iter().map(|row| left_as(row, Status::Cancelled)).collect();
    let claim = async { join_all(claims.chunks(10).map(|some| subject.claim(&owner, some))).await };
    let write = async { join_all(ends.chunks(10).rev().map(|some| subject.write(some))).await };
    let (claimed, written) = join(claim, write).await;
    let claimed: BTreeSet<JobId> = claimed.iter().flatten().map(|row| row.summary.id).collect();
    let mut written = written.into_iter().rev().flatten();
    for row in &rows {
        let is_written = written.next() == Some(Written::Done);
        assert_ne!(claimed.contains(&row.id), is_written, "one of the two has job {}", row.id);
        let state = subject.summary(row.id).await.state;
        let left = if is_written { (Status::Cancelled, Boot::NOBODY) } else { (Status::Running, owner.boot) };
        assert_eq!((state.status, state.boot), left, "the row is as the winner has left it");
    }
}

async fn what_is_written_is_not_purged_as_it_was(subject: Subject) {
    let rows = subject.add_all(&alike(300)).await;
    let ended: Vec<JobWrite> = rows.iter().map(|row| left_as(row, Status::Failed)).collect();
    subject.write(&ended).await;
    let mut ids: Vec<JobId> = rows.iter().map(|row| row.id).collect();
    ids.sort();
    let again: Vec<JobWrite> = subject.ordered(&ids).await.iter().map(|row| left_as(row, Status::Running)).collect();
    let slice = |after| Purge { status: Status::Failed, ended_before: Timestamp(i64::MAX), after, limit: 10 };
    let slices: Vec<Purge> = ids.iter().step_by(10).map(|id| slice(JobId(id.0 - 1))).collect();
    let purge = async { join_all(slices.iter().map(|slice| subject.purge(slice))).await };
    let write = async { join_all(again.chunks(10).rev().map(|some| subject.write(some))).await };
    let (_, written) = join(purge, write).await;
    let mut written = written.into_iter().rev().flatten();
    for id in &ids {
        let is_written = written.next() == Some(Written::Done);
        let row = subject.row_if_there(*id).await;
        assert_eq!(row.is_some(), is_written, "a job whose write was done is there, and any other is gone");
    }
}

async fn lives_that_join_together_are_all_told(subject: Subject) {
    let lives: Vec<NewNode> = (0..8).map(|_| node("a")).collect();
    join_all(lives.iter().map(|life| subject.join(life))).await;
    let all: Vec<&NewNode> = lives.iter().collect();
    assert_eq!(subject.join(&node("a")).await, accusing(&all), "the next life is told of all that joined before");
}
