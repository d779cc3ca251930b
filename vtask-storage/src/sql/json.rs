//! A batch as one JSON array of arrays, for MySQL and MariaDB.

use sea_orm::Value;
use serde::{Serialize, Serializer};

use super::batch::{Column, Form, Kind};

pub(crate) struct Json;

impl Form for Json {
    fn column(&self, columns: &[Column], name: &str) -> String {
        let is_hash = columns.iter().any(|(known, kind)| *known == name && *kind == Kind::Hash);
        if is_hash { format!("unhex(v.v_{name})") } else { format!("v.v_{name}") }
    }

    /// The order of the tables is forced: else an empty table may be joined by a scan, and what it scans be locked.
    fn update(&self, columns: &[Column], set: &str, guard: &str, _returning: &str) -> Vec<String> {
        let v = source(columns);
        vec![format!(
            "UPDATE {v} STRAIGHT_JOIN {{prefix}}task AS t FORCE INDEX (PRIMARY) ON t.id = v.v_id SET {set} WHERE {guard}"
        )]
    }

    fn insert(&self, columns: &[Column], into: &str, values: &str, _key: &str, end: &str) -> Vec<String> {
        vec![format!("INSERT INTO {{prefix}}task ({into}) SELECT {values} FROM {}{end}", source(columns))]
    }

    fn bind(&self, _columns: &[Column], rows: Vec<Vec<Value>>) -> (usize, Vec<Value>) {
        (0, vec![json(&rows).into()])
    }
}

/// `v` as a table. A value that does not fit is an error: by default it would silently be NULL.
fn source(columns: &[Column]) -> String {
    let column = |(at, (name, kind)): (usize, &Column)| {
        format!("v_{name} {} PATH '$[{at}]' NULL ON EMPTY ERROR ON ERROR", name_of(*kind))
    };
    let columns: Vec<String> = columns.iter().enumerate().map(column).collect();
    format!("JSON_TABLE(?, '$[*]' COLUMNS ({})) AS v", columns.join(", "))
}

fn name_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Big => "BIGINT",
        Kind::Int => "INT",
        Kind::Text | Kind::Maybe => "LONGTEXT CHARACTER SET utf8mb4",
        Kind::Hash => "CHAR(64)",
    }
}

/// The rows; bytes go as hexadecimal digits.
fn json(rows: &[Vec<Value>]) -> String {
    let rows: Vec<Vec<Cell<'_>>> = rows.iter().map(|row| row.iter().map(Cell).collect()).collect();
    serde_json::to_string(&rows).expect("numbers and texts always serialize")
}

struct Cell<'a>(&'a Value);

impl Serialize for Cell<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::BigInt(Some(number)) => serializer.serialize_i64(*number),
            Value::Int(Some(number)) => serializer.serialize_i32(*number),
            Value::String(Some(text)) => serializer.serialize_str(text),
            Value::Bytes(Some(bytes)) => {
                serializer.serialize_str(&bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
            }
            _ => serializer.serialize_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_arrays() {
        let row =
            vec![Value::from(1_i64), Value::from("a\"\u{1}🦀"), Value::String(None), Value::from(vec![0_u8, 255])];
        assert_eq!(json(&[row, vec![Value::from(-2)]]), "[[1,\"a\\\"\\u0001🦀\",null,\"00ff\"],[-2]]");
        assert_eq!(json(&[]), "[]");
    }
}
