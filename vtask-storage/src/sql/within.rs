//! What is done in a transaction of the user's own.

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DatabaseExecutor, DatabaseTransaction};

use super::{SqlStorage, insert, pieces};
use crate::error::StorageError;
use crate::storage::Transactions;
use crate::value::{Inserted, NewJob};

#[async_trait]
impl Transactions for SqlStorage {
    async fn insert_within(
        &self,
        transaction: &DatabaseTransaction,
        jobs: &[NewJob],
    ) -> Result<Vec<Inserted>, StorageError> {
        let (ours, given) = (self.sql.dialect.backend, transaction.get_database_backend());
        if ours != given {
            return Err(StorageError::Refused(format!("a {given:?} transaction, and the jobs are in {ours:?}").into()));
        }
        let mut inserted = Vec::with_capacity(jobs.len());
        for piece in pieces(jobs, NewJob::bytes, self.most_bytes) {
            inserted.extend(insert::insert(&self.sql, &DatabaseExecutor::Transaction(transaction), piece).await?);
        }
        if let Some(announce) = self.sql.dialect.announce_within {
            self.sql.execute(transaction, self.sql.statement(announce, [])).await?;
        }
        Ok(inserted)
    }
}
