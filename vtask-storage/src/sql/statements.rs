//! The statements of a storage, written out once when it is opened.

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, QueryResult, Statement, TransactionTrait,
    Value,
};

use super::Names;
use super::batch::{Batch, Cell, MOST_ROWS};
use super::dialect::Dialect;
use super::lent::{Lent, On};
use super::{claim, insert, write};
use crate::error::StorageError;

/// What a database is asked and told, in its own words.
#[derive(Debug)]
pub(crate) struct Statements {
    pub(crate) dialect: &'static Dialect,
    pub(crate) names: Names,
    pub(super) write: Batch,
    pub(super) step: Batch,
    pub(super) insert: Batch,
    /// For jobs whose keywords no other has, where that is cheaper.
    pub(super) insert_new: Option<Batch>,
    pub(super) claim: Batch,
}

impl Statements {
    pub(crate) fn new(dialect: &'static Dialect, names: Names) -> Self {
        let batch = |columns, template| Batch::new(dialect, &names, columns, template);
        Self {
            dialect,
            write: batch(write::COLUMNS, &write::TEMPLATE),
            step: batch(write::STEP_COLUMNS, &write::STEP_TEMPLATE),
            insert: batch(insert::COLUMNS, &insert::TEMPLATE),
            insert_new: dialect.inserts_new.then(|| batch(insert::COLUMNS, &insert::TEMPLATE_OF_NEW)),
            claim: batch(claim::COLUMNS, &claim::TEMPLATE),
            names,
        }
    }

    /// A statement whose parameters are written `?`, as most databases have them.
    pub(crate) fn statement(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
        let sql = self.names.fill(&sql.replace("{now}", self.dialect.now).replace("{lock}", self.dialect.lock));
        let sql = if self.dialect.backend == DbBackend::Postgres { numbered(&sql) } else { sql };
        Statement::from_sql_and_values(self.dialect.backend, sql, values)
    }

    pub(super) async fn all<C: ConnectionTrait>(
        &self,
        connection: &C,
        statement: Statement,
    ) -> Result<Vec<QueryResult>, StorageError> {
        connection.query_all_raw(statement).await.map_err(self.dialect.classify)
    }

    /// Answers how many rows the statement touched.
    pub(crate) async fn execute<C: ConnectionTrait>(
        &self,
        connection: &C,
        statement: Statement,
    ) -> Result<u64, StorageError> {
        let result = connection.execute_raw(statement).await.map_err(self.dialect.classify)?;
        Ok(result.rows_affected())
    }

    pub(super) async fn all_on(&self, on: &On<'_>, statement: Statement) -> Result<Vec<QueryResult>, StorageError> {
        on.all(statement).await.map_err(self.dialect.classify)
    }

    /// Carries out a batch that answers no rows, and answers how many it touched.
    pub(super) async fn run_batch(&self, on: &On<'_>, batch: &Batch, cells: &[Cell<'_>]) -> Result<u64, StorageError> {
        let (text, params) = batch.statement(cells);
        Ok(on.run(text, params).await.map_err(self.dialect.classify)?.rows_affected())
    }

    pub(super) async fn rows_of_batch(
        &self,
        on: &On<'_>,
        batch: &Batch,
        cells: &[Cell<'_>],
    ) -> Result<Vec<QueryResult>, StorageError> {
        let (text, params) = batch.statement(cells);
        on.rows(text, params).await.map_err(self.dialect.classify)
    }

    pub(super) async fn begin(&self, connection: &DatabaseConnection) -> Result<DatabaseTransaction, StorageError> {
        connection.begin_with_options((self.dialect.transaction)()).await.map_err(self.dialect.classify)
    }

    /// Carries out several statements as one.
    pub(super) async fn in_transaction<T>(
        &self,
        lent: &Lent,
        statements: impl Future<Output = Result<T, StorageError>>,
    ) -> Result<T, StorageError> {
        lent.begin(self.dialect.begin()).await.map_err(self.dialect.classify)?;
        match statements.await {
            Ok(answer) => lent.end("COMMIT").await.map_err(self.dialect.classify).map(|()| answer),
            Err(error) => {
                // What matters is the first error; a connection that is lost rolls back by itself.
                let _ = lent.end("ROLLBACK").await;
                Err(error)
            }
        }
    }

    /// Reads each row, and sorts what the driver says of it.
    pub(super) fn read<T>(
        &self,
        rows: &[QueryResult],
        read: impl Fn(&QueryResult) -> Result<T, sea_orm::DbErr>,
    ) -> Result<Vec<T>, StorageError> {
        rows.iter().map(|row| read(row).map_err(self.dialect.classify)).collect()
    }
}

/// The text with `$1`, `$2` for its question marks.
fn numbered(sql: &str) -> String {
    let mut numbered = String::with_capacity(sql.len() * 2);
    for (number, part) in sql.split('?').enumerate() {
        if number > 0 {
            numbered.push('$');
            numbered.push_str(&number.to_string());
        }
        numbered.push_str(part);
    }
    numbered
}

/// So many parameters.
pub(super) fn placeholders(count: usize) -> String {
    vec!["?"; count].join(",")
}

/// A list of parameters for these values, filled up with NULLs to a power of two, so that few texts are prepared.
/// At most [`MOST_ROWS`] values; NULL is in no list.
pub(super) fn list<V: Into<Value>>(values: impl ExactSizeIterator<Item = V>) -> (String, Vec<Value>) {
    let size = values.len().next_power_of_two();
    debug_assert!(size <= MOST_ROWS, "longer lists are cut in pieces");
    let mut values: Vec<Value> = values.map(Into::into).collect();
    let null = values.first().map_or(Value::BigInt(None), Value::as_null);
    values.resize(size, null);
    (placeholders(size), values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_numbered_in_order() {
        assert_eq!(numbered("a = ? AND b IN (?,?)"), "a = $1 AND b IN ($2,$3)");
        assert_eq!(numbered("a"), "a");
    }

    #[test]
    fn list_is_filled_up_with_nulls() {
        let (text, values) = list([1_i64, 2, 3].into_iter());
        assert_eq!((text.as_str(), values.len()), ("?,?,?,?", 4));
        assert_eq!(values[3], Value::BigInt(None));
        assert_eq!(list(std::iter::empty::<i64>()).0, "?");
    }
}
