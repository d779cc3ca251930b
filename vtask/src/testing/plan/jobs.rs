//! What has changed between jobs.

use super::change::{Change, Verdict};
use super::file::{Described, JobPlan, PlanFile};
use super::{saved, steps};

/// Compares all jobs of a file with those of this program.
pub(super) fn compare(former: &PlanFile, jobs: &[Described]) -> Vec<Change> {
    let mut changes = Vec::new();
    for old in &former.jobs {
        match jobs.iter().find(|job| job.plan.names.has(&old.names.name)) {
            Some(job) => compare_job(old, job, &mut changes),
            None => changes.push(gone(old)),
        }
    }
    let is_known = |job: &&Described| job.plan.names.all().any(|name| former.job(name).is_some());
    let new = jobs.iter().filter(|job| !is_known(job));
    changes.extend(new.map(|job| Change::new(Verdict::Safe, format!("job {}", job.plan.names.name), "it is new")));
    changes
}

fn gone(old: &JobPlan) -> Change {
    let text = format!(
        "it is gone, so nobody runs what is under way; keep it registered and listed until none of it is left, or name it at \
         the job that takes its place: `#[job(was = {:?})]`",
        old.names.name
    );
    Change::new(Verdict::Strands, format!("job {}", old.names.name), text)
}

fn compare_job(old: &JobPlan, job: &Described, changes: &mut Vec<Change>) {
    let (new, place) = (&job.plan, format!("job {}", job.plan.names.name));
    let lost = ", and with it the rows that carry it";
    let oldest = "derived keywords and idempotency keys are made of it, and a second invocation would be a second job";
    new.names.compare(&old.names, &place, lost, oldest, changes);
    steps::compare(old, new, changes);
    saved::compare(old, job, changes);
}
