//! The step table without the job's types: what the engine decides by.

use std::time::Duration;

use sha2::{Digest, Sha256};
use vtask_storage::value::{JobState, Reason};

use super::Job;
use super::saved::{Migrate, NotMended, mend};
use super::table::{CallbackRow, Policy, StepRow};
use crate::codec::{Generations, Outputs};

/// An attempt of a step that works in a transaction may take so long, unless it says otherwise: others wait for its locks.
const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(5);

/// A job's table as plain data.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) name: &'static str,
    pub(crate) was: &'static [&'static str],
    pub(crate) concurrency: Option<usize>,
    pub(crate) migrate: Option<Migrate>,
    pub(crate) steps: Vec<StepPlan>,
    pub(crate) on_success: Option<CallbackPlan>,
    pub(crate) on_failure: Option<CallbackPlan>,
    /// Tells two versions of the table apart.
    pub(crate) hash: i64,
    /// The generations of a job that has not begun, and the column that holds them.
    pub(crate) unbegun: (Generations, String),
}

#[derive(Debug)]
pub(crate) struct StepPlan {
    pub(crate) name: &'static str,
    pub(crate) was: &'static [&'static str],
    pub(crate) describe: &'static str,
    pub(crate) policy: Policy,
    pub(crate) needs: &'static [usize],
    pub(crate) transactional: bool,
}

#[derive(Debug)]
pub(crate) struct CallbackPlan {
    pub(crate) name: &'static str,
    pub(crate) policy: Policy,
    pub(crate) needs: &'static [usize],
}

/// A row that this table cannot go on with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stuck {
    pub(crate) reason: Reason,
    pub(crate) message: String,
}

impl StepPlan {
    /// The name that idempotency keys go on using.
    pub(crate) fn oldest_name(&self) -> &'static str {
        self.was.first().copied().unwrap_or(self.name)
    }

    /// The name and the former names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.was.iter().copied())
    }

    fn is_called(&self, name: &str) -> bool {
        self.names().any(|known| known == name)
    }

    /// The recorded output, under whichever of the step's names it was recorded.
    pub(crate) fn output<'a>(&self, outputs: &'a Outputs) -> Option<&'a str> {
        self.names().find_map(|name| outputs.get(name))
    }
}

impl Plan {
    pub(crate) fn of<J: Job>() -> Self {
        let table = &J::TABLE;
        let steps: Vec<StepPlan> = table.steps.iter().map(step).collect();
        let on_success = table.on_success.as_ref().map(callback);
        let on_failure = table.on_failure.as_ref().map(callback);
        let hash = hash(&steps, on_success.is_some(), on_failure.is_some());
        let unbegun = Generations::of_steps(steps.iter().map(|step| step.name));
        Self {
            name: table.name,
            was: table.was,
            concurrency: table.concurrency,
            migrate: table.migrate,
            steps,
            on_success,
            on_failure,
            hash,
            unbegun: (unbegun.clone(), unbegun.to_json()),
        }
    }

    /// What tells in a row which program has put it where it is: the hash, and how many steps there are.
    pub(crate) fn stamp(&self) -> (i64, i32) {
        (self.hash, i32::try_from(self.steps.len()).unwrap_or(i32::MAX))
    }

