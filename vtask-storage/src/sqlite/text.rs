//! SQL texts that do not depend on the size of a batch, so that few are prepared and all stay in the statement cache.

use std::sync::LazyLock;

use sea_orm::{DbBackend, Statement, Value};

/// The clock of the database, in microseconds since 1970.
pub(super) const NOW: &str = "cast(unixepoch('subsec') * 1000000 as integer)";

/// The most rows in one statement; a multiple of this many columns stays far below SQLite's 32 766 parameters.
pub(super) const MOST_ROWS: usize = 256;

/// One text for every power of two of rows, up to [`MOST_ROWS`].
pub(super) type Texts = LazyLock<Vec<String>>;

/// Makes the texts; `text` gets the rows as `(?,?),(?,?)`.
pub(super) fn texts(columns: usize, text: impl Fn(&str) -> String) -> Vec<String> {
    let row = format!("({})", vec!["?"; columns].join(","));
    sizes().map(|size| text(&vec![row.as_str(); size].join(","))).collect()
}

/// The smallest text that holds `rows` rows, and how many empty rows fill it up.
pub(super) fn fitting(texts: &[String], rows: usize) -> (&str, usize) {
    let size = rows.next_power_of_two();
    (&texts[size.trailing_zeros() as usize], size - rows)
}

/// A statement of a constant text.
pub(super) fn statement(sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
    Statement::from_sql_and_values(DbBackend::Sqlite, sql, values)
}

fn sizes() -> impl Iterator<Item = usize> {
    (0..=MOST_ROWS.trailing_zeros()).map(|power| 1 << power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_batch_finds_a_text_that_holds_it() {
        let texts = texts(1, str::to_owned);
        for rows in 1..=MOST_ROWS {
            let (text, empty) = fitting(&texts, rows);
            assert_eq!(text.matches('?').count(), rows + empty, "batch of {rows}");
            assert!(empty < rows.max(2), "batch of {rows}");
        }
    }
}
