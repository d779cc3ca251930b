//! How jobs were, as it stands in a file.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::names::Names;
use crate::codec::Outputs;
use crate::context::{Context, JobContext};
use crate::job::Job;
use crate::job::erased::decode_context;
use crate::job::plan::Plan;
use crate::job::table::Source;
use crate::testing::sample;

/// All jobs of a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct PlanFile {
    pub(super) jobs: Vec<JobPlan>,
}

/// One job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct JobPlan {
    #[serde(flatten)]
    pub(super) names: Names,
    /// The fields or variants as written.
    pub(super) data: Vec<String>,
    pub(super) steps: Vec<StepPlan>,
    /// The steps whose outputs it takes.
    pub(super) on_success: Option<Vec<String>>,
    pub(super) on_failure: Option<Vec<String>>,
    pub(super) samples: Vec<Sample>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct StepPlan {
    #[serde(flatten)]
    pub(super) names: Names,
    /// The return type as written.
    pub(super) returns: String,
    /// The steps whose outputs it takes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) takes: Vec<String>,
}

/// What a job has saved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Sample {
    pub(super) data: Value,
    #[serde(default)]
    pub(super) outputs: Map<String, Value>,
}

/// A job as this program has it.
#[allow(missing_debug_implementations, reason = "only `check` looks at it")]
pub struct Described {
    pub(super) plan: JobPlan,
    /// Whether this program reads what is saved, or why not.
    pub(super) decode: fn(&Sample) -> Result<(), String>,
}

/// Describes a job.
#[must_use]
pub fn of<J: Job>() -> Described {
    let plan = Plan::of::<J>();
    let name_of = |step: &usize| plan.steps[*step].name.to_owned();
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let steps = J::TABLE.steps.iter().map(|row| StepPlan {
        names: Names { name: row.name.to_owned(), was: owned(row.was) },
        returns: row.output_type.to_owned(),
        takes: row.needs.iter().map(name_of).collect(),
    });
    let takes = |needs: &[usize]| needs.iter().map(name_of).collect::<Vec<_>>();
    let plan = JobPlan {
        names: Names { name: plan.name.to_owned(), was: owned(plan.was) },
        data: owned(J::Data::FIELDS),
        steps: steps.collect(),
        on_success: plan.on_success.as_ref().map(|callback| takes(callback.needs)),
        on_failure: plan.on_failure.as_ref().map(|callback| takes(callback.needs)),
        samples: made_up::<J>(),
    };
    Described { plan, decode: decode::<J> }
}

/// Samples in which integers are 0 or the largest and texts empty; none if the data has none.
fn made_up<J: Job>() -> Vec<Sample> {
    let mut samples = Vec::new();
    for (number, data) in sample::all::<J::Data>().into_iter().enumerate() {
        let mut context = J::Context::new(data);
        let outputs = J::TABLE.steps.iter().filter_map(|row| {
            // One of which there is no sample is left out.
            let json = (row.decode)(&mut context, Source::Type(number)).and_then(|()| (row.encode)(&context));
            Some((row.name.to_owned(), serde_json::from_str(&json.ok()??).ok()?))
        });
        let outputs = outputs.collect();
        samples.extend(serde_json::to_value(context.data()).ok().map(|data| Sample { data, outputs }));
    }
    samples
}

fn decode<J: Job>(sample: &Sample) -> Result<(), String> {
    let plan = Plan::of::<J>();
    let mut input = sample.data.to_string();
    let mut outputs = Outputs::default();
    sample.outputs.iter().for_each(|(name, value)| outputs.push(name.clone(), value.to_string()));
    plan.mend(&mut input, &mut outputs).map_err(|error| error.to_string())?;
    decode_context::<J>(&plan, &input, &outputs).map(drop).map_err(|error| crate::flow::message(&error))
}

impl PlanFile {
    pub(super) fn of(jobs: &[Described]) -> Self {
        Self { jobs: jobs.iter().map(|job| job.plan.clone()).collect() }
    }

    pub(super) fn job(&self, name: &str) -> Option<&JobPlan> {
        self.jobs.iter().find(|job| job.names.name == name)
    }

    /// With the samples of the former file that still decode; its own first.
    pub(super) fn with_samples_of(mut self, former: &Self, jobs: &[Described]) -> Self {
        for (job, described) in self.jobs.iter_mut().zip(jobs) {
            let known = job.names.all().find_map(|name| former.job(name));
            let mut samples: Vec<Sample> = known.map(|known| known.samples.clone()).unwrap_or_default();
            samples.retain(|sample| (described.decode)(sample).is_ok());
            for sample in std::mem::take(&mut job.samples) {
                if !samples.contains(&sample) {
                    samples.push(sample);
                }
            }
            job.samples = samples;
        }
        self
    }

    /// # Panics
    ///
    /// If it is no plan.
    pub(super) fn read(path: &Path) -> Option<Self> {
        match std::fs::read_to_string(path) {
            Ok(text) => Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => panic!("{}: {error}", path.display()),
        }
    }

    /// # Panics
    ///
    /// If it cannot be written.
    pub(super) fn write(&self, path: &Path) {
        let text = serde_json::to_string_pretty(self).expect("texts and JSON values always serialize");
        std::fs::write(path, text + "\n").unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}
