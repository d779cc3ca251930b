//! Inserting jobs, each keyword once.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use sea_orm::{ConnectionTrait, QueryResult, Value};

use super::classify;
use super::read::all;
use super::text::{NOW, Texts, fitting, statement, texts};
use super::write::due_columns;
use crate::error::StorageError;
use crate::value::{Boot, Hash, Inserted, JobId, NewJob};

const COLUMNS: usize = 14;

static INSERT: Texts = LazyLock::new(|| {
    texts(COLUMNS, |rows| {
        format!(
            "WITH v(uuid, name, input, step_name, steps, plan, birth, lease, due_kind, due, boot, host, key_hash, \
             input_hash) AS (VALUES {rows}) INSERT INTO task (uuid, name, input, step_name, steps, plan, birth, lease, \
             wake_at, boot, host, key_hash, input_hash, step, status, work, create_time, update_time) SELECT uuid, \
             name, input, step_name, steps, plan, birth, lease, CASE due_kind WHEN 1 THEN {NOW} + due ELSE due END, \
             boot, host, key_hash, input_hash, 1, 0, 1, {NOW}, {NOW} FROM v WHERE key_hash IS NOT NULL ON CONFLICT \
             (key_hash) DO NOTHING"
        )
    })
});

static FOUND: Texts = LazyLock::new(|| {
    texts(1, |rows| format!("SELECT key_hash, id, birth, name, input_hash FROM task WHERE key_hash IN (VALUES {rows})"))
});

/// Inserts at most [`MOST_ROWS`](super::text::MOST_ROWS) jobs.
pub(super) async fn insert<C: ConnectionTrait>(connection: &C, jobs: &[NewJob]) -> Result<Vec<Inserted>, StorageError> {
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    let keys: Vec<Hash> = jobs.iter().map(|job| Hash::of(&job.keyword)).collect();
    let (sql, empty) = fitting(&INSERT, jobs.len());
    let values = jobs.iter().zip(&keys).flat_map(|(job, key)| columns(job, key)).chain(nulls(empty * COLUMNS));
    connection.execute_raw(statement(sql, values)).await.map_err(classify)?;
    let found = found(connection, &keys).await?;
    jobs.iter().zip(&keys).map(|(job, key)| answer(job, found.get(key))).collect()
}

fn columns(job: &NewJob, key: &Hash) -> [Value; COLUMNS] {
    let (due_kind, due) = due_columns(job.due);
    let (boot, host) = job.owner.as_ref().map_or((Boot::NOBODY, ""), |owner| (owner.boot, &owner.host));
    [
        job.keyword.as_str().into(),
        job.name.as_str().into(),
        job.input.as_str().into(),
        job.step_name.as_str().into(),
        job.steps.into(),
        job.plan.into(),
        job.birth.into(),
        job.lease.0.into(),
        due_kind.into(),
        due.into(),
        boot.0.into(),
        host.into(),
        key.0.to_vec().into(),
        Hash::of(&job.input).0.to_vec().into(),
    ]
}

/// The job that a keyword has.
struct Found {
    birth: i64,
    inserted: Inserted,
}

async fn found<C: ConnectionTrait>(connection: &C, keys: &[Hash]) -> Result<BTreeMap<Hash, Found>, StorageError> {
    let (sql, empty) = fitting(&FOUND, keys.len());
    let values = keys.iter().map(|key| key.0.to_vec().into()).chain(nulls(empty));
    let rows = all(connection, statement(sql, values)).await?;
    rows.iter().map(|row| read(row).map_err(classify)).collect()
}

fn read(row: &QueryResult) -> Result<(Hash, Found), sea_orm::DbErr> {
    let hash = |index| {
        let bytes: Vec<u8> = row.try_get_by_index(index)?;
        bytes.try_into().map(Hash).map_err(|_| sea_orm::DbErr::Type("a hash of other than 32 bytes".to_owned()))
    };
    let inserted = Inserted {
        id: JobId(row.try_get_by_index(1)?),
        created: false,
        name: row.try_get_by_index(3)?,
        input_hash: hash(4)?,
    };
    Ok((hash(0)?, Found { birth: row.try_get_by_index(2)?, inserted }))
}

fn answer(job: &NewJob, found: Option<&Found>) -> Result<Inserted, StorageError> {
    // The job that was in the way has been deleted since: the next try inserts.
    let found = found.ok_or_else(|| StorageError::Busy("the keyword was taken and freed meanwhile".into()))?;
    Ok(Inserted { created: found.birth == job.birth, ..found.inserted.clone() })
}

pub(super) fn nulls(count: usize) -> impl Iterator<Item = Value> {
    std::iter::repeat_n(Value::BigInt(None), count)
}
