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
pub use self::operate::{Cancelled, Paused};
pub use self::restart::Restart;
use crate::client::Client;

/// The type of a job that the program does not know; its context and outputs are JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Json {}

/// One job of the type `J`, or of an unknown one ([`Json`]). Cheap to clone.
///
/// It is a way to look at the job and to change it, and holds nothing of it: each call asks the database.
pub struct JobRun<J> {
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
