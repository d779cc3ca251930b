//! One job, as whoever invoked or found it holds it.

mod error;
mod look;
mod operate;
mod restart;
mod wait;

use std::fmt;
use std::marker::PhantomData;

use vtask_storage::value::{Hash, JobId};

pub use self::error::{RunError, WaitError};
pub(crate) use self::operate::unchanged;
pub use self::operate::{CancelOutcome, PauseOutcome};
pub use self::restart::Restart;
use crate::client::Client;

/// The type of a job that the program does not know; its context and outputs are JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Untyped {}

/// One job of the type `J`, or of an unknown one ([`Untyped`]). Cheap to clone.
///
/// It is a way to look at the job and to change it, and holds nothing of it: each call asks the database.
///
/// # What an operator may do
///
/// Every act has an answer in every state of a job. [`NotPaused`](RunError::NotPaused) and
/// [`Held`](RunError::Held) are errors, and change nothing.
///
/// | the job is | [`cancel`](Self::cancel) | [`pause`](Self::pause) | [`resume`](Self::resume) | `restart` |
/// |---|---|---|---|---|
/// | due, delayed, or waits for a retry, in nobody's hands | `Cancelled` | `Paused` | `NotPaused` | `Ok` |
/// | waiting for a retry or a slot, in the hands of a node | `Requested`: ends as soon as the node hears of it | `Requested`: pauses as soon as the node hears of it | `NotPaused` | `Held` |
/// | executing a step | `Requested`: the step is told and has the grace to end | `Requested`: pauses after the step | `NotPaused` | `Held` |
/// | in the hands of a node that has died | `Requested`: ends when it is taken over, and no step runs | `Requested`: pauses when it is taken over, and no step runs | `NotPaused` | `Held`, until it is taken from that node |
/// | asked to pause | `Requested`, in the place of the pause | `Requested` | `Ok`: goes on as if nothing had been asked | `Held` |
/// | asked to cancel | `Requested` | `BeingCancelled` | `NotPaused` | `Held` |
/// | asked to pause, and the node has died since; in nobody's hands | `Cancelled` | `Paused` | `Ok` | `Ok` |
/// | asked to cancel, and the node has died since; in nobody's hands | `Cancelled` | `BeingCancelled` | `NotPaused` | `Ok` |
/// | paused, for whatever reason | `Cancelled` | `AlreadyPaused` | `Ok` | `Ok` |
/// | ended, and its callback is due or running | `AlreadyEnded` | `AlreadyEnded` | `NotPaused` | `Held` |
/// | ended, and its callback is over, or it has none | `AlreadyEnded` | `AlreadyEnded` | `NotPaused` | `Ok` |
///
/// - **From where** it is done makes no difference to the answer. A node hears of a request at once if it was made on the
///   client that its center was built with, and within 2 s if it was made anywhere else.
/// - **A request** is shown by [`JobInfo::request`](crate::JobInfo::request) until it is served, and is in the history
///   from then on; one that is taken back leaves no trace. It outlives the node.
/// - **When the step that runs is the last**, the job succeeds in spite of a request. When it says [`stop`](crate::stop())
///   or fails in its last attempt, the job fails; if it was to be cancelled, and did not say `stop`, it is cancelled.
///   Otherwise what the step did is recorded, or its failure counted, in the commit that cancels or pauses the job.
/// - **A cancelled job** has its `on_failure` due in the same commit. The callback of an outcome is neither cancelled nor
///   paused, and runs where the job would.
/// - **A resumed job** goes on at once, also if it was delayed or waited for a retry when it was paused, and has all its
///   attempts before it.
/// - **A restarted job** takes back what was asked. Its callback runs again after its next outcome.
pub struct JobRun<J = Untyped> {
    client: Client,
    id: JobId,
    keyword: String,
    created: bool,
    same_input: bool,
    job: PhantomData<fn() -> J>,
}

impl<J> Clone for JobRun<J> {
    fn clone(&self) -> Self {
        let (client, keyword) = (self.client.clone(), self.keyword.clone());
        Self { client, keyword, job: PhantomData, ..*self }
    }
}

impl<J> fmt::Debug for JobRun<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, keyword, created, .. } = self;
        f.debug_struct("JobRun").field("id", id).field("keyword", keyword).field("created", created).finish()
    }
}

impl<J> JobRun<J> {
    pub(crate) fn new(client: Client, id: JobId, keyword: String, created: bool, same_input: bool) -> Self {
        Self { client, id, keyword, created, same_input, job: PhantomData }
    }

    pub(crate) fn existing(client: Client, id: JobId, keyword: String) -> Self {
        Self::new(client, id, keyword, false, true)
    }

    /// The id of its row.
    #[must_use]
    pub fn id(&self) -> JobId {
        self.id
    }

    /// Its global identity.
    #[must_use]
    pub fn keyword(&self) -> &str {
        &self.keyword
    }

    /// Whether this invocation saved the job; false if the keyword was there before, and of a job that was found.
    #[must_use]
    pub fn created(&self) -> bool {
        self.created
    }

    /// Whether the job was invoked with the same input as this invocation gave, compared as JSON text; true of a job
    /// that was found.
    #[must_use]
    pub fn same_input(&self) -> bool {
        self.same_input
    }

    fn key_hash(&self) -> Hash {
        Hash::of(&self.keyword)
    }
}
