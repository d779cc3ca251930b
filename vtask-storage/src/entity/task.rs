//! The table `task`: one row is one job.

use sea_orm::entity::prelude::*;

/// A job. The codes of `status`, `callback` and `reason` are those of [`Status`](crate::value::Status),
/// [`Callback`](crate::value::Callback) and [`Reason`](crate::value::Reason); times are microseconds since 1970, UTC.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "task")]
pub struct Model {
    /// The row.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The keyword.
    #[sea_orm(column_type = "Text")]
    pub uuid: String,
    /// The name of the job's type.
    pub name: String,
    /// The number of the next step to run, from 1; one more than `steps` at success.
    pub step: i32,
    /// How far the job is.
    pub status: i32,
    /// The outputs by step name, a JSON object.
    #[sea_orm(column_type = "Text")]
    pub responses: String,
    /// The context's data, JSON.
    #[sea_orm(column_type = "Text")]
    pub input: String,
    /// The host of the last owner.
    pub host: String,
    /// When the row was inserted.
    pub create_time: i64,
    /// When the row was last written.
    pub update_time: i64,
    /// SHA-256 of the keyword.
    pub key_hash: Vec<u8>,
    /// SHA-256 of the input as invoked.
    pub input_hash: Vec<u8>,
    /// The owner; 0 is nobody.
    pub boot: i64,
    /// A random number of the insert.
    pub birth: i64,
    /// The token that a write must show.
    pub lease: i64,
    /// 1 while a step or callback is outstanding.
    pub work: i32,
    /// Whether the callback of the outcome has run.
    pub callback: i32,
    /// How many attempts of the callback failed.
    pub callback_attempt: i32,
    /// When the next step or callback is due; of no meaning where `work` is 0.
    pub wake_at: i64,
    /// How many attempts of the next step failed.
    pub attempt: i32,
    /// How often the process died while it ran the next step.
    pub crashes: i32,
    /// How often the job was restarted.
    pub restarts: i32,
    /// The name of the next step.
    pub step_name: String,
    /// The hash of the step table of the program that wrote the row last.
    pub plan: i64,
    /// How many steps the job has there.
    pub steps: i32,
    /// Why the job is in its status.
    pub reason: i32,
    /// The last report of progress, a JSON object.
    #[sea_orm(column_type = "Text", nullable)]
    pub progress: Option<String>,
    /// What the last failed attempt said.
    #[sea_orm(column_type = "Text", nullable)]
    pub error: Option<String>,
    /// The last attempts and operators' acts, a JSON array.
    #[sea_orm(column_type = "Text")]
    pub history: String,
    /// How often a restart dropped the output of each step, and the order of the steps: a JSON object.
    #[sea_orm(column_type = "Text")]
    pub generations: String,
    /// What somebody asked the holder of the job to do: 0 nothing, 1 to cancel it, 2 to pause it.
    pub request: i32,
}

/// A job is related to nothing that vtask knows of.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
