//! From what a caller gives to what is inserted, and back.

use vtask_storage::value::{Boot, Due, Hash, Inserted, Limits, NewJob};

use super::InvokeError;
use crate::client::Client;
use crate::job::plan::Plan;
use crate::keyword;
use crate::run::JobRun;

/// How a job is to be saved.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) due: Due,
    pub(crate) rejects_other_input: bool,
}

impl Default for Order {
    fn default() -> Self {
        Self { due: Due::NOW, rejects_other_input: false }
    }
}

/// The methods by which a builder with a field `order: Order` sets it.
macro_rules! order_settings {
    () => {
        /// Has the first step wait so long, on the database's clock.
        pub fn delay(mut self, delay: std::time::Duration) -> Self {
            self.order.due = vtask_storage::value::Due::In(delay);
            self
        }

        /// Has the first step wait until this time, on the database's clock.
        pub fn at(mut self, time: std::time::SystemTime) -> Self {
            self.order.due = vtask_storage::value::Due::At(time.into());
            self
        }

        /// Fails with [`InvokeError::OtherInput`] if the keyword is there with other data, compared as JSON text.
        pub fn reject_other_input(mut self) -> Self {
            self.order.rejects_other_input = true;
            self
        }
    };
}
pub(crate) use order_settings;

/// What the inserting program knows of the steps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start<'a> {
    pub(crate) step_name: &'static str,
    pub(crate) steps: usize,
    pub(crate) plan: i64,
    /// The order of the steps, as it is stored.
    pub(crate) generations: &'a str,
}

impl<'a> Start<'a> {
    /// Nothing.
    pub(crate) const UNKNOWN: Self = Self { step_name: "", steps: 0, plan: 0, generations: "{}" };

    pub(crate) fn of(plan: &'a Plan) -> Self {
        let first = plan.steps.first().map_or("", |step| step.name);
        Self { step_name: first, steps: plan.steps.len(), plan: plan.hash, generations: &plan.unbegun.1 }
    }
}

/// Checks a job and makes the row to insert.
pub(crate) fn new_job(
    client: &Client,
    name: &str,
    start: Start<'_>,
    keyword: String,
    input: String,
    order: &Order,
) -> Result<NewJob, InvokeError> {
    let (limits, env) = (&client.0.limits, &client.0.env);
    keyword::check(&keyword, limits)?;
    check_size(name, &input, limits)?;
    Ok(NewJob {
        keyword,
        is_keyword_drawn: false,
        name: name.to_owned(),
        input,
        step_name: start.step_name.into(),
        steps: i32::try_from(start.steps).unwrap_or(i32::MAX),
        plan: start.plan,
        generations: start.generations.to_owned(),
        birth: Boot::from_random(env.random()).0,
        lease: env.lease(),
        due: order.due,
        owner: None,
    })
}

impl Order {
    /// What the insert says to the caller; `names` are those that the keyword's job may have.
    pub(crate) fn settle<J>(
        &self,
        client: &Client,
        names: &[&str],
        job: NewJob,
        inserted: Inserted,
    ) -> Result<JobRun<J>, InvokeError> {
        let NewJob { keyword, name, input, .. } = job;
        if !names.contains(&inserted.name.as_str()) {
            return Err(InvokeError::KeywordTaken { keyword, name, taken_by: inserted.name });
        }
        let same_input = inserted.created || inserted.input_hash == Hash::of(&input);
        if self.rejects_other_input && !same_input {
            return Err(InvokeError::OtherInput { keyword });
        }
        Ok(JobRun::new(client.clone(), inserted.id, keyword, inserted.created, same_input))
    }
}

fn check_size(name: &str, input: &str, limits: &Limits) -> Result<(), InvokeError> {
    let (bytes, limit) = (input.len(), limits.input.min(limits.row));
    if bytes > limit {
        return Err(InvokeError::TooLarge { name: name.to_owned(), bytes, limit });
    }
    Ok(())
}
