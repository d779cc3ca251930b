//! Beginning again at a step.

use std::future::{Future, IntoFuture};
use std::pin::Pin;

use vtask_storage::value::{Boot, Callback, Due, JobRow, JobSummary, JobWrite, Reason, RequestGuard, Status};

use super::operate::{Landing, unchanged};
use super::{JobRun, RunError, Untyped};
use crate::codec::{Generations, Outputs};
use crate::context::JobContext;
use crate::engine::CALLBACK_GENERATION;
use crate::history::{self, HistoryEntry, HistoryEvent};
use crate::job::adopted;
use crate::job::plan::Plan;
use crate::job::{Job, Step};
use crate::keyword;

/// A restart that happens when it is awaited.
///
/// # Cancel safety
///
/// A future that is dropped after its first poll may have restarted the job all the same.
#[must_use = "nothing happens until the restart is awaited"]
#[derive(Debug)]
pub struct Restart<J> {
    run: JobRun<J>,
    target: Target,
    input: Option<Result<String, serde_json::Error>>,
    keyword: Option<Derived>,
}

/// The keyword that new data derives, to be compared with that of the saved data.
#[derive(Debug)]
struct Derived {
    keyword: String,
    of_saved: fn(&str) -> Option<String>,
}

impl Derived {
    fn check<J>(&self, run: &JobRun<J>, saved: &str) -> Result<(), RunError> {
        if (self.of_saved)(saved).is_some_and(|saved| saved != self.keyword) {
            let (keyword, new) = (run.keyword.clone(), self.keyword.clone());
            return Err(RunError::OtherKeyword { keyword, new });
        }
        Ok(())
    }
}

/// The keyword that data declares, if it does.
fn declared<J: Job>(data: &J::Data) -> Option<String> {
    keyword::declared(Plan::of::<J>().oldest_name(), &data.keyword_parts())
}

/// Where to begin again.
#[derive(Debug, Clone)]
enum Target {
    /// A step of the table.
    Index(usize),
    /// A step by its stored name.
    Name(String),
}

impl<J: Job> JobRun<J> {
    /// Begins again at a step, such as `PlaceOrder::SHIP`; await the builder.
    ///
    /// The recorded outputs from that step on are dropped, and the job goes on with its data as last saved. Steps whose
    /// output is dropped get a new [`idempotency_key`](crate::Attempt::idempotency_key). The job may be running without
    /// a holder, paused or ended; what was asked of its former holder is taken back.
    ///
    /// # Errors
    ///
    /// Awaiting it gives [`RunError::Held`] while a node holds the job or its callback is due, [`RunError::StepNotReached`] if
    /// an earlier step is not recorded, [`RunError::TooLarge`] if the new data is, [`RunError::OtherKeyword`] if it is that of
    /// another job; [`RunError::Decode`] if the new data does not serialize or the stored outputs are no JSON object;
    /// [`RunError::NotFound`] or [`RunError::Storage`].
    pub fn restart<T>(&self, step: Step<J, T>) -> Restart<J> {
        Restart { run: self.clone(), target: Target::Index(step.index()), input: None, keyword: None }
    }
}

impl JobRun<Untyped> {
    /// Begins again at the step of this stored name; await the builder.
    ///
    /// The recorded outputs from that step on are dropped, and the job goes on with its data as last saved. Without the
    /// job's type only the recorded steps and the next one are known; any other is [`RunError::NoSuchStep`].
    ///
    /// # Errors
    ///
    /// Awaiting it gives that, [`RunError::Held`] while a node holds the job or its callback is due, [`RunError::Decode`] if
    /// the stored outputs are no JSON object; [`RunError::NotFound`] or [`RunError::Storage`].
    pub fn restart(&self, step: impl Into<String>) -> Restart<Untyped> {
        Restart { run: self.clone(), target: Target::Name(step.into()), input: None, keyword: None }
    }
}

impl<J: Job> Restart<J> {
    /// Puts other data in the place of the saved one; the keyword stays.
    #[expect(clippy::needless_pass_by_value, reason = "the data is given as to an invocation")]
    pub fn data(mut self, data: J::Data) -> Self {
        self.input = Some(serde_json::to_string(&data));
        // Data that does not decode has no keyword to differ from: a restart may be there to mend it.
        let of_saved = |json: &str| serde_json::from_str(json).ok().and_then(|data| declared::<J>(&data));
        self.keyword = declared::<J>(&data).map(|keyword| Derived { keyword, of_saved });
        self
    }
}

impl<J: Job> IntoFuture for Restart<J> {
    type Output = Result<(), RunError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.carry_out(Some(Plan::of::<J>())))
    }
}

impl IntoFuture for Restart<Untyped> {
    type Output = Result<(), RunError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.carry_out(None))
    }
}

/// Where a restart leads.
struct Destination {
    /// The number of the step, from 1.
    number: usize,
    name: String,
    outputs: Outputs,
    /// The names of the dropped outputs.
    dropped: Vec<String>,
}

