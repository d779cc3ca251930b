//! Inserting jobs, each keyword once.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DbErr, QueryResult, Value};

use super::batch::{Column, Kind, Template};
use super::statements::{Statements, list};
use super::write::due_columns;
use crate::error::StorageError;
use crate::value::{Boot, Hash, Inserted, JobId, NewJob};

pub(super) const COLUMNS: &[Column] = &[
    ("uuid", Kind::Text),
    ("name", Kind::Text),
    ("step_name", Kind::Text),
    ("steps", Kind::Int),
    ("plan", Kind::Big),
    ("birth", Kind::Big),
    ("lease", Kind::Big),
    ("due_kind", Kind::Int),
    ("due", Kind::Big),
    ("boot", Kind::Big),
    ("host", Kind::Text),
    ("key_hash", Kind::Hash),
    ("input_hash", Kind::Hash),
    // The last, because some databases walk over it once for each column behind it.
    ("input", Kind::Text),
];

pub(super) const TEMPLATE: Template = Template::Insert {
    into: "uuid, name, input, step_name, steps, plan, birth, lease, wake_at, boot, host, key_hash, input_hash, step, \
           status, work, responses, history, generations, create_time, update_time",
    values: ":uuid, :name, :input, :step_name, :steps, :plan, :birth, :lease, CASE :due_kind WHEN 1 THEN {now} + :due \
             ELSE :due END, :boot, :host, :key_hash, :input_hash, 1, 0, 1, '{}', '[]', '{}', {now}, {now}",
    key: "key_hash",
    returning: FOUND,
};

/// The columns of a [`Found`].
const FOUND: &str = "key_hash, id, birth, name, input_hash";

/// Inserts at most [`MOST_ROWS`](super::batch::MOST_ROWS) jobs.
pub(super) async fn insert<C: ConnectionTrait>(
    sql: &Statements,
    connection: &C,
    jobs: &[NewJob],
) -> Result<Vec<Inserted>, StorageError> {
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    let keys: Vec<Hash> = jobs.iter().map(|job| Hash::of(&job.keyword)).collect();
    let rows = jobs.iter().zip(&keys).map(|(job, key)| columns(job, key)).collect();
    let statement = sql.insert.statement(rows);
    let mut found = BTreeMap::new();
    if sql.dialect.returns_rows() {
        found.extend(sql.read(&sql.all(connection, statement).await?, read)?);
    } else {
        sql.execute(connection, statement).await?;
    }
    found.extend(present(sql, connection, keys.iter().filter(|key| !found.contains_key(key))).await?);
    jobs.iter().zip(&keys).map(|(job, key)| answer(job, found.get(key))).collect()
}

fn columns(job: &NewJob, key: &Hash) -> Vec<Value> {
    let (due_kind, due) = due_columns(job.due);
    let (boot, host) = job.owner.as_ref().map_or((Boot::NOBODY, ""), |owner| (owner.boot, &owner.host));
    vec![
        job.keyword.as_str().into(),
        job.name.as_str().into(),
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
        job.input.as_str().into(),
    ]
}

/// The job that a keyword has.
struct Found {
    birth: i64,
    inserted: Inserted,
}

/// The jobs that have these keywords, new or not.
async fn present<C: ConnectionTrait>(
    sql: &Statements,
    connection: &C,
    keys: impl Iterator<Item = &Hash>,
) -> Result<Vec<(Hash, Found)>, StorageError> {
    let keys: Vec<Vec<u8>> = keys.map(|key| key.0.to_vec()).collect();
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let (hashes, values) = list(keys.into_iter());
    let hint = sql.dialect.use_key_index;
    let text = format!("SELECT {FOUND} FROM {{prefix}}task{hint} WHERE key_hash IN ({hashes}) ORDER BY id{{lock}}");
    let rows = sql.all(connection, sql.statement(&text, values)).await?;
    sql.read(&rows, read)
}

fn read(row: &QueryResult) -> Result<(Hash, Found), DbErr> {
    let hash = |index| {
        let bytes: Vec<u8> = row.try_get_by_index(index)?;
        bytes.try_into().map(Hash).map_err(|_| DbErr::Type("a hash of other than 32 bytes".to_owned()))
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
