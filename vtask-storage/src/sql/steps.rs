//! The connections on which steps work in transactions.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr};

use super::connections::{Close, Connections, MayCommit, Turn};
use super::lent::On;
use super::statements::Statements;
use super::write;
use crate::error::StorageError;
use crate::mutant::is_mutant;
use crate::transactions::StepConnection;
use crate::value::{JobWrite, Written};

const RELEASE: &str = "RELEASE SAVEPOINT vtask";

/// A pool of one connection of a storage.
pub(super) struct Connection {
    pub(super) sql: Arc<Statements>,
    /// The storage's other connections.
    pub(super) others: Arc<Connections>,
    pub(super) pool: DatabaseConnection,
    pub(super) close: Close,
    pub(super) may_commit: MayCommit,
    pub(super) made: Instant,
    /// Held from the beginning of a transaction to its end.
    pub(super) turn: Turn,
}

impl Connection {
    fn classify(&self) -> fn(DbErr) -> StorageError {
        self.sql.dialect.classify
    }
}

#[async_trait]
impl StepConnection for Connection {
    async fn begin(&self) -> Result<DatabaseTransaction, StorageError> {
        self.others.take_turn(&self.turn).await.map_err(self.classify())?;
        // Whoever waited for the last commit may have gone.
        self.may_commit.store(false, Ordering::SeqCst);
        let begun = self.sql.begin(&self.pool).await;
        if begun.is_err() {
            self.turn.end();
        }
        let transaction = begun?;
        transaction.execute_unprepared(self.sql.dialect.save).await.map_err(self.classify())?;
        Ok(transaction)
    }

    async fn release(&self, transaction: &DatabaseTransaction) -> Result<(), StorageError> {
        match transaction.execute_unprepared(RELEASE).await {
            _ if is_mutant("no savepoint") => Ok(()),
            Ok(_) => Ok(()),
            Err(error) if (self.sql.dialect.is_gone)(&error) => Err(StorageError::Refused(error.into())),
            Err(error) => Err((self.classify())(error)),
        }
    }

    async fn write(&self, transaction: &DatabaseTransaction, write: &JobWrite) -> Result<Written, StorageError> {
        let written = write::write(&self.sql, &On::Users(transaction), &[write]).await?;
        Ok(written.into_iter().next().expect("each write has its answer"))
    }

    async fn commit(&self, transaction: DatabaseTransaction) -> Result<(), StorageError> {
        self.may_commit.store(true, Ordering::SeqCst);
        let committed = transaction.commit().await.map_err(self.classify());
        self.may_commit.store(false, Ordering::SeqCst);
        self.turn.end();
        committed
    }

    async fn roll_back(&self, transaction: DatabaseTransaction) -> Result<(), StorageError> {
        // The driver goes back to the beginning of a nested transaction only, where a task of the step's still has one.
        let mut taken_back = Ok(());
        for statement in self.sql.dialect.take_back {
            let done = transaction.execute_unprepared(statement).await.map(drop);
            taken_back = taken_back.and(done);
        }
        // What is left for the driver may be nothing.
        let _ = transaction.rollback().await;
        self.turn.end();
        taken_back.map_err(self.classify())
    }

    fn is_current(&self) -> bool {
        self.others.since().is_none_or(|since| since <= self.made)
    }

    fn close(&self) -> bool {
        (self.close)(&self.pool);
        // The thread of a file's connection answers every call.
        !self.others.are_of_a_file()
    }
}
