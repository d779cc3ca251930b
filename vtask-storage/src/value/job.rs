//! A job as it is stored.

use std::borrow::Cow;
use std::sync::Arc;

use super::code::{Callback, Reason, Request, Status};
use super::hash::Hash;
use super::id::{Boot, JobId, Lease, Timestamp};
use crate::mutant::is_mutant;

/// The columns that say how far a job is; a write sets all of them, to absolute values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobState {
    /// How far the job is.
    pub status: Status,
    /// The number of the next step to run, from 1; one more than `steps` at success.
    pub step: i32,
    /// The name of that step; it decides, the number is for people. Empty at success.
    pub step_name: Cow<'static, str>,
    /// How many steps the job has in the program that wrote the row last.
    pub steps: i32,
    /// The hash of that program's step names, and of which callbacks it has.
    pub plan: i64,
    /// Whether the callback of the outcome has run.
    pub callback: Callback,
    /// How many attempts of the callback failed.
    pub callback_attempt: i32,
    /// Who holds the row.
    pub boot: Boot,
    /// The host of the last owner, for people.
    pub host: Arc<str>,
    /// How many attempts of the next step failed.
    pub attempt: i32,
    /// How often the process died while it ran the next step.
    pub crashes: i32,
    /// How often the job was restarted.
    pub restarts: i32,
    /// Why the job is in its status.
    pub reason: Reason,
}

impl JobState {
    /// Whether a step or a callback is outstanding; only then the row is in the index of the engine.
    #[must_use]
    pub fn has_work(&self) -> bool {
        self.status == Status::Running || (self.callback == Callback::Due && !is_mutant("callback without work"))
    }
}

/// A job without its input and outputs, which may be large.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobSummary {
    /// The row.
    pub id: JobId,
    /// The job's global identity, unique byte for byte.
    pub keyword: String,
    /// The name of its type.
    pub name: String,
    /// The token that a write must show.
    pub lease: Lease,
    /// A random number of the insert that never changes: whoever sent it made the row.
    pub birth: i64,
    /// The hash of the input as invoked.
    pub input_hash: Hash,
    /// When the row was inserted.
    pub created: Timestamp,
    /// When the row was last written.
    pub updated: Timestamp,
    /// When the next step or callback is due.
    pub wake_at: Timestamp,
    /// How far it is.
    pub state: JobState,
    /// What somebody asked its holder to do with it, and is not done yet.
    pub request: Request,
    /// What the last failed attempt said.
    pub error: Option<String>,
    /// The last report of progress, a JSON object.
    pub progress: Option<String>,
    /// The last attempts and operators' acts, a JSON array.
    pub history: String,
    /// How often a restart dropped the recorded output of each step, and the order of the steps: a JSON object.
    pub generations: String,
}

/// A whole job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobRow {
    /// All but what may be large.
    pub summary: JobSummary,
    /// The context's data, JSON.
    pub input: String,
    /// The output of each recorded step by its name, a JSON object in the order of recording.
    pub outputs: String,
}

/// A job to insert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// The job's global identity.
    pub keyword: String,
    /// Whether the keyword was drawn at random for this job, so that no other has it. A storage may insert the row without
    /// looking for one of that keyword; it finds one only where the same insert is sent again.
    pub is_keyword_drawn: bool,
    /// The name of its type.
    pub name: String,
    /// The context's data, JSON.
    pub input: String,
    /// The name of the first step, or empty where the inserting program does not know the job.
    pub step_name: Cow<'static, str>,
    /// How many steps it has, or 0 where the inserting program does not know.
    pub steps: i32,
    /// The hash of the step table, or 0.
    pub plan: i64,
    /// The order of the steps, where the inserting program knows the job: the column `generations`, a JSON object.
    pub generations: String,
    /// A random number; [`Inserted::created`] tells by it whether this insert made the row.
    pub birth: i64,
    /// The first token.
    pub lease: Lease,
    /// When the first step is due.
    pub due: Due,
    /// Who holds the row from the start; `None` leaves it to whoever claims it.
    pub owner: Option<Owner>,
}

impl NewJob {
    /// The row that an insert makes of it, at this time of the database.
    #[must_use]
    pub fn row(&self, id: JobId, now: Timestamp) -> JobRow {
        let summary = JobSummary {
            id,
            keyword: self.keyword.clone(),
            name: self.name.clone(),
            lease: self.lease,
            birth: self.birth,
            input_hash: Hash::of(&self.input),
            created: now,
            updated: now,
            wake_at: self.due.time(now, now),
            state: self.state(),
            request: Request::None,
            error: None,
            progress: None,
            history: "[]".to_owned(),
            generations: self.generations.clone(),
        };
        JobRow { summary, input: self.input.clone(), outputs: "{}".to_owned() }
    }

    fn state(&self) -> JobState {
        let owner = self.owner.as_ref();
        JobState {
            status: Status::Running,
            step: 1,
            step_name: self.step_name.clone(),
            steps: self.steps,
            plan: self.plan,
            callback: Callback::None,
            callback_attempt: 0,
            boot: owner.map_or(Boot::NOBODY, |owner| owner.boot),
            host: owner.map_or_else(|| Arc::from(""), |owner| Arc::clone(&owner.host)),
            attempt: 0,
            crashes: 0,
            restarts: 0,
            reason: Reason::None,
        }
    }

    /// Roughly how many bytes the insert sends, to bound a batch.
    #[must_use]
    pub fn bytes(&self) -> usize {
        const SMALL_COLUMNS: usize = 256;
        SMALL_COLUMNS + self.keyword.len() + self.input.len()
    }
}

/// A node that holds rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The life of the node.
    pub boot: Boot,
    /// Its name, for people.
    pub host: Arc<str>,
}

/// What an insert left under a keyword: the new row or the one that was there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inserted {
    /// The row.
    pub id: JobId,
    /// Whether this insert made it.
    pub created: bool,
    /// The name of the job that has the keyword.
    pub name: String,
    /// The hash of the input it was invoked with.
    pub input_hash: Hash,
}

/// When a job is due, on the database's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// As it was.
    Keep,
    /// So long from now.
    In(std::time::Duration),
    /// At this instant.
    At(Timestamp),
}

impl Due {
    /// At once.
    pub const NOW: Self = Self::In(std::time::Duration::ZERO);

    /// The instant that is meant, of a job that was due at `present`.
    #[must_use]
    pub fn time(self, present: Timestamp, now: Timestamp) -> Timestamp {
        match self {
            Self::Keep => present,
            Self::In(wait) => now.after(wait),
            Self::At(time) => time,
        }
    }
}
