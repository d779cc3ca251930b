//! A batch as one JSON array of arrays, for MySQL and MariaDB.

use std::borrow::Cow;

use super::batch::{Cell, Column, Form, Kind};
use super::params::Param;

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

    fn bind<'a>(&self, columns: &[Column], cells: &'a [Cell<'_>]) -> (usize, Vec<Param<'a>>) {
        (0, vec![Param::Text(Some(Cow::Owned(json(columns.len(), cells))))])
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
fn json(width: usize, cells: &[Cell<'_>]) -> String {
    let mut json = Vec::with_capacity(cells.len() * 16);
    for (at, cell) in cells.iter().enumerate() {
        let place = (at % width == 0, at == 0);
        json.extend_from_slice(match place {
            (true, true) => b"[[",
            (true, false) => b"],[",
            (false, _) => b",",
        });
        add(&mut json, *cell);
    }
    json.extend_from_slice(if cells.is_empty() { b"[]" } else { b"]]" });
    String::from_utf8(json).expect("JSON is text")
}

fn add(json: &mut Vec<u8>, cell: Cell<'_>) {
    let added = match cell {
        Cell::Big(number) => serde_json::to_writer(json, &number),
        Cell::Int(number) => serde_json::to_writer(json, &number),
        Cell::Text(text) => serde_json::to_writer(json, text),
        Cell::Maybe(text) => serde_json::to_writer(json, &text),
        Cell::Hash(hash) => {
            add_digits(json, &hash.0);
            return;
        }
    };
    added.expect("numbers and texts always serialize");
}

fn add_digits(json: &mut Vec<u8>, bytes: &[u8]) {
    let digit = |half: u8| b"0123456789abcdef"[usize::from(half)];
    json.push(b'"');
    bytes.iter().for_each(|byte| json.extend([digit(byte >> 4), digit(byte & 15)]));
    json.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Hash;

    #[test]
    fn rows_become_arrays() {
        let cells = [
            Cell::Big(1),
            Cell::Text("a\"\u{1}🦀"),
            Cell::Maybe(None),
            Cell::Int(-2),
            Cell::Maybe(Some("")),
            Cell::Big(3),
        ];
        assert_eq!(json(3, &cells), "[[1,\"a\\\"\\u0001🦀\",null],[-2,\"\",3]]");
        assert_eq!(json(3, &[]), "[]");
        let hash = Hash([0xa5; 32]);
        assert_eq!(json(1, &[Cell::Hash(hash)]), format!("[[\"{}\"]]", "a5".repeat(32)));
    }
}
