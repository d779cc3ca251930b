//! What has changed in what a job saves, and whether what is saved is still read.

use super::change::{Change, Verdict};
use super::file::{Described, JobPlan, Sample};

/// Marks a field that is part of the keyword.
const KEYWORD: &str = "#[context(keyword)] ";

/// Compares data and outputs, and has the samples decoded.
pub(super) fn compare(old: &JobPlan, job: &Described, changes: &mut Vec<Change>) {
    let (new, place) = (&job.plan, format!("job {}", job.plan.names.name));
    let broken: Vec<Change> = old.samples.iter().filter_map(|sample| broken(&place, job, sample)).collect();
    let decodes = broken.is_empty();
    changes.extend(broken);
    if new.data != old.data {
        let is_same_type = !old.samples.is_empty() && keeps_types(&old.data, &new.data);
        changes.push(Change::new(
            verdict(decodes, is_same_type),
            format!("{place}, data"),
            fields(&old.data, &new.data),
        ));
    }
    if keyword(&old.data).ne(keyword(&new.data)) {
        let text =
            "its keyword is made of other fields: whoever invokes a job that is there makes a second one beside it";
        changes.push(Change::new(Verdict::Strands, format!("{place}, data"), text));
    }
    for step in &new.steps {
        let former = old.steps.iter().find(|former| step.names.has(&former.names.name));
        if let Some(former) = former.filter(|former| former.returns != step.returns) {
            let text = format!("it returned {}, and returns {}", former.returns, step.returns);
            changes.push(Change::new(verdict(decodes, false), format!("{place}, step {}", step.names.name), text));
        }
    }
}

/// A value of another type was tried only with what is made up: no number is too large there, no text of the wrong kind.
fn verdict(decodes: bool, is_same_type: bool) -> Verdict {
    match (decodes, is_same_type) {
        (false, _) => Verdict::WouldNotDecode,
        (true, true) => Verdict::Safe,
        (true, false) => Verdict::Untried,
    }
}

/// Whether no field that is still there has another type.
fn keeps_types(old: &[String], new: &[String]) -> bool {
    let parts = |field: &str| {
        field.trim_start_matches(KEYWORD).split_once(": ").map(|(name, ty)| (name.to_owned(), ty.to_owned()))
    };
    let new: Vec<_> = new.iter().filter_map(|field| parts(field)).collect();
    old.iter()
        .filter_map(|field| parts(field))
        .all(|(name, ty)| new.iter().all(|(other, new_ty)| *other != name || *new_ty == ty))
}

fn keyword(fields: &[String]) -> impl Iterator<Item = &str> {
    fields.iter().filter_map(|field| field.strip_prefix(KEYWORD)).map(|field| field.split(':').next().unwrap_or(field))
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
