//! Meaning: all judgement of what the user wrote happens here.

mod job;
mod method;
mod names;
mod owner;
mod parameters;
mod policy;
mod signature;
mod values;

pub(crate) use job::{Callback, Job, Step};
pub(crate) use method::{Output, Routine};
pub(crate) use owner::Owner;
pub(crate) use parameters::{Parameter, Source};
pub(crate) use policy::{Period, Policy, Retry};
