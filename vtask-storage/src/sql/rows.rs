//! A batch as rows of parameters, for SQLite: filled up with rows of NULLs to a power of two, so that nine texts serve
//! for any number of rows.

use sea_orm::Value;

use super::batch::{Column, Form, MOST_ROWS, names_of};
use super::statements::placeholders;

pub(crate) struct Rows;

impl Form for Rows {
    fn update(&self, columns: &[Column], set: &str, guard: &str, returning: &str) -> Vec<String> {
        let text =
            |v| format!("{v} UPDATE {{prefix}}task AS t SET {set} FROM v WHERE t.id = v.v_id AND {guard}{returning}");
        lists(columns).map(text).collect()
    }

    fn insert(&self, columns: &[Column], into: &str, values: &str, key: &str, end: &str) -> Vec<String> {
        let rows = format!("SELECT {values} FROM v WHERE v.v_{key} IS NOT NULL");
        lists(columns).map(|v| format!("{v} INSERT INTO {{prefix}}task ({into}) {rows}{end}")).collect()
    }

    fn bind(&self, columns: &[Column], rows: Vec<Vec<Value>>) -> (usize, Vec<Value>) {
        let size = rows.len().next_power_of_two();
        let empty = (size - rows.len()) * columns.len();
        let padding = std::iter::repeat_n(Value::BigInt(None), empty);
        (size.trailing_zeros() as usize, rows.into_iter().flatten().chain(padding).collect())
    }
}

/// `v` in each size.
fn lists(columns: &[Column]) -> impl Iterator<Item = String> {
    let (row, names) = (format!("({})", placeholders(columns.len())), names_of(columns));
    let list = move |size| format!("WITH v({names}) AS (VALUES {})", vec![row.as_str(); size].join(","));
    (0..=MOST_ROWS.trailing_zeros()).map(|power| 1 << power).map(list)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::batch::Kind;

    #[test]
    fn every_batch_finds_a_text_that_holds_it() {
        let columns = [("id", Kind::Big), ("lease", Kind::Big)];
        let texts: Vec<String> = lists(&columns).collect();
        for rows in 1..=MOST_ROWS {
            let (text, values) = Rows.bind(&columns, vec![vec![Value::from(1_i64); 2]; rows]);
            assert_eq!(texts[text].matches('?').count(), values.len(), "batch of {rows}");
            assert!(values.len() < (2 * rows).max(2) * 2, "batch of {rows}");
        }
    }
}