    /// The name that derived keywords go on using.
    pub(crate) fn oldest_name(&self) -> &'static str {
        self.was.first().copied().unwrap_or(self.name)
    }

    /// The name and the former names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.was.iter().copied())
    }

    /// The generations that a column holds.
    pub(crate) fn generations(&self, json: &str) -> Generations {
        if *json == self.unbegun.1 { self.unbegun.0.clone() } else { Generations::parse(json) }
    }

    /// Makes of what another version of the job may have saved what this one reads; whether that changed anything.
    pub(crate) fn mend(&self, input: &mut String, outputs: &mut Outputs) -> Result<bool, NotMended> {
        self.migrate.map_or(Ok(false), |migrate| mend(migrate, input, outputs))
    }

    pub(crate) fn find(&self, step: &str) -> Option<usize> {
        self.steps.iter().position(|row| row.is_called(step))
    }

    /// The step that a row is at.
    ///
    /// A row inserted by a program that does not know the job names no step, nor does one that the original framework
    /// wrote: then the number counts.
    pub(crate) fn present_step(
        &self,
        state: &JobState,
        outputs: &Outputs,
        generations: &Generations,
    ) -> Result<Option<usize>, Stuck> {
        let place = self.place_of(state)?;
        // A job that has not begun begins where this program has it begin.
        let has_begun = state.step > 1 || state.attempt > 0 || state.restarts > 0 || outputs.names().next().is_some();
        match self.steps.get(place) {
            Some(step) if has_begun && step.output(outputs).is_none() => Ok(Some(place)),
            Some(_) if has_begun => Ok(self.next_step(place, outputs, generations)),
            Some(_) => Ok(Some(0)),
            None => Ok(None),
        }
    }

    /// The place in the table that a row names, whether or not its step is recorded.
    pub(crate) fn place_of(&self, state: &JobState) -> Result<usize, Stuck> {
        let name = &*state.step_name;
        if name.is_empty() {
            return self.step_of_number(state.step);
        }
        self.find(name).ok_or_else(|| Stuck {
            reason: Reason::UnknownStep,
            message: format!(
                "job {} has no step {name}: run a program that has it, or that names the step it became with `was = \
                 \"{name}\"`; then the job goes on by itself",
                self.name
            ),
        })
    }

    /// The index of the step of this number; one more than the steps are is the end.
    fn step_of_number(&self, number: i32) -> Result<usize, Stuck> {
        let step = usize::try_from(number.max(1) - 1).unwrap_or(usize::MAX);
        if step <= self.steps.len() {
            return Ok(step);
        }
        Err(Stuck {
            reason: Reason::UnknownStep,
            message: format!(
                "the job is at step {number}, and job {} has {} steps: run a program that has that step; then the job goes \
                 on by itself",
                self.name,
                self.steps.len()
            ),
        })
    }

    /// What comes after this step: the first step without a recorded output that is behind it in this table, or was so in
    /// that of the program which recorded the job last.
    pub(crate) fn next_step(&self, step: usize, outputs: &Outputs, generations: &Generations) -> Option<usize> {
        let to_come = match generations.has_order_of(&self.unbegun.0) {
            // What was behind is behind.
            true => &[],
            false => generations.after(|name| self.steps[step].is_called(name)),
        };
        let was_behind = |other: &StepPlan| to_come.iter().any(|name| other.is_called(name));
        let is_next = |(index, other): (usize, &StepPlan)| {
            index != step && (index > step || was_behind(other)) && other.output(outputs).is_none()
        };
        self.steps.iter().enumerate().position(is_next)
    }

    /// Whether the outputs that a step takes are there.
    pub(crate) fn has_needs(&self, step: usize, outputs: &Outputs) -> bool {
        self.check_needs("", self.steps[step].needs, outputs).is_ok()
    }

    /// Checks that the outputs which a method takes are there.
    pub(crate) fn check_needs(&self, method: &str, needs: &[usize], outputs: &Outputs) -> Result<(), Stuck> {
        let missing = needs.iter().map(|index| &self.steps[*index]).find(|step| step.output(outputs).is_none());
        let Some(step) = missing else { return Ok(()) };
        Err(Stuck {
            reason: Reason::UnknownStep,
            message: format!(
                "{method} of job {} takes the output of step {}, which is not recorded: restart the job at {}, or run the \
                 program that was running it",
                self.name, step.name, step.name
            ),
        })
    }
}

fn step<J: Job>(row: &StepRow<J>) -> StepPlan {
    let default = row.transactional.then_some(TRANSACTION_TIMEOUT);
    StepPlan {
        name: row.name,
        was: row.was,
        describe: row.describe,
        policy: Policy { timeout: row.policy.timeout.or(default), ..row.policy },
        needs: row.needs,
        transactional: row.transactional,
    }
}

fn callback<J: Job>(row: &CallbackRow<J>) -> CallbackPlan {
    CallbackPlan { name: row.name, policy: row.policy, needs: row.needs }
}

/// The first 63 bits of the SHA-256 of the step names, and of which callbacks there are.
fn hash(steps: &[StepPlan], on_success: bool, on_failure: bool) -> i64 {
    let mut hash = Sha256::new();
    for step in steps {
        hash.update((step.name.len() as u64).to_be_bytes());
        hash.update(step.name);
    }
    hash.update([u8::from(on_success), u8::from(on_failure)]);
    let digest = hash.finalize();
    let first = digest.first_chunk().expect("a SHA-256 has 32 bytes");
    (u64::from_be_bytes(*first) >> 1).cast_signed()
}
