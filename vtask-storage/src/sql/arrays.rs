//! A batch as one array a column, for PostgreSQL.
//!
//! The driver takes no array with a NULL in it. So a NULL goes as an empty text, and one more column says by its bits
//! which texts are meant as NULL.

use super::batch::{Cell, Column, Form, Kind, names_of};
use super::params::{Array, Param};

pub(crate) struct Arrays;

impl Form for Arrays {
    fn placeholder(&self, number: usize, kind: Kind) -> String {
        format!("${number}::{}", name_of(kind))
    }

    fn column(&self, columns: &[Column], name: &str) -> String {
        let nullable = nullables(columns).position(|column| columns[column].0 == name);
        let bit = |bit: usize| format!("CASE WHEN v.v_nulls & {} = 0 THEN v.v_{name} END", 1 << bit);
        nullable.map_or_else(|| format!("v.v_{name}"), bit)
    }

    fn update(&self, columns: &[Column], set: &str, guard: &str, returning: &str) -> Vec<String> {
        let v = source(columns);
        vec![format!("UPDATE {{prefix}}task AS t SET {set} FROM {v} WHERE t.id = v.v_id AND {guard}{returning}")]
    }

    /// Rows are inserted in the order of their keys, so that two batches with the same keys cannot wait for each other,
    /// and get their ids in the order in which they were given.
    fn insert(&self, columns: &[Column], into: &str, values: &str, key: &str, end: &str) -> Vec<String> {
        let v = source(columns);
        vec![format!(
            "WITH v AS MATERIALIZED (SELECT nextval('{{prefix}}task_id_seq') AS v_id, v.* FROM {v}) INSERT INTO \
             {{prefix}}task (id, {into}) SELECT v.v_id, {values} FROM v ORDER BY v.v_{key}{end}"
        )]
    }

    /// What nobody else inserts need not be put in order, and gets its ids as it is given.
    fn insert_new(&self, columns: &[Column], into: &str, values: &str, _key: &str, end: &str) -> Vec<String> {
        vec![format!("INSERT INTO {{prefix}}task ({into}) SELECT {values} FROM {}{end}", source(columns))]
    }

    fn bind<'a>(&self, columns: &[Column], cells: &'a [Cell<'_>]) -> (usize, Vec<Param<'a>>) {
        let width = columns.len();
        let column = |(at, (_, kind)): (usize, &Column)| array(*kind, cells[at..].iter().step_by(width));
        let nulls = cells.chunks(width).map(nulls).collect();
        (0, columns.iter().enumerate().map(column).chain([Array::Ints(nulls)]).map(Param::Array).collect())
    }
}

/// `v` as a table.
fn source(columns: &[Column]) -> String {
    let kinds = columns.iter().map(|(_, kind)| *kind).chain([Kind::Int]);
    let arrays: Vec<String> = kinds.enumerate().map(|(at, kind)| format!("${}::{}[]", at + 1, name_of(kind))).collect();
    format!("unnest({}) AS v({}, v_nulls)", arrays.join(", "), names_of(columns))
}

fn name_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Big => "bigint",
        Kind::Int => "int",
        Kind::Text | Kind::Maybe => "text",
        Kind::Hash => "bytea",
    }
}

fn array<'a>(kind: Kind, cells: impl Iterator<Item = &'a Cell<'a>>) -> Array<'a> {
    match kind {
        Kind::Big => Array::Bigs(cells.filter_map(big).collect()),
        Kind::Int => Array::Ints(cells.filter_map(int).collect()),
        Kind::Text | Kind::Maybe => Array::Texts(cells.filter_map(text).collect()),
        Kind::Hash => Array::Blobs(cells.filter_map(bytes).collect()),
    }
}

fn big(cell: &Cell<'_>) -> Option<i64> {
    if let Cell::Big(number) = cell { Some(*number) } else { None }
}

fn int(cell: &Cell<'_>) -> Option<i32> {
    if let Cell::Int(number) = cell { Some(*number) } else { None }
}

fn text<'a>(cell: &'a Cell<'_>) -> Option<&'a str> {
    match cell {
        Cell::Text(text) => Some(text),
        Cell::Maybe(text) => Some(text.unwrap_or_default()),
        _ => None,
    }
}

fn bytes<'a>(cell: &'a Cell<'_>) -> Option<&'a [u8]> {
    if let Cell::Hash(hash) = cell { Some(&hash.0) } else { None }
}

/// A bit for each text of a row that may be NULL and is.
fn nulls(row: &[Cell<'_>]) -> i32 {
    let maybe = row.iter().filter(|cell| matches!(cell, Cell::Maybe(_)));
    maybe.enumerate().filter(|(_, cell)| **cell == Cell::Maybe(None)).map(|(bit, _)| 1 << bit).sum()
}

fn nullables(columns: &[Column]) -> impl Iterator<Item = usize> {
    (0..columns.len()).filter(|column| columns[*column].1 == Kind::Maybe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_goes_as_a_bit() {
        let columns = [("a", Kind::Maybe), ("b", Kind::Big), ("c", Kind::Maybe)];
        assert_eq!(Arrays.column(&columns, "b"), "v.v_b");
        assert_eq!(Arrays.column(&columns, "c"), "CASE WHEN v.v_nulls & 2 = 0 THEN v.v_c END");
        let cells = [(None, Some("")), (Some("x"), None)];
        let cells: Vec<Cell<'_>> =
            cells.iter().flat_map(|(a, c)| [Cell::Maybe(*a), Cell::Big(1), Cell::Maybe(*c)]).collect();
        let (_, arrays) = Arrays.bind(&columns, &cells);
        assert_eq!(arrays[0], Param::Array(Array::Texts(vec!["", "x"])));
        assert_eq!(arrays[3], Param::Array(Array::Ints(vec![1, 2])));
    }
}