impl<J> Restart<J> {
    async fn carry_out(self, plan: Option<Plan>) -> Result<(), RunError> {
        let run = &self.run;
        let input = self.input.transpose().map_err(|error| run.decode_error("its new data", error))?;
        run.check_size(input.as_deref())?;
        loop {
            let row = run.row().await?;
            run.check_free(&row.summary)?;
            if let Some(derived) = &self.keyword {
                derived.check(run, &row.input)?;
            }
            let mut outputs = run.outputs(&row, plan.as_ref())?;
            let mut data = input.clone().unwrap_or_else(|| row.input.clone());
            if let Some(plan) = &plan {
                // What cannot be mended stays as it is saved: a restart may be there to drop it.
                let _ = plan.mend(&mut data, &mut outputs);
            }
            let mut destination = match (&self.target, &plan) {
                (Target::Index(step), Some(plan)) => run.by_table(plan, &row.summary, *step, outputs)?,
                (Target::Name(name), _) => run.by_record(&row.summary, name, outputs)?,
                (Target::Index(_), None) => unreachable!("only a typed restart has an index, and it has a plan"),
            };
            let data = Some(data).filter(|data| *data != row.input);
            match run.write(restart(&row, plan.as_ref(), &mut destination, data)).await? {
                Landing::Done => return Ok(()),
                Landing::Unknown if run.summary().await?.state.restarts > row.summary.state.restarts => return Ok(()),
                Landing::Unknown | Landing::Changed => {}
            }
        }
    }
}

impl<J> JobRun<J> {
    fn check_size(&self, input: Option<&str>) -> Result<(), RunError> {
        let (bytes, limit) = (input.map_or(0, str::len), self.client.0.limits.input);
        if bytes > limit {
            return Err(RunError::TooLarge { keyword: self.keyword.clone(), bytes, limit });
        }
        Ok(())
    }

    fn check_free(&self, summary: &JobSummary) -> Result<(), RunError> {
        let state = &summary.state;
        if state.boot != Boot::NOBODY || state.callback == Callback::Due {
            let host = (state.boot != Boot::NOBODY).then(|| state.host.to_string());
            return Err(RunError::Held { keyword: self.keyword.clone(), host });
        }
        Ok(())
    }

    /// The destination as the job's own table has it.
    fn by_table(
        &self,
        plan: &Plan,
        summary: &JobSummary,
        step: usize,
        mut outputs: Outputs,
    ) -> Result<Destination, RunError> {
        let name = plan.steps[step].name;
        let known = adopted::done(plan, &Generations::parse(&summary.generations)).min(step);
        if let Some(missing) = plan.steps[known..step].iter().find(|earlier| earlier.output(&outputs).is_none()) {
            return Err(self.not_reached(name, missing.name));
        }
        let dropped = outputs.drop_unless(|output| plan.find(output).is_none_or(|recorded| recorded < step));
        Ok(Destination { number: step + 1, name: name.to_owned(), outputs, dropped })
    }

    /// The destination as the row itself has it: that step goes, and what is behind it in the table of the program that recorded
    /// the job last; of steps that this one did not know, what was recorded later.
    fn by_record(&self, summary: &JobSummary, name: &str, mut outputs: Outputs) -> Result<Destination, RunError> {
        let Some(position) = outputs.position(name) else {
            return self.at_present_step(summary, name, outputs);
        };
        let earlier: Vec<String> = outputs.names().take(position).map(str::to_owned).collect();
        let generations = Generations::parse(&summary.generations);
        let place = |step: &str| generations.order().iter().position(|known| known == step);
        let at = place(name);
        let dropped = outputs.drop_unless(|output| match place(output).zip(at) {
            Some((place, at)) => place < at,
            None => earlier.iter().any(|earlier| earlier == output),
        });
        Ok(Destination { number: position + 1, name: name.to_owned(), outputs, dropped })
    }

    fn at_present_step(&self, summary: &JobSummary, name: &str, outputs: Outputs) -> Result<Destination, RunError> {
        let state = &summary.state;
        if name.is_empty() || state.step_name != name {
            let mut known: Vec<String> = outputs.names().map(str::to_owned).collect();
            known.extend(Some(state.step_name.to_string()).filter(|step| !step.is_empty()));
            return Err(RunError::NoSuchStep { keyword: self.keyword.clone(), step: name.to_owned(), known });
        }
        let number = usize::try_from(state.step).unwrap_or(1);
        Ok(Destination { number, name: name.to_owned(), outputs, dropped: Vec::new() })
    }

    fn not_reached(&self, step: &str, missing: &str) -> RunError {
        let (keyword, step, missing) = (self.keyword.clone(), step.to_owned(), missing.to_owned());
        RunError::StepNotReached { keyword, step, missing }
    }
}

fn restart(row: &JobRow, plan: Option<&Plan>, destination: &mut Destination, input: Option<String>) -> JobWrite {
    let summary = &row.summary;
    let mut generations = Generations::parse(&summary.generations);
    let mut write = unchanged(summary);
    if let Some(plan) = plan {
        // The row is as this program has it: one that cannot read it leaves it.
        (write.state.plan, write.state.steps) = plan.stamp();
        generations.set_order(&plan.unbegun.0);
    }
    destination.dropped.iter().for_each(|name| generations.raise(name));
    if summary.state.callback == Callback::Done {
        generations.raise(CALLBACK_GENERATION);
    }
    let state = &mut write.state;
    (state.status, state.reason, state.callback) = (Status::Running, Reason::None, Callback::None);
    (state.attempt, state.crashes, state.callback_attempt) = (0, 0, 0);
    state.restarts = state.restarts.saturating_add(1);
    state.step = i32::try_from(destination.number).unwrap_or(i32::MAX);
    state.step_name = destination.name.clone().into();
    write.request = RequestGuard::Clear;
    write.due = Due::NOW;
    write.error = None;
    write.input = input;
    write.outputs = Some(destination.outputs.json());
    write.generations = Some(generations.to_json());
    let entry = HistoryEntry::new(HistoryEvent::Restarted, &destination.name);
    write.history = Some(history::push(&summary.history, entry));
    write
}
