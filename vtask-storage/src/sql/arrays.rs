//! A batch as one array a column, for PostgreSQL.
//!
//! The driver takes no array with a NULL in it. So a NULL goes as an empty text, and one more column says by its bits
//! which texts are meant as NULL.

use sea_orm::Value;
use sea_orm::sea_query::ArrayType;

use super::batch::{Column, Form, Kind, names_of};

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

    fn bind(&self, columns: &[Column], mut rows: Vec<Vec<Value>>) -> (usize, Vec<Value>) {
        let nulls = rows.iter().map(|row| Value::Int(Some(nulls(columns, row)))).collect();
        let mut arrays = Vec::with_capacity(columns.len() + 1);
        for (at, (_, kind)) in columns.iter().enumerate() {
            let column = rows.iter_mut().map(|row| filled(std::mem::replace(&mut row[at], Value::Int(None))));
            arrays.push(array(*kind, column.collect()));
        }
        arrays.push(array(Kind::Int, nulls));
        (0, arrays)
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

fn array(kind: Kind, values: Vec<Value>) -> Value {
    let of = match kind {
        Kind::Big => ArrayType::BigInt,
        Kind::Int => ArrayType::Int,
        Kind::Text | Kind::Maybe => ArrayType::String,
        Kind::Hash => ArrayType::Bytes,
    };
    Value::Array(of, Some(Box::new(values)))
}

fn filled(value: Value) -> Value {
    match value {
        Value::String(None) => Value::String(Some(String::new())),
        value => value,
    }
}

fn nulls(columns: &[Column], row: &[Value]) -> i32 {
    let is_null = |(_, column): &(usize, usize)| matches!(row[*column], Value::String(None));
    nullables(columns).enumerate().filter(is_null).map(|(bit, _)| 1 << bit).sum()
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
        let row = |a: Option<&str>, c: Option<&str>| vec![Value::from(a), Value::from(1_i64), Value::from(c)];
        let (_, arrays) = Arrays.bind(&columns, vec![row(None, Some("")), row(Some("x"), None)]);
        assert_eq!(arrays[0], array(Kind::Text, vec!["".into(), "x".into()]));
        assert_eq!(arrays[3], array(Kind::Int, vec![1.into(), 2.into()]));
    }
}
