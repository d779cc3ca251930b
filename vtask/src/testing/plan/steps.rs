//! What has changed between the steps of a job.

use super::change::{Change, Verdict};
use super::file::{JobPlan, StepPlan};

/// Compares the steps and callbacks of a job.
pub(super) fn compare(old: &JobPlan, new: &JobPlan, changes: &mut Vec<Change>) {
    for (at, step) in old.steps.iter().enumerate() {
        match find(new, &step.names.name) {
            Some(known) => compare_step(new, step, &new.steps[known], changes),
            None => changes.push(gone(old, new, at)),
        }
    }
    for step in new.steps.iter().filter(|step| former(old, step).is_none() && !replaces(old, new, step)) {
        let text = "it is new: jobs that have not reached its place run it, and the others do not";
        changes.push(Change::new(Verdict::Safe, place(new, step), text));
    }
    let order: Vec<usize> = old.steps.iter().filter_map(|step| find(new, &step.names.name)).collect();
    if !order.is_sorted() {
        let text = "its steps have changed places: each still runs once";
        changes.push(Change::new(Verdict::Safe, format!("job {}", new.names.name), text));
    }
    takes(old, new, changes);
    callback("on_success", old.on_success.as_ref(), new.on_success.as_ref(), old, new, changes);
    callback("on_failure", old.on_failure.as_ref(), new.on_failure.as_ref(), old, new, changes);
}

/// The place of the step that goes by this name.
fn find(job: &JobPlan, name: &str) -> Option<usize> {
    job.steps.iter().position(|step| step.names.has(name))
}

/// The place that a step of the new table has in the old one.
fn former(old: &JobPlan, step: &StepPlan) -> Option<usize> {
    old.steps.iter().position(|former| step.names.has(&former.names.name))
}

fn place(job: &JobPlan, step: &StepPlan) -> String {
    format!("job {}, step {}", job.names.name, step.names.name)
}

/// The new step that stands between the same neighbours as one that is gone: most likely the same under another name.
fn successor<'a>(old: &JobPlan, new: &'a JobPlan, at: usize) -> Option<&'a StepPlan> {
    let after = match at.checked_sub(1) {
        None => 0,
        Some(before) => find(new, &old.steps[before].names.name)? + 1,
    };
    new.steps.get(after).filter(|step| former(old, step).is_none())
}

fn replaces(old: &JobPlan, new: &JobPlan, step: &StepPlan) -> bool {
    let gone = (0..old.steps.len()).filter(|at| find(new, &old.steps[*at].names.name).is_none());
    gone.filter_map(|at| successor(old, new, at)).any(|other| other.names == step.names)
}

fn gone(old: &JobPlan, new: &JobPlan, at: usize) -> Change {
    let step = &old.steps[at];
    let strands = "jobs that are at it wait for a program that has it, and are paused after ten minutes without one";
    match successor(old, new, at) {
        Some(next) => {
            let text = format!(
                "it is gone, and {} is new in its place: if that is its new name, say so with `#[step(was = {:?})]`; else {strands}",
                next.names.name, step.names.name
            );
            Change::new(Verdict::NeedsWas, place(old, step), text)
        }
        None => Change::new(Verdict::Strands, place(old, step), format!("it is gone: {strands}")),
    }
}

fn compare_step(job: &JobPlan, old: &StepPlan, new: &StepPlan, changes: &mut Vec<Change>) {
    let place = place(job, new);
    let lost = ": jobs that are at it under that name do not go on";
    new.names.compare(&old.names, &place, lost, "idempotency keys are made of it", changes);
}

/// A job that is at a step has the outputs of those that came before it in the old table, and no others.
fn takes(old: &JobPlan, new: &JobPlan, changes: &mut Vec<Change>) {
    for step in &new.steps {
        let Some(at) = former(old, step) else { continue };
        for taken in step.takes.iter().filter(|taken| !was_before(old, new, taken, at)) {
            let text = format!(
                "it takes the output of {taken}, which jobs that are at it do not have: let it make that from the data, or make \
                 it a step of another name and leave this one as it is until no job is at it"
            );
            changes.push(Change::new(Verdict::Strands, place(new, step), text));
        }
    }
}

/// Whether the step that is called so in the new table came before this place in the old one.
fn was_before(old: &JobPlan, new: &JobPlan, name: &str, at: usize) -> bool {
    find(new, name).and_then(|step| former(old, &new.steps[step])).is_some_and(|place| place < at)
}

fn callback(
    kind: &str,
    before: Option<&Vec<String>>,
    now: Option<&Vec<String>>,
    old: &JobPlan,
    new: &JobPlan,
    changes: &mut Vec<Change>,
) {
    let place = format!("job {}, {kind}", new.names.name);
    match (before, now) {
        (Some(_), None) => {
            let text = "it is gone: where it is due it is given up after ten minutes without a program that has it";
            changes.push(Change::new(Verdict::Strands, place, text));
        }
        (None, Some(_)) => {
            changes.push(Change::new(Verdict::Safe, place, "it is new: jobs that have ended are not called back"));
        }
        // Of a failed job it takes what is there.
        (Some(_), Some(takes)) if kind == "on_success" => {
            for taken in takes.iter().filter(|taken| !was_before(old, new, taken, old.steps.len())) {
                let text = format!("it takes the output of {taken}, which jobs that have succeeded do not have");
                changes.push(Change::new(Verdict::Strands, &*place, text));
            }
        }
        _ => {}
    }
}
