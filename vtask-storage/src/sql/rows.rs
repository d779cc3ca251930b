//! A batch as rows of parameters, for SQLite: filled up with rows of NULLs to one of few sizes, so that few texts serve for
//! any number of rows.

use super::batch::{Cell, Column, Form, MOST_ROWS, names_of};
use super::params::Param;
use super::statements::placeholders;

/// How many rows a text has.
const SIZES: [usize; 13] = [1, 2, 4, 8, 16, 32, 64, 96, 128, 160, 192, 224, MOST_ROWS];

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

    fn bind<'a>(&self, columns: &[Column], cells: &'a [Cell<'_>]) -> (usize, Vec<Param<'a>>) {
        let rows = cells.len() / columns.len();
        let text = SIZES.partition_point(|size| *size < rows);
        let empty = (SIZES[text] - rows) * columns.len();
        let padding = std::iter::repeat_n(Param::Big(None), empty);
        (text, cells.iter().map(Cell::param).chain(padding).collect())
    }
}

/// `v` in each size.
fn lists(columns: &[Column]) -> impl Iterator<Item = String> {
    let (row, names) = (format!("({})", placeholders(columns.len())), names_of(columns));
    let list = move |size| format!("WITH v({names}) AS (VALUES {})", vec![row.as_str(); size].join(","));
    SIZES.into_iter().map(list)
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
            let cells = vec![Cell::Big(1); 2 * rows];
            let (text, params) = Rows.bind(&columns, &cells);
            assert_eq!(texts[text].matches('?').count(), params.len(), "batch of {rows}");
            assert!(params.len() < (2 * rows).max(2) * 2, "batch of {rows}");
        }
    }
}
