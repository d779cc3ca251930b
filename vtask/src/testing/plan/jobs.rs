//! What has changed between jobs.

use super::change::{Change, Verdict};
use super::file::{Described, JobPlan, PlanFile};
use super::{saved, steps};

/// Compares all jobs of a file with those of this program.
pub(super) fn compare(former: &PlanFile, jobs: &[Described]) -> Vec<Change> {
    let mut changes = Vec::new();
    for old in &former.jobs {
        match jobs.iter().find(|job| job.plan.names().any(|name| name == old.name)) {
            Some(job) => compare_job(old, job, &mut changes),
            None => changes.push(gone(old)),
        }
    }
    let is_known = |job: &&Described| job.plan.names().any(|name| former.job(name).is_some());
    let new = jobs.iter().filter(|job| !is_known(job));
    changes.extend(new.map(|job| Change::new(Verdict::Safe, format!("job {}", job.plan.name), "it is new")));
    changes
}

fn gone(old: &JobPlan) -> Change {
    let text = format!(
        "it is gone, so nobody runs what is under way; keep it registered and listed until none of it is left, or name it at \
         the job that takes its place: `#[job(was = {:?})]`",
        old.name
    );
    Change::new(Verdict::Strands, format!("job {}", old.name), text)
}

fn compare_job(old: &JobPlan, job: &Described, changes: &mut Vec<Change>) {
    let (new, place) = (&job.plan, format!("job {}", job.plan.name));
    if new.name != old.name {
        changes.push(Change::new(Verdict::Safe, &*place, format!("it was called {}, which `was` says", old.name)));
    }
    for lost in old.was.iter().filter(|former| !new.names().any(|name| name == *former)) {
        let text = format!("its former name {lost} is gone from `was`, and with it the rows that carry it");
        changes.push(Change::new(Verdict::Strands, &*place, text));
    }
    if new.oldest_name() != old.oldest_name() && old.was.iter().all(|former| new.names().any(|name| name == former)) {
        let text = format!(
            "{:?} has to stay the first in `was`: derived keywords and idempotency keys are made of it, and a second \
             invocation would be a second job",
            old.oldest_name()
        );
        changes.push(Change::new(Verdict::NeedsWas, &*place, text));
    }
    steps::compare(old, new, changes);
    saved::compare(old, job, changes);
}
