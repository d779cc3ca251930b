//! What is done in transactions that the user's code sees.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DatabaseTransaction};

use super::connections::{MayCommit, Turn};
use super::lent::On;
use super::{SqlStorage, insert, pieces, steps};
use crate::error::StorageError;
use crate::transactions::{StepConnection, Transactions};
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
        for piece in pieces(jobs, NewJob::bytes, |_, _| true, self.most_bytes) {
            inserted.extend(insert::insert(&self.sql, &On::Users(transaction), piece).await?);
        }
        if let Some(announce) = self.sql.dialect.announce_within {
            self.sql.execute(transaction, self.sql.statement(announce, [])).await?;
        }
        Ok(inserted)
    }
    fn step_connection(&self, longest: Duration) -> Box<dyn StepConnection> {
        let may_commit = MayCommit::default();
        let (pool, close) = self.connections.for_steps(longest, &may_commit);
        let (sql, others, turn) = (Arc::clone(&self.sql), Arc::clone(&self.connections), Turn::default());
        Box::new(steps::Connection { sql, others, pool, close, may_commit, made: Instant::now(), turn })
    }

    fn is_exclusive(&self) -> bool {
        self.connections.are_of_a_file()
    }
}
