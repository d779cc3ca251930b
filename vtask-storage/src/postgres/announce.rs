//! Hints by `NOTIFY`. It takes a lock on the whole database when it commits, so callers put several into one.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sea_orm::sqlx::Executor;
use sea_orm::sqlx::postgres::PgListener;
use sea_orm::{DatabaseConnection, sqlx};
use tokio::time::timeout;

use crate::error::StorageError;
use crate::sql::SqlStorage;
use crate::sql::driver::wrapped;
use crate::storage::{Announcements, Listener};

/// After so much silence the server is asked for an answer.
const SILENCE: Duration = Duration::from_secs(20);
/// It has so long for that.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) fn announcements(storage: &SqlStorage) -> Arc<dyn Announcements> {
    Arc::new(Channel(storage.clone()))
}

/// Gives a hint, when the transaction around it commits.
pub(super) const NOTIFY: &str = "SELECT pg_notify('{prefix}task', '')";

/// A channel of the database. Tables of one prefix in two schemas share it: then a hint is one look too many.
struct Channel(SqlStorage);

#[async_trait]
impl Announcements for Channel {
    async fn announce(&self) -> Result<(), StorageError> {
        let sql = &self.0.sql;
        sql.execute(&self.0.writer().await?, sql.statement(NOTIFY, [])).await.map(drop)
    }

    async fn listen(&self) -> Result<Box<dyn Listener>, StorageError> {
        let connection = self.0.connections.one_more().ok_or_else(|| StorageError::Refused("no server".into()))?;
        let classify = |error| (self.0.sql.dialect.classify)(wrapped(error));
        let mut listener =
            PgListener::connect_with(connection.get_postgres_connection_pool()).await.map_err(classify)?;
        listener.listen(&self.0.sql.names.fill("{prefix}task")).await.map_err(classify)?;
        Ok(Box::new(Listens { listener, classify: self.0.sql.dialect.classify, _pool: connection }))
    }
}

struct Listens {
    listener: PgListener,
    classify: fn(sea_orm::DbErr) -> StorageError,
    /// Which the listener connects again from when its connection is lost.
    _pool: DatabaseConnection,
}

#[async_trait]
impl Listener for Listens {
    async fn heard(&mut self) -> Result<(), StorageError> {
        loop {
            if let Ok(heard) = timeout(SILENCE, self.listener.try_recv()).await {
                let heard: Result<_, sqlx::Error> = heard;
                return heard.map(drop).map_err(|error| (self.classify)(wrapped(error)));
            }
            self.ask().await?;
        }
    }
}

impl Listens {
    /// Finds out whether the connection is there: one that somebody between here and the server has forgotten is silent, too.
    async fn ask(&mut self) -> Result<(), StorageError> {
        let asked: Result<_, sqlx::Error> = timeout(PATIENCE, self.listener.execute("SELECT 1"))
            .await
            .map_err(|_| StorageError::Unavailable(format!("no answer within {PATIENCE:?}").into()))?;
        asked.map(drop).map_err(|error| (self.classify)(wrapped(error)))
    }
}
