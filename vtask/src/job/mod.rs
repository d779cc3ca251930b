//! What a job is: a type with a table of steps.

pub(crate) mod adopted;
pub(crate) mod erased;
pub(crate) mod plan;
pub(crate) mod result;
pub(crate) mod roster;
pub(crate) mod saved;
pub(crate) mod scope;
pub(crate) mod table;

use std::fmt;
use std::marker::PhantomData;

use self::result::Stored;
use self::table::JobTable;
use crate::context::{Context, JobContext};

/// A type whose steps vtask runs. Made by `#[job]`, never by hand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a job",
    label = "not a job",
    note = "a job is a type with an `impl` block under `#[job]`"
)]
pub trait Job: Sized + Send + Sync + 'static {
    /// What the user gives to an invocation, and what the steps share.
    type Data: JobContext;
    /// What the last step returns.
    type Output: Stored + Send + Sync + 'static;
    /// The data and the output of each recorded step.
    type Context: Context<Self, Data = Self::Data> + Send + Sync + 'static;

    /// The steps, in source order.
    #[doc(hidden)]
    const TABLE: JobTable<Self>;
}

/// A step of the job `J` whose output is a `T`; the constants that `#[job]` makes are of this type.
pub struct Step<J, T> {
    index: usize,
    name: &'static str,
    types: PhantomData<fn() -> (J, T)>,
}

impl<J, T> Step<J, T> {
    pub(crate) const fn new(index: usize, name: &'static str) -> Self {
        Self { index, name, types: PhantomData }
    }

    /// Its stored name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.name
    }

    /// Its place in the table, from 0.
    pub(crate) fn index(self) -> usize {
        self.index
    }
}

impl<J, T> Clone for Step<J, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<J, T> Copy for Step<J, T> {}

impl<J, T> fmt::Debug for Step<J, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Step").field(&self.name).finish()
    }
}
