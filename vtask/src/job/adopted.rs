//! Rows that the original framework wrote.
//!
//! It knew a step by its number, and kept the answer of the last one only. A row that was adopted has that answer as the
//! output [`ORIGINAL`], and the number of the steps that were done under the same name among the generations, where it
//! stays. Whoever reads the row with the job's table at hand gives the answer the name of its step.

use vtask_storage::value::JobRow;

use super::plan::Plan;
use crate::codec::{Generations, Outputs};

/// The name of no step.
const ORIGINAL: &str = "$original";

/// The outputs of a row, the adopted one under the name of its step.
pub(crate) fn outputs(plan: &Plan, row: &JobRow) -> Result<Outputs, serde_json::Error> {
    let mut outputs = Outputs::parse(&row.outputs)?;
    if let Some(answered) = done(plan, &Generations::parse(&row.summary.generations)).checked_sub(1) {
        outputs.rename(ORIGINAL, plan.steps[answered].name);
    }
    Ok(outputs)
}

/// How many steps the original framework had done; their outputs are not there, but for the last.
pub(crate) fn done(plan: &Plan, generations: &Generations) -> usize {
    usize::try_from(generations.of(ORIGINAL)).map_or(0, |done| done.min(plan.steps.len()))
}
