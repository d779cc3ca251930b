//! The bare statements, in the form that is fastest on each database.

use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::sample::Sample;
use crate::scratch::Kind;

/// The value of a column of a row.
#[derive(Debug, Clone)]
pub(crate) enum Cell {
    Big(i64),
    Text(Arc<str>),
    Hash([u8; 32]),
}

impl Cell {
    pub(crate) fn big(&self) -> Option<i64> {
        if let Self::Big(number) = self { Some(*number) } else { None }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub(crate) fn hash(&self) -> Option<&[u8]> {
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
pub(crate) enum Form {
    /// A parameter for each.
    Cells,
    /// An array for each column.
    Arrays,
    /// One text for all.
    Json,
}

/// A statement over so many rows.
#[derive(Debug)]
pub(crate) struct Sql {
    pub(crate) text: Arc<str>,
    pub(crate) form: Form,
}

/// A column with its type on PostgreSQL and in MySQL's `JSON_TABLE`.
type Column = (&'static str, &'static str, &'static str);

const INSERTED: [Column; 7] = [
    ("id", "bigint", "BIGINT"),
    ("uuid", "text", "LONGTEXT"),
    ("key_hash", "bytea", "LONGTEXT"),
    ("input_hash", "bytea", "LONGTEXT"),
    ("birth", "bigint", "BIGINT"),
    ("lease", "bigint", "BIGINT"),
    ("input", "text", "LONGTEXT"),
];

/// In the order in which a statement for one row names them.
const UPDATED: [Column; 6] = [
    ("lease", "bigint", "BIGINT"),
    ("input", "text", "LONGTEXT"),
    ("responses", "text", "LONGTEXT"),
    ("history", "text", "LONGTEXT"),
    ("id", "bigint", "BIGINT"),
    ("old_lease", "bigint", "BIGINT"),
];

/// Writes statements for so many rows.
pub(crate) struct Writer<'a> {
    pub(crate) kind: Kind,
    pub(crate) sample: &'a Sample,
    pub(crate) rows: usize,
}

impl Writer<'_> {
    /// The insert, and one update for each step. What is the same in all rows stands in the text.
    pub(crate) fn all(&self) -> Vec<Sql> {
        std::iter::once(self.insert()).chain((1..=self.sample.steps.len()).map(|step| self.update(step))).collect()
    }

    fn insert(&self) -> Sql {
        let (now, Sample { name, host, plan, steps, .. }) = (self.now(), self.sample);
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
        let of = |column: usize| match self.rows {
            1 => self.placeholder(column + 1),
            _ => format!("v.v_{}", UPDATED[column].0),
        };
        let end = if step == self.sample.steps.len() { ", status = 2, work = 0" } else { "" };
        let set = format!(
            "lease = {}, input = {}, responses = {}, history = {}, step = {}, step_name = '{}', update_time = {}{end}",
            of(0),
            of(1),
            of(2),
            of(3),
            step + 1,
            self.sample.steps.get(step).map_or("", String::as_str),
            self.now()
        );
        // A sum is in no index, so that PostgreSQL cannot come to begin with the index of the status.
        let guard = format!("t.lease = {} AND t.status + 0 = 0 AND t.step = {step} AND t.cancel_requested = 0", of(5));
        self.many_or_one(&set, &guard, &of(4))
    }

    fn many_or_one(&self, set: &str, guard: &str, id: &str) -> Sql {
        let v = || self.source(&UPDATED);
        let (text, form) = match self.kind {
            _ if self.rows == 1 => {
                (format!("UPDATE bare_task AS t SET {set} WHERE t.id = {id} AND {guard}"), Form::Cells)
            }
            Kind::Sqlite => {
                let (row, names) =
                    (vec!["?"; UPDATED.len()].join(","), UPDATED.map(|column| format!("v_{}", column.0)));
                let rows = vec![format!("({row})"); self.rows].join(",");
                let v = format!("WITH v({}) AS (VALUES {rows})", names.join(","));
                (format!("{v} UPDATE bare_task AS t SET {set} FROM v WHERE t.id = {id} AND {guard}"), Form::Cells)
            }
            Kind::Postgres => {
                (format!("UPDATE bare_task AS t SET {set} FROM {} WHERE t.id = {id} AND {guard}", v()), Form::Arrays)
            }
            Kind::MySql => {
                let join = "STRAIGHT_JOIN bare_task AS t FORCE INDEX (PRIMARY)";
                (format!("UPDATE {} {join} ON t.id = {id} SET {set} WHERE {guard}", v()), Form::Json)
            }
        };
        Sql { text: text.into(), form }
    }

    /// The rows as a table `v`.
    fn source(&self, columns: &[Column]) -> String {
        let numbered = columns.iter().enumerate();
        if self.kind == Kind::Postgres {
            let arrays: Vec<String> = numbered.map(|(at, column)| format!("${}::{}[]", at + 1, column.1)).collect();
            let names: Vec<String> = columns.iter().map(|column| format!("v_{}", column.0)).collect();
            return format!("unnest({}) AS v({})", arrays.join(", "), names.join(", "));
        }
        let paths: Vec<String> = numbered.map(|(at, (name, _, of))| format!("v_{name} {of} PATH '$[{at}]'")).collect();
        format!("JSON_TABLE(?, '$[*]' COLUMNS ({})) AS v", paths.join(", "))
    }

    fn placeholder(&self, number: usize) -> String {
        if self.kind == Kind::Postgres { format!("${number}") } else { "?".to_owned() }
    }

    fn now(&self) -> &'static str {
        match self.kind {
            Kind::Sqlite => "cast(unixepoch('subsec') * 1000000 as integer)",
            Kind::Postgres => "(extract(epoch from statement_timestamp()) * 1000000)::bigint",
            Kind::MySql => "timestampdiff(microsecond, '1970-01-01', utc_timestamp(6))",
        }
    }
}
