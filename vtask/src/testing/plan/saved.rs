//! What has changed in what a job saves, and whether what is saved is still read.

use super::change::{Change, Verdict};
use super::file::{Described, JobPlan, Sample};

/// Compares data and outputs, and has the samples decoded.
pub(super) fn compare(old: &JobPlan, job: &Described, changes: &mut Vec<Change>) {
    let (new, place) = (&job.plan, format!("job {}", job.plan.name));
    let broken: Vec<Change> = old.samples.iter().filter_map(|sample| broken(&place, job, sample)).collect();
    let verdict = match (&*old.samples, &*broken) {
        ([], _) => Verdict::Untried,
        (_, []) => Verdict::Safe,
        _ => Verdict::WouldNotDecode,
    };
    changes.extend(broken);
    if new.data != old.data {
        changes.push(Change::new(verdict, format!("{place}, data"), fields(&old.data, &new.data)));
    }
    for step in &new.steps {
        let former = old.steps.iter().find(|former| step.names().any(|name| name == former.name));
        if let Some(former) = former.filter(|former| former.returns != step.returns) {
            let text = format!("it returned {}, and returns {}", former.returns, step.returns);
            changes.push(Change::new(verdict, format!("{place}, step {}", step.name), text));
        }
    }
}

fn broken(place: &str, job: &Described, sample: &Sample) -> Option<Change> {
    let error = (job.decode)(sample).err()?;
    let saved = serde_json::to_string(sample).expect("JSON values always serialize");
    let text = format!(
        "{error}, in what was saved as {saved}; give new fields a default, or mend what is saved with `#[job(migrate = …)]`"
    );
    Some(Change::new(Verdict::WouldNotDecode, place, text))
}

fn fields(old: &[String], new: &[String]) -> String {
    let lost = old.iter().filter(|field| !new.contains(field)).map(|field| format!("-`{field}`"));
    let added = new.iter().filter(|field| !old.contains(field)).map(|field| format!("+`{field}`"));
    let all: Vec<String> = lost.chain(added).collect();
    if all.is_empty() { "its fields have changed places".to_owned() } else { all.join(" ") }
}
