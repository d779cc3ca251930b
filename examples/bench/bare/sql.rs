//! The bare statements, in the form that is fastest on each database.

use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::sample::Sample;
use crate::scratch::Kind;

/// The value of a column of a row.
#[derive(Debug, Clone)]
pub(super) enum Cell {
    Big(i64),
    Text(Arc<str>),
    Hash([u8; 32]),
}

impl Cell {
    pub(super) fn big(&self) -> Option<i64> {
        if let Self::Big(number) = self { Some(*number) } else { None }
    }

    pub(super) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub(super) fn hash(&self) -> Option<&[u8]> {
        if let Self::Hash(bytes) = self { Some(bytes) } else { None }
    }
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Big(number) => serializer.serialize_i64(*number),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Hash(bytes) => serializer.serialize_bytes(bytes),
        }
    }
}

/// How the cells of all rows are given to a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A parameter for each.
    Cells,
    /// An array for each column.
    Arrays,
    /// One text for all.
    Json,
}

/// A statement over so many rows.
#[derive(Debug)]
pub(super) struct Sql {
    pub(super) text: Arc<str>,
    pub(super) form: Form,
}

/// A column with its type on PostgreSQL.
type Column = (&'static str, &'static str);

const INSERTED: [Column; 7] = [
    ("id", "bigint"),
    ("uuid", "text"),
    ("key_hash", "bytea"),
    ("input_hash", "bytea"),
    ("birth", "bigint"),
    ("lease", "bigint"),
    ("input", "text"),
];

/// In the order in which a statement for one row names them.
const UPDATED: [Column; 6] = [
    ("lease", "bigint"),
    ("input", "text"),
    ("responses", "text"),
    ("history", "text"),
    ("id", "bigint"),
    ("old_lease", "bigint"),
];

/// Writes statements for so many rows.
pub(super) struct Writer<'a> {
    pub(super) kind: Kind,
    pub(super) sample: &'a Sample,
    pub(super) rows: usize,
}

impl Writer<'_> {
    /// The insert, and one update for each step. What is the same in all rows stands in the text.
    pub(super) fn all(&self) -> Vec<Sql> {
        std::iter::once(self.insert()).chain((1..=self.sample.steps.len()).map(|step| self.update(step))).collect()
    }

    fn insert(&self) -> Sql {
        let (now, Sample { name, host, plan, steps, .. }) = (self.kind.now(), self.sample);
        let columns = "id, uuid, key_hash, input_hash, birth, lease, input, name, host, plan, steps, step_name, step, \
                       status, boot, work, responses, history, generations, wake_at, create_time, update_time";
        let same = format!(
            "'{name}', '{host}', {plan}, {}, '{}', 1, 0, 0, 1, '{{}}', '[]', '{{}}', {now}, {now}, {now}",
            steps.len(),
            steps[0]
        );
        let form = if self.rows > 1 && self.kind == Kind::Postgres { Form::Arrays } else { Form::Cells };
        let rows = match form {
            Form::Cells => {
                let cells: Vec<String> = (1..=INSERTED.len()).map(|number| self.placeholder(number)).collect();
                format!("VALUES {}", vec![format!("({}, {same})", cells.join(", ")); self.rows].join(", "))
            }
            _ => format!("SELECT v.*, {same} FROM {}", self.source(&INSERTED)),
        };
        Sql { text: format!("INSERT INTO bare_task ({columns}) {rows}").into(), form }
    }

    fn update(&self, step: usize) -> Sql {
        let [lease, input, responses, history, id, old_lease] = std::array::from_fn(|column| match self.rows {
            1 => self.placeholder(column + 1),
            _ => format!("v.v_{}", UPDATED[column].0),
        });
        let (now, next) = (self.kind.now(), self.sample.steps.get(step).map_or("", String::as_str));
        let end = if step == self.sample.steps.len() { ", status = 2, work = 0" } else { "" };
        let set = format!(
            "lease = {lease}, input = {input}, responses = {responses}, history = {history}, step = {}, \
             step_name = '{next}', update_time = {now}{end}",
            step + 1
        );
        // A sum is in no index, so that PostgreSQL cannot come to begin with the index of the status.
        let guard = format!("t.lease = {old_lease} AND t.status + 0 = 0 AND t.step = {step} AND t.request = 0");
        if self.rows == 1 {
            let text = format!("UPDATE bare_task AS t SET {set} WHERE t.id = {id} AND {guard}");
            return Sql { text: text.into(), form: Form::Cells };
        }
        self.update_many(&set, &format!("t.id = {id}"), &guard)
    }

    fn update_many(&self, set: &str, on: &str, guard: &str) -> Sql {
        let v = self.source(&UPDATED);
        let (text, form) = match self.kind {
            Kind::Sqlite => {
                (format!("WITH {v} UPDATE bare_task AS t SET {set} FROM v WHERE {on} AND {guard}"), Form::Cells)
            }
            Kind::Postgres => {
                (format!("UPDATE bare_task AS t SET {set} FROM {v} WHERE {on} AND {guard}"), Form::Arrays)
            }
            Kind::MySql => {
                let join = "STRAIGHT_JOIN bare_task AS t FORCE INDEX (PRIMARY)";
                (format!("UPDATE {v} {join} ON {on} SET {set} WHERE {guard}"), Form::Json)
            }
        };
        Sql { text: text.into(), form }
    }

    /// The rows as a table `v`.
    fn source(&self, columns: &[Column]) -> String {
        let list = |column: fn((usize, &Column)) -> String| {
            columns.iter().enumerate().map(column).collect::<Vec<String>>().join(", ")
        };
        let names = list(|(_, (name, _))| format!("v_{name}"));
        match self.kind {
            Kind::Sqlite => {
                let row = format!("({})", list(|_| "?".to_owned()));
                format!("v({names}) AS (VALUES {})", vec![row; self.rows].join(", "))
            }
            Kind::Postgres => {
                let arrays = list(|(at, (_, of))| format!("${}::{of}[]", at + 1));
                format!("unnest({arrays}) AS v({names})")
            }
            Kind::MySql => {
                let paths = list(|(at, (name, of))| {
                    let of = if *of == "bigint" { "BIGINT" } else { "LONGTEXT CHARACTER SET utf8mb4" };
                    format!("v_{name} {of} PATH '$[{at}]'")
                });
                format!("JSON_TABLE(?, '$[*]' COLUMNS ({paths})) AS v")
            }
        }
    }

    fn placeholder(&self, number: usize) -> String {
        if self.kind == Kind::Postgres { format!("${number}") } else { "?".to_owned() }
    }
}
