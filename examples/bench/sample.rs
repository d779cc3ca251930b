//! What vtask leaves in the row of a job, read back from one.

use std::sync::Arc;

use anyhow::Context;
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use serde_json::{Map, Value};
use vtask::Client;

use crate::jobs::{Board, Parcel};
use crate::subject::Subject;

/// The columns of a finished job, and of the checkpoints before it.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) host: String,
    pub(crate) plan: i64,
    pub(crate) input: Arc<str>,
    /// The steps in order.
    pub(crate) steps: Vec<String>,
    /// The column `responses` after each step.
    pub(crate) responses: Vec<Arc<str>>,
    /// The column `history` after each step.
    pub(crate) histories: Vec<Arc<str>>,
}

impl Sample {
    /// Runs a job and reads its row.
    pub(crate) async fn of(
        subject: Subject,
        client: &Client,
        database: &DatabaseConnection,
        payload: usize,
    ) -> anyhow::Result<Arc<Self>> {
        let center = subject.work(client, &Board::new(subject.steps, 0), 1).await?;
        let id = subject.jobs(client).finish(Parcel::new(payload)).await?;
        center.shutdown().await?;
        let text = format!("SELECT name, host, plan, input, responses, history FROM task WHERE id = {id}");
        let row = database.query_one_raw(Statement::from_string(database.get_database_backend(), text)).await?;
        let row = row.context("the row of a job that has just ended")?;
        let responses: Map<String, Value> = serde_json::from_str(&row.try_get_by_index::<String>(4)?)?;
        let history: Vec<Value> = serde_json::from_str(&row.try_get_by_index::<String>(5)?)?;
        anyhow::ensure!(history.len() == responses.len(), "the job failed on its way: {history:?}");
        Ok(Arc::new(Self {
            name: row.try_get_by_index(0)?,
            host: row.try_get_by_index(1)?,
            plan: row.try_get_by_index(2)?,
            input: row.try_get_by_index::<String>(3)?.into(),
            steps: responses.keys().cloned().collect(),
            responses: (1..=responses.len()).map(|count| first_outputs(&responses, count)).collect(),
            histories: (1..=history.len()).map(|count| json(&history[..count])).collect(),
        }))
    }
}

fn first_outputs(outputs: &Map<String, Value>, count: usize) -> Arc<str> {
    let outputs: Map<String, Value> = outputs.iter().take(count).map(|(k, v)| (k.clone(), v.clone())).collect();
    Value::Object(outputs).to_string().into()
}

fn json(entries: &[Value]) -> Arc<str> {
    Value::Array(entries.to_vec()).to_string().into()
}
