//! Inserting jobs, each keyword once.

use std::collections::BTreeMap;

use sea_orm::{DbErr, QueryResult, SqlErr};

use super::batch::{Cell, Column, Kind, Template};
use super::lent::On;
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
    ("generations", Kind::Text),
    // The last, because some databases walk over it once for each column behind it.
    ("input", Kind::Text),
];

pub(super) const TEMPLATE: Template = template(false);
/// Of jobs whose keywords no other has.
pub(super) const TEMPLATE_OF_NEW: Template = template(true);

const fn template(are_new: bool) -> Template {
    Template::Insert {
        into: "uuid, name, input, step_name, steps, plan, birth, lease, wake_at, boot, host, key_hash, input_hash, step, \
               status, work, responses, history, generations, create_time, update_time",
        values: ":uuid, :name, :input, :step_name, :steps, :plan, :birth, :lease, CASE :due_kind WHEN 1 THEN {now} + \
                 :due ELSE :due END, :boot, :host, :key_hash, :input_hash, 1, 0, 1, '{}', '[]', :generations, {now}, \
                 {now}",
        key: "key_hash",
        returning: "key_hash, id, birth",
        are_new,
    }
}

/// The columns of a [`Found`].
const FOUND: &str = "key_hash, id, birth, name, input_hash";

/// Inserts at most [`MOST_ROWS`](super::batch::MOST_ROWS) jobs.
pub(super) async fn insert(sql: &Statements, on: &On<'_>, jobs: &[NewJob]) -> Result<Vec<Inserted>, StorageError> {
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    let hashes: Vec<Hashes> = jobs.iter().map(Hashes::of).collect();
    let made = send(sql, on, jobs, &hashes).await?;
    let is_made = |(job, hashes): (&NewJob, &Hashes)| made.get(&hashes.key).filter(|made| made.birth == job.birth);
    let others = || jobs.iter().zip(&hashes).filter(|new| is_made(*new).is_none()).map(|(_, hashes)| hashes.key);
    let found: BTreeMap<Hash, Found> = present(sql, on, others()).await?.into_iter().collect();
    let answer = |new: (&NewJob, &Hashes)| match is_made(new) {
        Some(made) => {
            let (job, hashes) = new;
            Ok(Inserted { id: made.id, created: true, name: job.name.clone(), input_hash: hashes.input })
        }
        None => answer(new.0, found.get(&new.1.key)),
    };
    jobs.iter().zip(&hashes).map(answer).collect()
}

/// A row that an insert answers: it made the row if the birth is that of its job.
struct Made {
    id: JobId,
    birth: i64,
}

/// What a job is known by.
struct Hashes {
    key: Hash,
    input: Hash,
}

impl Hashes {
    fn of(job: &NewJob) -> Self {
        Self { key: Hash::of(&job.keyword), input: Hash::of(&job.input) }
    }
}

/// Answers the rows that the insert left, by their keys; none, where the database does not tell.
async fn send(
    sql: &Statements,
    on: &On<'_>,
    jobs: &[NewJob],
    hashes: &[Hashes],
) -> Result<BTreeMap<Hash, Made>, StorageError> {
    let cells: Vec<Cell<'_>> = jobs.iter().zip(hashes).flat_map(|(job, hashes)| cells(job, hashes)).collect();
    if !sql.dialect.returns_inserts {
        sql.run_batch(on, &sql.insert, &cells).await?;
        return Ok(BTreeMap::new());
    }
    let rows = match send_new(sql, on, jobs, &cells).await? {
        Some(rows) => rows,
        None => sql.rows_of_batch(on, &sql.insert, &cells).await?,
    };
    let read = |row: &QueryResult| {
        let made = Made { id: JobId(row.try_get_by_index(1)?), birth: row.try_get_by_index(2)? };
        Ok((hash(row, 0)?, made))
    };
    Ok(sql.read(&rows, read)?.into_iter().collect())
}

/// Inserts jobs of which no keyword is there, where that is cheaper; `None` if one is there all the same: then this is sent
/// again.
async fn send_new(
    sql: &Statements,
    on: &On<'_>,
    jobs: &[NewJob],
    cells: &[Cell<'_>],
) -> Result<Option<Vec<QueryResult>>, StorageError> {
    let Some(batch) = sql.insert_new.as_ref().filter(|_| jobs.iter().all(|job| job.is_keyword_drawn)) else {
        return Ok(None);
    };
    // An error would end a transaction.
    if !on.is_by_itself().await {
        return Ok(None);
    }
    let (text, params) = batch.statement(cells);
    match on.rows(text, params).await {
        Err(error) if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => Ok(None),
        rows => rows.map(Some).map_err(sql.dialect.classify),
    }
}

fn cells<'a>(job: &'a NewJob, hashes: &Hashes) -> [Cell<'a>; COLUMNS.len()] {
    let (due_kind, due) = due_columns(job.due);
    let (boot, host) = job.owner.as_ref().map_or((Boot::NOBODY, ""), |owner| (owner.boot, &owner.host));
    [
        Cell::Text(&job.keyword),
        Cell::Text(&job.name),
        Cell::Text(&job.step_name),
        Cell::Int(job.steps),
        Cell::Big(job.plan),
        Cell::Big(job.birth),
        Cell::Big(job.lease.0),
        Cell::Int(due_kind),
        Cell::Big(due),
        Cell::Big(boot.0),
        Cell::Text(host),
        Cell::Hash(hashes.key),
        Cell::Hash(hashes.input),
        Cell::Text(&job.generations),
        Cell::Text(&job.input),
    ]
}

/// The job that a keyword has.
struct Found {
    birth: i64,
    inserted: Inserted,
}

/// The jobs that have these keywords, new or not.
async fn present(
    sql: &Statements,
    on: &On<'_>,
    keys: impl Iterator<Item = Hash>,
) -> Result<Vec<(Hash, Found)>, StorageError> {
    let keys: Vec<Vec<u8>> = keys.map(|key| key.0.to_vec()).collect();
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let (hashes, values) = list(keys.into_iter());
    let hint = sql.dialect.use_key_index;
    let text = format!("SELECT {FOUND} FROM {{prefix}}task{hint} WHERE key_hash IN ({hashes}) ORDER BY id{{lock}}");
    let rows = sql.all_on(on, sql.statement(&text, values)).await?;
    sql.read(&rows, read)
}

fn hash(row: &QueryResult, index: usize) -> Result<Hash, DbErr> {
    let bytes: Vec<u8> = row.try_get_by_index(index)?;
    bytes.try_into().map(Hash).map_err(|_| DbErr::Type("a hash of other than 32 bytes".to_owned()))
}

fn read(row: &QueryResult) -> Result<(Hash, Found), DbErr> {
    let inserted = Inserted {
        id: JobId(row.try_get_by_index(1)?),
        created: false,
        name: row.try_get_by_index(3)?,
        input_hash: hash(row, 4)?,
    };
    Ok((hash(row, 0)?, Found { birth: row.try_get_by_index(2)?, inserted }))
}

fn answer(job: &NewJob, found: Option<&Found>) -> Result<Inserted, StorageError> {
    // The job that was in the way has been deleted since: the next try inserts.
    let found = found.ok_or_else(|| StorageError::Busy("the keyword was taken and freed meanwhile".into()))?;
    Ok(Inserted { created: found.birth == job.birth, ..found.inserted.clone() })
}
