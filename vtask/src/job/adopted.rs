//! Rows that the original framework wrote.
//!
//! It knew a step by its number, and kept the answer of the last one only. A row that was adopted has the text of that
//! answer as the output [`ORIGINAL`], and the number of the steps that were done under the same name among the generations, where it
//! stays. Whoever reads the row with the job's table at hand gives the answer the name of its step.

use serde_json::value::RawValue;
use vtask_storage::value::JobRow;

use super::plan::Plan;
use crate::codec::{Generations, Outputs};

/// The name of no step.
const ORIGINAL: &str = "$original";

/// The outputs of a row, the adopted one under the name of its step where the job's table is at hand.
pub(crate) fn outputs(plan: Option<&Plan>, row: &JobRow) -> Result<Outputs, serde_json::Error> {
    let mut outputs = Outputs::parse(&row.outputs)?;
    if outputs.get(ORIGINAL).is_none() {
        return Ok(outputs);
    }
    let generations = Generations::parse(&row.summary.generations);
    let answered = plan.and_then(|plan| Some(plan.steps[done(plan, &generations).checked_sub(1)?].name));
    outputs.replace(ORIGINAL, answered.unwrap_or(ORIGINAL), json_in);
    Ok(outputs)
}

/// The JSON that a text holds; a text that holds none is what the step answered.
fn json_in(text: &str) -> Option<Box<RawValue>> {
    let text: String = serde_json::from_str(text).ok()?;
    RawValue::from_string(text).ok()
}

/// How many steps the original framework had done; their outputs are not there, but for the last.
pub(crate) fn done(plan: &Plan, generations: &Generations) -> usize {
    usize::try_from(generations.of(ORIGINAL)).map_or(0, |done| done.min(plan.steps.len()))
}
